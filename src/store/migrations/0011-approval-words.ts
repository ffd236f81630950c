/** What each of those who decided about a call said: who, when, and why. Null where nobody did since this is kept. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('approvals').addColumn('words_sealed', 'text').execute()
}
