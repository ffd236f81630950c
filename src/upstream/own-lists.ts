/** People's own lists are read when their person is here: at once from the store, and behind the answer from the server. */
import type { Clock } from '../base/clock.ts'
import type { ServerUid, UserId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { UserPrincipal } from '../base/principal.ts'
import { ownerOfUser } from './connections/connection-store.ts'
import type { Keeper } from './connections/keeper.ts'
import type { Inventories } from './inventories.ts'
import { PERIOD_MS, type Schedule } from './schedule.ts'
import type { ServerSetup } from './setup.ts'

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

interface VouchDeps {
  log: Log
  keeper: Pick<Keeper, 'own' | 'resolve'>
  schedule: Pick<Schedule, 'connected'>
}

/** What needs no person in a browser is made behind the answer, and its lists are read then. */
export function vouchFor({ log, keeper, schedule }: VouchDeps, setup: ServerSetup, principal: UserPrincipal): void {
  const { uid } = setup.record
  if (setup.mode !== 'enterprise' || keeper.own(uid, principal) !== null) return
  const made = async () => {
    await keeper.resolve(setup, principal, true)
    // However lately those of a connection before this one were read.
    schedule.connected(uid, ownerOfUser(principal.id))
  }
  made().catch((error: unknown) => log.info({ err: error, server: setup.record.id }, 'nobody vouched for a person'))
}
