/** The portals in memory are those of the last change, whichever of several readings took the longest. */
import type { KyselyPlugin } from 'kysely'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freshStore, type TestStore } from '../../test/databases.ts'
import type { PortalId } from '../base/ids.ts'
import { insertPolicy } from '../policy/policy-store.ts'
import type { Store } from '../store/open.ts'
import { openDirectory } from './directory.ts'
import { insertPortal } from './portal-store.ts'

const AUTHOR = { label: 'test', origin: 'api' } as const

let at: TestStore
beforeEach(async () => {
  at = await freshStore('sqlite')
})
afterEach(async () => at.end())

/** The first answer about policies, once this is asked for, comes only when it is let go. */
function slowOnce(store: Store) {
  const { promise: isLetGo, resolve: letGo } = Promise.withResolvers<void>()
  const { promise: isHeld, resolve: hold } = Promise.withResolvers<void>()
  let mayHold = false
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) => node,
    async transformResult({ result }) {
      if (mayHold && result.rows.some((row) => 'decision' in row)) {
        mayHold = false
        hold()
        await isLetGo
      }
      return result
    },
  }
  const slow: Store = Object.create(store, { db: { value: store.db.withPlugin(plugin) } })
  return { slow, isHeld, letGo, holdNext: () => (mayHold = true) }
}

// [SURFACE-5]
test('a reading that began before a change and ended after it does not bring back what was before', async () => {
  const { store } = at
  const content = { exclude: [], require: [], extra: {}, include: [{ everyone: {} }] }
  const add = (name: string, decision: 'allow' | 'deny') =>
    store.write((trx) => insertPolicy(store, trx, { ...content, name, decision }, AUTHOR))
  const id = await add('all', 'allow')
  await store.write((trx) =>
    insertPortal(
      store,
      trx,
      {
        ...{ id: 'p' as PortalId, hostname: 'p.test', name: 'P', policies: [id], mappings: [] },
        ...{ codeMode: 'off' as never, secureWebGateway: false, serviceTokenHeader: null, description: null },
      },
      AUTHOR,
    ),
  )
  const { slow, isHeld, letGo, holdNext } = slowOnce(store)
  const directory = await openDirectory({ store: slow, inventory: () => undefined, onInventoryChanged: () => {} })
  const decisionNow = () => directory.byId('p' as PortalId)?.policies[0]?.decision
  expect(decisionNow()).toBe('allow')

  holdNext()
  const first = store.write((trx) => store.versions.bump(trx, 'portals'))
  await isHeld
  const second = store.write(async (trx) => {
    await trx.updateTable('policies').set({ decision: 'deny' }).where('id', '=', id).execute()
    await store.versions.bump(trx, 'policies')
  })
  // The database is in this thread: after so many turns the second is over, or waits for the first.
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
  letGo()
  await Promise.all([first, second])
  expect(decisionNow()).toBe('deny')
})
