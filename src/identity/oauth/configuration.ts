/**
 * The library's settings, each with its reason. What is not named is off: there are no id tokens, no userinfo, no implicit flow, no
 * logout endpoint and no introspection, because an MCP client needs none of them.
 */
import { generateKeyPairSync } from 'node:crypto'
import type { SafeFetch } from '../../base/safe-fetch.ts'
import type { Organization } from '../organization.ts'
import { DEVICE_CODE_SECONDS, USER_CODE } from './clients/device.ts'
import { DOCUMENT_BODY_LIMITS, DOCUMENT_CACHE } from './clients/metadata-document.ts'
import { type Adapter, type Context, errors, interactionPolicy, type Payload } from './library.ts'
import { SCOPE } from './requests.ts'

export interface ConfigurationRooms {
  adapters: (model: string) => Adapter
  organization: () => Organization
  /** Milliseconds since 1970. */
  now(): number
  /** Signs the cookies that tie an authorization to its browser. The first signs, all are believed. */
  cookieKeys: readonly string[]
  isSecure: boolean
  /** Whether an identifier means one of our portals. */
  isOurs(resource: string): boolean
  /** @returns whether the person of a grant may still have what it was given for */
  mayRenew(token: Payload): Promise<boolean>
  /** Whether clients may be known by a metadata document at all. */
  clientDocuments: boolean
  /** Whether a client's document may be fetched now. */
  mayFetch(clientId: string, clientIp: string): boolean
  /** Our own page for what cannot be sent back to the client. */
  showProblem(error: string, description: string | undefined): Promise<Response>
  fetch: SafeFetch
}

const CODE_SECONDS = 60
const INTERACTION_SECONDS = 600
/** The longest life of what a client signs to say that it is itself. */
const ASSERTION_SECONDS = 3600

export function libraryConfiguration(rooms: ConfigurationRooms): object {
  const { adapters, organization, cookieKeys, isSecure } = rooms
  const seconds = (ms: number) => Math.floor(ms / 1000)
  const prefix = isSecure ? '__Secure-' : ''
  const cookie = { httpOnly: true, sameSite: 'lax', signed: true, overwrite: true, secure: isSecure }
  return {
    adapter: adapters,
    // Nothing is signed with it; the library insists on having one.
    jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
    scopes: [SCOPE],
    responseTypes: ['code'],
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    clientDefaults: {
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: 'ES256',
    },
    routes: {
      authorization: '/oauth/authorize',
      token: '/oauth/token',
      revocation: '/oauth/revoke',
      device_authorization: '/oauth/device_authorization',
      code_verification: '/oauth/device',
      jwks: '/oauth/jwks',
      end_session: '/oauth/end',
    },
    cookies: {
      names: {
        session: `${prefix}portico-oauth`,
        interaction: `${prefix}portico-authorization`,
        resume: `${prefix}portico-resume`,
      },
      long: cookie,
      short: cookie,
      keys: [...cookieKeys],
    },
    ttl: {
      AccessToken: () => seconds(organization().accessTokenLifetime),
      RefreshToken: () => seconds(organization().grantLifetime),
      Grant: () => seconds(organization().grantLifetime) * 100,
      AuthorizationCode: CODE_SECONDS,
      Interaction: INTERACTION_SECONDS,
      Session: INTERACTION_SECONDS,
      DeviceCode: DEVICE_CODE_SECONDS,
      IdToken: CODE_SECONDS,
    },
    features: features(rooms),
    // A challenge is asked of everybody, those with a secret too, and only S256 is known (OAuth 2.1, section 7.6).
    pkce: { required: () => true },
    // Each is kept until it ends, so that it is good once; anybody may register and send them, so the end must be near (RFC 7523, section 3).
    assertJwtClientAuthClaimsAndHeader(_ctx: Context, { exp }: { exp?: unknown }) {
      if (Number(exp) > rooms.now() / 1000 + ASSERTION_SECONDS)
        throw new errors.InvalidClientAuth('exp is too far ahead')
    },
    interactions: { policy: policy(), url: (_ctx: Context, { jti }: { jti: string }) => `/consent/${jti}` },
    // What was granted before is found by our own pages, never by the library.
    loadExistingGrant: (ctx: Context) => {
      const id = ctx.oidc.result?.consent?.grantId
      return id === undefined ? undefined : ctx.oidc.provider.Grant.find(id)
    },
    async findAccount(_ctx: Context, sub: string, token?: Payload) {
      if (token?.grantId !== undefined && !(await rooms.mayRenew(token))) return undefined
      return { accountId: sub, claims: () => ({ sub }) }
    },
    issueRefreshToken: (_ctx: Context, client: { grantTypeAllowed(type: string): boolean }) =>
      client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    // The portal's own session ends what must end with it.
    expiresWithSession: () => false,
    revokeGrantPolicy: () => true,
    clientBasedCORS: () => true,
    allowOmittingSingleRegisteredRedirectUri: false,
    fetch: rooms.fetch,
    fetchResponseBodyLimits: DOCUMENT_BODY_LIMITS,
    async renderError(ctx: Context, out: { error: string; error_description?: string }) {
      const response = await rooms.showProblem(out.error, out.error_description)
      for (const [name, value] of response.headers) ctx.set(name, value)
      ctx.body = await response.text()
    },
  }
}

/** What is not named is off. */
function features(rooms: ConfigurationRooms): object {
  return {
    devInteractions: { enabled: false },
    userinfo: { enabled: false },
    rpInitiatedLogout: { enabled: false },
    dPoP: { enabled: false },
    revocation: {
      enabled: true,
      allowedPolicy: (_ctx: Context, client: { clientId: string }, token: Payload) =>
        token.clientId === client.clientId,
    },
    // Each portal says whether it takes devices; the endpoint is there for those that do.
    deviceFlow: { enabled: true, ...USER_CODE },
    clientIdMetadataDocument: {
      enabled: rooms.clientDocuments,
      ack: 'draft-02',
      allowFetch: (ctx: Context & { ip: string }, clientId: string) => rooms.mayFetch(clientId, ctx.ip),
      cacheDuration: DOCUMENT_CACHE,
    },
    resourceIndicators: {
      enabled: true,
      // Where nobody says, `requests.ts` has said already; a token request then means what was granted.
      defaultResource: (_ctx: Context, _client: unknown, oneOf?: readonly string[]) => oneOf?.[0],
      useGrantedResource: () => true,
      getResourceServerInfo(_ctx: Context, resource: string) {
        if (!rooms.isOurs(resource)) throw new errors.InvalidTarget('this is no address of this portal')
        return { scope: SCOPE, audience: resource, accessTokenFormat: 'opaque' }
      },
    },
  }
}

/** One page does both: it lets the person sign in, and asks for consent. Each authorization passes it, whatever was granted before. */
function policy(): unknown[] {
  const { Prompt, Check } = interactionPolicy
  const missing = (part: 'login' | 'consent') => (ctx: Context) => ctx.oidc.result?.[part] === undefined
  return [
    new Prompt(
      { name: 'login', requestable: true },
      new Check('no_login', 'sign in first', 'login_required', missing('login')),
    ),
    new Prompt(
      { name: 'consent', requestable: true },
      new Check('no_consent', 'consent is needed', 'consent_required', missing('consent')),
    ),
  ]
}
