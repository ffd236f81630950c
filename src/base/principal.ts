/** Who is calling the portal over MCP. The admin plane's callers are `Operator`s and never reach an upstream. */
import type { ApiTokenId, GrantId, ServiceTokenId, UserId } from './ids.ts'

export interface UserPrincipal {
  kind: 'user'
  id: UserId
  /** Lower case, domain as A-label. */
  email: string
  /** The grant that this token belongs to; a token minted by the CLI is its own grant. */
  grant: GrantId
}

export interface ServicePrincipal {
  kind: 'service'
  id: ServiceTokenId
  name: string
  clientId: string
  /** A service token is its own grant. */
  grant: GrantId
}

export type Principal = UserPrincipal | ServicePrincipal

/** `user:<id>` or `service:<id>`: the key of everything that belongs to one caller. */
export function principalKey(principal: Principal): string {
  return `${principal.kind}:${principal.id}`
}

export type Role = 'owner' | 'admin' | 'auditor'

/** Who is calling the REST API. */
export interface Operator {
  kind: 'api_token'
  id: ApiTokenId
  name: string
  role: Role
  /** Empty means all that the role has. */
  scopes: readonly string[]
}
