/** Who is calling the portal over MCP. The admin plane's callers are `Operator`s and never reach an upstream. */
import type { ApiTokenId, GrantId, ServiceTokenId, UserId } from './ids.ts'

export interface UserPrincipal {
  kind: 'user'
  id: UserId
  /** Lower case, domain as A-label; null where nobody may speak for the address that was given. */
  email: string | null
  /** What people and the audit call this user: the address, else what the provider calls it. */
  label: string
  /** The grant that this token belongs to; a token minted by the CLI is its own grant. */
  grant: GrantId
  /** What a provider said at the last sign-in; null for a token that an admin made for somebody who never signed in. */
  identity: IdentityFacts | null
}

/** What a provider said of a person. Unknown is not none: policies must be able to tell. */
export interface IdentityFacts {
  /** An identity provider's id, or `local`. */
  provider: string
  issuer: string
  subject: string
  /** Null where they are not known: an overage, or a provider that did not answer. */
  groups: readonly string[] | null
  /** How the person proved who they are, RFC 8176. */
  amr: readonly string[]
  claims: Readonly<Record<string, unknown>>
  /** When the person last proved it, in milliseconds since 1970; absent where nobody knows. */
  signedInAt?: number
}

export interface ServicePrincipal {
  kind: 'service'
  id: ServiceTokenId
  name: string
  clientId: string
  /** A service token is its own grant. */
  grant: GrantId
}

/** Nobody who signed in: whom a bypass policy lets in. One address is one caller, so that limits have somebody to count. */
export interface AnonymousPrincipal {
  kind: 'anonymous'
  /** Stable for an address, and not the address. */
  id: string
  name: 'anonymous'
  grant: GrantId
}

export type Principal = UserPrincipal | ServicePrincipal | AnonymousPrincipal

/** `user:<id>`, `service:<id>` or `anonymous:<id>`: the key of everything that belongs to one caller. */
export function principalKey(principal: Principal): string {
  return `${principal.kind}:${principal.id}`
}

export type Role = 'owner' | 'admin' | 'auditor'

/** Who is calling the REST API: whoever holds an API token, or a person who is signed in and has a role. */
export type Operator = TokenOperator | PersonOperator

export interface TokenOperator {
  kind: 'api_token'
  id: ApiTokenId
  name: string
  role: Role
  /** Empty means all that the role has. */
  scopes: readonly string[]
}

export interface PersonOperator {
  kind: 'person'
  id: UserId
  /** The address, else what the provider calls the person. */
  name: string
  role: Role
  /** Always empty: a person has all that the role has. */
  scopes: readonly string[]
  /** The browser session. */
  session: string
}
