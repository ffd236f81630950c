/**
 * A person's browser at the portal. Before anybody is known it has a *binding*: a random cookie that ties what was begun in this browser (a
 * way to an identity provider, a mailed PIN, a form) to this browser. Who has signed in has a *session*, always a new one. Only digests are
 * kept; forms carry a token that is derived from the cookie, so a page of another site cannot know it.
 */
import { randomBytes } from 'node:crypto'
import { newId, type UserId } from '../base/ids.ts'
import type { IdentityFacts } from '../base/principal.ts'
import { digest, sameSecret } from '../base/secret.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import { type CookieName, openCookies } from './cookies.ts'
import { factsOf } from './identity-store.ts'
import { labelOf } from './label.ts'

export interface BrowserSession {
  id: string
  userId: UserId
  identityId: string
  /** Null where nobody may speak for the address. */
  email: string | null
  label: string
  identity: IdentityFacts
  createdAt: number
  lastSeenAt: number
  expiresAt: number
  clientIp: string
  userAgent: string
}

/** What a request's cookies say of the browser that sent it. */
export interface Browser {
  session: BrowserSession | null
  /** SHA-256 of the binding cookie; what is begun before sign-in is tied to it. Null where the browser has none yet. */
  binding: string | null
  /** The token that this browser's forms must carry. */
  formToken: string
  /** Set-Cookie values that the answer must carry, so that the token above is good. */
  setCookies: readonly string[]
}

export interface BrowserSessions {
  /** Reads the browser's cookies, and gives it a binding where it has none. @param cookie the Cookie header */
  look(cookie: string | null): Promise<Browser & { binding: string }>
  /** Whether a form came from a page that this portal showed to this browser. Never true where the browser has no cookie. */
  isOwnForm(cookie: string | null, formToken: unknown): boolean
  /** Opens a session for who has just proved who they are, in the transaction that wrote it down. @returns the Set-Cookie value */
  open(trx: Trx, who: NewBrowserSession): Promise<{ id: string; setCookie: string }>
  /** Set-Cookie values that make the browser forget everything. */
  forget(): readonly string[]
}

export interface NewBrowserSession {
  userId: string
  identityId: string
  clientIp: string
  userAgent: string
  /** Milliseconds. */
  lifetime: number
}

const SEEN_MS = 60_000
const NO_BROWSER = ''

/** @param issuer the base URL under which people sign in */
export function openBrowserSessions(store: Store, issuer: () => string): BrowserSessions {
  const cookies = () => openCookies(issuer())
  const read = (header: string | null, name: CookieName) => cookies().read(header, name)
  const tokenFor = (value: string) => digest(`form\0${value}`)

  return {
    async look(cookie) {
      const value = read(cookie, 'session')
      const session = value === null ? null : await findSession(store, digest(value))
      const known = read(cookie, 'browser')
      const browser = known ?? randomBytes(32).toString('base64url')
      return {
        session,
        binding: digest(browser),
        formToken: tokenFor(session !== null && value !== null ? value : browser),
        setCookies: known === null ? [cookies().write('browser', browser, null)] : [],
      }
    },
    isOwnForm(cookie, formToken) {
      if (typeof formToken !== 'string') return false
      const values = [read(cookie, 'session'), read(cookie, 'browser')].filter((value) => value !== null)
      return values.some((value) => sameSecret(tokenFor(value ?? NO_BROWSER), formToken))
    },
    async open(trx, { userId, identityId, clientIp, userAgent, lifetime }) {
      const value = randomBytes(32).toString('base64url')
      const now = store.clock.now()
      const id = newId<string>(now)
      await trx
        .insertInto('browser_sessions')
        .values({
          ...{ id, token_digest: digest(value), user_id: userId, identity_id: identityId, created_at: now },
          ...{ last_seen_at: now, expires_at: now + lifetime, ended_at: null },
          ...{ client_ip: clientIp.slice(0, 64), user_agent: userAgent.slice(0, 256) },
        })
        .execute()
      return { id, setCookie: cookies().write('session', value, Math.floor(lifetime / 1000)) }
    },
    forget: () => [cookies().write('session', '', 0), cookies().write('browser', '', 0)],
  }
}

