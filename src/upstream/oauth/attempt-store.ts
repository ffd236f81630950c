/**
 * Ways to an authorization server and back, at rest. The key is the SHA-256 of `state`; what could finish a way is sealed, and so is what
 * came back, until the person says that it is the right account. A way is good once, in the browser and for the owner that began it.
 */
import type { ServerUid, UserId } from '../../base/ids.ts'
import type { Sealer } from '../../base/secret.ts'
import { fromJson } from '../../store/columns.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import type { ConnectAttemptRow } from '../../store/tables-connections.ts'
import type { AtDesk, PersonsOwner } from '../connections/desk-model.ts'
import type { GrantedTokens } from '../connections/model.ts'

export const ATTEMPT_MS = 10 * 60_000
/** How many a browser may have open, and a person over all browsers; who begins again and again loses the oldest. */
const MOST_OPEN = 10

/** What the answer must match: recorded before the browser left. */
export interface AttemptSecrets {
  verifier: string
  clientId: string
  /** Null only where an admin wrote down endpoints without it. */
  issuer: string | null
  /** RFC 9207 was advertised. */
  hasIss: boolean
  resource: string
  authorizationEndpoint: string
  tokenEndpoint: string
  /** Of the server: another kind, mode or address by now is another server. */
  nature: string
}

/** What came back. */
export interface AttemptResult {
  tokens: GrantedTokens
  /** When the tokens came, in milliseconds since 1970: their life began then. */
  at: number
}

export interface NewAttempt {
  /** SHA-256 of `state`. */
  id: string
  server: ServerUid
  at: AtDesk
  redirectUri: string
  scope: string | null
  returnTo: string
  secrets: AttemptSecrets
}

export interface Attempt {
  id: string
  server: ServerUid
  owner: PersonsOwner
  redirectUri: string
  /** As it was asked for when the browser left. */
  asked: string | null
  /** The same, and what was granted once something came back. */
  scope: string | null
  returnTo: string
  secrets: AttemptSecrets
  account: string | null
  /** Null while nothing has come back. */
  result: AttemptResult | null
}

/** Who asks: the browser, and the person who is signed in there. */
export interface Bearer {
  binding: string
  user: UserId | null
}

interface Rooms {
  store: Store
  sealer: Sealer
}

/** @returns false where the server is gone */
export async function insertAttempt({ store, sealer }: Rooms, made: NewAttempt): Promise<boolean> {
  const now = store.clock.now()
  return store.write(async (trx) => {
    const server = await trx.selectFrom('servers').select('uid').where('uid', '=', made.server).executeTakeFirst()
    if (server === undefined) return false
    const open = await trx
      .selectFrom('connect_attempts')
      .select('id')
      .where((eb) => {
        const browser = eb('cookie_digest', '=', made.at.binding)
        return made.at.owner === 'admin' ? browser : eb.or([browser, eb('owner', '=', made.at.owner)])
      })
      // What came back is somebody's token, which must not be lost here.
      .where('result_sealed', 'is', null)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .offset(MOST_OPEN - 1)
      .limit(1000)
      .execute()
    for (const { id } of open) await trx.deleteFrom('connect_attempts').where('id', '=', id).execute()
    await trx
      .insertInto('connect_attempts')
      .values({
        ...{ id: made.id, server_uid: made.server, owner: made.at.owner, cookie_digest: made.at.binding },
        ...{ started_by: made.at.by, issuer: made.secrets.issuer ?? '', redirect_uri: made.redirectUri },
        ...{ scope: made.scope, return_to: made.returnTo, created_at: now, expires_at: now + ATTEMPT_MS },
        secrets_sealed: sealer.seal(JSON.stringify(made.secrets), whereOf(made.id, 'secrets')),
      })
      .execute()
    return true
  })
}

/**
 * Whoever shows a `state` uses it up, right or wrong: one that reached another browser, another person or another server's address is in
 * hands that it was not made for.
 *
 * @returns undefined for one that is not known, used, too old, or not of this browser, person and path
 */
export async function takeAttempt(
  rooms: Rooms,
  id: string,
  { path, ...bearer }: Bearer & { path: string },
): Promise<Attempt | undefined> {
  const now = rooms.store.clock.now()
  const row = await rooms.store.write(async (trx) => {
    const used = await trx
      .updateTable('connect_attempts')
      .set({ used_at: now })
      .where('id', '=', id)
      .where('used_at', 'is', null)
      .where('expires_at', '>', now)
      .returningAll()
      .executeTakeFirst()
    return used
  })
  if (row === undefined || !isOf(row, bearer) || new URL(row.redirect_uri).pathname !== path) return undefined
  return attemptOf(rooms.sealer, row)
}

