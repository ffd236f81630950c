/** Waits for what a race is about: that one write stands behind another one. */
import pg from 'pg'

/**
 * Resolves when a transaction in the database waits for a lock that another one has.
 *
 * @param databaseUrl null for SQLite, where a write that was begun waits from the start: there is one connection
 */
export async function untilAWriteWaits(databaseUrl: string | null): Promise<void> {
  if (databaseUrl === null) return
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  const waiting = `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  try {
    while ((await client.query(waiting)).rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
  } finally {
    await client.end()
  }
}
