/** What goes wrong on the way to a provider and back: one of the reasons of a refused sign-in, and a word for the log that holds no secret. */
import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client'
import { Fault } from '../../base/fault.ts'
import type { SignInRefusal } from '../complete-sign-in.ts'

export class ProviderProblem extends Error {
  readonly reason: SignInRefusal
  /** The provider's own code of error (RFC 6749, 5.2), where it gave one. */
  readonly code: string | null
  /** What a person whom the provider did vouch for calls themselves; empty where nobody is known. */
  readonly who: string

  /** @param detail for the log: never a token, a claim or words of the provider */
  constructor(
    reason: SignInRefusal,
    detail: string,
    { code = null, who = '' }: { code?: string | null; who?: string } = {},
  ) {
    super(detail)
    this.name = 'ProviderProblem'
    this.reason = reason
    this.code = code
    this.who = who
  }
}

/** Codes of openid-client that say: there was no answer as the standard has it. All its others say: what came proves nothing. */
const NO_ANSWER = [
  ...['OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_TIMEOUT', 'OAUTH_ABORT'],
  ...['OAUTH_HTTP_REQUEST_FORBIDDEN', 'OAUTH_REQUEST_PROTOCOL_FORBIDDEN', 'OAUTH_MISSING_SERVER_METADATA'],
  ...['OAUTH_INVALID_SERVER_METADATA', 'OAUTH_WWW_AUTHENTICATE_CHALLENGE'],
]

/**
 * The library's errors carry what came, tokens too, as their cause; only its own fixed sentences go on.
 *
 * @throws what is neither the provider's nor the network's doing
 */
export function problemOf(error: unknown): ProviderProblem {
  if (error instanceof ProviderProblem) return error
  // Those of the store and the audit are the portal's own trouble.
  if (error instanceof Fault && error.code.startsWith('upstream-'))
    return new ProviderProblem('provider-unreachable', `${error.code}${causeOf(error)}`)
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    const code = plainCode(error.error)
    return new ProviderProblem('provider-refused', `the provider answered with the error ${code}`, { code })
  }
  if (error instanceof WWWAuthenticateChallengeError) {
    return new ProviderProblem('provider-refused', `the provider answered with a challenge of status ${error.status}`)
  }
  if (error instanceof ClientError) return clientProblem(error)
  throw error
}

function clientProblem(error: ClientError): ProviderProblem {
  if (error.cause instanceof Fault) return problemOf(error.cause)
  const inner = error.cause instanceof Error ? `: ${error.cause.message}` : ''
  const detail = `${error.message}${inner}`.slice(0, 300)
  return new ProviderProblem(NO_ANSWER.includes(error.code ?? '') ? 'provider-unreachable' : 'bad-token', detail)
}

/** The guard's and the system's own words; a Fault says less, because some of them reach people. */
function causeOf({ cause }: Fault): string {
  return cause instanceof Error ? `: ${cause.message.slice(0, 200)}` : ''
}

/** Words of one case, without digits: a token that is put in its place looks otherwise. */
function plainCode(code: unknown): string {
  return typeof code === 'string' && /^(?:[a-z_.-]{1,64}|[A-Z_.-]{1,64})$/.test(code) ? code : 'of no known form'
}
