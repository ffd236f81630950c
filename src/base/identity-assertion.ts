/**
 * The word of a person's identity provider for another authorization server (ID-JAG: SEP-990, draft-ietf-oauth-identity-assertion-authz-grant).
 * One room gets it, another presents it, and they do not know each other.
 */
import type { UserPrincipal } from './principal.ts'

/** For whom and what the word is wanted. */
export interface AssertionWish {
  /** The id of the provider whose word counts; null for the one that the person signed in with. */
  provider: string | null
  /** The issuer of the authorization server that will read it. */
  audience: string
  /** RFC 8707: what the token that is given for it will be for. */
  resource: string
  scope: string | null
}

/**
 * @returns the assertion: a JWT, worth a token to whoever is the client that it names
 * @throws IdentityAssertionTrouble
 */
export type AssertionFor = (principal: UserPrincipal, wish: AssertionWish) => Promise<string>

/**
 * - `gone`: there is nothing to vouch with: no such sign-in, or it has ended at the provider
 * - `unreachable`: the provider does not answer; it may mend itself
 * - `refused`: the provider does not vouch for this person there
 */
export class IdentityAssertionTrouble extends Error {
  readonly kind: 'gone' | 'unreachable' | 'refused'

  /** @param message for the log: no token, no words of the provider */
  constructor(kind: IdentityAssertionTrouble['kind'], message: string) {
    super(message)
    this.name = 'IdentityAssertionTrouble'
    this.kind = kind
  }
}
