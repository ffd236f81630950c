/** Inner addresses are closed. What a server may reach inside all the same is a list of its own, at first empty. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('servers')
    .addColumn('allow_private', 'text', (col) => col.notNull().defaultTo('[]'))
    .execute()
}
