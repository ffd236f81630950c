/** A portal with a server at which people have accounts of their own: what each sees, and that one person's change is nobody else's. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { startByBearer } from '../../test/by-bearer.ts'
import { openRoom, person, type Room } from '../../test/upstream-room.ts'
import { systemClock } from '../base/clock.ts'
import type { GrantId, PortalId, ServerUid, ServiceTokenId } from '../base/ids.ts'
import type { Principal, ServicePrincipal } from '../base/principal.ts'
import { openFacts } from '../policy/facts.ts'
import { NOWHERE } from '../policy/model.ts'
import { insertPolicy } from '../policy/policy-store.ts'
import { openAccesses } from './access.ts'
import { usable } from './builtin-tool.ts'
import { type Changes, openChanges } from './changes.ts'
import { type Directory, openDirectory } from './directory.ts'
import { insertPortal } from './portal-store.ts'
import type { Place } from './spec.ts'
import { findTarget, offered } from './target.ts'
import { openToggles } from './toggles.ts'
import { openVisitors, type Visit, type Visitors } from './visit.ts'

const tool = (name: string, description = 'one') => ({ name, description, inputSchema: { type: 'object' } })
const [ada, bob] = [person('ada'), person('bob')]
const bot: ServicePrincipal = {
  ...{ kind: 'service', id: 'bot' as ServiceTokenId, name: 'bot', clientId: 'bot', grant: 'bot' as GrantId },
}
const AUTHOR = { label: 'test', origin: 'api' } as const

let room: Room
let upstream: Awaited<ReturnType<typeof startByBearer>>
let personal: ServerUid
let directory: Directory
let visitors: Visitors
let changes: Changes
let place: Place

beforeEach(async () => {
  room = await openRoom()
  upstream = await startByBearer({
    shared: [tool('a'), tool('b')],
    ada: [tool('a'), tool('c')],
    bob: [tool('a'), tool('b')],
  })
  for (const { id } of [ada, bob])
    await room.store.db.insertInto('users').values({ id, email: null, created_at: 1, last_seen_at: 1 }).execute()
  personal = await room.add('git', { url: upstream.url, authType: 'bearer', credential: 'shared' })
  const common = await room.add('mail', { url: upstream.url, authType: 'bearer', credential: 'shared' })
  await letEverybodyIn([personal, common])
  directory = await openDirectory({
    store: room.store,
    inventory: ({ uid }) => room.upstreams.inventory(uid),
    onInventoryChanged: (listener) => room.upstreams.onInventoryChanged(listener),
  })
  const toggles = openToggles(room.store)
  const facts = openFacts({
    clock: systemClock,
    countryOf: () => null,
    evaluate: () => ({ answers: new Map(), until: Number.POSITIVE_INFINITY }),
  })
  const accesses = openAccesses(facts)
  visitors = openVisitors({ directory, toggles, clock: systemClock, accounts: room.upstreams, accesses })
  changes = openChanges(directory, toggles, visitors)
  const spec = directory.byId('p' as PortalId)
  if (spec === undefined) throw new Error('no portal')
  place = { spec, mount: null }
})
afterEach(async () => {
  changes.close()
  await room.close()
  await upstream.server.close()
})

async function letEverybodyIn(servers: readonly ServerUid[]): Promise<void> {
  const { store } = room
  await store.write(async (trx) => {
    const shape = { exclude: [], require: [], extra: {} }
    const people = { name: 'people', decision: 'allow' as const, include: [{ everyone: {} }], ...shape }
    const bots = {
      name: 'bots',
      decision: 'non_identity' as const,
      include: [{ any_valid_service_token: {} }],
      ...shape,
    }
    const policies = [await insertPolicy(store, trx, people, AUTHOR), await insertPolicy(store, trx, bots, AUTHOR)]
    await trx
      .updateTable('servers')
      .set({ policies: JSON.stringify(policies) })
      .execute()
    const more = { codeMode: 'off' as never, secureWebGateway: false, serviceTokenHeader: null, description: null }
    const mappings = servers.map((serverUid, index) => ({
      ...{ serverUid, defaultDisabled: false, onBehalf: index === 0, updatedTools: null, updatedPrompts: null },
    }))
    const content = { id: 'p' as PortalId, hostname: 'p.test', name: 'P', policies, mappings, ...more }
    await insertPortal(store, trx, content, AUTHOR)
    await store.versions.bump(trx, 'servers')
  })
  await room.upstreams.serversChanged()
}

const standing = (who: Principal) =>
  visitors.standing(place, { principal: who, owner: `grant:${who.grant}`, origin: NOWHERE })
const visit = async (principal: Principal) => ({ ...(await standing(principal)), principal }) as Visit
const namesOf = async (who: Principal) => {
  const { catalog, visible } = await standing(who)
  return catalog.list('tool', visible).parts.map((text) => JSON.parse(text).name)
}
const connect = async (who: typeof ada) => {
  const owner = `user:${who.id}` as const
  await room.upstreams.desk.paste(personal, { owner, binding: 'b', by: who.label }, String(who.id))
  await room.upstreams.sync(personal, owner)
}

test('without an account people see the preview, and with one what it lists: each their own', async () => {
  expect(await namesOf(ada)).toEqual(['git_a', 'git_b', 'mail_a', 'mail_b'])
  await connect(ada)
  await connect(bob)
  expect(await namesOf(ada)).toEqual(['git_a', 'git_c', 'mail_a', 'mail_b'])
  expect(await namesOf(bob)).toEqual(['git_a', 'git_b', 'mail_a', 'mail_b'])
  const [hers, his] = [await visit(ada), await visit(bob)]
  expect(offered(findTarget(hers, 'tool', 'git_b'), hers)).toMatchObject({ reason: 'not-offered' })
  expect(offered(findTarget(his, 'tool', 'git_c'), his)).toMatchObject({ reason: 'not-offered' })
  expect(offered(findTarget(hers, 'tool', 'git_c'), hers)).toBeUndefined()
  // What it lists is what all have: there is one catalog for all of them.
  expect(his.catalog).toBe(directory.catalog(place))
  await room.upstreams.desk.disconnect({ user: ada.id })
  expect(await namesOf(ada)).toEqual(['git_a', 'git_b', 'mail_a', 'mail_b'])
})

test('no list is to be kept by a client whose person may connect an account any moment; one that has its own may be', async () => {
  const expecting = async (who: Principal) => (await standing(who)).isExpecting
  expect([await expecting(ada), await expecting(bob), await expecting(bot)]).toEqual([true, true, false])
  await connect(ada)
  expect([await expecting(ada), await expecting(bob)]).toEqual([false, true])
  await room.upstreams.desk.disconnect({ user: ada.id })
  expect(await expecting(ada)).toBe(true)
})

test('a personal server is not there for a service token: not listed, not named, not reached', async () => {
  await connect(ada)
  expect(await namesOf(bot)).toEqual(['mail_a', 'mail_b'])
  const its = await visit(bot)
  expect(offered(findTarget(its, 'tool', 'git_a'), its)).toMatchObject({ reason: 'not-offered' })
  expect(usable(its).map(({ id }) => id)).toEqual(['mail'])
  expect(its.own.size).toBe(0)
})

test('a change of one person’s lists makes nothing anew for anybody else', async () => {
  await connect(ada)
  const before = {
    ada: await standing(ada),
    bob: await standing(bob),
    bot: await standing(bot),
    epoch: directory.epoch,
  }
  const base = directory.catalog(place)
  upstream.lists.ada = [tool('a'), tool('d')]
  await room.upstreams.sync(personal, `user:${ada.id}`)
  expect(await namesOf(ada)).toEqual(['git_a', 'git_d', 'mail_a', 'mail_b'])
  expect(await standing(ada)).not.toBe(before.ada)
  expect([await standing(bob), await standing(bot), directory.epoch]).toEqual([before.bob, before.bot, before.epoch])
  expect(await standing(bob)).toBe(before.bob)
  expect(directory.catalog(place)).toBe(base)
})

test('the streams of the person whose list changed are told, and no others', async () => {
  await connect(ada)
  await connect(bob)
  const told: string[] = []
  const heard = Promise.withResolvers<void>()
  for (const who of [ada, bob, bot]) {
    await changes.follow({
      place,
      principal: who,
      owner: `grant:${who.grant}`,
      origin: NOWHERE,
      kinds: ['tool', 'prompt'],
      asked: { code: null, context: null },
      changed: (kind) => {
        told.push(`${who.id} ${kind}`)
        heard.resolve()
      },
      ended: () => told.push('ended'),
    })
  }
  upstream.lists.ada = [tool('e')]
  await room.upstreams.sync(personal, `user:${ada.id}`)
  await heard.promise
  expect(told).toEqual(['ada tool'])
})
