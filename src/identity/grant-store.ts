/** Grants at rest: one client's authorization by one person for one portal. Everything that the client holds hangs on it. */
import type { GrantId, PortalUid, UserId } from '../base/ids.ts'
import { endDemands } from '../store/end-demands.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { GrantRow } from '../store/tables-people.ts'

export type RevokedWhy = 'signed-out' | 'revoked' | 'replayed' | 'replaced' | 'provider' | 'policy' | 'over'

const DAY_MS = 86_400_000
/** How long a grant that is over can still be looked up. */
const KEPT_MS = 30 * DAY_MS
/** In one go; the others wait for the next. */
const AT_ONCE = 1000

export interface GrantRecord {
  id: GrantId
  userId: UserId
  identityId: string
  portalUid: PortalUid
  clientId: string
  clientName: string
  redirectUri: string | null
  resource: string
  createdAt: number
  lastUsedAt: number
  revokedAt: number | null
  revokedWhy: RevokedWhy | null
}

export interface NewGrant {
  id: GrantId
  userId: UserId
  identityId: string
  portalUid: PortalUid
  clientId: string
  clientName: string
  redirectUri: string | null
  resource: string
}

export async function insertGrant(store: Store, trx: Trx, made: NewGrant): Promise<void> {
  const now = store.clock.now()
  await trx
    .insertInto('grants')
    .values({
      ...{ id: made.id, user_id: made.userId, identity_id: made.identityId, portal_uid: made.portalUid },
      ...{ client_id: made.clientId, client_name: made.clientName, redirect_uri: made.redirectUri },
      ...{ resource: made.resource, created_at: now, last_used_at: now },
      ...{ revoked_at: null, revoked_why: null, announced: null },
    })
    .execute()
}

export async function readGrant(db: Db, id: string): Promise<GrantRecord | undefined> {
  const row = await db.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/** Those that stand, the last used first. */
export async function listGrants(db: Db, userId: string): Promise<GrantRecord[]> {
  const rows = await db
    .selectFrom('grants')
    .selectAll()
    .where('user_id', '=', userId)
    .where('revoked_at', 'is', null)
    .orderBy('last_used_at', 'desc')
    .execute()
  return rows.map(toRecord)
}

/** What people let one client do, counted. */
export interface ClientUse {
  clientId: string
  /** As it called itself at last. */
  clientName: string
  people: number
  grants: number
  lastUsedAt: number
}

/** Every client that somebody let in, the last used first. @param clientId only that one */
export async function listClientUses(db: Db, clientId?: string): Promise<ClientUse[]> {
  const standing = db.selectFrom('grants').where('revoked_at', 'is', null)
  const rows = await (clientId === undefined ? standing : standing.where('client_id', '=', clientId))
    .select((eb) => [
      'client_id',
      eb.fn.max('client_name').as('name'),
      eb.fn.count('user_id').distinct().as('people'),
      eb.fn.countAll().as('grants'),
      eb.fn.max('last_used_at').as('at'),
    ])
    .groupBy('client_id')
    .orderBy('at', 'desc')
    .execute()
  return rows.map(({ client_id: clientId, name, people, grants, at }) => ({
    ...{ clientId, clientName: name ?? '', people: Number(people), grants: Number(grants), lastUsedAt: Number(at) },
  }))
}

/**
 * Ends grants and all that hangs on them: access tokens, refresh tokens, codes, and the server switches. Streams that are open with such a
 * token end on every replica when the topic is told of.
 *
 * @param which one grant, or all of a user, a client or a portal
 * @returns how many stood until now
 */
export async function revokeGrants(
  store: Store,
  trx: Trx,
  which: { id: string } | { userId: string } | { clientId: string },
  why: RevokedWhy,
): Promise<number> {
  const standing = trx.selectFrom('grants').select('id').where('revoked_at', 'is', null)
  const found = await ('id' in which
    ? standing.where('id', '=', which.id)
    : 'userId' in which
      ? standing.where('user_id', '=', which.userId)
      : standing.where('client_id', '=', which.clientId)
  ).execute()
  const now = store.clock.now()
  for (const { id } of found) {
    await trx.updateTable('grants').set({ revoked_at: now, revoked_why: why }).where('id', '=', id).execute()
    await trx
      .updateTable('access_tokens')
      .set({ revoked_at: now })
      .where('grant_id', '=', id)
      .where('revoked_at', 'is', null)
      .execute()
    await trx.deleteFrom('oauth_artifacts').where('grant_id', '=', id).execute()
    await trx.deleteFrom('toggles').where('owner', '=', `grant:${id}`).execute()
    await endDemands(store, trx, 'grant_id', id)
  }
  if (found.length > 0) await store.versions.bump(trx, 'tokens')
  return found.length
}

/**
 * Ends grants whose client holds nothing any more: its tokens ran out, or it never came for them. A client that signs its person in anew each
 * time, instead of renewing what it has, leaves one behind each time. Those that were over long ago are deleted.
 *
 * @returns how many were ended
 */
export async function forgetGrants(store: Store): Promise<number> {
  const now = store.clock.now()
  return store.write(async (trx) => {
    const idle = await trx
      .selectFrom('grants')
      .select('id')
      .where('revoked_at', 'is', null)
      .where('last_used_at', '<=', now - DAY_MS)
      .where(({ not, exists, selectFrom }) => {
        const artifacts = selectFrom('oauth_artifacts')
          .select('key')
          .whereRef('oauth_artifacts.grant_id', '=', 'grants.id')
        // The library's own note of a grant lives longer than anything that could be shown.
        const held = artifacts
          .where('model', '!=', 'Grant')
          .where('consumed_at', 'is', null)
          .where('expires_at', '>', now)
        return not(exists(held))
      })
      .where(({ not, exists, selectFrom }) => {
        const tokens = selectFrom('access_tokens').select('id').whereRef('access_tokens.grant_id', '=', 'grants.id')
        return not(exists(tokens.where('access_tokens.revoked_at', 'is', null).where('expires_at', '>', now)))
      })
      .limit(AT_ONCE)
      .execute()
    for (const { id } of idle) await revokeGrants(store, trx, { id }, 'over')
    await trx
      .deleteFrom('grants')
      .where('revoked_at', '<=', now - KEPT_MS)
      .execute()
    return idle.length
  })
}

function toRecord(row: GrantRow): GrantRecord {
  return {
    id: row.id as GrantId,
    userId: row.user_id as UserId,
    identityId: row.identity_id,
    portalUid: row.portal_uid as PortalUid,
    clientId: row.client_id,
    clientName: row.client_name,
    redirectUri: row.redirect_uri,
    resource: row.resource,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at,
    revokedAt: row.revoked_at,
    revokedWhy: row.revoked_why as RevokedWhy | null,
  }
}
