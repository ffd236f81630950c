/**
 * What goes wrong, in our own words. The library's errors carry what came, whole answers and tokens too, in their message and their cause:
 * nothing of them goes on but the OAuth error code.
 */
import { DestinationDenied } from '../../base/egress.ts'
import { Fault } from '../../base/fault.ts'
import { OauthTrouble, type OauthTroubleKind } from './model.ts'

/** @param otherwise what an answer means that the library cannot use */
export function oauthTroubleOf(error: unknown, otherwise: OauthTroubleKind, during: string): OauthTrouble {
  if (error instanceof OauthTrouble) return error
  if (error instanceof DestinationDenied) return denied(error, during)
  if (error instanceof Fault) return troubleOfFault(error, otherwise, during)
  if (!(error instanceof Error)) return new OauthTrouble(otherwise, `${during}: no usable answer`)
  if (error.name === 'IssuerMismatchError') return new OauthTrouble('issuer-mismatch', `${during}: another issuer`)
  if (error.name === 'InsecureTokenEndpointError') return new OauthTrouble('insecure', `${during}: not https`)
  if (error.name === 'OAuthError' && 'code' in error) return refusal(plainCode(error.code), during)
  return new OauthTrouble(otherwise, `${during}: no usable answer (${error.name})`)
}

/** RFC 6749 section 5.2. */
function refusal(code: string | null, during: string): OauthTrouble {
  const kind = code === 'invalid_grant' || code === 'invalid_client' ? code : 'refused'
  return new OauthTrouble(kind, `${during}: refused with ${code ?? 'no code'}`, { code })
}

function troubleOfFault(fault: Fault, otherwise: OauthTroubleKind, during: string): OauthTrouble {
  // Those of the store and the audit are the portal's own trouble.
  if (!fault.code.startsWith('upstream-')) throw fault
  if (fault.cause instanceof DestinationDenied) return denied(fault.cause, during)
  const kind = fault.code === 'upstream-bad-answer' ? otherwise : 'unreachable'
  return new OauthTrouble(kind, `${during}: ${fault.code}`, { cause: fault })
}

function denied(cause: DestinationDenied, during: string): OauthTrouble {
  return new OauthTrouble('insecure', `${during}: the portal may not go there (${cause.denial})`, { cause })
}

/** Words of one case, without digits: a token that is put in its place looks otherwise. @returns null for what is no error code */
export function plainCode(code: unknown): string | null {
  return typeof code === 'string' && /^(?:[a-z_]{1,64}|[A-Z_]{1,64})$/.test(code) ? code : null
}
