/** Service tokens at rest: a bot's client id and the digests of its current and, for a time, its previous secret. */
import { newUuid, type ServiceTokenId } from '../base/ids.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { ServiceTokenRow } from '../store/tables.ts'

export interface ServiceTokenRecord {
  id: ServiceTokenId
  name: string
  /** `<32 hex>.access` */
  clientId: string
  secretDigest: string
  /** Accepted until `previousExpiresAt`; both go when the token is disabled. */
  previousSecretDigest: string | null
  previousExpiresAt: number | null
  clientSecretVersion: number
  /** Go-style, or `forever`. */
  duration: string
  enabled: boolean
  /** Milliseconds since 1970; null never. */
  expiresAt: number | null
  createdAt: number
  updatedAt: number
  lastSeenAt: number | null
}

/** In the order in which they were made. */
export async function listServiceTokens(db: Db): Promise<ServiceTokenRecord[]> {
  const rows = await db.selectFrom('service_tokens').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map(toRecord)
}

export async function readServiceToken(db: Db, id: string): Promise<ServiceTokenRecord | undefined> {
  const row = await db.selectFrom('service_tokens').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/** The caller compares the digest, and checks `enabled` and the times. */
export async function findServiceToken(db: Db, clientId: string): Promise<ServiceTokenRecord | undefined> {
  const row = await db.selectFrom('service_tokens').selectAll().where('client_id', '=', clientId).executeTakeFirst()
  return row && toRecord(row)
}

export type NewServiceToken = Pick<
  ServiceTokenRecord,
  'name' | 'clientId' | 'secretDigest' | 'duration' | 'enabled' | 'expiresAt'
>

export async function insertServiceToken(store: Store, trx: Trx, made: NewServiceToken): Promise<ServiceTokenId> {
  const id = newUuid<ServiceTokenId>()
  const now = store.clock.now()
  await trx
    .insertInto('service_tokens')
    .values({
      id,
      name: made.name,
      client_id: made.clientId,
      secret_digest: made.secretDigest,
      previous_secret_digest: null,
      previous_expires_at: null,
      client_secret_version: 1,
      duration: made.duration,
      enabled: made.enabled ? 1 : 0,
      expires_at: made.expiresAt,
      created_at: now,
      updated_at: now,
      last_seen_at: null,
    })
    .execute()
  await store.versions.bump(trx, 'tokens')
  return id
}

/** Members that are left out stay. */
export type ServiceTokenChange = Partial<
  Pick<
    ServiceTokenRecord,
    | 'name'
    | 'secretDigest'
    | 'previousSecretDigest'
    | 'previousExpiresAt'
    | 'clientSecretVersion'
    | 'duration'
    | 'enabled'
    | 'expiresAt'
  >
>

export async function updateServiceToken(
  store: Store,
  trx: Trx,
  id: ServiceTokenId,
  change: ServiceTokenChange,
): Promise<void> {
  const columns: Partial<ServiceTokenRow> = { updated_at: store.clock.now() }
  if (change.name !== undefined) columns.name = change.name
  if (change.secretDigest !== undefined) columns.secret_digest = change.secretDigest
  if (change.previousSecretDigest !== undefined) columns.previous_secret_digest = change.previousSecretDigest
  if (change.previousExpiresAt !== undefined) columns.previous_expires_at = change.previousExpiresAt
  if (change.clientSecretVersion !== undefined) columns.client_secret_version = change.clientSecretVersion
  if (change.duration !== undefined) columns.duration = change.duration
  if (change.enabled !== undefined) columns.enabled = change.enabled ? 1 : 0
  if (change.expiresAt !== undefined) columns.expires_at = change.expiresAt
  await trx.updateTable('service_tokens').set(columns).where('id', '=', id).execute()
  await store.versions.bump(trx, 'tokens')
}

export async function deleteServiceToken(store: Store, trx: Trx, id: ServiceTokenId): Promise<void> {
  await trx.deleteFrom('service_tokens').where('id', '=', id).execute()
  await store.versions.bump(trx, 'tokens')
}

/** Raises no version: nobody's cache depends on it. */
export async function noteServiceTokenSeen(db: Db, id: ServiceTokenId, at: number): Promise<void> {
  await db.updateTable('service_tokens').set({ last_seen_at: at }).where('id', '=', id).execute()
}

/** @param since milliseconds since 1970 @returns those that were neither used nor touched by an admin since */
export async function listIdleServiceTokens(db: Db, since: number): Promise<ServiceTokenRecord[]> {
  const rows = await db
    .selectFrom('service_tokens')
    .selectAll()
    .where('created_at', '<', since)
    .where('updated_at', '<', since)
    .where((eb) => eb.or([eb('last_seen_at', 'is', null), eb('last_seen_at', '<', since)]))
    .execute()
  return rows.map(toRecord)
}

/** What ends a secret that was on its way out. */
export const NO_PREVIOUS_SECRET = { previousSecretDigest: null, previousExpiresAt: null }

function toRecord(row: ServiceTokenRow): ServiceTokenRecord {
  return {
    id: row.id as ServiceTokenId,
    name: row.name,
    clientId: row.client_id,
    secretDigest: row.secret_digest,
    previousSecretDigest: row.previous_secret_digest,
    previousExpiresAt: row.previous_expires_at,
    clientSecretVersion: row.client_secret_version,
    duration: row.duration,
    enabled: row.enabled === 1,
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    lastSeenAt: row.last_seen_at,
  }
}
