/** What policies are made of and what they ask for: groups, lists, apps, tests; approvals, purposes, limits, the flow of data. */
import type { Kysely } from 'kysely'

export async function up(db: Kysely<unknown>): Promise<void> {
  await makeRules(db)
  await makeDemands(db)
  await makeCounters(db)
  await db.schema.alterTable('policies').addColumn('app_id', 'text').execute()
  await tellNoneFromNoneLeft(db as Kysely<{ servers: { policies: string } }>)
  await db.schema.alterTable('servers').addColumn('labels', 'text').execute()
  await db.schema.alterTable('servers').addColumn('limits', 'text').execute()
  await db.schema
    .alterTable('servers')
    .addColumn('bypass_credential', 'integer', (col) => col.notNull().defaultTo(0))
    .execute()
  await db.schema.alterTable('portals').addColumn('limits', 'text').execute()
  await db.schema.alterTable('identities').addColumn('authenticated_at', 'bigint').execute()
}

/** Until now an empty list left it to the portal's policies, and does so for the servers that have one. From now on that is null. */
async function tellNoneFromNoneLeft(db: Kysely<{ servers: { policies: string } }>): Promise<void> {
  await db.updateTable('servers').set({ policies: 'null' }).where('policies', '=', '[]').execute()
}

async function makeRules(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('access_groups')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('name', 'text', (col) => col.notNull())
    .addColumn('include', 'text', (col) => col.notNull())
    .addColumn('exclude', 'text', (col) => col.notNull())
    .addColumn('require', 'text', (col) => col.notNull())
    .addColumn('is_default', 'integer', (col) => col.notNull())
    .addColumn('position', 'integer', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('created_by', 'text', (col) => col.notNull())
    .addColumn('modified_at', 'bigint', (col) => col.notNull())
    .addColumn('modified_by', 'text', (col) => col.notNull())
    .addColumn('origin', 'text', (col) => col.notNull())
    .execute()
  await db.schema
    .createTable('lists')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('name', 'text', (col) => col.notNull())
    .addColumn('description', 'text')
    .addColumn('type', 'text', (col) => col.notNull())
    .addColumn('position', 'integer', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('created_by', 'text', (col) => col.notNull())
    .addColumn('modified_at', 'bigint', (col) => col.notNull())
    .addColumn('modified_by', 'text', (col) => col.notNull())
    .addColumn('origin', 'text', (col) => col.notNull())
    .execute()
  await db.schema
    .createTable('list_items')
    .addColumn('list_id', 'text', (col) => col.notNull().references('lists.id').onDelete('cascade'))
    .addColumn('value', 'text', (col) => col.notNull())
    .addColumn('description', 'text')
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('list_items_once', ['list_id', 'value'])
    .execute()
  await db.schema
    .createTable('access_apps')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('kind', 'text', (col) => col.notNull())
    .addColumn('object_uid', 'text', (col) => col.notNull().unique())
    .addColumn('settings', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('modified_at', 'bigint', (col) => col.notNull())
    .execute()
  await db.schema
    .createTable('policy_tests')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('request', 'text', (col) => col.notNull())
    .addColumn('status', 'text', (col) => col.notNull())
    .addColumn('result', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('created_by', 'text', (col) => col.notNull())
    .execute()
}

async function makeDemands(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('approvals')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('binding', 'text', (col) => col.notNull())
    .addColumn('principal', 'text', (col) => col.notNull())
    .addColumn('grant_id', 'text', (col) => col.notNull())
    .addColumn('portal_uid', 'text', (col) => col.notNull())
    .addColumn('server_uid', 'text', (col) => col.notNull())
    .addColumn('policy_id', 'text', (col) => col.notNull())
    .addColumn('about_sealed', 'text', (col) => col.notNull())
    .addColumn('requester', 'text', (col) => col.notNull())
    .addColumn('needs', 'text', (col) => col.notNull())
    .addColumn('given', 'text', (col) => col.notNull())
    .addColumn('state', 'text', (col) => col.notNull())
    .addColumn('version', 'integer', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addColumn('decided_at', 'bigint')
    .addColumn('used_at', 'bigint')
    .execute()
  await db.schema.createIndex('approvals_by_binding').on('approvals').column('binding').execute()
  await db.schema.createIndex('approvals_by_principal').on('approvals').column('principal').execute()
  await db.schema
    .createTable('purposes')
    .addColumn('owner', 'text', (col) => col.notNull())
    .addColumn('policy_id', 'text', (col) => col.notNull())
    .addColumn('purpose_sealed', 'text', (col) => col.notNull())
    .addColumn('given_at', 'bigint', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('purposes_once', ['owner', 'policy_id'])
    .execute()
}

async function makeCounters(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('limit_windows')
    .addColumn('key', 'text', (col) => col.notNull())
    .addColumn('begins_at', 'bigint', (col) => col.notNull())
    .addColumn('taken', 'integer', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('limit_windows_once', ['key', 'begins_at'])
    .execute()
  await db.schema
    .createTable('limit_slots')
    .addColumn('key', 'text', (col) => col.notNull())
    .addColumn('holder', 'text', (col) => col.notNull())
    .addColumn('slots', 'integer', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('limit_slots_once', ['key', 'holder'])
    .execute()
  await db.schema
    .createTable('flow_legs')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('owner', 'text', (col) => col.notNull())
    .addColumn('label', 'text', (col) => col.notNull())
    .addColumn('deed', 'text', (col) => col.notNull())
    .addColumn('at', 'bigint', (col) => col.notNull())
    .execute()
  await db.schema.createIndex('flow_legs_by_owner').on('flow_legs').columns(['owner', 'at']).execute()
}
