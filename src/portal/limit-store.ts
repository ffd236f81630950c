/**
 * Limits on calls at rest, so that all replicas count together. Each lease of calls is a row that is forgotten when it is as
 * old as the window: the sum of what is there is what was leased in the window that ends now. All times are the database's.
 */
import { digest } from '../base/secret.ts'
import { databaseNow } from '../store/database-time.ts'
import type { Store } from '../store/open.ts'
import { takeTurn } from '../store/turn.ts'

export interface Window {
  /** Names the counter; kept as a digest. */
  key: string
  calls: number
  windowMs: number
}

export interface Lease {
  /** From none to as many as were wanted. */
  granted: number
  /** Where that is fewer than were wanted: until the oldest lease is forgotten. Milliseconds. */
  emptyMs: number
}

/** Takes calls out of the window that ends now, as far as there are any. @param wanted at least one */
export async function leaseCalls(store: Store, window: Window, wanted: number): Promise<Lease> {
  const { calls, windowMs } = window
  const key = digest(window.key)
  return store.write(async (trx) => {
    await takeTurn(store, trx, `limit_windows ${key}`)
    const now = await databaseNow(store, trx)
    await trx.deleteFrom('limit_windows').where('key', '=', key).where('expires_at', '<=', now).execute()
    const leases = await trx
      .selectFrom('limit_windows')
      .select(['taken', 'expires_at'])
      .where('key', '=', key)
      .orderBy('expires_at')
      .execute()
    const taken = leases.reduce((sum, lease) => sum + lease.taken, 0)
    const granted = Math.max(0, Math.min(wanted, calls - taken))
    if (granted > 0)
      await trx
        .insertInto('limit_windows')
        .values({ key, begins_at: now, taken: granted, expires_at: now + windowMs })
        .onConflict((conflict) =>
          conflict.columns(['key', 'begins_at']).doUpdateSet((eb) => ({
            taken: eb('limit_windows.taken', '+', granted),
          })),
        )
        .execute()
    const oldest = leases[0]?.expires_at ?? now + windowMs
    return { granted, emptyMs: granted < wanted ? Math.max(1, Math.min(windowMs, oldest - now)) : 0 }
  })
}

export interface Slots {
  /** Names the counter; kept as a digest. */
  key: string
  /** Calls at one time, of all replicas together. */
  concurrency: number
  /** This replica. */
  holder: string
}

/**
 * Makes what this replica holds more, or less.
 *
 * @param wanted what it would hold @param inUse what it cannot give back, because calls are under way
 * @param ms for how long, if it is not renewed
 * @returns what it holds now; more than `wanted` never, less than `inUse` never
 */
export async function resizeSlots(
  store: Store,
  slots: Slots,
  { wanted, inUse, ms }: { wanted: number; inUse: number; ms: number },
): Promise<number> {
  const key = digest(slots.key)
  const { holder, concurrency } = slots
  return store.write(async (trx) => {
    await takeTurn(store, trx, `limit_slots ${key}`)
    const now = await databaseNow(store, trx)
    const others = await trx
      .selectFrom('limit_slots')
      .select((eb) => eb.fn.sum<number | string | null>('slots').as('sum'))
      .where('key', '=', key)
      .where('holder', '!=', holder)
      .where('expires_at', '>', now)
      .executeTakeFirst()
    const free = concurrency - Number(others?.sum ?? 0)
    const held = Math.max(inUse, Math.min(wanted, free))
    if (held <= 0) {
      await trx.deleteFrom('limit_slots').where('key', '=', key).where('holder', '=', holder).execute()
      return 0
    }
    const row = { slots: held, expires_at: now + ms }
    await trx
      .insertInto('limit_slots')
      .values({ key, holder, ...row })
      .onConflict((conflict) => conflict.columns(['key', 'holder']).doUpdateSet(row))
      .execute()
    return held
  })
}

/**
 * Keeps what this replica holds for longer. What has run out is not renewed: others may have it by now.
 *
 * @returns digests of the keys that are still held
 */
export async function renewSlots(store: Store, holder: string, ms: number): Promise<ReadonlySet<string>> {
  const now = await databaseNow(store, store.db)
  const rows = await store.db
    .updateTable('limit_slots')
    .set({ expires_at: now + ms })
    .where('holder', '=', holder)
    .where('expires_at', '>', now)
    .returning('key')
    .execute()
  return new Set(rows.map(({ key }) => key))
}

/** A replica that ends gives back what it has at once, rather than when it expires. */
export async function dropSlots(store: Store, holder: string): Promise<void> {
  await store.db.deleteFrom('limit_slots').where('holder', '=', holder).execute()
}

/** Deletes what counts for nothing any more. */
export async function forgetLimits(store: Store): Promise<void> {
  const now = await databaseNow(store, store.db)
  await store.db.deleteFrom('limit_windows').where('expires_at', '<=', now).execute()
  await store.db.deleteFrom('limit_slots').where('expires_at', '<=', now).execute()
}
