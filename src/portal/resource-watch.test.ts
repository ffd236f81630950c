/** A stream that nobody tells of changes of policies: each message is decided all the same. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openRoom, person, type Room } from '../../test/upstream-room.ts'
import { startWatchedServer, type WatchedServer } from '../../test/watched-server.ts'
import { systemClock } from '../base/clock.ts'
import type { PolicyId, PortalId, ServerUid } from '../base/ids.ts'
import { openFacts } from '../policy/facts.ts'
import { NOWHERE } from '../policy/model.ts'
import { insertPolicy } from '../policy/policy-store.ts'
import { openAccesses } from './access.ts'
import { openDirectory } from './directory.ts'
import { insertPortal } from './portal-store.ts'
import { ResourceWatch } from './resource-watch.ts'
import { openToggles } from './toggles.ts'
import { openVisitors } from './visit.ts'

const [ONE, TWO] = ['watched://book/one', 'watched://book/two']
const PATIENCE = { timeout: 10_000, interval: 20 }
const AUTHOR = { label: 'test', origin: 'api' } as const
const SHAPE = { include: [{ everyone: {} }], exclude: [], require: [] }

let room: Room
let server: WatchedServer
let uid: ServerUid
beforeEach(async () => {
  room = await openRoom()
  server = await startWatchedServer('modern')
  uid = await room.add('watched', { url: server.url })
})
afterEach(async () => {
  await room.close()
  await server.stop()
})

/** @returns the policy that lets everybody in */
async function makePortal(): Promise<PolicyId> {
  const { store } = room
  return store.write(async (trx) => {
    const everybody = await insertPolicy(
      store,
      trx,
      { name: 'everybody', decision: 'allow', extra: {}, ...SHAPE },
      AUTHOR,
    )
    const more = { codeMode: 'off' as never, secureWebGateway: false, serviceTokenHeader: null, description: null }
    const mapping = {
      serverUid: uid,
      defaultDisabled: false,
      onBehalf: false,
      updatedTools: null,
      updatedPrompts: null,
    }
    const content = { id: 'p' as PortalId, hostname: 'p.test', name: 'P', policies: [everybody], mappings: [mapping] }
    await insertPortal(store, trx, { ...content, ...more }, AUTHOR)
    return everybody
  })
}

async function deny(uri: string, everybody: PolicyId): Promise<void> {
  const { store } = room
  await store.write(async (trx) => {
    const extra = { capabilities: [{ kinds: ['resource'], names: [uri] }] }
    const denied = await insertPolicy(store, trx, { name: 'no', decision: 'deny', extra, ...SHAPE }, AUTHOR)
    await trx
      .updateTable('portals')
      .set({ policies: JSON.stringify([denied, everybody]) })
      .execute()
    await store.versions.bump(trx, 'policies')
    await store.versions.bump(trx, 'portals')
  })
}

// [SUB-6]
test('what is denied between two messages is not in the second one, nor followed after it', async () => {
  const everybody = await makePortal()
  const directory = await openDirectory({
    store: room.store,
    inventory: (one) => room.upstreams.inventory(one.uid),
    onInventoryChanged: (listener) => room.upstreams.onInventoryChanged(listener),
  })
  const evaluate = () => ({ answers: new Map(), until: Number.POSITIVE_INFINITY })
  const accesses = openAccesses(openFacts({ clock: systemClock, countryOf: () => null, evaluate }))
  const toggles = openToggles(room.store)
  const visitors = openVisitors({ directory, toggles, clock: systemClock, accounts: room.upstreams, accesses })
  const spec = directory.byId('p' as PortalId)
  if (spec === undefined) throw new Error('no portal')
  const principal = person('ada')
  const told: string[] = []
  const watch = new ResourceWatch(
    { upstreams: room.upstreams, visitors },
    {
      ...{ place: { spec, mount: null }, principal, owner: `grant:${principal.grant}`, origin: NOWHERE, session: null },
      client: { era: '2025', version: '2025-11-25', name: null, clientVersion: null, capabilities: {} },
      updated: (uri) => void told.push(uri),
    },
  )
  await watch.want([ONE, TWO].map((uri) => ({ uri, serverUid: uid, hasMetTerms: false })))
  expect(await watch.live(10_000)).toHaveLength(2)
  server.change(ONE)
  await expect.poll(() => told, PATIENCE).toEqual([ONE])
  await deny(ONE, everybody)
  expect(server.listened()).toEqual([ONE, TWO])
  for (const uri of [ONE, TWO]) server.change(uri)
  await expect.poll(() => told, PATIENCE).toEqual([ONE, TWO])
  await expect.poll(() => server.listened(), PATIENCE).toEqual([TWO])
  watch.close()
  await expect.poll(() => server.listened(), PATIENCE).toEqual([])
})
