/**
 * Connections at rest. The tokens are sealed under the row's id, and what stands inside the seal names the server, the owner and the
 * version: a seal that was moved to another row does not open, and one that was put back from an older copy of its own row is not
 * believed. The version decides every race: whoever writes says what it read.
 */
import { newId, type ServerUid, type UserId } from '../../base/ids.ts'
import type { Sealer } from '../../base/secret.ts'
import { flag, fromJson } from '../../store/columns.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import type { ConnectionRow } from '../../store/tables-connections.ts'
import { updateServerState } from '../server-store.ts'
import type { ConnectionReason, ConnectionRecord, ConnectionStatus, Owner, Tokens } from './model.ts'

/** What a connection is made with, or renewed with. */
export interface ConnectionContent
  extends Pick<
    ConnectionRecord,
    'kind' | 'issuer' | 'resource' | 'clientId' | 'scope' | 'account' | 'expiresAt' | 'renewAt'
  > {
  tokens: Tokens
}

interface Sealed extends Tokens {
  server: string
  owner: string
  version: number
}

export function ownerOfUser(userId: UserId): `user:${UserId}` {
  return `user:${userId}`
}

/** @returns undefined where there is none */
export async function readConnection(db: Db, server: ServerUid, owner: Owner): Promise<ConnectionRecord | undefined> {
  const row = await db
    .selectFrom('connections')
    .selectAll()
    .where('server_uid', '=', server)
    .where('owner', '=', owner)
    .executeTakeFirst()
  return row && toRecord(row)
}

/** Of all owners, or one server, or one person; the oldest first. */
export async function listConnections(
  db: Db,
  which: { server?: ServerUid; user?: UserId; shared?: true } = {},
): Promise<ConnectionRecord[]> {
  let query = db.selectFrom('connections').selectAll()
  if (which.server !== undefined) query = query.where('server_uid', '=', which.server)
  if (which.user !== undefined) query = query.where('user_id', '=', which.user)
  if (which.shared === true) query = query.where('user_id', 'is', null)
  return (await query.orderBy('created_at').orderBy('id').execute()).map(toRecord)
}

/** Of some people at once, who are in memory; or all that are shared. */
export async function listConnectionsOf(db: Db, of: readonly UserId[] | 'shared'): Promise<ConnectionRecord[]> {
  const all = db.selectFrom('connections').selectAll()
  const query = of === 'shared' ? all.where('user_id', 'is', null) : all.where('user_id', 'in', of)
  return (await query.execute()).map(toRecord)
}

export interface OpenedConnection {
  record: ConnectionRecord
  /** Null where there are none, where they do not open, or where they are of another row or version. */
  tokens: Tokens | null
}

/** With the tokens in the clear, for use. */
export async function openConnectionRow(
  db: Db,
  sealer: Sealer,
  server: ServerUid,
  owner: Owner,
): Promise<OpenedConnection | undefined> {
  const row = await db
    .selectFrom('connections')
    .selectAll()
    .where('server_uid', '=', server)
    .where('owner', '=', owner)
    .executeTakeFirst()
  return row && { record: toRecord(row), tokens: openTokens(sealer, row) }
}

