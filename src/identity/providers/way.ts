/** One way to sign in through a provider, whichever kind it is of. */
import type { AssertionWish } from '../../base/identity-assertion.ts'
import type { Vouched } from '../identity-store.ts'

/** What is kept of one attempt until its answer comes. */
export interface AttemptSecrets {
  nonce: string
  verifier: string
  /** At which the code is exchanged, and nowhere else. */
  issuer: string
  /** The provider was told to have the person prove anew who they are. */
  isFresh?: boolean
}

export interface Leaving {
  redirectUri: string
  state: string
  nonce: string
  verifier: string
  /** The person is to prove anew who they are, however lately they did. */
  isFresh?: boolean
}

/** What a provider says when it is asked again. Null where it said nothing of it. */
export interface Renewed {
  groups: readonly string[] | null | 'unsaid'
  amr: readonly string[] | null
  claims: Readonly<Record<string, unknown>> | null
  idToken: string | null
  refreshToken: string | null
}

export interface Way {
  /** @throws ProviderProblem */
  issuer(): Promise<string>
  /** The address that the browser is sent to. @throws ProviderProblem */
  leave(leaving: Leaving): Promise<URL>
  /**
   * Exchanges the code and checks all that came.
   *
   * @param answer our own callback address with the provider's parameters
   * @throws ProviderProblem
   */
  come(answer: URL, state: string, secrets: AttemptSecrets): Promise<Vouched>
  /** @throws ProviderProblem with the code `invalid_grant` where the person does not stand any more */
  renew(refreshToken: string, subject: string): Promise<Renewed>
  /**
   * The provider's word for another authorization server, in exchange for the ID token (RFC 8693). Absent where there is no such thing.
   *
   * @returns an ID-JAG
   * @throws ProviderProblem
   */
  assertion?(idToken: string, wish: Omit<AssertionWish, 'provider'>): Promise<string>
}

/** Claims that are dropped are told to the log by name: a policy that asks for them finds nothing. */
export type OnDropped = (names: readonly string[]) => void
