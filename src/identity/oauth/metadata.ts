/** What clients read before they ask: RFC 8414 of the authorization server, RFC 9728 of the portals. Nothing in it tells which portals there are. */
import { SCOPE } from './requests.ts'

export interface ServerFacts {
  issuer: string
  /** Whether any portal takes devices. */
  device: boolean
  /** Whether clients may register themselves. */
  registration: boolean
  /** Whether clients may be known by a metadata document. */
  documents: boolean
}

/** @param issuer the base URL without a slash at the end */
export function serverMetadata(issuer: string, { device, registration, documents }: Omit<ServerFacts, 'issuer'>) {
  return {
    issuer,
    authorization_endpoint: `${issuer}/oauth/authorize`,
    token_endpoint: `${issuer}/oauth/token`,
    ...(registration ? { registration_endpoint: `${issuer}/oauth/register` } : {}),
    revocation_endpoint: `${issuer}/oauth/revoke`,
    ...(device ? { device_authorization_endpoint: `${issuer}/oauth/device_authorization` } : {}),
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: [
      ...['authorization_code', 'refresh_token'],
      ...(device ? ['urn:ietf:params:oauth:grant-type:device_code'] : []),
    ],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    token_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    revocation_endpoint_auth_methods_supported: [
      'none',
      'client_secret_basic',
      'client_secret_post',
      'private_key_jwt',
    ],
    revocation_endpoint_auth_signing_alg_values_supported: ['ES256', 'RS256', 'PS256', 'EdDSA'],
    scopes_supported: [SCOPE],
    authorization_response_iss_parameter_supported: true,
    // Both are ways to introduce oneself: an organisation that takes none must not be tried by either.
    client_id_metadata_document_supported: documents,
    service_documentation: `${issuer}/`,
  }
}

/** @param resource the very identifier that was asked for: a client compares it with the address that it has */
export function resourceMetadata(resource: string, issuer: string) {
  return {
    resource,
    authorization_servers: [issuer],
    scopes_supported: [SCOPE],
    bearer_methods_supported: ['header'],
    resource_name: 'Portico',
  }
}

const SERVER = '/.well-known/oauth-authorization-server'
const RESOURCES = ['/.well-known/oauth-protected-resource', '/.well-known/cloudflare-access-protected-resource']
/** Every address of a portal that is rightly spelled, whether or not there is such a portal: who may not know must not learn it here. */
const ADDRESS = /^(?:\/mcp|\/p\/[a-z0-9_-]{1,32}(?:\/s\/[a-z0-9_-]{1,32})?\/mcp)$/

export type WellKnown = { kind: 'server' } | { kind: 'resource'; resource: string } | { kind: 'nothing' }

/**
 * Which document a path asks for, at the root and with the resource's own path after it (RFC 8414 section 3.1, RFC 9728 section 3.1).
 *
 * @param origin of the guarded host that was asked
 */
export function wellKnownOf(path: string, origin: string): WellKnown {
  if (path === SERVER) return { kind: 'server' }
  if (path.startsWith(`${SERVER}/`) && ADDRESS.test(path.slice(SERVER.length))) return { kind: 'server' }
  for (const prefix of RESOURCES) {
    if (path === prefix) return { kind: 'resource', resource: `${origin}/mcp` }
    const rest = path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : ''
    if (ADDRESS.test(rest)) return { kind: 'resource', resource: `${origin}${rest}` }
  }
  return { kind: 'nothing' }
}

/**
 * @param origin of the guarded host that was asked
 * @returns a document that any page may read; it is the same whoever asks
 */
export function answerWellKnown(
  { method, url }: Pick<Request, 'method' | 'url'>,
  origin: string,
  server: ServerFacts,
): Response {
  const asked = wellKnownOf(new URL(url).pathname, origin)
  const headers = {
    'access-control-allow-origin': '*',
    'access-control-allow-headers': 'mcp-protocol-version, content-type',
    'access-control-allow-methods': 'GET',
  }
  if (asked.kind === 'nothing') return Response.json({ error: 'There is no such document.' }, { status: 404, headers })
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers })
  if (method !== 'GET' && method !== 'HEAD') {
    return Response.json({ error: 'Ask with GET.' }, { status: 405, headers: { ...headers, allow: 'GET' } })
  }
  const body =
    asked.kind === 'server' ? serverMetadata(server.issuer, server) : resourceMetadata(asked.resource, server.issuer)
  return Response.json(body, { headers: { ...headers, 'cache-control': 'public, max-age=300' } })
}
