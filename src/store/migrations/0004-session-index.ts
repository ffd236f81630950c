/** How many sessions a principal has is asked each time one begins. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('sessions_by_principal').on('sessions').columns(['principal', 'last_seen_at']).execute()
}
