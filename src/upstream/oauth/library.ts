/**
 * The only importer of the MCP SDK's OAuth client. It is read when it is first needed, and not by a start. What it does not check is
 * checked around it: it tolerates metadata without PKCE, follows redirects within an origin (`net.ts` lets none reach it), takes any
 * `token_type`, and does not form-encode a client's id and secret (`client-auth.ts` does).
 */
import type {
  AddClientAuthentication,
  AuthorizationServerMetadata,
  OAuthClientMetadata,
  OAuthClientProvider,
  OAuthTokens,
} from '@modelcontextprotocol/client'
import type { SafeFetch } from '../../base/safe-fetch.ts'
import type { AuthServer } from './model.ts'

const library = () => import('@modelcontextprotocol/client')

/** RFC 9728 metadata. @param hint its address, where a challenge named it */
export async function readResourceMetadata(server: URL, hint: string | null, read: SafeFetch) {
  const { discoverOAuthProtectedResourceMetadata } = await library()
  return discoverOAuthProtectedResourceMetadata(server, hint === null ? {} : { resourceMetadataUrl: hint }, read)
}

/** RFC 8414 or OpenID metadata of exactly this issuer; one slash at its end is no difference. @returns undefined where there is none */
export async function readServerMetadata(issuer: string, read: SafeFetch) {
  const { discoverAuthorizationServerMetadata } = await library()
  return discoverAuthorizationServerMetadata(issuer, { fetchFn: read })
}

/** RFC 7591. */
export async function register(server: AuthServer, clientMetadata: OAuthClientMetadata, send: SafeFetch) {
  const { registerClient } = await library()
  return registerClient(baseOf(server), { metadata: metadataOf(server), clientMetadata, fetchFn: send })
}

/** An authorization request with PKCE by S256. */
export async function startCode(
  server: AuthServer,
  asked: { clientId: string; redirectUri: string; state: string; scope: string | null },
): Promise<{ authorizationUrl: URL; codeVerifier: string }> {
  const { startAuthorization } = await library()
  return startAuthorization(baseOf(server), {
    metadata: metadataOf(server),
    clientInformation: { client_id: asked.clientId },
    redirectUrl: asked.redirectUri,
    state: asked.state,
    resource: server.resource,
    ...(asked.scope === null ? {} : { scope: asked.scope }),
  })
}

export interface Sending {
  server: AuthServer
  clientId: string
  authenticate: AddClientAuthentication
  send: SafeFetch
}

/** Who answered (`iss`) was checked by the desk, before it looked at anything else of the answer. */
export async function exchangeCode(
  sending: Sending,
  { code, verifier, redirectUri }: { code: string; verifier: string; redirectUri: string },
): Promise<OAuthTokens> {
  const { exchangeAuthorization } = await library()
  const grant = { authorizationCode: code, codeVerifier: verifier, redirectUri }
  return exchangeAuthorization(baseOf(sending.server), { ...requestOf(sending), ...grant })
}

export async function exchangeRefreshToken(sending: Sending, refreshToken: string): Promise<OAuthTokens> {
  const { refreshAuthorization } = await library()
  return refreshAuthorization(baseOf(sending.server), { ...requestOf(sending), refreshToken })
}

/** Any other grant. @param form its own parameters; client and resource are added */
export async function exchangeGrant(sending: Sending, form: URLSearchParams): Promise<OAuthTokens> {
  const { fetchToken } = await library()
  const { server, send } = sending
  const metadata = metadataOf(server)
  const options = { metadata, resource: server.resource, fetchFn: send }
  return fetchToken(grantProvider(sending, form, metadata.issuer), baseOf(server), options)
}

function requestOf({ server, clientId, authenticate, send }: Sending) {
  return {
    metadata: metadataOf(server),
    clientInformation: { client_id: clientId },
    addClientAuthentication: authenticate,
    resource: server.resource,
    fetchFn: send,
  }
}

/** The library asks a provider for everything; this one knows one client and one grant, and keeps nothing. */
function grantProvider(sending: Sending, form: URLSearchParams, issuer: string): OAuthClientProvider {
  return {
    redirectUrl: undefined,
    clientMetadata: { redirect_uris: [] },
    clientInformation: () => ({ client_id: sending.clientId, issuer }),
    addClientAuthentication: sending.authenticate,
    prepareTokenRequest: () => form,
    tokens: () => undefined,
    saveTokens: () => {},
    redirectToAuthorization: () => {},
    saveCodeVerifier: () => {},
    codeVerifier: () => '',
  }
}

/** What was found and checked, as the library wants it. `iss` is left out: the desk has looked at it. */
function metadataOf(server: AuthServer): AuthorizationServerMetadata {
  return {
    issuer: server.issuer ?? baseOf(server),
    authorization_endpoint: server.authorizationEndpoint,
    token_endpoint: server.tokenEndpoint,
    response_types_supported: ['code'],
    code_challenge_methods_supported: ['S256'],
    ...(server.registrationEndpoint === null ? {} : { registration_endpoint: server.registrationEndpoint }),
  }
}

/** Never dialled: every endpoint is named. */
function baseOf({ issuer, tokenEndpoint }: AuthServer): string {
  return issuer ?? new URL(tokenEndpoint).origin
}
