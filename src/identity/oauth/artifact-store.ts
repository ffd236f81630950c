/**
 * Where the authorization server keeps its things, behind the interface that oidc-provider asks for. Nothing can be used that was read from
 * here alone: ids are kept as SHA-256, payloads are sealed, and the row is found only with what the client or the browser shows.
 *
 * Two kinds live in tables of their own, because the rest of the house looks at them: access tokens and grants. A thing that hangs on a
 * grant is there only while the grant stands.
 */
import { newId } from '../../base/ids.ts'
import { digest, type Sealer } from '../../base/secret.ts'
import { databaseNow } from '../../store/database-time.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import type { OauthArtifactRow } from '../../store/tables-people.ts'
import { readGrant, revokeGrants } from '../grant-store.ts'
import { type Adapter, currentContext, errors, type Payload } from './library.ts'

export interface ArtifactRooms {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  /** Clients that registered, or that an admin wrote down. */
  clients: Adapter
}

/**
 * How long a refresh token that was used may be used again, in milliseconds, by the database's clock. It returns the same successor: some clients
 * refresh in several processes at once.
 */
export const REFRESH_LEEWAY_MS = 30_000

/** @returns what oidc-provider calls with the name of each model */
export function makeAdapters(rooms: ArtifactRooms): (model: string) => Adapter {
  return (model) => {
    if (model === 'Client') return rooms.clients
    const base = artifacts(model, rooms)
    if (model === 'Grant') return { ...base, ...grants(base, rooms) }
    if (model === 'AccessToken') return { ...base, ...accessTokens(rooms) }
    if (model === 'RefreshToken') return { ...base, ...refreshTokens(base, rooms) }
    if (model === 'AuthorizationCode' || model === 'DeviceCode') return { ...base, ...codes(model, rooms) }
    if (model === 'Session') return { ...base, ...sessions(base) }
    return base
  }
}

function keyOf(model: string, id: string): string {
  return `${model}:${digest(id)}`
}

/** The common way: one row, found by its id or by one of two other names. */
function artifacts(model: string, { store, sealer }: ArtifactRooms): Adapter {
  const open = (row: OauthArtifactRow | undefined): Payload | undefined => {
    if (row === undefined || (row.expires_at !== null && row.expires_at <= store.clock.now())) return undefined
    const text = sealer.open(row.payload_sealed, `oauth_artifacts/${row.key}/payload`)
    if (text === undefined) return undefined
    const payload = JSON.parse(text) as Payload
    return row.consumed_at === null ? payload : { ...payload, consumed: Math.floor(row.consumed_at / 1000) }
  }
  const rows = (db: Db) => db.selectFrom('oauth_artifacts').selectAll()
  return {
    async upsert(id, payload, expiresIn) {
      await store.write((trx) => saveArtifact(model, id, { payload, expiresIn, isKept: false }, { trx, store, sealer }))
    },
    find: async (id) => open(await rows(store.db).where('key', '=', keyOf(model, id)).executeTakeFirst()),
    findByUid: async (uid) =>
      open(await rows(store.db).where('model', '=', model).where('uid_digest', '=', digest(uid)).executeTakeFirst()),
    findByUserCode: async (code) =>
      open(
        await rows(store.db).where('model', '=', model).where('user_code_digest', '=', digest(code)).executeTakeFirst(),
      ),
    async consume(id) {
      await consume(keyOf(model, id), store)
    },
    async destroy(id) {
      await store.db.deleteFrom('oauth_artifacts').where('key', '=', keyOf(model, id)).execute()
    },
    async revokeByGrantId(grantId) {
      await store.db.deleteFrom('oauth_artifacts').where('model', '=', model).where('grant_id', '=', grantId).execute()
    },
  }
}

interface Saving {
  payload: Payload
  expiresIn: number | undefined
  /** What is there already stays as it is. */
  isKept: boolean
}

