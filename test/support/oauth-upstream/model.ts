/** A server behind OAuth as its tests see it: what it shows of itself, and how it is made to go wrong. */
import type { IncomingHttpHeaders } from 'node:http'

export interface OauthUpstreamOptions {
  /** Of access tokens, in seconds; 3600. */
  lifetime?: number
  /** `jwt`: they are signed with the authorization server's key, and die with it. */
  format?: 'opaque' | 'jwt'
  /** What it speaks: both, or only what was before 2026, with sessions. */
  era?: 'both' | '2025'
  refreshTokens?: boolean
  /** Clients that somebody registered by hand. */
  clients?: readonly RegisteredByHand[]
  /** The issuer of an identity provider whose word it takes for people (ID-JAG). */
  trusts?: string
  /** It takes no registrations from the start. */
  noRegistration?: boolean
}

export interface RegisteredByHand {
  client_id: string
  client_secret?: string
  redirect_uris: readonly string[]
  grant_types?: readonly string[]
  token_endpoint_auth_method?: string
  token_endpoint_auth_signing_alg?: string
  /** With `private_key_jwt`. */
  jwks?: { keys: readonly object[] }
}

/** How the authorization server goes wrong from now on. */
export interface Faults {
  /** Connections are destroyed. */
  down: boolean
  /** Metadata says nothing of PKCE. */
  noPkce: boolean
  /** No `iss` in answers, nor in the metadata (RFC 9207). */
  noIss: boolean
  /** Answers to browsers name this issuer. */
  wrongIss: string | null
  /** The metadata document names this issuer. */
  wrongIssuer: string | null
  noRegistration: boolean
  /** Who signs in says no. */
  denied: boolean
  /** Scopes that are never granted, whatever is asked for. */
  withheld: readonly string[]
  /** Accounts whose tokens the server does not take, however new: its clock is wrong, or its mind is made up. */
  refused: readonly string[]
  /** The token endpoint answers refresh requests with this error (RFC 6749, section 5.2). */
  refreshError: string | null
}

export interface TokenRequest {
  grantType: string
  resource: string | null
  clientId: string | null
  scope: string | null
  status: number
}

/** One request that reached the MCP side. */
export interface Seen {
  http: string
  /** JSON-RPC method, or null. */
  method: string | null
  /** Of the token; null where it was refused. */
  account: string | null
  headers: IncomingHttpHeaders
}

export interface OauthUpstream {
  /** Of its MCP endpoint. */
  url: string
  /** `host:port` of both sides, for `allow_private`. */
  places: readonly string[]
  readonly issuer: string
  readonly faults: Faults
  /** All that the token endpoint was asked for. */
  readonly tokenRequests: readonly TokenRequest[]
  /** Parameters of all authorization requests. */
  readonly authorizations: readonly Readonly<Record<string, unknown>>[]
  readonly seen: readonly Seen[]
  /** Every access and refresh token that it gave: none may be found anywhere. */
  readonly secrets: readonly string[]
  /** How many clients registered by themselves and still are. */
  clients(): number
  /** Of access tokens from now on, in seconds. */
  lifetime(seconds: number): void
  /** All access tokens of an account, or of all, are dead; refresh tokens live. */
  endAccess(account?: string): void
  /** All tokens of an account, refresh tokens too, are dead. */
  revoke(account: string): void
  /** Forgets every client that registered by itself, and all that they had. */
  forgetClients(): void
  /** New signing keys; tokens signed by the old ones are dead. */
  rotateKeys(): void
  /** Another authorization server is in charge from now on; the old one still answers. */
  move(): Promise<void>
  /** Nobody is signed in there any more. */
  forgetLogins(): void
  /** The token endpoint answers nothing until the returned function is called. */
  holdTokens(): () => void
  /** Resolves when as many token requests wait at the held endpoint. */
  heldTokens(count: number): Promise<void>
  /** Resolves when as many calls of the tool `wait` have arrived. */
  waiting(count: number): Promise<void>
  /** They are answered. */
  release(): void
  /** An account's list has one more tool; those who listen hear of it. */
  giveTool(account: string, tool: string): void
  /** Tells those who subscribed that the account's note is another. */
  changeNote(account: string): void
  close(): Promise<void>
}