/** A new connection takes the place of whatever this owner had at this server: its id is another, so nothing of the old one is used on. */
export async function saveConnection(
  store: Store,
  trx: Trx,
  sealer: Sealer,
  made: ConnectionContent & { serverUid: ServerUid; owner: Owner; createdBy: string },
): Promise<ConnectionRecord> {
  const now = store.clock.now()
  const { serverUid, owner, createdBy } = made
  const before = await trx
    .deleteFrom('connections')
    .where('server_uid', '=', serverUid)
    .where('owner', '=', owner)
    .returning(['warned_at', 'kind', 'issuer', 'account'])
    .executeTakeFirst()
  const id = newId<string>(now)
  const row: ConnectionRow = {
    id,
    server_uid: serverUid,
    owner,
    user_id: owner.startsWith('user:') ? owner.slice('user:'.length) : null,
    ...contentColumns(sealer, { id, server: serverUid, owner, version: 1 }, made),
    status: 'ready',
    reason: null,
    refreshed_at: now,
    version: 1,
    // Who was told of trouble is told of its end (`upkeep.ts`).
    warned_at: owner.startsWith('user:') ? null : (before?.warned_at ?? null),
    created_at: now,
    created_by: createdBy,
  }
  await trx.insertInto('connections').values(row).execute()
  // What another account saw is not what this one sees. The shared lists, and those of the same account, stay until the sync that follows
  // replaces them: a call that made its person connect anew must find its tool again.
  const isSame = before?.kind === 'oauth' && before.issuer === row.issuer && before.account === row.account
  if (row.user_id !== null && !isSame) {
    await trx.deleteFrom('inventories').where('server_uid', '=', serverUid).where('credential', '=', owner).execute()
    await store.versions.bump(trx, 'inventories')
  } else if (row.user_id === null) await followShared(store, trx, serverUid, 'connected')
  await store.versions.bump(trx, 'connections')
  return toRecord(row)
}

/**
 * Puts renewed tokens in the place of those that were read.
 *
 * @param read as it was read: another version by now means that somebody else was first
 * @returns what stands there now, or undefined where somebody else was first, or it is gone
 */
export async function renewConnection(
  store: Store,
  trx: Trx,
  sealer: Sealer,
  { read, content }: { read: ConnectionRecord; content: ConnectionContent },
): Promise<ConnectionRecord | undefined> {
  const now = store.clock.now()
  const version = read.version + 1
  const { id, serverUid: server, owner } = read
  const row = await trx
    .updateTable('connections')
    .set({
      ...contentColumns(sealer, { id, server, owner, version }, content),
      status: 'ready',
      // A renewed token has no more rights than the one before it.
      reason: read.reason === 'scope' ? 'scope' : null,
      refreshed_at: now,
      version,
    })
    .where('id', '=', id)
    .where('version', '=', read.version)
    .returningAll()
    .executeTakeFirst()
  if (row === undefined) return undefined
  if (row.user_id === null) await followShared(store, trx, server, 'connected')
  await store.versions.bump(trx, 'connections')
  return toRecord(row)
}

/** @returns whether it changed: not where it was so already, somebody renewed it meanwhile, or it is gone */
export async function markConnection(
  store: Store,
  trx: Trx,
  read: Pick<ConnectionRecord, 'id' | 'version' | 'userId'>,
  state: { status: ConnectionStatus; reason: ConnectionReason | null },
): Promise<boolean> {
  const { status, reason } = state
  const isTold = read.userId === null && reason !== null
  const row = await trx
    .updateTable('connections')
    .set({ status, reason, ...(isTold ? { warned_at: store.clock.now() } : {}) })
    .where('id', '=', read.id)
    .where('version', '=', read.version)
    .where((eb) => eb.or([eb('status', '!=', status), eb('reason', 'is distinct from', reason)]))
    .returning(['server_uid', 'user_id'])
    .executeTakeFirst()
  if (row === undefined) return false
  if (row.user_id === null && status === 'needs_reauth')
    await followShared(store, trx, row.server_uid as ServerUid, 'stale')
  await store.versions.bump(trx, 'connections')
  return true
}

/** Notes that admins were told. @returns whether they were not told before */
export async function markWarned(store: Store, trx: Trx, id: string): Promise<boolean> {
  const done = await trx
    .updateTable('connections')
    .set({ warned_at: store.clock.now() })
    .where('id', '=', id)
    .where('warned_at', 'is', null)
    .executeTakeFirst()
  return Number(done.numUpdatedRows) === 1
}

/** What admins were told of is over. @returns whether they were not told of that before */
export async function clearWarned(
  trx: Trx,
  { id, warnedAt }: Pick<ConnectionRecord, 'id' | 'warnedAt'>,
): Promise<boolean> {
  const done = await trx
    .updateTable('connections')
    .set({ warned_at: null })
    .where('id', '=', id)
    .where('warned_at', '=', warnedAt)
    .executeTakeFirst()
  return Number(done.numUpdatedRows) === 1
}

