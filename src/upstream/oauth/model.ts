/**
 * The portal as an OAuth client of the servers behind it: what it finds out, as whom it is known, and what can go wrong. Only this folder
 * speaks OAuth to anybody's authorization server; it decides nothing about whose credential a call carries.
 */

import type { Place } from '../../base/destination.ts'
import type { ServerId, ServerUid } from '../../base/ids.ts'
import type { WrittenOauth } from '../../contract/credentials.ts'
import type { GrantedTokens } from '../connections/model.ts'

/** A server behind the portal, as far as its authorization matters. */
export interface OauthTarget {
  uid: ServerUid
  id: ServerId
  name: string
  /** Of the MCP endpoint. */
  url: URL
  /** What the owner opened inside for this server: discovery, registration and token requests may go there too. */
  allowed: readonly Place[]
  /** What an admin wrote down; null where all is found out. */
  written: WrittenOauth | null
  clientSecret: string | null
  /** An admin wants the callback address that all servers share, for the client that was written down. */
  sharedCallback: boolean
}

/** The authorization server of a server, as it was found and checked. All strings are exactly as they came. */
export interface AuthServer {
  /** Null only where an admin wrote down endpoints without it. */
  issuer: string | null
  /** RFC 8707: what goes into every authorization, token and refresh request. */
  resource: string
  authorizationEndpoint: string
  tokenEndpoint: string
  registrationEndpoint: string | null
  revocationEndpoint: string | null
  userinfoEndpoint: string | null
  /** RFC 9207 is advertised: an answer without `iss` is refused. */
  hasIss: boolean
  /** Takes the URL of a document as client id. */
  takesDocuments: boolean
  authMethods: readonly string[]
  grantTypes: readonly string[]
  /** RFC 9728 `scopes_supported` of the server; null where it says none. */
  scopes: readonly string[] | null
  /** What the server asks of somebody without a credential, in its challenge; that goes before `scopes`. Absent, or null, where it says nothing. */
  challenged?: string | null
  /** RFC 8414 `scopes_supported` of the authorization server. */
  serverScopes: readonly string[]
}

/** As whom the portal is known there. */
export interface OauthClient {
  id: string
  secret: string | null
  method: 'none' | 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  kind: 'written' | 'document' | 'registered'
}

/**
 * - `unreachable`: nobody answers, or what answers is no metadata; may pass
 * - `not-found`: the server names no authorization server, and its own address is none
 * - `resource-mismatch`: RFC 9728 metadata of another resource
 * - `issuer-mismatch`: metadata, or an answer, that names another issuer
 * - `no-pkce`: no S256, or nothing said of it
 * - `no-registration`: nobody could be registered: an admin has to write down a client
 * - `insecure`: an endpoint in clear text, or where the portal may not go
 * - `foreign-endpoint`: an endpoint on another domain than the issuer, that no admin agreed to
 * - `invalid_grant`, `invalid_client`: as RFC 6749 section 5.2 has them
 * - `refused`: any other error of the authorization server
 * - `bad-answer`: what came is no token answer
 * - `moved`: the server names another authorization server than the one that was recorded
 */
export type OauthTroubleKind =
  | 'unreachable'
  | 'not-found'
  | 'resource-mismatch'
  | 'issuer-mismatch'
  | 'no-pkce'
  | 'no-registration'
  | 'insecure'
  | 'foreign-endpoint'
  | 'invalid_grant'
  | 'invalid_client'
  | 'refused'
  | 'bad-answer'
  | 'moved'

/** The message is for the log, and holds nothing that was secret. */
export class OauthTrouble extends Error {
  readonly kind: OauthTroubleKind
  /** The OAuth error code that came, where one did: letters of one case and underscores, at most 64. */
  readonly code: string | null

  constructor(kind: OauthTroubleKind, message: string, detail: { code?: string | null; cause?: unknown } = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'OauthTrouble'
    this.kind = kind
    this.code = detail.code ?? null
  }
}

/** All that is asked of authorization servers. Each throws OauthTrouble. */
export interface OauthWays {
  /**
   * Finds out, or answers from what was found out within the hour.
   *
   * @param hints of the challenge that led here, where one did; `anew` asks again whatever is remembered
   */
  discover(target: OauthTarget, hints?: { resourceMetadata?: string | null; anew?: boolean }): Promise<AuthServer>
  /**
   * As whom the portal is known: what an admin wrote down, else its document, else what it registered there before, else registered now.
   *
   * @param anew forgets what was registered there and registers again
   * @param holder the client id that a token belongs to: that client, as long as it is registered, whatever has become of the portal's own address
   */
  clientOf(
    target: OauthTarget,
    server: AuthServer,
    options?: { anew?: boolean; holder?: string | null },
  ): Promise<OauthClient>
  /** The redirect address for this client: the shared one only where that is safe. */
  redirectUriOf(target: OauthTarget, server: AuthServer): string
  /** RFC 6749 section 6. Asks for no scope: the same as before. */
  refresh(target: OauthTarget, asked: Asked & { refreshToken: string }): Promise<GrantedTokens>
  /** RFC 6749 section 4.4, with a secret or `private_key_jwt` (RFC 7523 section 2.2). */
  clientCredentials(target: OauthTarget, asked: Asked & { scope: string | null }): Promise<GrantedTokens>
  /** RFC 7523 section 2.1 with an identity assertion (ID-JAG). */
  assertionGrant(
    target: OauthTarget,
    asked: Asked & { assertion: string; scope: string | null },
  ): Promise<GrantedTokens>
  /** RFC 7009, as well as it goes: never throws. */
  revoke(target: OauthTarget, asked: Asked & { token: string; hint: 'refresh_token' | 'access_token' }): Promise<void>
}

export interface Asked {
  server: AuthServer
  client: OauthClient
}
