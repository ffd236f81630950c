/** Looks at a database without bringing it anywhere: for `doctor`, which must say what is wrong where nothing can be opened. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import type { Clock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { openToRead } from './dump.ts'
import { KEY_CHECK } from './key-check.ts'
import { levelOf, MIGRATIONS } from './migrate.ts'
import type { Db } from './open.ts'
import { readSetting } from './settings-store.ts'

export type Inspection =
  | { state: 'none' }
  /** `code` is the database's or the network's, for the operator. */
  | { state: 'unreachable'; code: string }
  /** Another program holds the file. */
  | { state: 'locked' }
  | { state: 'newer'; level: string }
  /** `skewMs`: how far the database's clock is before ours, or null where it has none of its own. */
  | { state: 'older' | 'current'; level: string; keyCheck: string | undefined; skewMs: number | null }

/** @param dir the data directory; nothing is made in it */
export async function inspectStore(dir: string, databaseUrl: string | null, clock: Clock): Promise<Inspection> {
  if (databaseUrl === null && !existsSync(join(dir, 'portico.db'))) return { state: 'none' }
  const { db, close } = openToRead(dir, databaseUrl, silentLog)
  try {
    const level = await levelOf(db)
    if (level === undefined) return { state: 'none' }
    if (!Object.hasOwn(MIGRATIONS, level)) return { state: 'newer', level }
    const isLatest = level === Object.keys(MIGRATIONS).sort().at(-1)
    const keyCheck = await readSetting(db, KEY_CHECK)
    const skewMs = databaseUrl === null ? null : await skewOf(db, clock)
    return { state: isLatest ? 'current' : 'older', level, keyCheck, skewMs }
  } catch (error) {
    const { code, errcode } = error as { code?: unknown; errcode?: unknown }
    // SQLITE_BUSY, SQLITE_LOCKED.
    if (typeof errcode === 'number' && [5, 6].includes(errcode & 0xff)) return { state: 'locked' }
    if (typeof errcode === 'number') return { state: 'unreachable', code: (error as Error).message }
    if (typeof code === 'string') return { state: 'unreachable', code }
    throw error
  } finally {
    await close()
  }
}

async function skewOf(db: Db, clock: Clock): Promise<number> {
  const before = clock.now()
  const { rows } = await sql<{ ms: string }>`select extract(epoch from clock_timestamp()) * 1000 as ms`.execute(db)
  // The answer was made somewhere between asking and hearing.
  return Number(rows[0]?.ms) - (before + clock.now()) / 2
}
