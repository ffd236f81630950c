/**
 * Who is calling the REST API: an API token, in `Authorization: Bearer`, or the browser of a person who is signed in and has a role. What
 * each role may do is `admin/`'s table.
 *
 * A browser sends its cookie whoever makes it send a request, so the cookie alone says nothing. It counts only together with what a page of
 * another site cannot add: a header of our own, which such a page may not send without a preflight that this API never answers, and
 * `Sec-Fetch-Site: same-origin`, which only the browser itself writes.
 */
import type { Clock } from '../base/clock.ts'
import type { PersonOperator, TokenOperator } from '../base/principal.ts'
import { digest, looksLikeSecret } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import { findApiToken } from './api-token-store.ts'
import type { BrowserSessions } from './browser-session-store.ts'
import { roleOf } from './roles.ts'

/** @returns null for anything that is not a live API token */
export async function authenticateOperator(
  authorization: string | null | undefined,
  store: Store,
  clock: Clock,
): Promise<TokenOperator | null> {
  const token = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization ?? '')?.[1]
  if (token === undefined || !looksLikeSecret(token, 'ptapi')) return null
  const record = await findApiToken(store.db, digest(token))
  if (!record || record.revokedAt !== null) return null
  if (record.expiresAt !== null && record.expiresAt <= clock.now()) return null
  return { kind: 'api_token', id: record.id, name: record.name, role: record.role, scopes: record.scopes }
}

/** What a browser's request shows beside its cookie; null for a header that is not there. */
export interface BrowserShown {
  method: string
  cookie: string | null
  /** `X-Portico-Request` */
  ownRequest: string | null
  /** `Sec-Fetch-Site` */
  fetchSite: string | null
  origin: string | null
  contentType: string | null
}

export interface OperatorRooms {
  store: Store
  browsers: Pick<BrowserSessions, 'look'>
  /** The base URL under which people sign in. */
  issuer(): string
}

/**
 * @returns null where the request does not prove that a page of ours sent it, or nobody is signed in; `no-role` where somebody is who may
 * not work on the portal
 */
export async function authenticatePerson(
  shown: BrowserShown,
  { store, browsers, issuer }: OperatorRooms,
): Promise<PersonOperator | 'no-role' | null> {
  if (shown.cookie === null || !isOwnRequest(shown, new URL(issuer()).origin)) return null
  const { session } = await browsers.look(shown.cookie)
  if (session === null) return null
  const role = await roleOf(store.db, session)
  if (role === null) return 'no-role'
  return { kind: 'person', id: session.userId, name: session.label, role, scopes: [], session: session.id }
}

const READING = ['GET', 'HEAD']
const JSON_TYPE = /^application\/json(?:\s*;|$)/i

/** Each of these alone keeps another site out of a browser that follows its standard; together they keep it out of one that does not. */
function isOwnRequest({ method, ownRequest, fetchSite, origin, contentType }: BrowserShown, own: string): boolean {
  if (ownRequest !== '1' || fetchSite !== 'same-origin') return false
  // A browser says where a change comes from, and need not say it of a read.
  if (origin === null ? !READING.includes(method) : origin !== own) return false
  // What a form can send is no JSON, whatever is in it.
  return contentType === null || JSON_TYPE.test(contentType)
}
