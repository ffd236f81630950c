/**
 * Finds the authorization server of a server behind the portal (RFC 9728, RFC 8414), and refuses one that cannot be trusted with a code.
 * Both documents come from whoever runs that server: the library checks their form and the issuer, everything else is checked here.
 */
import type { AuthorizationServerMetadata } from '@modelcontextprotocol/client'
import type { Egress } from '../../base/egress.ts'
import type { SafeFetch } from '../../base/safe-fetch.ts'
import type { WrittenOauth } from '../../contract/credentials.ts'
import { CLIENT_CAPABILITIES_KEY, PROTOCOL_VERSION_KEY } from '../../protocol/era-2026/envelope.ts'
import { readChallenge } from '../connections/challenge.ts'
import type { Challenge } from '../connections/model.ts'
import { MODERN_VERSION } from '../handshake.ts'
import { isSameParty } from './domains.ts'
import { readResourceMetadata, readServerMetadata } from './library.ts'
import { type AuthServer, type OauthTarget, OauthTrouble } from './model.ts'
import { isSafeUrl, type Net, openNet } from './net.ts'
import { scopeWords } from './scopes.ts'
import { oauthTroubleOf } from './trouble-of.ts'

const PROBE_MS = 3000

/** @param hint where a challenge said that the server's metadata is; @throws OauthTrouble */
export async function discoverServer(egress: Egress, target: OauthTarget, hint: string | null): Promise<AuthServer> {
  const written = writtenServer(target)
  if (written !== null) return written
  const net = openNet(egress, target.allowed)
  const config = target.written?.config
  const named = await findNamed(egress, net, { target, hint })
  const isNamed = config?.issuer !== undefined || named.issuer !== null
  const asked = config?.issuer ?? named.issuer ?? `${target.url.origin}/`
  const { metadata, raw } = await findMetadata(net, asked, isNamed)
  return checked(target, { metadata, raw, named: { ...named, resource: config?.resource ?? named.resource } })
}

/** RFC 8707: the address of the server, in its most plain spelling. */
export function resourceOf(url: URL): string {
  const plain = new URL(url)
  plain.hash = ''
  return plain.pathname === '/' && plain.search === '' ? plain.origin : plain.href
}

interface NamedResource {
  resource: string
  /** Null where the server has no metadata: then its own origin is asked. */
  issuer: string | null
  scopes: readonly string[] | null
}

/** Where a challenge says, else at the well-known places. */
async function findNamed(
  egress: Egress,
  net: Net,
  { target, hint }: { target: OauthTarget; hint: string | null },
): Promise<NamedResource & { challenged: string | null }> {
  const challenge = hint === null ? await askForChallenge(egress, target) : null
  const named = await findResource(net, target, hint ?? challenge?.resourceMetadata ?? null)
  const found = named ?? { resource: resourceOf(target.url), issuer: null, scopes: null }
  return { ...found, challenged: challenge?.scope ?? null }
}

/** Any request would do: whoever has no credential is answered before it is read. This one does nothing where it is not. */
const PROBE = {
  method: 'POST',
  headers: {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': MODERN_VERSION,
    'mcp-method': 'server/discover',
  },
  body: JSON.stringify({
    ...{ jsonrpc: '2.0', id: 1, method: 'server/discover' },
    params: { _meta: { [PROTOCOL_VERSION_KEY]: MODERN_VERSION, [CLIENT_CAPABILITIES_KEY]: {} } },
  }),
}

/** What the server asks of somebody without a credential: nobody has called it yet, or its challenge is forgotten. */
async function askForChallenge(egress: Egress, { url, allowed }: OauthTarget): Promise<Challenge | null> {
  try {
    // One that answers with a stream instead must not use up the time of what follows.
    const { send } = openNet(egress, allowed, PROBE_MS)
    const response = await send(url, PROBE)
    await response.body?.cancel()
    return response.status === 401 ? readChallenge(401, response.headers.get('www-authenticate')) : null
  } catch (error) {
    // Whether the server is well is found out by calls. Trouble of our own still rises.
    oauthTroubleOf(error, 'unreachable', 'asking the server for its challenge')
    return null
  }
}

