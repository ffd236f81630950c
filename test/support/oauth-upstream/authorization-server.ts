/**
 * The authorization server: oidc-provider with storage of its own, a page that asks for a user name and nothing else, and faults on order.
 * Who signs in has agreed to all that is asked for: consent is not what these tests are about.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLocalJWKSet, jwtVerify } from 'jose'
import { type Context, errors, type Model, Provider } from '../../../src/identity/oauth/library.ts'
import { type Key, newKey } from '../provider/tamper.ts'
import type { Faults, OauthUpstreamOptions, TokenRequest } from './model.ts'
import { takeWordOf } from './on-word.ts'
import { Storage } from './storage.ts'

export const SCOPES = ['notes:read', 'notes:write'] as const
const DAY = 86_400

/** What the token of a request stands for. */
export interface Access {
  account: string
  clientId: string
  scopes: string[]
  /** Seconds since 1970. */
  expiresAt: number
}

/** What the desks of several authorization servers of one upstream share. */
export interface Desk {
  options: OauthUpstreamOptions
  faults: Faults
  resource: string
  lifetime: number
  tokenRequests: TokenRequest[]
  authorizations: Readonly<Record<string, unknown>>[]
  secrets: string[]
  /** Access tokens that nobody may use any more, however they are signed. */
  dead: Set<string>
  /** Whose access tokens are whose. */
  given: Map<string, string>
  /** Resolves when the token endpoint may answer. */
  gate: Promise<void> | null
  onHeld(): void
}

export interface AuthorizationServer {
  issuer: string
  storage: Storage
  rotateKeys(): void
  /** @returns undefined for a token that is not good */
  introspect(token: string): Promise<Access | undefined>
  close(): Promise<void>
}

interface Running extends Provider {
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>
  interactionDetails(request: IncomingMessage, response: ServerResponse): Promise<{ params: { login_hint?: string } }>
}

