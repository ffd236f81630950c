/** What an error of a renewal means for the connection. */
import { IdentityAssertionTrouble } from '../../base/identity-assertion.ts'
import { OauthTrouble } from '../oauth/model.ts'
import type { ConnectionReason } from './model.ts'

/**
 * - `later`: it may pass; what is good is used on
 * - `ended`: it cannot be renewed any more, whatever the clock says
 * - `last`: it cannot be renewed, but nobody said that it ended: what is good is used to its end
 */
export type Fate = { kind: 'later' } | { kind: 'ended' | 'last'; reason: ConnectionReason }

/** RFC 6749 section 4.1.2.1 and RFC 8628 section 3.5: codes that speak of the moment, not of the request. */
const PASSING = ['temporarily_unavailable', 'server_error', 'slow_down', 'authorization_pending']

/** @throws what is no trouble of an authorization server or an identity provider: a bug, or the store */
export function fateOf(error: unknown): Fate {
  if (error instanceof IdentityAssertionTrouble)
    return error.kind === 'unreachable' ? { kind: 'later' } : { kind: 'ended', reason: 'identity' }
  if (!(error instanceof OauthTrouble)) throw error
  switch (error.kind) {
    // A server that is down may answer 404 from whatever stands in front of it.
    case 'unreachable':
    case 'not-found':
    case 'bad-answer':
      return { kind: 'later' }
    case 'invalid_grant':
      return { kind: 'ended', reason: 'revoked' }
    case 'invalid_client':
    case 'no-registration':
      return { kind: 'ended', reason: 'client-gone' }
    case 'moved':
    case 'issuer-mismatch':
    case 'resource-mismatch':
    case 'insecure':
    case 'foreign-endpoint':
    case 'no-pkce':
      return { kind: 'ended', reason: 'moved' }
    case 'refused':
      if (PASSING.includes(error.code ?? '')) return { kind: 'later' }
      if (error.code === 'unauthorized_client') return { kind: 'ended', reason: 'client-gone' }
      return { kind: 'last', reason: 'refused' }
  }
}