/** What came back waits for the person's word, for as long again. @returns false where the way is gone by now */
export async function keepResult(
  { store, sealer }: Rooms,
  id: string,
  { result, account, scope }: { result: AttemptResult; account: string | null; scope: string | null },
): Promise<boolean> {
  const sealed = sealer.seal(JSON.stringify(result), whereOf(id, 'result'))
  return store.write(async (trx) => {
    const kept = await trx
      .updateTable('connect_attempts')
      .set({ result_sealed: sealed, account, granted_scope: scope, expires_at: store.clock.now() + ATTEMPT_MS })
      .where('id', '=', id)
      .where('used_at', 'is not', null)
      .where('result_sealed', 'is', null)
      .executeTakeFirst()
    return Number(kept.numUpdatedRows) === 1
  })
}

/** @returns undefined where nothing waits for this person in this browser */
export async function readWaiting(
  db: Db,
  { store, sealer }: Rooms,
  id: string,
  bearer: Bearer,
): Promise<Attempt | undefined> {
  const row = await db
    .selectFrom('connect_attempts')
    .selectAll()
    .where('id', '=', id)
    .where('result_sealed', 'is not', null)
    .where('confirmed_at', 'is', null)
    .where('expires_at', '>', store.clock.now())
    .executeTakeFirst()
  return row === undefined || !isOf(row, bearer) ? undefined : attemptOf(sealer, row)
}

/** Ends it for good: what waited is nowhere else. @returns whether it was still there */
export async function deleteAttempt(trx: Trx, id: string): Promise<boolean> {
  const gone = await trx.deleteFrom('connect_attempts').where('id', '=', id).executeTakeFirst()
  return Number(gone.numDeletedRows) === 1
}

/** Deletes what is over. @returns those with something that nobody confirmed */
export async function deleteOverAttempts({ store, sealer }: Rooms): Promise<Attempt[]> {
  const rows = await store.write((trx) =>
    trx.deleteFrom('connect_attempts').where('expires_at', '<=', store.clock.now()).returningAll().execute(),
  )
  return rows
    .filter((row) => row.result_sealed !== null && row.confirmed_at === null)
    .flatMap((row) => attemptOf(sealer, row) ?? [])
}

export interface ServerNature {
  auth_type: string
  auth_mode: string | null
  hostname: string
}

/** The server as it stands in the transaction: what memory says may be a moment old. */
export async function readNature(db: Db, server: ServerUid): Promise<string | undefined> {
  const row = await db
    .selectFrom('servers')
    .select(['auth_type', 'auth_mode', 'hostname'])
    .where('uid', '=', server)
    .executeTakeFirst()
  return row && natureOf(row)
}

export function natureOf({ auth_type, auth_mode, hostname }: ServerNature): string {
  return JSON.stringify([auth_type, auth_mode, hostname])
}

/** Whether the person is there and may still sign in. */
export async function isActiveUser(db: Db, id: UserId): Promise<boolean> {
  const row = await db.selectFrom('users').select('disabled_at').where('id', '=', id).executeTakeFirst()
  return row !== undefined && row.disabled_at === null
}

function isOf(row: ConnectAttemptRow, { binding, user }: Bearer): boolean {
  if (row.cookie_digest !== binding) return false
  return row.owner === 'admin' || (user !== null && row.owner === `user:${user}`)
}

function attemptOf(sealer: Sealer, row: ConnectAttemptRow): Attempt | undefined {
  const secrets = sealer.open(row.secrets_sealed, whereOf(row.id, 'secrets'))
  const result = row.result_sealed === null ? null : sealer.open(row.result_sealed, whereOf(row.id, 'result'))
  if (secrets === undefined || result === undefined) return undefined
  return {
    id: row.id,
    server: row.server_uid as ServerUid,
    owner: row.owner as PersonsOwner,
    redirectUri: row.redirect_uri,
    asked: row.scope,
    scope: result === null ? row.scope : row.granted_scope,
    returnTo: row.return_to,
    secrets: fromJson<AttemptSecrets>(secrets),
    account: row.account,
    result: result === null ? null : fromJson<AttemptResult>(result),
  }
}

function whereOf(id: string, column: 'secrets' | 'result'): string {
  return `connect_attempts/${id}/${column}`
}
