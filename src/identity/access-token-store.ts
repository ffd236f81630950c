/** Access tokens at rest: what a user's MCP client shows at the door. Only the digest is kept. */
import { type GrantId, newId, type PortalUid, type UserId } from '../base/ids.ts'
import type { IdentityFacts } from '../base/principal.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { AccessTokenRow } from '../store/tables.ts'
import { factsOf, type IdentityColumns } from './identity-store.ts'
import { labelOf } from './label.ts'

export interface AccessTokenRecord {
  id: string
  userId: UserId
  email: string | null
  /** The address, else what the provider calls the person. */
  label: string
  /** A token minted by an admin is its own grant. */
  grantId: GrantId
  /** Of the identity that the grant was given under; null for a token that an admin made. */
  identity: IdentityFacts | null
  /** The grant was revoked, or the user switched off. */
  isStopped: boolean
  /** The audience: this portal at each of its URLs, and no other. */
  portalUid: PortalUid
  name: string | null
  createdAt: number
  createdBy: string
  /** Milliseconds since 1970; null never. */
  expiresAt: number | null
  revokedAt: number | null
}

/** Those that admins made, without the digest, newest first; the revoked and expired too. Clients' own are their grant's. */
export async function listAccessTokens(db: Db): Promise<AccessTokenRecord[]> {
  const rows = await joined(db)
    .whereRef('access_tokens.grant_id', '=', 'access_tokens.id')
    .orderBy('access_tokens.created_at', 'desc')
    .orderBy('access_tokens.id')
    .execute()
  return rows.map(toRecord)
}

/** @param digest SHA-256 of the whole token, as hex. The caller checks expiry and revocation. */
export async function findAccessToken(db: Db, digest: string): Promise<AccessTokenRecord | undefined> {
  const row = await joined(db).where('token_digest', '=', digest).executeTakeFirst()
  return row && toRecord(row)
}

export async function readAccessToken(db: Db, id: string): Promise<AccessTokenRecord | undefined> {
  const row = await joined(db).where('access_tokens.id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

export interface NewAccessToken {
  digest: string
  userId: UserId
  portalUid: PortalUid
  name: string | null
  createdBy: string
  expiresAt: number | null
}

export async function insertAccessToken(store: Store, trx: Trx, made: NewAccessToken): Promise<string> {
  const now = store.clock.now()
  const id = newId<string & GrantId>(now)
  await trx
    .insertInto('access_tokens')
    .values({
      id,
      token_digest: made.digest,
      user_id: made.userId,
      grant_id: id,
      portal_uid: made.portalUid,
      name: made.name,
      created_at: now,
      created_by: made.createdBy,
      expires_at: made.expiresAt,
    })
    .execute()
  await store.versions.bump(trx, 'tokens')
  return id
}

/** A token that is revoked already keeps its first time. */
export async function revokeAccessToken(store: Store, trx: Trx, id: string): Promise<void> {
  await trx
    .updateTable('access_tokens')
    .set({ revoked_at: store.clock.now() })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .execute()
  await store.versions.bump(trx, 'tokens')
}

/** @returns how many of a user's were good until now */
export async function revokeAccessTokensOf(store: Store, trx: Trx, userId: string): Promise<number> {
  const revoked = await trx
    .updateTable('access_tokens')
    .set({ revoked_at: store.clock.now() })
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  const count = Number(revoked.numUpdatedRows)
  if (count > 0) await store.versions.bump(trx, 'tokens')
  return count
}

/**
 * Which of these have not been withdrawn. A client's token that has expired counts as long as its grant stands, because the client renews
 * it; one that an admin made is its own grant, and is over when it expires.
 *
 * @param digests a few hundred at most @returns those that stand
 */
export async function findStanding(db: Db, digests: readonly string[], now: number): Promise<ReadonlySet<string>> {
  const rows = await joined(db)
    .where('token_digest', 'in', [...digests])
    .where('access_tokens.revoked_at', 'is', null)
    .execute()
  const standing = rows.filter((row) => {
    const isOver = row.id === row.grant_id && row.expires_at !== null && row.expires_at <= now
    return !isOver && !toRecord(row).isStopped
  })
  return new Set(standing.map((row) => row.token_digest))
}

function joined(db: Db) {
  return db
    .selectFrom('access_tokens')
    .innerJoin('users', 'users.id', 'access_tokens.user_id')
    .leftJoin('grants', 'grants.id', 'access_tokens.grant_id')
    .leftJoin('identities', 'identities.id', 'grants.identity_id')
    .selectAll('access_tokens')
    .select([
      ...(['users.email as email', 'users.name as user_name', 'users.disabled_at as user_disabled_at'] as const),
      ...(['grants.revoked_at as grant_revoked_at', 'identities.provider_id', 'identities.issuer'] as const),
      ...(['identities.subject', 'identities.groups', 'identities.amr', 'identities.claims'] as const),
      'identities.authenticated_at',
    ])
}

interface Joined extends AccessTokenRow, IdentityColumns {
  email: string | null
  user_name: string | null
  user_disabled_at: number | null
  grant_revoked_at: number | null
}

function toRecord(row: Joined): AccessTokenRecord {
  return {
    label: labelOf(row.email, row.user_name, row.user_id),
    identity: factsOf(row),
    isStopped: row.grant_revoked_at !== null || row.user_disabled_at !== null,
    id: row.id,
    userId: row.user_id as UserId,
    email: row.email,
    grantId: row.grant_id as GrantId,
    portalUid: row.portal_uid as PortalUid,
    name: row.name,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    revokedAt: row.revoked_at,
  }
}
