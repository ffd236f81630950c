/** How a server's resources are shown; null is what holds for all servers. And how much of the tools' definitions a portal shows. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('servers').addColumn('resources', 'text').execute()
  await db.schema
    .alterTable('portals')
    .addColumn('optimize_context', 'text', (col) => col.notNull().defaultTo('off'))
    .execute()
}
