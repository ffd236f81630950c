/**
 * What a client says of itself, brought into the form in which the authorization server keeps it (RFC 7591, section 2). Only what is named
 * here survives: a field that would make the portal fetch, render or call something is not refused but simply not there afterwards, because
 * real clients send such fields and mean no harm.
 *
 * RFC 7591 lets a server replace what a client asked for, and this one does, where well-known clients would fail otherwise:
 * 1. The application type follows from the redirect URIs. Most native clients say none, which would make them `web`, and some say the wrong one.
 * 2. Grant types that the portal does not have are dropped; where none is named, a refresh token may be given.
 * 3. Scopes are not kept. There are two, each client may ask for both, and many register with scopes of other servers.
 */
import { type ClientPolicy, mayIntroduceThemselves, mayRedirect, NOT_ALLOWED_AT_REGISTRATION } from './policy.ts'
import { judgeRedirectUri, REDIRECT_FAULTS } from './redirect-uri.ts'
import { showName } from './show-client.ts'

export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
export const GRANT_TYPES = ['authorization_code', 'refresh_token', DEVICE_GRANT] as const
export const AUTH_METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
/** Of keys that are in use for clients; never one that is shared. */
export const SIGNING_ALGORITHMS = ['RS256', 'PS256', 'ES256', 'Ed25519', 'EdDSA'] as const

/** Client metadata as it is kept, and as oidc-provider takes it. */
export interface ClientMetadata {
  redirect_uris: string[]
  application_type: 'native' | 'web'
  grant_types: string[]
  response_types: 'code'[]
  token_endpoint_auth_method: (typeof AUTH_METHODS)[number]
  token_endpoint_auth_signing_alg?: string
  client_name?: string
  jwks?: { keys: unknown[] }
  jwks_uri?: string
}

export type RegistrationError = 'invalid_redirect_uri' | 'invalid_client_metadata' | 'access_denied'

export interface RegistrationRefusal {
  error: RegistrationError
  error_description: string
}

export type Normalised = { metadata: ClientMetadata } | RegistrationRefusal

/** By itself, by its document, or by an admin. */
export type RegistrationSource = 'registered' | 'document' | 'admin'

const MOST_URIS = 20
const MOST_KEYS = 10

/**
 * @param body parsed JSON, from anybody
 * @param policy the organisation's; a portal's own rules where a person is sent back to its client
 */
export function normaliseRegistration(
  body: unknown,
  policy: ClientPolicy | null,
  source: RegistrationSource = 'registered',
): Normalised {
  if (!isRecord(body)) return badMetadata('the body must be a JSON object')
  if (source === 'registered' && !mayIntroduceThemselves(policy)) {
    return {
      error: 'access_denied',
      error_description: 'clients cannot register themselves here; ask an admin to register this one',
    }
  }
  const grants = grantsOf(body)
  if ('error' in grants) return grants
  const uris = urisOf(body, policy, { source, isNeeded: grants.isCode })
  if ('error' in uris) return uris
  const auth = authenticationOf(body, source)
  if ('error' in auth) return auth
  const name = showName(body.client_name)
  return {
    metadata: {
      redirect_uris: uris.list,
      application_type: uris.type,
      grant_types: grants.types,
      response_types: grants.isCode ? ['code'] : [],
      ...auth,
      ...(name === null ? {} : { client_name: name }),
    },
  }
}

function grantsOf(body: Record<string, unknown>): { types: string[]; isCode: boolean } | RegistrationRefusal {
  const { grant_types: grants, response_types: responses } = body
  if (!isListOrAbsent(grants)) return badMetadata('grant_types must be an array of strings')
  if (!isListOrAbsent(responses)) return badMetadata('response_types must be an array of strings')
  if (responses !== undefined && responses.length > 0 && !responses.includes('code')) {
    return badMetadata('response_types must include "code"')
  }
  const asked = grants ?? ['authorization_code', 'refresh_token']
  const types = GRANT_TYPES.filter((type) => asked.includes(type)) as string[]
  if (types.every((type) => type === 'refresh_token')) {
    return badMetadata(`grant_types must include "authorization_code" or "${DEVICE_GRANT}"`)
  }
  return { types, isCode: types.includes('authorization_code') }
}