async function findSession(store: Store, tokenDigest: string): Promise<BrowserSession | null> {
  const now = store.clock.now()
  const [session] = await live(store.db, now).where('browser_sessions.token_digest', '=', tokenDigest).execute()
  if (session === undefined) return null
  if (now - session.last_seen_at > SEEN_MS) {
    await store.db.updateTable('browser_sessions').set({ last_seen_at: now }).where('id', '=', session.id).execute()
  }
  return toSession(session)
}

/** Those that are neither over nor ended, the last used first. */
export async function listBrowserSessions(db: Db, userId: string, now: number): Promise<BrowserSession[]> {
  const rows = await live(db, now)
    .where('browser_sessions.user_id', '=', userId)
    .orderBy('browser_sessions.last_seen_at', 'desc')
    .execute()
  return rows.map(toSession)
}

/**
 * Whether a session still stands, and keeps it so until this transaction is over: whoever ends it meanwhile waits, and then finds what was
 * made here. For all that a person gives away by a page, since between the look at the cookie and the end of a slow form lies time.
 */
export async function holdBrowserSession(store: Store, trx: Trx, id: string): Promise<boolean> {
  const found = live(trx, store.clock.now()).where('browser_sessions.id', '=', id)
  // SQLite has one writer at a time and no row locks.
  const held = store.dialect === 'postgres' ? found.forUpdate('browser_sessions') : found
  return (await held.execute()).length === 1
}

/** @param which one session, or all of a user @returns how many were ended */
export async function endBrowserSessions(
  store: Store,
  trx: Trx,
  which: { id: string } | { userId: string },
): Promise<number> {
  const update = trx.updateTable('browser_sessions').set({ ended_at: store.clock.now() }).where('ended_at', 'is', null)
  const ended =
    'id' in which
      ? await update.where('id', '=', which.id).executeTakeFirst()
      : await update.where('user_id', '=', which.userId).executeTakeFirst()
  return Number(ended.numUpdatedRows)
}

const KEPT_MS = 30 * 86_400_000

/** Deletes those that were over long ago: each sign-in makes one. @returns how many went */
export async function forgetBrowserSessions(store: Store): Promise<number> {
  const before = store.clock.now() - KEPT_MS
  const gone = await store.db
    .deleteFrom('browser_sessions')
    .where((eb) => eb.or([eb('expires_at', '<=', before), eb('ended_at', '<=', before)]))
    .executeTakeFirst()
  return Number(gone.numDeletedRows)
}

function live(db: Db, now: number) {
  return db
    .selectFrom('browser_sessions')
    .innerJoin('users', 'users.id', 'browser_sessions.user_id')
    .innerJoin('identities', 'identities.id', 'browser_sessions.identity_id')
    .where('browser_sessions.ended_at', 'is', null)
    .where('browser_sessions.expires_at', '>', now)
    .where('users.disabled_at', 'is', null)
    .selectAll('browser_sessions')
    .select([
      ...(['users.email as email', 'users.name as name', 'identities.provider_id', 'identities.issuer'] as const),
      ...(['identities.subject', 'identities.groups', 'identities.amr', 'identities.claims'] as const),
      'identities.authenticated_at',
    ])
}

type Row = Awaited<ReturnType<ReturnType<typeof live>['execute']>>[number]

function toSession(row: Row): BrowserSession {
  const identity = factsOf(row)
  if (identity === null) throw new Error('a session without an identity')
  return {
    id: row.id,
    userId: row.user_id as UserId,
    identityId: row.identity_id,
    email: row.email,
    label: labelOf(row.email, row.name, row.user_id),
    identity,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    expiresAt: row.expires_at,
    clientIp: row.client_ip,
    userAgent: row.user_agent,
  }
}