async function saveArtifact(
  model: string,
  id: string,
  { payload, expiresIn, isKept }: Saving,
  { trx, store, sealer }: { trx: Trx; store: Store; sealer: Sealer },
): Promise<void> {
  const key = keyOf(model, id)
  const now = store.clock.now()
  const row = {
    payload_sealed: sealer.seal(JSON.stringify(payload), `oauth_artifacts/${key}/payload`),
    grant_id: payload.grantId ?? null,
    uid_digest: payload.uid === undefined ? null : digest(payload.uid),
    user_code_digest: payload.userCode === undefined ? null : digest(payload.userCode),
    expires_at: expiresIn === undefined ? null : now + expiresIn * 1000,
  }
  await trx
    .insertInto('oauth_artifacts')
    .values({ ...row, key, model, created_at: now, consumed_at: null })
    .onConflict((conflict) => (isKept ? conflict.column('key').doNothing() : conflict.column('key').doUpdateSet(row)))
    .execute()
}

/** @returns false where it was consumed before: of two at the same time, one wins */
async function consume(key: string, store: Store): Promise<boolean> {
  return store.write(async (trx) => {
    const consumed = await trx
      .updateTable('oauth_artifacts')
      .set({ consumed_at: await databaseNow(store, trx) })
      .where('key', '=', key)
      .where('consumed_at', 'is', null)
      .executeTakeFirst()
    return consumed.numUpdatedRows > 0n
  })
}

/** A code is good once. Two exchanges at the same time must not both find it unused. */
function codes(model: string, { store }: ArtifactRooms): Pick<Adapter, 'consume'> {
  return {
    async consume(id) {
      const key = keyOf(model, id)
      if (await consume(key, store)) return
      const row = await store.db
        .selectFrom('oauth_artifacts')
        .select('grant_id')
        .where('key', '=', key)
        .executeTakeFirst()
      const grantId = row?.grant_id
      const ended = grantId ? await store.write((trx) => revokeGrants(store, trx, { id: grantId }, 'replayed')) : 0
      const context = currentContext()
      // As the library tells of a code that it finds used, so that this is recorded too; of three at once, one tells.
      if (ended > 0) context?.oidc.provider.emit('grant.revoked', context, grantId)
      throw new errors.InvalidGrant('the code was used already')
    },
  }
}

/**
 * A refresh token that was used less than the leeway ago looks unused: its successor is the same each time (`tokens.ts`), and is kept as it
 * is. After that it looks used, and the library revokes all that came of it (RFC 9700, section 4.14.2).
 */
function refreshTokens(base: Adapter, { store, sealer }: ArtifactRooms): Pick<Adapter, 'find' | 'upsert'> {
  return {
    async find(id) {
      const payload = await base.find(id)
      if (payload?.grantId === undefined || !(await stands(payload.grantId, store))) return undefined
      if (payload.consumed === undefined) return payload
      const row = await store.db
        .selectFrom('oauth_artifacts')
        .select('consumed_at')
        .where('key', '=', keyOf('RefreshToken', id))
        .executeTakeFirst()
      const age = (await databaseNow(store, store.db)) - (row?.consumed_at ?? 0)
      if (age > REFRESH_LEEWAY_MS) return payload
      const { consumed: _hidden, ...unused } = payload
      return unused
    },
    async upsert(id, payload, expiresIn) {
      const saving = { payload, expiresIn, isKept: true }
      await store.write((trx) => saveArtifact('RefreshToken', id, saving, { trx, store, sealer }))
    },
  }
}

/**
 * The library's session is only the thread between the two halves of one authorization. Who is signed in is the business of the portal's own
 * session, so no account is ever kept in this one.
 */
function sessions(base: Adapter): Pick<Adapter, 'upsert'> {
  return {
    upsert: (id, { accountId: _account, loginTs: _time, authorizations: _given, ...thread }, expiresIn) =>
      base.upsert(id, thread, expiresIn),
  }
}

