/**
 * Brings a database to the schema that this program knows, under a lock, before anything else reads it.
 * It never touches a database that a newer program has written: what that one added, this one would lose.
 */
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import { Fault } from '../base/fault.ts'
import * as first from './migrations/0001-first.ts'
import * as definitions from './migrations/0002-definitions.ts'
import * as destinations from './migrations/0003-destinations.ts'
import * as sessionIndex from './migrations/0004-session-index.ts'
import * as deadlines from './migrations/0005-deadlines.ts'
import * as signIn from './migrations/0006-sign-in.ts'
import * as connections from './migrations/0007-connections.ts'
import * as policy from './migrations/0008-policy.ts'
import * as relay from './migrations/0009-relay.ts'
import * as context from './migrations/0010-context.ts'
import * as approvalWords from './migrations/0011-approval-words.ts'
import type { Tables } from './tables.ts'

/** Every migration, in order. The name is what the database remembers. */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  '0001-first': first,
  '0002-definitions': definitions,
  '0003-destinations': destinations,
  '0004-session-index': sessionIndex,
  '0005-deadlines': deadlines,
  '0006-sign-in': signIn,
  '0007-connections': connections,
  '0008-policy': policy,
  '0009-relay': relay,
  '0010-context': context,
  '0011-approval-words': approvalWords,
}

/** @throws Fault `store-unavailable` when the database is newer than the program, or a migration fails */
export async function migrate(db: Kysely<Tables>, migrations = MIGRATIONS): Promise<void> {
  await refuseNewer(db, migrations)
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...migrations }) } })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  // Another replica of a newer program may have migrated while this one waited for the lock.
  await refuseNewer(db, migrations)
  throw new Fault(
    'store-unavailable',
    'The database could not be brought up to date; nothing was changed. See the log for the cause, then start again.',
    error,
  )
}

/**
 * Brings an empty database to the schema as it was at one migration: how a backup of an older program is read.
 *
 * @param level one of `MIGRATIONS`
 */
export async function migrateTo(db: Kysely<Tables>, level: string): Promise<void> {
  const migrator = new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } })
  const { error } = await migrator.migrateTo(level)
  if (error !== undefined) throw error
}

/** The last migration that was applied, or undefined in a database without any. */
export async function levelOf(db: Kysely<Tables>): Promise<string | undefined> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return undefined
  return (await namesApplied(db)).sort().at(-1)
}

/** Whether the database has just the schema that this program knows: a newer replica may have changed it since the start. */
export async function isCurrent(db: Kysely<Tables>): Promise<boolean> {
  const applied = await namesApplied(db)
  return applied.sort().join() === Object.keys(MIGRATIONS).sort().join()
}

async function namesApplied(db: Kysely<Tables>): Promise<string[]> {
  const rows = await (db as unknown as Kysely<{ kysely_migration: { name: string } }>)
    .selectFrom('kysely_migration')
    .select('name')
    .execute()
  return rows.map((row) => row.name)
}

async function refuseNewer(db: Kysely<Tables>, migrations: Readonly<Record<string, Migration>>): Promise<void> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!tables.some((table) => table.name === 'kysely_migration')) return
  const unknown = (await namesApplied(db)).filter((name) => !Object.hasOwn(migrations, name))
  if (unknown.length === 0) return
  throw new Fault(
    'store-unavailable',
    `The database was written by a newer Portico (it has the schema ${unknown.sort().at(-1)}, which this program does not know). Start that version or a later one, or restore a backup made before the upgrade.`,
  )
}
