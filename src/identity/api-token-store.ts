/** API tokens at rest: who may use the REST API and the CLI. Only the digest is kept. */
import { type ApiTokenId, newId } from '../base/ids.ts'
import type { Role } from '../base/principal.ts'
import { fromJson } from '../store/columns.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { ApiTokenRow } from '../store/tables.ts'

export interface ApiTokenRecord {
  id: ApiTokenId
  name: string
  role: Role
  /** Empty means all that the role has. */
  scopes: readonly string[]
  createdAt: number
  createdBy: string
  /** Milliseconds since 1970; null never. */
  expiresAt: number | null
  revokedAt: number | null
}

/** In the order in which they were made; the revoked and expired too. */
export async function listApiTokens(db: Db): Promise<ApiTokenRecord[]> {
  const rows = await db.selectFrom('api_tokens').selectAll().orderBy('created_at').orderBy('id').execute()
  return rows.map(toRecord)
}

/** @param digest SHA-256 of the whole token, as hex. The caller checks expiry and revocation. */
export async function findApiToken(db: Db, digest: string): Promise<ApiTokenRecord | undefined> {
  const row = await db.selectFrom('api_tokens').selectAll().where('token_digest', '=', digest).executeTakeFirst()
  return row && toRecord(row)
}

export async function readApiToken(db: Db, id: string): Promise<ApiTokenRecord | undefined> {
  const row = await db.selectFrom('api_tokens').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

export type NewApiToken = Pick<ApiTokenRecord, 'name' | 'role' | 'scopes' | 'createdBy' | 'expiresAt'> & {
  digest: string
}

export async function insertApiToken(store: Store, trx: Trx, made: NewApiToken): Promise<ApiTokenId> {
  const now = store.clock.now()
  const id = newId<ApiTokenId>(now)
  await trx
    .insertInto('api_tokens')
    .values({
      id,
      name: made.name,
      token_digest: made.digest,
      role: made.role,
      scopes: JSON.stringify(made.scopes),
      created_at: now,
      created_by: made.createdBy,
      expires_at: made.expiresAt,
    })
    .execute()
  await store.versions.bump(trx, 'tokens')
  return id
}

/** A token that is revoked already keeps its first time. */
export async function revokeApiToken(store: Store, trx: Trx, id: ApiTokenId): Promise<void> {
  await trx
    .updateTable('api_tokens')
    .set({ revoked_at: store.clock.now() })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute()
  await store.versions.bump(trx, 'tokens')
}

/**
 * How many tokens could still administer everything if `without` were gone: owners without a narrowed scope or an end.
 * Inside the transaction that revokes, so that two revocations cannot each count the other.
 */
export async function countLastingOwners(trx: Trx, without: ApiTokenId): Promise<number> {
  let owners = trx
    .selectFrom('api_tokens')
    .select('id')
    .where('role', '=', 'owner')
    .where('scopes', '=', '[]')
    .where('expires_at', 'is', null)
    .where('revoked_at', 'is', null)
  // SQLite has one writer at a time and no row locks.
  if (trx.getExecutor().adapter.supportsMultipleConnections) owners = owners.forUpdate()
  const rows = await owners.execute()
  return rows.filter((row) => row.id !== without).length
}

function toRecord(row: ApiTokenRow): ApiTokenRecord {
  return {
    id: row.id as ApiTokenId,
    name: row.name,
    role: row.role,
    scopes: fromJson(row.scopes),
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
}
