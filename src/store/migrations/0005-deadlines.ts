/** How long a call may take was one pair of limits for all servers. A server may have its own; null is the common pair. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('servers').addColumn('deadlines', 'text').execute()
}
