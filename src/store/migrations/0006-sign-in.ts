/**
 * People sign in. A user may be without an address (none that a provider may speak for), so `users` is made anew, and with it the one
 * table that refers to it: SQLite cannot loosen a column, and dropping a parent would take its children along.
 */
import type { Kysely } from 'kysely'

interface Both {
  users: { id: string; email: string | null; created_at: number; last_seen_at: number | null }
  access_tokens: Record<(typeof TOKEN_COLUMNS)[number], string | number | null>
}

const TOKEN_COLUMNS = [
  ...(['id', 'token_digest', 'user_id', 'grant_id', 'portal_uid', 'name', 'created_at', 'created_by'] as const),
  ...(['expires_at', 'revoked_at'] as const),
] as const

export async function up(db: Kysely<unknown>): Promise<void> {
  await remakeUsers(db as Kysely<Both & { users_new: Both['users']; access_tokens_new: Both['access_tokens'] }>)
  await makeProviders(db)
  await makePeople(db)
  await makeGrants(db)
  await makeSignIn(db)
  await makeKeys(db)
  await addColumns(db)
}

async function remakeUsers(
  db: Kysely<Both & { users_new: Both['users']; access_tokens_new: Both['access_tokens'] }>,
): Promise<void> {
  await db.schema
    .createTable('users_new')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('email', 'text', (col) => col.unique())
    .addColumn('name', 'text')
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('last_seen_at', 'bigint')
    .addColumn('disabled_at', 'bigint')
    .execute()
  const people = ['id', 'email', 'created_at', 'last_seen_at'] as const
  await db
    .insertInto('users_new')
    .columns([...people])
    .expression((eb) => eb.selectFrom('users').select([...people]))
    .execute()
  await db.schema
    .createTable('access_tokens_new')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('token_digest', 'text', (col) => col.notNull().unique())
    .addColumn('user_id', 'text', (col) => col.notNull().references('users_new.id').onDelete('cascade'))
    .addColumn('grant_id', 'text', (col) => col.notNull())
    .addColumn('portal_uid', 'text', (col) => col.notNull().references('portals.uid').onDelete('cascade'))
    .addColumn('name', 'text')
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('created_by', 'text', (col) => col.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('revoked_at', 'bigint')
    .execute()
  await db
    .insertInto('access_tokens_new')
    .columns([...TOKEN_COLUMNS])
    .expression((eb) => eb.selectFrom('access_tokens').select([...TOKEN_COLUMNS]))
    .execute()
  await db.schema.dropTable('access_tokens').execute()
  await db.schema.dropTable('users').execute()
  await db.schema.alterTable('users_new').renameTo('users').execute()
  await db.schema.alterTable('access_tokens_new').renameTo('access_tokens').execute()
  await db.schema.createIndex('access_tokens_by_user').on('access_tokens').column('user_id').execute()
  await db.schema.createIndex('access_tokens_by_portal').on('access_tokens').column('portal_uid').execute()
  await db.schema.createIndex('access_tokens_by_grant').on('access_tokens').column('grant_id').execute()
}

async function makeProviders(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identity_providers')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('name', 'text', (col) => col.notNull())
    .addColumn('type', 'text', (col) => col.notNull())
    .addColumn('config', 'text', (col) => col.notNull())
    .addColumn('client_secret_sealed', 'text')
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('created_by', 'text', (col) => col.notNull())
    .addColumn('modified_at', 'bigint', (col) => col.notNull())
    .addColumn('modified_by', 'text', (col) => col.notNull())
    .addColumn('origin', 'text', (col) => col.notNull())
    .addColumn('position', 'integer', (col) => col.notNull())
    .execute()
  await db.schema
    .createTable('role_members')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('role', 'text', (col) => col.notNull())
    .addColumn('kind', 'text', (col) => col.notNull())
    .addColumn('value', 'text', (col) => col.notNull())
    .addColumn('provider_id', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('created_by', 'text', (col) => col.notNull())
    .addUniqueConstraint('role_members_once', ['role', 'kind', 'value', 'provider_id'])
    .execute()
}

async function makePeople(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('identities')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('user_id', 'text', (col) => col.notNull().references('users.id').onDelete('cascade'))
    .addColumn('provider_id', 'text', (col) => col.notNull())
    .addColumn('issuer', 'text', (col) => col.notNull())
    .addColumn('subject', 'text', (col) => col.notNull())
    .addColumn('email', 'text')
    .addColumn('groups', 'text')
    .addColumn('amr', 'text', (col) => col.notNull())
    .addColumn('claims', 'text', (col) => col.notNull())
    .addColumn('id_token_sealed', 'text')
    .addColumn('refresh_token_sealed', 'text')
    .addColumn('signed_in_at', 'bigint', (col) => col.notNull())
    .addColumn('checked_at', 'bigint', (col) => col.notNull())
    .addUniqueConstraint('identities_once', ['issuer', 'subject'])
    .execute()
  await db.schema.createIndex('identities_by_user').on('identities').column('user_id').execute()
  await db.schema
    .createTable('local_accounts')
    .addColumn('user_id', 'text', (col) => col.primaryKey().references('users.id').onDelete('cascade'))
    .addColumn('password_hash', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('changed_at', 'bigint', (col) => col.notNull())
    .execute()
  await db.schema
    .createTable('browser_sessions')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('token_digest', 'text', (col) => col.notNull().unique())
    .addColumn('user_id', 'text', (col) => col.notNull().references('users.id').onDelete('cascade'))
    .addColumn('identity_id', 'text', (col) => col.notNull().references('identities.id').onDelete('cascade'))
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('last_seen_at', 'bigint', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addColumn('ended_at', 'bigint')
    .addColumn('client_ip', 'text', (col) => col.notNull())
    .addColumn('user_agent', 'text', (col) => col.notNull())
    .execute()
  await db.schema.createIndex('browser_sessions_by_user').on('browser_sessions').column('user_id').execute()
}

async function makeGrants(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('grants')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('user_id', 'text', (col) => col.notNull().references('users.id').onDelete('cascade'))
    .addColumn('identity_id', 'text', (col) => col.notNull().references('identities.id').onDelete('cascade'))
    .addColumn('portal_uid', 'text', (col) => col.notNull().references('portals.uid').onDelete('cascade'))
    .addColumn('client_id', 'text', (col) => col.notNull())
    .addColumn('client_name', 'text', (col) => col.notNull())
    .addColumn('redirect_uri', 'text')
    .addColumn('resource', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('last_used_at', 'bigint', (col) => col.notNull())
    .addColumn('revoked_at', 'bigint')
    .addColumn('revoked_why', 'text')
    .addColumn('announced', 'text')
    .execute()
  await db.schema.createIndex('grants_by_user').on('grants').column('user_id').execute()
  await db.schema.createIndex('grants_by_portal').on('grants').column('portal_uid').execute()
  await db.schema
    .createTable('consents')
    .addColumn('user_id', 'text', (col) => col.notNull().references('users.id').onDelete('cascade'))
    .addColumn('client_id', 'text', (col) => col.notNull())
    .addColumn('redirect', 'text', (col) => col.notNull())
    .addColumn('portal_uid', 'text', (col) => col.notNull().references('portals.uid').onDelete('cascade'))
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addPrimaryKeyConstraint('consents_key', ['user_id', 'client_id', 'redirect', 'portal_uid'])
    .execute()
  await db.schema
    .createTable('oauth_clients')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('kind', 'text', (col) => col.notNull())
    .addColumn('metadata', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('created_by', 'text', (col) => col.notNull())
    .addColumn('last_used_at', 'bigint')
    .addColumn('expires_at', 'bigint')
    .execute()
  await db.schema.createIndex('oauth_clients_by_expiry').on('oauth_clients').column('expires_at').execute()
  await db.schema
    .createTable('oauth_artifacts')
    .addColumn('key', 'text', (col) => col.primaryKey())
    .addColumn('model', 'text', (col) => col.notNull())
    .addColumn('payload_sealed', 'text', (col) => col.notNull())
    .addColumn('grant_id', 'text')
    .addColumn('uid_digest', 'text')
    .addColumn('user_code_digest', 'text')
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('consumed_at', 'bigint')
    .execute()
  await db.schema.createIndex('oauth_artifacts_by_grant').on('oauth_artifacts').column('grant_id').execute()
  await db.schema.createIndex('oauth_artifacts_by_uid').on('oauth_artifacts').column('uid_digest').execute()
  await db.schema.createIndex('oauth_artifacts_by_user_code').on('oauth_artifacts').column('user_code_digest').execute()
  await db.schema.createIndex('oauth_artifacts_by_expiry').on('oauth_artifacts').column('expires_at').execute()
}

async function makeSignIn(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('sign_in_attempts')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('cookie_digest', 'text', (col) => col.notNull())
    .addColumn('provider_id', 'text', (col) => col.notNull())
    .addColumn('secrets_sealed', 'text', (col) => col.notNull())
    .addColumn('return_to', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addColumn('used_at', 'bigint')
    .execute()
  await db.schema
    .createTable('pins')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('email', 'text', (col) => col.notNull())
    .addColumn('pin_hmac', 'text', (col) => col.notNull())
    .addColumn('cookie_digest', 'text', (col) => col.notNull())
    .addColumn('return_to', 'text', (col) => col.notNull())
    .addColumn('tries', 'integer', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addColumn('used_at', 'bigint')
    .execute()
  await db.schema
    .createTable('attempt_counters')
    .addColumn('key', 'text', (col) => col.primaryKey())
    .addColumn('count', 'integer', (col) => col.notNull())
    .addColumn('last_at', 'bigint', (col) => col.notNull())
    .addColumn('locked_until', 'bigint')
    .execute()
  await db.schema
    .createTable('single_use_links')
    .addColumn('digest', 'text', (col) => col.primaryKey())
    .addColumn('purpose', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('created_by', 'text', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addColumn('used_at', 'bigint')
    .execute()
}

async function makeKeys(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('signing_keys')
    .addColumn('kid', 'text', (col) => col.primaryKey())
    .addColumn('alg', 'text', (col) => col.notNull())
    .addColumn('public_jwk', 'text', (col) => col.notNull())
    .addColumn('private_jwk_sealed', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('retired_at', 'bigint')
    .execute()
  await db.schema
    .createTable('questions')
    .addColumn('id', 'text', (col) => col.primaryKey())
    .addColumn('principal', 'text', (col) => col.notNull())
    .addColumn('owner', 'text', (col) => col.notNull())
    .addColumn('portal_uid', 'text', (col) => col.notNull().references('portals.uid').onDelete('cascade'))
    .addColumn('kind', 'text', (col) => col.notNull())
    .addColumn('subject', 'text', (col) => col.notNull())
    .addColumn('created_at', 'bigint', (col) => col.notNull())
    .addColumn('expires_at', 'bigint', (col) => col.notNull())
    .addColumn('answered_at', 'bigint')
    .addColumn('answer', 'text')
    .execute()
}

async function addColumns(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('toggles')
    .addColumn('set_by', 'text', (col) => col.notNull().defaultTo('model'))
    .execute()
  await db.schema.alterTable('servers').addColumn('identity_header', 'text').execute()
  await db.schema.alterTable('servers').addColumn('identity_claims', 'text').execute()
  await db.schema.alterTable('portals').addColumn('oauth_configuration', 'text').execute()
  await db.schema.alterTable('portals').addColumn('read_service_tokens_from_header', 'text').execute()
}
