/** Real databases for tests: a fresh PostgreSQL database on the server at hand, and stores on both kinds. */
import { randomBytes } from 'node:crypto'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { type Clock, systemClock } from '../src/base/clock.ts'
import { silentLog } from '../src/base/log.ts'
import { openStore, type Store } from '../src/store/open.ts'

export const LOCAL_POSTGRES = 'postgres://postgres@127.0.0.1:5432/postgres'

export interface FreshPostgres {
  url: string
  drop(): Promise<void>
}

/**
 * Makes an empty database on the server that `PORTICO_TEST_DATABASE_URL` names, else on the local one.
 *
 * @param template a database to copy, instead of none
 * @param prefix of its name
 */
export async function freshPostgres(template?: string, prefix = 'portico_test'): Promise<FreshPostgres> {
  const admin = process.env.PORTICO_TEST_DATABASE_URL ?? LOCAL_POSTGRES
  const name = `${prefix}_${randomBytes(6).toString('hex')}`
  // What is committed is committed for all that a test can see; the machine's power, which only the wait for the disk is about, stays on.
  const copied = template === undefined ? '' : ` template ${template}`
  // The quicker way where the server waits for no disk; older ones do not know the word.
  const how = process.env.PORTICO_TEST_DATABASE_COPY
  const strategy = how === undefined ? '' : ` strategy ${how}`
  await ask(admin, `create database ${name}${copied}${strategy}`, `alter database ${name} set synchronous_commit = off`)
  const url = new URL(admin)
  url.pathname = `/${name}`
  return { url: url.href, drop: () => ask(admin, `drop database ${name} with (force)`) }
}

/** Runs statements on a connection of their own. */
export async function ask(url: string, ...statements: string[]): Promise<void> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    for (const sql of statements) await client.query(sql)
  } finally {
    await client.end()
  }
}

/** @returns every value of every row in a database of PostgreSQL, as it writes them as text, one a line; bytes are hex */
export async function dumpPostgres(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<{ source: string }>(
      `select format('select concat_ws(chr(10), %s) as text from %I.%I',
         string_agg(format('%I::text', column_name), ', '), table_schema, table_name) as source
       from information_schema.columns
       where table_schema not in ('pg_catalog', 'information_schema') group by table_schema, table_name`,
    )
    const lines: string[] = []
    for (const { source } of rows)
      lines.push(...(await client.query<{ text: string }>(source)).rows.map(({ text }) => text))
    return lines.join('\n')
  } finally {
    await client.end()
  }
}

export type DatabaseKind = 'sqlite' | 'postgres'
export const DATABASE_KINDS: readonly DatabaseKind[] = ['sqlite', 'postgres']

export interface TestStore {
  store: Store
  dir: string
  databaseUrl: string | null
  /** Opens another store on the same database, as a second replica or after a restart. */
  again(): Promise<Store>
  /** Closes the store and removes everything it left. */
  end(): Promise<void>
}

/**
 * A data directory as the program makes it, with an SQLite file that has the tables and nothing in them. They are made once a run and
 * copied, as those of PostgreSQL are: making them each time would be half of what opening a store costs.
 */
export function makeDataDirectory(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const file = process.env.PORTICO_TEST_TEMPLATE_FILE
  if (file !== undefined) copyFileSync(file, join(dir, 'portico.db'))
}

/** A store on an empty database of its own. */
export async function freshStore(kind: DatabaseKind, clock: Clock = systemClock): Promise<TestStore> {
  const dir = mkdtempSync(join(tmpdir(), 'portico-test-'))
  // Tables are made once a run and copied: making them each time would be a third of what such a test costs.
  const postgres = kind === 'postgres' ? await freshPostgres(process.env.PORTICO_TEST_TEMPLATE) : null
  const databaseUrl = postgres?.url ?? null
  if (databaseUrl === null) makeDataDirectory(dir)
  const again = (): Promise<Store> => openStore({ dir, databaseUrl, clock, log: silentLog })
  const store = await again()
  return {
    store,
    dir,
    databaseUrl,
    again,
    end: async () => {
      await store.close()
      await postgres?.drop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