function urisOf(
  body: Record<string, unknown>,
  policy: ClientPolicy | null,
  { source, isNeeded }: { source: RegistrationSource; isNeeded: boolean },
): { list: string[]; type: ClientMetadata['application_type'] } | RegistrationRefusal {
  const { redirect_uris: uris } = body
  if (!isListOrAbsent(uris)) return badRedirect('redirect_uris must be an array of strings')
  const list = isNeeded ? [...new Set(uris ?? [])] : []
  if (isNeeded && list.length === 0) return badRedirect('redirect_uris must hold at least one URI')
  if (list.length > MOST_URIS) return badRedirect(`redirect_uris must hold at most ${MOST_URIS} URIs`)
  const allowed = policy?.dynamic_client_registration?.allowed_uris ?? []
  const kinds: string[] = []
  for (const [at, uri] of list.entries()) {
    const verdict = judgeRedirectUri(uri, source === 'admin' ? [uri] : allowed)
    if (!verdict.ok) return badRedirect(`redirect_uris[${at}] ${REDIRECT_FAULTS[verdict.why]}`)
    if (source === 'registered' && !mayRedirect(policy, uri)) return badMetadata(NOT_ALLOWED_AT_REGISTRATION)
    kinds.push(verdict.kind)
  }
  return typeOf(list, kinds)
}

/**
 * `native` takes loopback http and private-use schemes, but no https to this machine; `web` takes all of http and https. What is loopback is
 * judged above and compared by `isSameRedirect`, so all that the type decides is which lists oidc-provider accepts.
 */
function typeOf(
  list: string[],
  kinds: readonly string[],
): { list: string[]; type: ClientMetadata['application_type'] } | RegistrationRefusal {
  const isLocalHttps = list.some((uri) => /^https:\/\/(localhost|127\.0\.0\.1|\[::1\])([:/?]|$)/.test(uri))
  if (isLocalHttps && kinds.includes('private-use')) {
    return badRedirect('redirect_uris mixes https on this machine with a private-use scheme; use http for the first')
  }
  const isNative = kinds.includes('private-use') || kinds.includes('loopback')
  return { list, type: isNative && !isLocalHttps ? 'native' : 'web' }
}

type Authentication = Pick<
  ClientMetadata,
  'token_endpoint_auth_method' | 'token_endpoint_auth_signing_alg' | 'jwks' | 'jwks_uri'
>

function authenticationOf(
  body: Record<string, unknown>,
  source: RegistrationSource,
): Authentication | RegistrationRefusal {
  const { token_endpoint_auth_methods_supported: others } = body
  // RFC 7591, section 2. A document is public, so no secret can go with it.
  const asked = body.token_endpoint_auth_method ?? (source === 'document' ? 'none' : 'client_secret_basic')
  const choices = [asked, ...(Array.isArray(others) ? others : [])]
  const open = AUTH_METHODS.filter((method) => source !== 'document' || !method.startsWith('client_secret'))
  const method = open.find((one) => one === asked) ?? open.find((one) => choices.includes(one))
  if (method === undefined) return badMetadata(`token_endpoint_auth_method must be one of ${open.join(', ')}`)
  return method === 'private_key_jwt' ? keysOf(body) : { token_endpoint_auth_method: method }
}

/** Keys are looked at, and fetched, only for a client that signs with them. */
function keysOf(body: Record<string, unknown>): Authentication | RegistrationRefusal {
  const { jwks, jwks_uri: uri, token_endpoint_auth_signing_alg: alg } = body
  if (alg !== undefined && !SIGNING_ALGORITHMS.some((one) => one === alg)) {
    return badMetadata(`token_endpoint_auth_signing_alg must be one of ${SIGNING_ALGORITHMS.join(', ')}`)
  }
  const base = {
    token_endpoint_auth_method: 'private_key_jwt' as const,
    ...(typeof alg === 'string' ? { token_endpoint_auth_signing_alg: alg } : {}),
  }
  if (typeof uri === 'string' && jwks === undefined) {
    const verdict = judgeRedirectUri(uri)
    return verdict.ok && verdict.kind === 'https'
      ? { ...base, jwks_uri: uri }
      : badMetadata('jwks_uri must be an https URL')
  }
  if (uri === undefined && isRecord(jwks) && Array.isArray(jwks.keys) && jwks.keys.length <= MOST_KEYS) {
    if (jwks.keys.every(isRecord)) return { ...base, jwks: { keys: jwks.keys } }
  }
  return badMetadata(`private_key_jwt needs jwks_uri, or jwks with at most ${MOST_KEYS} public keys`)
}

function badMetadata(error_description: string): RegistrationRefusal {
  return { error: 'invalid_client_metadata', error_description }
}

function badRedirect(error_description: string): RegistrationRefusal {
  return { error: 'invalid_redirect_uri', error_description }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isListOrAbsent(value: unknown): value is string[] | undefined {
  return value === undefined || (Array.isArray(value) && value.every((one) => typeof one === 'string'))
}