/**
 * @param which at least one of these: nothing named is never all of them
 * @returns what was deleted, with its tokens where they open, so that they can be revoked at the server's side
 */
export async function deleteConnections(
  store: Store,
  trx: Trx,
  sealer: Sealer,
  which: { server?: ServerUid; owner?: Owner; user?: UserId },
): Promise<OpenedConnection[]> {
  const { server, owner, user } = which
  if (server === undefined && owner === undefined && user === undefined) throw new Error('all connections at once')
  let query = trx.deleteFrom('connections')
  if (server !== undefined) query = query.where('server_uid', '=', server)
  if (owner !== undefined) query = query.where('owner', '=', owner)
  if (user !== undefined) query = query.where('user_id', '=', user)
  const rows = await query.returningAll().execute()
  for (const row of rows) {
    await trx
      .deleteFrom('inventories')
      .where('server_uid', '=', row.server_uid)
      .where('credential', '=', row.owner)
      .execute()
    if (row.user_id === null) await followShared(store, trx, row.server_uid as ServerUid, 'missing')
  }
  if (rows.length > 0) {
    await store.versions.bump(trx, 'connections')
    await store.versions.bump(trx, 'inventories')
  }
  return rows.map((row) => ({ record: toRecord(row), tokens: openTokens(sealer, row) }))
}

/** What the REST API shows of a server's shared credential is always what stands here. */
async function followShared(
  store: Store,
  trx: Trx,
  uid: ServerUid,
  state: 'connected' | 'stale' | 'missing',
): Promise<void> {
  const row = await trx
    .selectFrom('servers')
    .select(['auth_type', 'auth_mode', 'authentication_status'])
    .where('uid', '=', uid)
    .executeTakeFirst()
  if (row === undefined || row.auth_type !== 'oauth') return
  const absent = row.auth_mode === 'manual' ? 'manual' : 'required'
  const next = state === 'missing' ? absent : state
  if (next !== row.authentication_status) await updateServerState(store, trx, uid, { authenticationStatus: next })
}

interface Place {
  id: string
  server: string
  owner: string
  version: number
}

function contentColumns(sealer: Sealer, { id, ...place }: Place, content: ConnectionContent) {
  const sealed: Sealed = { ...content.tokens, ...place }
  return {
    kind: content.kind,
    issuer: content.issuer,
    resource: content.resource,
    client_id: content.clientId,
    scope: content.scope,
    account: content.account,
    tokens_sealed: sealer.seal(JSON.stringify(sealed), whereOf(id)),
    has_refresh_token: flag(content.tokens.refresh !== null),
    expires_at: content.expiresAt,
    renew_at: content.renewAt,
  }
}

function openTokens(sealer: Sealer, row: ConnectionRow): Tokens | null {
  const plain = row.tokens_sealed === null ? undefined : sealer.open(row.tokens_sealed, whereOf(row.id))
  if (plain === undefined) return null
  const { server, owner, version, access, type, refresh } = fromJson<Sealed>(plain)
  const isOfRow = server === row.server_uid && owner === row.owner && version === row.version
  return isOfRow ? { access, type, refresh } : null
}

function whereOf(id: string): string {
  return `connections/${id}/tokens`
}

function toRecord(row: ConnectionRow): ConnectionRecord {
  return {
    id: row.id,
    serverUid: row.server_uid as ServerUid,
    owner: row.owner as Owner,
    userId: row.user_id as UserId | null,
    kind: row.kind,
    status: row.status,
    reason: row.reason as ConnectionReason | null,
    issuer: row.issuer,
    resource: row.resource,
    clientId: row.client_id,
    scope: row.scope,
    account: row.account,
    hasRefreshToken: row.has_refresh_token === 1,
    expiresAt: row.expires_at,
    renewAt: row.renew_at,
    refreshedAt: row.refreshed_at,
    version: row.version,
    warnedAt: row.warned_at,
    createdAt: row.created_at,
    createdBy: row.created_by,
  }
}
