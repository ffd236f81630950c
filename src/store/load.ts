/**
 * Puts the rows of a backup into an empty database, or in place of what is there: schema as it was, rows, then the migrations since.
 * All of it is one transaction, so whatever ends it in the middle leaves the database as it was.
 */
import { Kysely, sql } from 'kysely'
import type { Clock } from '../base/clock.ts'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { ArchiveError, type Row } from './archive.ts'
import { LEFT_OUT } from './dump.ts'
import { advanceEpoch, type Ended } from './epoch.ts'
import { levelOf, MIGRATIONS, migrate, migrateTo } from './migrate.ts'
import type { Db, Trx } from './open.ts'
import { PORTAL, postgresDialect } from './postgres.ts'
import { shapeAt } from './shape.ts'
import { openSqlite } from './sqlite-files.ts'
import type { Tables } from './tables.ts'
import { TOPICS } from './versions.ts'

export interface Loading {
  dir: string
  databaseUrl: string | null
  clock: Clock
  log: Log
  /** The last migration of the database that the rows come from. */
  level: string
  /** Must throw after the last row where the file is not whole. */
  rows: AsyncIterable<[string, Row]>
  /** Whether what is there may be thrown away. */
  replace: boolean
  /** Leaves tokens and sessions as they were at the time of the backup, those that were revoked since included. */
  keepSessions: boolean
}

export interface Loaded {
  rows: number
  ended: Ended | null
}

/**
 * @throws Fault `store-unavailable` while a portal runs on the database, where it is not empty, or cannot be used
 * @throws ArchiveError where the rows are not those of a backup; then nothing was changed
 */
export async function loadStore(loading: Loading): Promise<Loaded> {
  const { dir, databaseUrl, log } = loading
  const opened = databaseUrl === null ? openSqlite(dir) : postgresDialect(databaseUrl, log, 'portico-restore')
  const db = new Kysely<Tables>({ dialect: opened.dialect })
  try {
    if (databaseUrl !== null) await refuseRunning(db)
    const before = await refuseFull(db, loading)
    // Rows come table by table and old tables go in any order; the check at the end is for all of them.
    if (databaseUrl === null) await sql`pragma foreign_keys = off`.execute(db)
    return await db.transaction().execute((trx) => loadAll(trx, loading, before))
  } finally {
    await db.destroy()
    await opened.close()
  }
}

/** With SQLite it is the lock on the data directory that says so. */
async function refuseRunning(db: Db): Promise<void> {
  const running = await sql`
    select 1 from pg_stat_activity
    where datname = current_database() and application_name = ${PORTAL} limit 1`.execute(db)
  if (running.rows.length > 0)
    throw new Fault('store-unavailable', 'A portal is running on this database. Stop every one of them first.')
}

/** @returns the counters that caches follow, as they stand in what is there */
async function refuseFull(db: Db, { replace, databaseUrl }: Loading): Promise<ReadonlyMap<string, number>> {
  const level = await levelOf(db)
  if (level === undefined) return new Map()
  if (!replace)
    throw new Fault(
      'store-unavailable',
      'There is a portal’s data already. Choose an empty data directory or database, or throw that data away with --replace.',
    )
  if (databaseUrl !== null && !Object.hasOwn(MIGRATIONS, level))
    throw new Fault(
      'store-unavailable',
      'This database was written by a newer Portico, and this version does not know all its tables. Restore into an empty database.',
    )
  const rows = await db.selectFrom('versions').selectAll().execute()
  return new Map(rows.map(({ topic, version }) => [topic, version]))
}

async function loadAll(trx: Trx, loading: Loading, before: ReadonlyMap<string, number>): Promise<Loaded> {
  const { level, clock, keepSessions, databaseUrl } = loading
  await dropAll(trx, databaseUrl)
  await migrateTo(trx, level)
  const rows = await insertAll(trx, loading)
  await migrate(trx)
  const ended = keepSessions ? null : await advanceEpoch(trx, clock.now())
  // Above any number that a cache has seen.
  const versions = TOPICS.map((topic) => ({ topic, version: (before.get(topic) ?? 0) + 1 }))
  await trx.insertInto('versions').values(versions).execute()
  if (databaseUrl === null) await refuseLooseEnds(trx)
  return { rows, ended }
}

async function dropAll(trx: Trx, databaseUrl: string | null): Promise<void> {
  for (const name of databaseUrl === null ? await namesInFile(trx) : await namesOfOurs())
    await sql`drop table if exists ${sql.table(name)} ${sql.raw(databaseUrl === null ? '' : 'cascade')}`.execute(trx)
}

/** A SQLite file is ours alone, also what a newer program made in it. */
async function namesInFile(trx: Trx): Promise<string[]> {
  const tables = await trx.introspection.getTables({ withInternalKyselyTables: true })
  return tables.map(({ name }) => name)
}

/** In PostgreSQL the audit, and perhaps others, have tables beside ours. */
async function namesOfOurs(): Promise<string[]> {
  const latest = Object.keys(MIGRATIONS).sort().at(-1) ?? ''
  const tables = await shapeAt(latest)
  return [...tables.map(({ name }) => name).reverse(), 'kysely_migration', 'kysely_migration_lock']
}

async function insertAll(trx: Trx, { level, rows }: Loading): Promise<number> {
  const columns = new Map(
    (await shapeAt(level))
      .filter(({ name }) => !LEFT_OUT.includes(name))
      .map((table) => [table.name, [...table.columns].sort().join()]),
  )
  const tables = trx as unknown as Kysely<Record<string, Row>>
  let count = 0
  for await (const [table, row] of rows) {
    // Names reach a statement only where the schema has them.
    if (columns.get(table) !== Object.keys(row).sort().join())
      throw new ArchiveError(`This backup holds what its schema ${level} does not have. Nothing was restored.`)
    await tables.insertInto(table).values(row).execute()
    count++
  }
  return count
}

async function refuseLooseEnds(trx: Trx): Promise<void> {
  const loose = await sql`pragma foreign_key_check`.execute(trx)
  if (loose.rows.length > 0)
    throw new ArchiveError('In this backup rows refer to others that are not in it. Nothing was restored.')
}
