/**
 * Clients at rest: those that registered themselves (RFC 7591), and those that an admin wrote down. A client with a metadata document has no
 * row; its document is its registration. Of a secret only the SHA-256 is kept, in the place where the secret would stand.
 */
import { newUuid } from '../../../base/ids.ts'
import { digest, sameSecret } from '../../../base/secret.ts'
import type { Db, Store, Trx } from '../../../store/open.ts'
import type { OauthClientRow } from '../../../store/tables-people.ts'
import { revokeGrants } from '../../grant-store.ts'
import type { Adapter } from '../library.ts'
import type { ClientMetadata } from './registration.ts'

/** Nobody signed in with it yet: how long it stays. */
export const UNUSED_MS = 24 * 3_600_000
/** How long it stays after it was used last. */
export const IDLE_MS = 90 * UNUSED_MS
/** A use is noted at most so often: it is for expiry, not for counting. */
const NOTED_MS = 3_600_000

export interface StoredMetadata extends ClientMetadata {
  /** SHA-256. */
  client_secret?: string
  /** SHA-256 of what the client shows to read, change or delete its registration (RFC 7592). */
  registration_access_token?: string
}

export interface ClientRecord {
  id: string
  kind: 'registered' | 'admin'
  metadata: StoredMetadata
  createdAt: number
  createdBy: string
  lastUsedAt: number | null
  /** Null for an admin's. */
  expiresAt: number | null
}

export interface NewClient {
  kind: ClientRecord['kind']
  metadata: StoredMetadata
  /** Who wrote it down, or the address that registered. */
  createdBy: string
}

export async function insertClient(store: Store, trx: Trx, { kind, metadata, createdBy }: NewClient): Promise<string> {
  const id = newUuid<string>()
  const now = store.clock.now()
  await trx
    .insertInto('oauth_clients')
    .values({
      ...{ id, kind, metadata: JSON.stringify(metadata), created_at: now, created_by: createdBy },
      ...{ last_used_at: null, expires_at: kind === 'admin' ? null : now + UNUSED_MS },
    })
    .execute()
  return id
}

/** @returns undefined also for one that has expired */
export async function readClient(store: Store, db: Db, id: string): Promise<ClientRecord | undefined> {
  const row = await db.selectFrom('oauth_clients').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined || (row.expires_at !== null && row.expires_at <= store.clock.now())) return undefined
  return toRecord(row)
}

/** The newest first. */
export async function listClients(store: Store, kind?: ClientRecord['kind']): Promise<ClientRecord[]> {
  const all = store.db.selectFrom('oauth_clients').selectAll()
  const rows = await (kind === undefined ? all : all.where('kind', '=', kind))
    .where((eb) => eb.or([eb('expires_at', 'is', null), eb('expires_at', '>', store.clock.now())]))
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .execute()
  return rows.map(toRecord)
}

export async function updateClient(trx: Trx, id: string, metadata: StoredMetadata): Promise<void> {
  await trx
    .updateTable('oauth_clients')
    .set({ metadata: JSON.stringify(metadata) })
    .where('id', '=', id)
    .execute()
}

/** With all that people gave it. @returns how many grants ended */
export async function deleteClient(store: Store, trx: Trx, id: string): Promise<number> {
  await trx.deleteFrom('oauth_clients').where('id', '=', id).execute()
  await trx.deleteFrom('consents').where('client_id', '=', id).execute()
  return revokeGrants(store, trx, { clientId: id }, 'revoked')
}

/** Says that a client was given something for somebody. Only that keeps a registration alive, never that it was asked for. */
export async function noteClientUse(store: Store, id: string): Promise<void> {
  const now = store.clock.now()
  const unnoted = store.db
    .updateTable('oauth_clients')
    .where('id', '=', id)
    .where((eb) => eb.or([eb('last_used_at', 'is', null), eb('last_used_at', '<=', now - NOTED_MS)]))
  await unnoted.set({ last_used_at: now }).where('kind', '=', 'admin').execute()
  await unnoted
    .set({ last_used_at: now, expires_at: now + IDLE_MS })
    .where('kind', '=', 'registered')
    .execute()
}

/** In one go; the others wait for the next. */
const AT_ONCE = 1000

/** With all that people gave them, which nothing could be done with any more. @returns how many went */
export async function forgetClients(store: Store, trx: Trx): Promise<number> {
  const over = await trx
    .selectFrom('oauth_clients')
    .select('id')
    .where('expires_at', '<=', store.clock.now())
    .limit(AT_ONCE)
    .execute()
  for (const { id } of over) await deleteClient(store, trx, id)
  return over.length
}

export async function countRegistered(db: Db): Promise<number> {
  const row = await db
    .selectFrom('oauth_clients')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('kind', '=', 'registered')
    .executeTakeFirstOrThrow()
  return Number(row.count)
}

/** @returns false where every registration is in use, or younger than the time that a person may take to sign in */
export async function dropOldestUnused(store: Store, trx: Trx, youngestMs: number): Promise<boolean> {
  const oldest = await trx
    .selectFrom('oauth_clients')
    .select('id')
    .where('kind', '=', 'registered')
    .where('last_used_at', 'is', null)
    .where('created_at', '<=', store.clock.now() - youngestMs)
    .orderBy('created_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  if (oldest === undefined) return false
  await deleteClient(store, trx, oldest.id)
  return true
}

/** Whether what a client shows is its secret, of which `kept` is the SHA-256. */
export function isClientSecret(kept: string | undefined, shown: string): boolean {
  return kept !== undefined && sameSecret(kept, digest(shown))
}

/** Where oidc-provider finds clients. They are written by `registration-desk.ts` and the REST API alone. */
export function clientAdapter(store: Store): Adapter {
  const unused = async (): Promise<never> => {
    throw new Error('clients are not written through the authorization server')
  }
  return {
    async find(id) {
      const client = await readClient(store, store.db, id)
      if (client === undefined) return undefined
      const { registration_access_token: _kept, ...metadata } = client.metadata
      return { ...metadata, client_id: id, ...issuedAt(client) }
    },
    ...{ upsert: unused, findByUid: unused, findByUserCode: unused, consume: unused, destroy: unused },
    revokeByGrantId: unused,
  }
}

/** RFC 7591, section 3.2.1: in seconds; a secret here does not expire by itself. */
export function issuedAt({
  createdAt,
  metadata,
}: Pick<ClientRecord, 'createdAt' | 'metadata'>): Record<string, number> {
  return {
    client_id_issued_at: Math.floor(createdAt / 1000),
    ...(metadata.client_secret === undefined ? {} : { client_secret_expires_at: 0 }),
  }
}

function toRecord(row: OauthClientRow): ClientRecord {
  return {
    id: row.id,
    kind: row.kind,
    metadata: JSON.parse(row.metadata) as StoredMetadata,
    createdAt: row.created_at,
    createdBy: row.created_by,
    lastUsedAt: row.last_used_at,
    expiresAt: row.expires_at,
  }
}