/** The library's own note of a grant lies beside our row, and is there only while that stands. */
function grants(
  base: Adapter,
  { store }: ArtifactRooms,
): Pick<Adapter, 'upsert' | 'find' | 'destroy' | 'revokeByGrantId'> {
  const end = async (id: string) => {
    // Asked by the revocation endpoint it is its client's wish; else something was shown twice.
    const why = currentContext()?.oidc.route === 'revocation' ? 'revoked' : 'replayed'
    await store.write((trx) => revokeGrants(store, trx, { id }, why))
    await base.destroy(id)
  }
  return {
    // It hangs on the grant like the rest, so that it goes with it.
    upsert: (id, payload, expiresIn) => base.upsert(id, { ...payload, grantId: id }, expiresIn),
    find: async (id) => ((await stands(id, store)) ? base.find(id) : undefined),
    destroy: end,
    revokeByGrantId: end,
  }
}

async function stands(grantId: string, store: Store): Promise<boolean> {
  const grant = await readGrant(store.db, grantId)
  return grant !== undefined && grant.revokedAt === null
}

/** Access tokens are what the door of MCP looks up, so they are kept where it looks, and only as their SHA-256. */
function accessTokens({ store }: ArtifactRooms): Omit<Adapter, 'findByUid' | 'findByUserCode' | 'consume'> {
  const byDigest = (token: string) => digest(token)
  return {
    async upsert(token, { grantId, exp, clientId = '' }) {
      await store.write(async (trx) => {
        const grant = grantId === undefined ? undefined : await readGrant(trx, grantId)
        if (grant === undefined || grant.revokedAt !== null) throw new errors.InvalidGrant('the grant was revoked')
        const now = store.clock.now()
        await trx.updateTable('grants').set({ last_used_at: now }).where('id', '=', grant.id).execute()
        await trx
          .insertInto('access_tokens')
          .values({
            ...{ id: newId(now), token_digest: byDigest(token), user_id: grant.userId, grant_id: grant.id },
            ...{ portal_uid: grant.portalUid, name: null, created_at: now, created_by: clientId.slice(0, 256) },
            ...{ expires_at: exp === undefined ? now : exp * 1000, revoked_at: null },
          })
          .execute()
      })
    },
    async find(token) {
      const row = await store.db
        .selectFrom('access_tokens')
        .innerJoin('grants', 'grants.id', 'access_tokens.grant_id')
        .where('token_digest', '=', byDigest(token))
        .where('access_tokens.revoked_at', 'is', null)
        .select([
          'access_tokens.created_at as at',
          'expires_at',
          'access_tokens.user_id as who',
          'grant_id',
          'client_id',
        ])
        .executeTakeFirst()
      if (row === undefined) return undefined
      const seconds = (ms: number | null) => Math.floor((ms ?? 0) / 1000)
      return {
        ...{ kind: 'AccessToken', jti: token, accountId: row.who, clientId: row.client_id, grantId: row.grant_id },
        ...{ iat: seconds(row.at), exp: seconds(row.expires_at) },
      }
    },
    async destroy(token) {
      await revoke(store, 'token_digest', byDigest(token))
    },
    revokeByGrantId: (grantId) => revoke(store, 'grant_id', grantId),
  }
}

async function revoke(store: Store, column: 'token_digest' | 'grant_id', value: string): Promise<void> {
  await store.write(async (trx) => {
    await trx
      .updateTable('access_tokens')
      .set({ revoked_at: store.clock.now() })
      .where(column, '=', value)
      .where('revoked_at', 'is', null)
      .execute()
    await store.versions.bump(trx, 'tokens')
  })
}

/** When an authorization began, in milliseconds since 1970: the library knows the second only, and a sign-in may be in the same. */
export async function begunAt(db: Db, uid: string): Promise<number | null> {
  const key = keyOf('Interaction', uid)
  const row = await db.selectFrom('oauth_artifacts').select('created_at').where('key', '=', key).executeTakeFirst()
  return row?.created_at ?? null
}