export async function startAuthorizationServer(desk: Desk): Promise<AuthorizationServer> {
  const storage = new Storage()
  let generation = 0
  let key: Key = newKey('ES256', 'key-0')
  let running: Running
  let serve: ReturnType<Provider['callback']>
  const server = createServer((request, response) => {
    if (desk.faults.down) return void request.socket.destroy()
    const { pathname } = new URL(request.url ?? '/', 'http://here')
    const answered = pathname.startsWith('/interaction/')
      ? signIn(running, desk, request, response)
      : serve(request, response)
    answered.catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`

  function build(): void {
    running = new Provider(issuer, configuration(desk, { storage, key, port })) as Running
    running.use((ctx, next) => tampered(desk, ctx, next))
    if (desk.options.trusts !== undefined) takeWordOf(running, desk.options.trusts, desk)
    serve = running.callback()
  }
  build()

  return {
    issuer,
    storage,
    rotateKeys() {
      generation++
      key = newKey('ES256', `key-${generation}`)
      build()
    },
    async introspect(token) {
      const access = desk.dead.has(token) ? undefined : await introspect(running, key, desk, token)
      return access === undefined || desk.faults.refused.includes(access.account) ? undefined : access
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Place {
  storage: Storage
  key: Key
  port: number
}

function configuration(desk: Desk, { storage, key, port }: Place): object {
  const { options } = desk
  return {
    adapter: storage.adapter,
    clients: (options.clients ?? []).map((client) => ({
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: client.grant_types?.includes('authorization_code') === false ? [] : ['code'],
      ...(client.client_secret === undefined ? { token_endpoint_auth_method: 'none' } : {}),
      ...client,
    })),
    jwks: { keys: [key] },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    // Browsers keep cookies by host and not by port, and the portal is on the same host.
    cookies: {
      keys: ['only for tests'],
      names: { session: `as-${port}`, interaction: `as-${port}-interaction`, resume: `as-${port}-resume` },
    },
    scopes: ['openid', 'offline_access', ...SCOPES],
    claims: { openid: ['sub', 'email', 'preferred_username'] },
    conformIdTokenClaims: false,
    features: features(desk),
    pkce: { required: () => true },
    issueRefreshToken: () => options.refreshTokens !== false,
    rotateRefreshToken: true,
    expiresWithSession: () => false,
    clientBasedCORS: () => true,
    ttl: {
      AccessToken: () => desk.lifetime,
      ClientCredentials: () => desk.lifetime,
      ...{ AuthorizationCode: 60, Grant: DAY, IdToken: 600, Interaction: 600, RefreshToken: DAY, Session: 3600 },
    },
    interactions: { url: (_: Context, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_: Context, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, email: `${id}@notes.example` }),
    }),
    loadExistingGrant: (ctx: GrantContext) => grantAll(ctx, desk),
    renderError: (ctx: Context, out: object) => {
      ctx.type = 'json'
      ctx.body = out
    },
    extraTokenClaims: () => undefined,
  }
}

function features(desk: Desk): object {
  return {
    devInteractions: { enabled: false },
    registration: { enabled: true, initialAccessToken: false },
    revocation: { enabled: true, allowedPolicy: () => true },
    clientCredentials: { enabled: true },
    userinfo: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (_: Context, __: unknown, oneOf?: readonly string[]) => oneOf?.[0],
      useGrantedResource: () => true,
      getResourceServerInfo(_: Context, resource: string) {
        if (resource !== desk.resource) throw new errors.InvalidTarget('no such resource')
        return {
          scope: SCOPES.join(' '),
          audience: resource,
          accessTokenTTL: desk.lifetime,
          accessTokenFormat: desk.options.format ?? 'opaque',
          ...(desk.options.format === 'jwt' ? { jwt: { sign: { alg: 'ES256' } } } : {}),
        }
      },
    },
  }
}

interface GrantScopes {
  addOIDCScope(scope: string): void
  rejectOIDCScope(scope: string): void
  rejectResourceScope(resource: string, scope: string): void
}

interface GrantContext {
  oidc: {
    client?: { clientId: string }
    session?: { accountId: string }
    requestParamScopes: Set<string>
    provider: { Grant: new (payload: object) => Model & GrantScopes }
  }
}

async function grantAll({ oidc }: GrantContext, { resource, faults }: Desk): Promise<Model | undefined> {
  if (oidc.client === undefined || oidc.session === undefined) return undefined
  const { accountId } = oidc.session
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId })
  const asked = [...oidc.requestParamScopes]
  grant.addOIDCScope(['openid', ...asked].join(' '))
  grant.addResourceScope(resource, asked.filter(isOfNotes).join(' '))
  // What is withheld is refused, or the library would ask again without end.
  for (const scope of faults.withheld) {
    grant.rejectResourceScope(resource, scope)
    grant.rejectOIDCScope(scope)
  }
  await grant.save()
  return grant
}

function isOfNotes(scope: string): boolean {
  return SCOPES.some((one) => one === scope)
}

async function tampered(desk: Desk, ctx: Context, next: () => Promise<void>): Promise<void> {
  const { faults } = desk
  if (faults.noRegistration && ctx.path === '/reg') {
    ctx.status = 404
    return
  }
  if (ctx.path === '/token') await passGate(desk)
  if (ctx.path === '/auth') desk.authorizations.push({ ...ctx.query })
  await next()
  const route = ctx.oidc?.route
  if (route === 'token') noteToken(desk, ctx)
  if (route === 'authorization' || route === 'resume') tamperRedirect(faults, ctx)
  if (route === 'discovery' || ctx.path.startsWith('/.well-known/')) tamperMetadata(faults, ctx)
}

async function passGate(desk: Desk): Promise<void> {
  if (desk.gate === null) return
  desk.onHeld()
  await desk.gate
}

function noteToken(desk: Desk, ctx: Context): void {
  const { params = {}, client } = ctx.oidc
  const text = (name: string) => (typeof params[name] === 'string' ? params[name] : null)
  const { refreshError } = desk.faults
  if (refreshError !== null && params.grant_type === 'refresh_token') {
    ctx.status = refreshError === 'invalid_client' ? 401 : 400
    ctx.body = { error: refreshError, error_description: 'by order of a test' }
  }
  desk.tokenRequests.push({
    grantType: text('grant_type') ?? '',
    resource: text('resource'),
    clientId: client?.clientId ?? null,
    scope: text('scope'),
    status: ctx.status,
  })
  const { access_token, refresh_token } = (ctx.body ?? {}) as Record<string, unknown>
  if (typeof refresh_token === 'string') desk.secrets.push(refresh_token)
  if (typeof access_token !== 'string') return
  desk.secrets.push(access_token)
  const account = ctx.oidc.entities.Account?.accountId
  desk.given.set(access_token, typeof account === 'string' ? account : (client?.clientId ?? ''))
}

function tamperRedirect(faults: Faults, ctx: Context): void {
  const location = ctx.response.get('location')
  if (!location.includes('code=') && !location.includes('error=')) return
  const url = new URL(location)
  if (faults.noIss) url.searchParams.delete('iss')
  if (faults.wrongIss !== null) url.searchParams.set('iss', faults.wrongIss)
  ctx.set('location', url.href)
}

function tamperMetadata(faults: Faults, ctx: Context): void {
  if (typeof ctx.body !== 'object' || ctx.body === null) return
  const body = { ...(ctx.body as Record<string, unknown>) }
  if (faults.noPkce) delete body.code_challenge_methods_supported
  if (faults.noIss) delete body.authorization_response_iss_parameter_supported
  if (faults.wrongIssuer !== null) body.issuer = faults.wrongIssuer
  if (faults.noRegistration) delete body.registration_endpoint
  ctx.body = body
}

async function introspect(running: Running, key: Key, desk: Desk, token: string): Promise<Access | undefined> {
  if (desk.options.format === 'jwt') return readJwt(running.issuer, key, desk, token)
  const found =
    (await running.AccessToken.find(token)) ??
    (await (running as unknown as { ClientCredentials: Provider['AccessToken'] }).ClientCredentials.find(token))
  if (found === undefined || found.aud !== desk.resource) return undefined
  return accessOf(found as unknown as Record<string, unknown>)
}

async function readJwt(issuer: string, key: Key, desk: Desk, token: string): Promise<Access | undefined> {
  const { kid, alg, use, kty, crv, x, y } = key
  const keys = createLocalJWKSet({ keys: [{ kid, alg, use, kty, crv, x, y } as never] })
  try {
    const { payload } = await jwtVerify(token, keys, { issuer, audience: desk.resource })
    return accessOf({ ...payload, accountId: payload.sub, clientId: payload.client_id })
  } catch {
    return undefined
  }
}

function accessOf(token: Record<string, unknown>): Access {
  const clientId = String(token.clientId)
  return {
    account: token.accountId === undefined ? clientId : String(token.accountId),
    clientId,
    scopes: String(token.scope ?? '')
      .split(' ')
      .filter((scope) => scope !== ''),
    expiresAt: Number(token.exp),
  }
}

const PAGE = (action: string) => `<!doctype html><html lang="en"><title>Sign in to Notes</title>
<h1>Sign in to Notes</h1><form method="post" action="${action}">
<label>User name <input name="user" autofocus></label><button>Sign in</button></form></html>`

/** Who is named by the form, the address, the cookie `account`, or a hint of the client is signed in at once. */
async function signIn(running: Running, desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (desk.faults.denied) return running.interactionFinished(request, response, { error: 'access_denied' })
  const url = new URL(request.url ?? '/', 'http://here')
  const form = new URLSearchParams(request.method === 'POST' ? await bodyOf(request) : '')
  const { params } = await running.interactionDetails(request, response)
  const cookie = /(?:^|; )account=([\w-]+)/.exec(request.headers.cookie ?? '')?.[1]
  const accountId = form.get('user') ?? url.searchParams.get('user') ?? cookie ?? params.login_hint
  if (accountId) return running.interactionFinished(request, response, { login: { accountId }, consent: {} })
  const action = `${url.pathname.replace(/\/sign-in$/, '')}/sign-in`
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE(action))
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
