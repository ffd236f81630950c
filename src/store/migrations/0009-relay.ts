/**
 * Servers ask people: which of a server's questions reach callers, and calls that wait in one process while another takes the answers.
 * Null is what holds for all servers. And servers tell of changed resources: what each session of 2025 wants to hear of.
 */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('servers').addColumn('relay', 'text').execute()
  await db.schema
    .createTable('parked')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('principal', 'text', (col) => col.notNull())
    .addColumn('owner', 'text', (col) => col.notNull())
    .addColumn('portal_uid', 'text', (col) => col.notNull().references('portals.uid').onDelete('cascade'))
    .addColumn('node', 'text', (col) => col.notNull())
    .addColumn('answers_sealed', 'text')
    .addColumn('taken_at', 'bigint')
    .addColumn('reply_sealed', 'text')
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .execute()
  await db.schema.createIndex('parked_by_expiry').on('parked').column('expires_at').execute()
  await db.schema
    .createTable('resource_subscriptions')
    .addColumn('session_id', 'text', (col) => col.notNull())
    .addColumn('uri_digest', 'text', (col) => col.notNull())
    .addColumn('uri', 'text', (col) => col.notNull())
    .addColumn('portal_uid', 'text', (col) => col.notNull().references('portals.uid').onDelete('cascade'))
    .addColumn('server_uid', 'text', (col) => col.notNull().references('servers.uid').onDelete('cascade'))
    .addColumn('has_met_terms', 'integer', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('resource_subscriptions_pk', ['session_id', 'uri_digest'])
    .execute()
}
