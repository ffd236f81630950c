/**
 * Every row that a backup holds, as it stood at one moment, while the portal may go on. Columns are taken as they are: sealed values
 * stay sealed, tokens stay SHA-256, and the key is not in the database.
 */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { Fault } from '../base/fault.ts'
import type { Log } from '../base/log.ts'
import { LONGEST_LINE, type Row } from './archive.ts'
import { KEY_CHECK } from './key-check.ts'
import { levelOf, MIGRATIONS } from './migrate.ts'
import type { Db } from './open.ts'
import { postgresDialect } from './postgres.ts'
import { shapeAt, type TableShape } from './shape.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import { openReader } from './sqlite-files.ts'

/** Who does what at the moment, what sessions listen to, calls that wait, and counters for caches: true while the portal runs, and never again. */
export const LEFT_OUT: readonly string[] = ['leases', 'versions', 'parked', 'resource_subscriptions']

const FETCHED = 200

export interface Dump {
  /** For other questions to the same database. */
  db: Db
  /** The last migration of the database. */
  level: string
  /** What the database keeps to know its key, or undefined where it was never started. */
  keyCheck: string | undefined
  /** To be read to its end, once. What was too long to keep is told to `onSkipped`. */
  rows(onSkipped: (table: string) => void): AsyncGenerator<[string, Row]>
  close(): Promise<void>
}

/**
 * @param dir the data directory; nothing is made in it
 * @throws Fault `store-unavailable` where there is no database, or a newer program has written it
 */
export async function openDump(dir: string, databaseUrl: string | null, log: Log): Promise<Dump> {
  const { db, close } = openToRead(dir, databaseUrl, log)
  try {
    const level = await levelOf(db)
    if (level === undefined) throw new Fault('store-unavailable', 'There is nothing to back up: no portal was started.')
    if (!Object.hasOwn(MIGRATIONS, level))
      throw new Fault(
        'store-unavailable',
        `The database was written by a newer Portico (schema ${level}). Back it up with that version.`,
      )
    const tables = (await shapeAt(level)).filter(({ name }) => !LEFT_OUT.includes(name))
    const check = await db.selectFrom('settings').select('value').where('key', '=', KEY_CHECK).executeTakeFirst()
    return {
      db,
      level,
      keyCheck: check?.value,
      rows: (onSkipped) => snapshot(db, databaseUrl, tables, onSkipped),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Closes whatever it opened; makes nothing. */
export function openToRead(dir: string, databaseUrl: string | null, log: Log): { db: Db; close(): Promise<void> } {
  if (databaseUrl !== null) {
    const opened = postgresDialect(databaseUrl, log, 'portico-backup')
    const db = new Kysely<never>({ dialect: opened.dialect }) as unknown as Db
    return { db, close: () => db.destroy().then(opened.close) }
  }
  const path = join(dir, 'portico.db')
  if (!existsSync(path))
    throw new Fault('store-unavailable', `There is no database in ${dir}. Say where it is by --data.`)
  const db = new Kysely<never>({ dialect: sqliteDialect(() => openReader(path)) }) as unknown as Db
  return { db, close: () => db.destroy() }
}

async function* snapshot(
  db: Db,
  databaseUrl: string | null,
  tables: readonly TableShape[],
  onSkipped: (table: string) => void,
): AsyncGenerator<[string, Row]> {
  // One read transaction for all tables: a row and what it refers to are of one moment.
  const { db: connection, release } = await heldConnection(db)
  try {
    if (databaseUrl === null) await sql`begin`.execute(connection)
    else await sql`begin isolation level repeatable read read only`.execute(connection)
    for (const { name, columns } of tables) {
      for await (const found of rowsOf(connection, databaseUrl, name, columns)) {
        if (weightOf(found) < LONGEST_LINE) yield [name, found]
        // What servers list is asked for again after a restore; nothing else may be missing.
        else if (name === 'inventories') onSkipped(name)
        else throw new Fault('store-unavailable', `A row of ${name} is too long for a backup.`)
      }
    }
    await sql`commit`.execute(connection)
  } finally {
    release()
  }
}

/** One connection of the pool for as long as the caller wants, across the `yield`s of a generator. */
async function heldConnection(db: Db): Promise<{ db: Db; release(): void }> {
  return new Promise((resolve, reject) => {
    db.connection()
      .execute((connection) => new Promise<void>((release) => resolve({ db: connection, release })))
      .catch(reject)
  })
}

async function* rowsOf(
  db: Db,
  databaseUrl: string | null,
  table: string,
  columns: readonly string[],
): AsyncGenerator<Row> {
  const query = sql<Row>`select ${sql.join(columns.map((column) => sql.ref(column)))} from ${sql.table(table)}`
  if (databaseUrl === null) {
    // The driver runs on this thread and hands rows on one by one.
    for await (const found of db.getExecutor().stream<Row>(query.compile(db), 1)) yield* found.rows
    return
  }
  const cursor = `backup_${randomBytes(4).toString('hex')}`
  await sql`declare ${sql.id(cursor)} no scroll cursor for ${query}`.execute(db)
  while (true) {
    const { rows } = await sql<Row>`fetch ${sql.lit(FETCHED)} from ${sql.id(cursor)}`.execute(db)
    if (rows.length === 0) break
    yield* rows
  }
  await sql`close ${sql.id(cursor)}`.execute(db)
}

/** The most bytes that the row can take as a line: JSON writes a control character as six. */
function weightOf(found: Row): number {
  let chars = 0
  for (const value of Object.values(found)) chars += typeof value === 'string' ? value.length : 24
  return chars < LONGEST_LINE / 6 ? chars : Buffer.byteLength(JSON.stringify(found)) + 256
}
