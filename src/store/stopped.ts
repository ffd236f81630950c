/**
 * The database for a command that works in place of the portal: nobody else may be on it, and it is not brought to another schema by
 * being opened.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { Kysely, sql } from 'kysely'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import type { Db } from './open.ts'
import { PORTAL, postgresDialect } from './postgres.ts'
import { openSqlite } from './sqlite-files.ts'
import type { Tables } from './tables.ts'

const LOOKS = 20
const BETWEEN_LOOKS_MS = 100

export interface StoppedStore {
  db: Db
  close(): Promise<void>
}

/**
 * @param beside whether portals may run on the database at the same time; only PostgreSQL can do that
 * @throws Fault `store-unavailable` while one runs, or where the database cannot be reached
 */
export async function openStopped(
  { dir, databaseUrl, log }: { dir: string; databaseUrl: string | null; log: Log },
  beside = false,
): Promise<StoppedStore> {
  const opened = databaseUrl === null ? openSqlite(dir) : postgresDialect(databaseUrl, log, 'portico-command')
  const db = new Kysely<Tables>({ dialect: opened.dialect })
  const close = async (): Promise<void> => {
    await db.destroy()
    await opened.close()
  }
  try {
    if (databaseUrl !== null && !beside) await refuseRunning(db)
    return { db, close }
  } catch (error) {
    await close()
    if (error instanceof Fault) throw error
    throw new Fault(
      'store-unavailable',
      'PostgreSQL could not be used. Check DATABASE_URL and that the server is up.',
      error,
    )
  }
}

/** With SQLite it is the lock on the data directory that says so. */
async function refuseRunning(db: Db): Promise<void> {
  // The server takes a moment to notice that a portal which has just ended is gone.
  for (let look = 1; await isRunning(db); look++) {
    if (look === LOOKS)
      throw new Fault('store-unavailable', 'A portal is running on this database. Stop every one of them first.')
    await wait(BETWEEN_LOOKS_MS)
  }
}

async function isRunning(db: Db): Promise<boolean> {
  const { rows } = await sql`
    select 1 from pg_stat_activity
    where datname = current_database() and application_name = ${PORTAL} limit 1`.execute(db)
  return rows.length > 0
}