/** @returns null where there is no metadata at the well-known places */
async function findResource(net: Net, target: OauthTarget, hint: string | null): Promise<NamedResource | null> {
  const watched = watch(net.read)
  try {
    const found = await readResourceMetadata(target.url, hint, watched.read)
    if (!covers(found.resource, target.url))
      throw new OauthTrouble('resource-mismatch', 'the metadata is of another resource than this server')
    const [issuer] = found.authorization_servers ?? []
    const isOpen = issuer === undefined && target.written?.config?.issuer === undefined
    if (isOpen) throw new OauthTrouble('not-found', 'the metadata of the resource names no authorization server')
    const scopes = found.scopes_supported === undefined ? null : scopeWords(found.scopes_supported.join(' '))
    return { resource: found.resource, issuer: issuer ?? null, scopes }
  } catch (error) {
    const isAbsent = watched.lastStatus >= 400 && watched.lastStatus < 500
    if (!(error instanceof OauthTrouble) && isAbsent) {
      // A place that was named and is empty is no leave to look elsewhere.
      if (hint !== null) throw new OauthTrouble('not-found', 'there is no metadata where the challenge said')
      return null
    }
    throw oauthTroubleOf(error, 'unreachable', 'reading the metadata of the resource')
  }
}

async function findMetadata(net: Net, issuer: string, isNamed: boolean) {
  const url = URL.parse(issuer)
  if (url === null || !isSafeUrl(url) || url.search !== '' || url.hash !== '')
    throw new OauthTrouble('insecure', 'the issuer is no https URL without query and fragment')
  const watched = watch(net.read)
  const metadata = await readServerMetadata(issuer, watched.read).catch((error: unknown) => {
    if (isAboutScheme(error))
      throw new OauthTrouble('insecure', 'an endpoint of the authorization server is no https URL')
    throw oauthTroubleOf(error, 'unreachable', 'reading the metadata of the authorization server')
  })
  if (metadata !== undefined) return { metadata, raw: watched.lastJson }
  const isAway = isNamed || watched.lastStatus >= 500
  throw new OauthTrouble(isAway ? 'unreachable' : 'not-found', 'there is no metadata of an authorization server')
}

/** The library refuses some schemes by its schema, and only its words say that it was the scheme. */
function isAboutScheme(error: unknown): boolean {
  return error instanceof Error && error.message.includes('URL cannot use javascript:')
}

interface Found {
  metadata: AuthorizationServerMetadata
  /** The whole document: the library drops what it does not know. */
  raw: Readonly<Record<string, unknown>>
  named: NamedResource & { challenged: string | null }
}

function checked(target: OauthTarget, { metadata, raw, named }: Found): AuthServer {
  const { issuer } = metadata
  const methods = metadata.code_challenge_methods_supported
  // Who only sends its own credential, or an assertion, never sends a code.
  const usesCodes = target.written === null || target.written.auth_mode === 'manual'
  if (usesCodes && !methods?.includes('S256')) throw new OauthTrouble('no-pkce', 'it does not say that it knows S256')
  const must = (name: string, value: unknown): string => ownEndpoint(issuer, name, value)
  const may = (name: string, value: unknown): string | null => (isUsable(issuer, value) ? must(name, value) : null)
  return {
    issuer,
    resource: named.resource,
    authorizationEndpoint: must('authorization', metadata.authorization_endpoint),
    tokenEndpoint: must('token', metadata.token_endpoint),
    registrationEndpoint:
      metadata.registration_endpoint === undefined ? null : must('registration', metadata.registration_endpoint),
    // Tokens go there too, but nobody needs them: where they are not the issuer's own, they are not used.
    revocationEndpoint: may('revocation', raw.revocation_endpoint),
    userinfoEndpoint: may('userinfo', raw.userinfo_endpoint),
    hasIss: metadata.authorization_response_iss_parameter_supported === true,
    takesDocuments: metadata.client_id_metadata_document_supported === true,
    authMethods: metadata.token_endpoint_auth_methods_supported ?? [],
    grantTypes: metadata.grant_types_supported ?? [],
    scopes: named.scopes,
    challenged: named.challenged,
    serverScopes: scopeWords((metadata.scopes_supported ?? []).join(' ')),
  }
}

