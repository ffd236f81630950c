/** The time by the database's own clock, where several processes must agree on how long ago something was. */
import { sql } from 'kysely'
import type { Db, Store } from './open.ts'

/** @returns milliseconds since 1970. With SQLite there is one process, and its clock is the one */
export async function databaseNow(store: Store, db: Db): Promise<number> {
  if (store.dialect === 'sqlite') return store.clock.now()
  const { rows } = await sql<{
    ms: string
  }>`select (extract(epoch from clock_timestamp()) * 1000)::bigint as ms`.execute(db)
  return Number(rows[0]?.ms)
}
