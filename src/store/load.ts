/**
 * Puts the rows of a backup into an empty database, or in place of what is there: schema as it was, rows, then the migrations since.
 * All of it is one transaction, so whatever ends it in the middle leaves the database as it was.
 */
import { type Kysely, sql } from 'kysely'
import type { Clock } from '../base/clock.ts'
import { Fault } from '../base/fault.ts'
import { ArchiveError, type Row } from './archive.ts'
import { LEFT_OUT } from './dump.ts'
import { advanceEpoch, type Ended } from './epoch.ts'
import { levelOf, MIGRATIONS, migrate, migrateTo } from './migrate.ts'
import type { Db, Trx } from './open.ts'
import { shapeAt } from './shape.ts'
import { isDatabaseDown } from './trouble.ts'
import { TOPICS } from './versions.ts'

export interface Loading {
  databaseUrl: string | null
  clock: Clock
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
 * @param db opened for a command (`stopped.ts`), on one connection with SQLite
 * @throws Fault `store-unavailable` where the database is not empty
 * @throws ArchiveError where the rows are not those of a backup; then nothing was changed
 */
export async function loadStore(db: Db, loading: Loading): Promise<Loaded> {
  const before = await refuseFull(db, loading)
  // Rows come table by table and old tables go in any order; the check at the end is for all of them.
  if (loading.databaseUrl === null) await sql`pragma foreign_keys = off`.execute(db)
  return db.transaction().execute((trx) => loadAll(trx, loading, before))
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
    await tables.insertInto(table).values(row).execute().catch(refuseMisfit)
    count++
  }
  return count
}

/** What the database says of a value is not for the operator: what is wrong is the file. */
function refuseMisfit(error: unknown): never {
  if (isDatabaseDown(error))
    throw new Fault('store-unavailable', 'The database stopped answering. Nothing was restored.', error)
  throw new ArchiveError('In this backup rows do not fit each other or the database. Nothing was restored.')
}

async function refuseLooseEnds(trx: Trx): Promise<void> {
  const loose = await sql`pragma foreign_key_check`.execute(trx)
  if (loose.rows.length > 0)
    throw new ArchiveError('In this backup rows refer to others that are not in it. Nothing was restored.')
}