/** @throws OauthTrouble where a code or a secret would go in the clear, or to another party than the issuer */
function ownEndpoint(issuer: string, name: string, value: unknown): string {
  const url = typeof value === 'string' && value.length <= 2048 ? URL.parse(value) : null
  if (url === null || !isSafeUrl(url) || url.hash !== '')
    throw new OauthTrouble('insecure', `the ${name} endpoint is no https URL`)
  if (!isSameParty(url, new URL(issuer))) {
    const hint = 'an admin who trusts it writes its endpoints and a client down (auth_mode manual)'
    throw new OauthTrouble('foreign-endpoint', `the ${name} endpoint is on another domain than the issuer: ${hint}`)
  }
  return String(value)
}

function isUsable(issuer: string, value: unknown): boolean {
  const url = typeof value === 'string' && value.length <= 2048 ? URL.parse(value) : null
  return url !== null && isSafeUrl(url) && url.hash === '' && isSameParty(url, new URL(issuer))
}

/** RFC 9728 section 3.3, with the tolerance of MCP for a resource that stands above the endpoint on its own origin. */
function covers(resource: string, server: URL): boolean {
  const url = URL.parse(resource)
  if (url === null || resource.length > 2048 || url.origin !== server.origin || url.hash !== '') return false
  if (url.username !== '' || (url.search !== '' && url.search !== server.search)) return false
  const path = (pathname: string): string => (pathname.endsWith('/') ? pathname : `${pathname}/`)
  return path(server.pathname).startsWith(path(url.pathname))
}

/** What an admin wrote down is the agreement: nobody is asked. Null where something has to be found out. */
function writtenServer({ written, url }: OauthTarget): AuthServer | null {
  const tokenEndpoint = written?.config?.token_endpoint
  if (written === null || tokenEndpoint === undefined) return null
  const more = written.auth_mode === 'manual' ? written.config : null
  const endpoints = [tokenEndpoint, more?.authorization_endpoint, more?.revocation_endpoint]
  if (endpoints.some((one) => one !== undefined && !isSafeUrl(new URL(one))))
    throw new OauthTrouble('insecure', 'an endpoint that was written down is not https')
  return {
    issuer: written.config?.issuer ?? null,
    resource: written.config?.resource ?? resourceOf(url),
    authorizationEndpoint: more?.authorization_endpoint ?? tokenEndpoint,
    tokenEndpoint,
    registrationEndpoint: null,
    revocationEndpoint: more?.revocation_endpoint ?? null,
    userinfoEndpoint: null,
    hasIss: false,
    takesDocuments: false,
    authMethods: [],
    grantTypes: [],
    scopes: writtenScope(written),
    serverScopes: [],
  }
}

function writtenScope({ registration_info: { scope } }: WrittenOauth): readonly string[] | null {
  return scope === undefined ? null : scopeWords(scope)
}

/**
 * Sees what the library hides: whether there was nothing, and what it drops. A page that answers every address with HTML has no metadata
 * either.
 */
function watch(read: SafeFetch) {
  const seen = {
    lastStatus: 0,
    lastJson: {} as Readonly<Record<string, unknown>>,
    read: (async (input, init) => {
      seen.lastStatus = 0
      const response = await read(input, init)
      const type = response.headers.get('content-type') ?? ''
      const isHtml = response.ok && /^text\/html\s*(;|$)/i.test(type)
      seen.lastStatus = isHtml ? 404 : response.status
      if (isHtml) return new Response(null, { status: 404 })
      if (response.ok) seen.lastJson = objectOf(await response.clone().text())
      return response
    }) satisfies SafeFetch as SafeFetch,
  }
  return seen
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {}
  } catch {
    // The library says what is wrong with it.
    return {}
  }
}
