/** People's own lists are read when their person is here: at once from the store, and behind the answer from the server. */
import type { Clock } from '../base/clock.ts'
import type { ServerUid, UserId } from '../base/ids.ts'
import type { Inventories } from './inventories.ts'
import { PERIOD_MS, type Schedule } from './schedule.ts'

export type PersonOwner = `user:${UserId}`

export interface OwnListsDeps {
  clock: Clock
  inventories: Inventories
  schedule: Pick<Schedule, 'ownSoon'>
  /** Whether there is a credential of theirs that could be used: a ready connection, or one that the portal makes by itself. */
  canList(server: ServerUid, owner: PersonOwner): Promise<boolean>
}

/** Afterwards `inventories.get` knows each of them. Nothing waits for a server. */
export async function readOwnLists(
  { clock, inventories, schedule, canList }: OwnListsDeps,
  owner: PersonOwner,
  servers: readonly ServerUid[],
): Promise<void> {
  await Promise.all(
    servers.map(async (server) => {
      const inventory = await inventories.read(server, owner)
      if (inventory !== null && clock.now() - inventory.syncedAt < PERIOD_MS) return
      if (await canList(server, owner)) schedule.ownSoon(server, owner)
    }),
  )
}
