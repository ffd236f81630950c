/**
 * Ends all that a person has: the browsers in which they are signed in, the clients that they let in, the tokens that an admin made for
 * them. What hangs on it ends too: refresh tokens, codes, and the streams that are open with any of it, on every replica.
 * The account stays, and whoever may sign in can sign in again, unless the user is switched off.
 */
import type { Store, Trx } from '../store/open.ts'
import { revokeAccessTokensOf } from './access-token-store.ts'
import { endBrowserSessions } from './browser-session-store.ts'
import { type RevokedWhy, revokeGrants } from './grant-store.ts'

/** How many of each stood until now. */
export interface Ended {
  browsers: number
  clients: number
  accessTokens: number
}

/** In the caller's transaction: all of it ends, or nothing. Done twice, the second time ends nothing. */
export async function revokeUser(store: Store, trx: Trx, userId: string, why: RevokedWhy): Promise<Ended> {
  const browsers = await endBrowserSessions(store, trx, { userId })
  const clients = await revokeGrants(store, trx, { userId }, why)
  const accessTokens = await revokeAccessTokensOf(store, trx, userId)
  return { browsers, clients, accessTokens }
}
