/**
 * What the schema looks like at one migration, read from an empty SQLite database in memory that was brought there. It is the
 * same for PostgreSQL, where other tables may stand beside ours, and it knows each new table without being told.
 */
import { DatabaseSync } from 'node:sqlite'
import { Kysely } from 'kysely'
import { migrateTo } from './migrate.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { Tables } from './tables.ts'

export interface TableShape {
  name: string
  columns: readonly string[]
  /** The columns of the primary key, in order. */
  key: readonly string[]
}

/**
 * @param level a migration's name
 * @returns every table of ours; whatever a table refers to stands before it
 */
export async function shapeAt(level: string): Promise<TableShape[]> {
  const file = new DatabaseSync(':memory:')
  const db = new Kysely<Tables>({ dialect: sqliteDialect(() => file) })
  try {
    await migrateTo(db, level)
    const tables = (await db.introspection.getTables()).map(({ name, columns }) => ({
      name,
      columns: columns.map((column) => column.name),
      key: textsOf(file, 'select name as text from pragma_table_info(?) where pk > 0 order by pk', name),
    }))
    return parentsFirst(tables, (name) =>
      textsOf(file, 'select distinct "table" as text from pragma_foreign_key_list(?)', name),
    )
  } finally {
    await db.destroy()
  }
}

function textsOf(file: DatabaseSync, query: string, table: string): string[] {
  return file
    .prepare(query)
    .all(table)
    .map(({ text }) => String(text))
}

function parentsFirst(tables: readonly TableShape[], parentsOf: (name: string) => string[]): TableShape[] {
  const sorted = new Map<string, TableShape>()
  const place = (table: TableShape): void => {
    if (sorted.has(table.name)) return
    for (const parent of tables) if (parent !== table && parentsOf(table.name).includes(parent.name)) place(parent)
    sorted.set(table.name, table)
  }
  for (const table of tables) place(table)
  return [...sorted.values()]
}
