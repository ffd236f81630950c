/** What has ended is of no use to anybody, whoever was making it, holding it or had forgotten it meanwhile. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { type KeeperRoom, openKeeperRoom, SEALER } from '../../../test/support/keeper-room.ts'
import { untilAWriteWaits } from '../../../test/support/until-a-write-waits.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { deleteConnections, ownerOfUser, saveConnection } from './connection-store.ts'
import { forgetConnections } from './forget-connections-store.ts'
import type { KeptServer } from './resolve.ts'

let room: KeeperRoom
let setup: KeptServer
let ada: UserPrincipal

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  beforeEach(async () => {
    room = await openKeeperRoom(kind)
    setup = await room.add('ledger', 'browser')
    ada = await room.person('ada')
  })
  afterEach(() => room.end())

  // [C11]
  test('whoever forgets all connections of a server forgets one that is being made, too', async () => {
    const { store } = room
    const content = await room.connect(setup, 'admin')
    const [isSaved, mayCommit] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const saving = store.write(async (trx) => {
      // As the desk does when a person confirms.
      await store.versions.bump(trx, 'connections')
      const tokens = { access: 'at', type: 'Bearer', refresh: null }
      await saveConnection(store, trx, SEALER, { ...content, owner: ownerOfUser(ada.id), tokens })
      isSaved.resolve()
      await mayCommit.promise
    })
    await isSaved.promise
    const forgetting = store.write((trx) => forgetConnections(store, trx, SEALER, setup.record.uid))
    // One that waits for nobody would be done by now, and would have missed what is being made.
    await Promise.race([untilAWriteWaits(room.at.databaseUrl), forgetting])
    mayCommit.resolve()
    await Promise.all([saving, forgetting])
    expect(await room.row(setup, ownerOfUser(ada.id))).toBeUndefined()
  })

  test('nothing named is not everything: connections are never deleted all at once', async () => {
    await room.connect(setup, ownerOfUser(ada.id))
    const { store } = room
    const all = store.write((trx) => deleteConnections(store, trx, SEALER, {}))
    await expect(all).rejects.toThrow('all connections at once')
    expect(await room.row(setup, ownerOfUser(ada.id))).toBeDefined()
  })

  // [C11]
  test('a shared connection that rested and is ended is of no use to what is still open with it', async () => {
    await room.connect(setup, 'admin')
    const live = await room.keeper.resolve(setup, ada, false)
    await rest()
    const { store } = room
    await store.write((trx) => deleteConnections(store, trx, SEALER, { owner: 'admin' }))
    expect([live.isFresh, live.headers]).toEqual([false, []])
  })

  // [C11]
  test('nothing stays open with the account of a person of whom nobody would hear that it ended', async () => {
    const ended: string[] = []
    room.keeper.onEnded((_server, poolKey) => ended.push(poolKey))
    const { id } = await room.connect(setup, ownerOfUser(ada.id))
    await room.keeper.resolve(setup, ada, true)
    await rest()
    expect(ended).toEqual([id])
    // It is theirs as before, opened anew.
    expect((await room.keeper.resolve(setup, ada, true)).poolKey).toBe(id)
  })

  /** Nobody calls for a while. */
  async function rest(): Promise<void> {
    room.clock.move(11 * 60_000)
    await room.keeper.upkeep()
  }
})
