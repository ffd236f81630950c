/** Counters of what somebody did within a time, in the store, so that they hold over all replicas and restarts. */
import { sql } from 'kysely'
import { databaseNow } from '../../../store/database-time.ts'
import type { Store, Trx } from '../../../store/open.ts'

/**
 * Counts one. The window begins with the first that is counted, and the next one after its end begins another. Who counts the same key at the
 * same moment waits, so this also serves as a lock until the transaction ends.
 *
 * @returns how many there were in this window, with this one
 */
export async function takeFromWindow(store: Store, trx: Trx, key: string, windowMs: number): Promise<number> {
  const now = await databaseNow(store, trx)
  const isOver = sql<boolean>`attempt_counters.last_at <= ${now - windowMs}`
  const row = await trx
    .insertInto('attempt_counters')
    .values({ key, count: 1, last_at: now, locked_until: null })
    .onConflict((conflict) =>
      conflict.column('key').doUpdateSet({
        count: sql<number>`case when ${isOver} then 1 else attempt_counters.count + 1 end`,
        last_at: sql<number>`case when ${isOver} then ${now} else attempt_counters.last_at end`,
      }),
    )
    .returning('count')
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** @returns how many there were in the window that runs now */
export async function peekWindow(store: Store, key: string, windowMs: number): Promise<number> {
  const row = await store.db
    .selectFrom('attempt_counters')
    .select(['count', 'last_at'])
    .where('key', '=', key)
    .executeTakeFirst()
  if (row === undefined) return 0
  const now = await databaseNow(store, store.db)
  return Number(row.last_at) <= now - windowMs ? 0 : Number(row.count)
}

/** Counters of windows that are long over. */
export async function forgetWindows(store: Store, prefix: string, windowMs: number): Promise<void> {
  await store.db
    .deleteFrom('attempt_counters')
    .where('key', 'like', `${prefix}%`)
    .where('last_at', '<=', store.clock.now() - 2 * windowMs)
    .execute()
}
