/**
 * An identity provider as a process of its own, with keys of its own: oidc-provider behind a page that asks for a user name and nothing
 * else, made to go wrong as its parent says (`mode.ts`). It tells its parent where it listens.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
// @ts-expect-error: it comes without types; those that are used stand below.
import * as library from 'oidc-provider'
import type { Client, Counts, Mode, Options, Order } from './mode.ts'
import { ACCOUNTS, type Account, CLAIM_NAMES, type Claims } from './people.ts'
import { claimsOf, type Key, newKey, remake, signedBy } from './tamper.ts'

/** The little of the library that is used here; it comes without types. */
interface Context {
  path: string
  method: string
  status: number
  body: unknown
  response: { get(name: string): string }
  set(name: string, value: string): void
  redirect(to: string): void
  type: string
  oidc?: {
    route?: string
    params?: Record<string, string>
    client?: { clientId: string; clientSecret?: string }
    entities?: { Account?: { accountId: string }; RefreshToken?: { accountId: string } }
    session?: { accountId?: string; grantIdFor(id: string): string | undefined }
    result?: { consent?: { grantId?: string } }
    provider: Provider
  }
}
interface Grant {
  addOIDCScope(scope: string): void
  save(): Promise<string>
}
interface Provider {
  use(middleware: (ctx: Context, next: () => Promise<void>) => Promise<void>): void
  registerGrantType(
    name: string,
    handler: (ctx: Context) => Promise<void>,
    parameters: readonly string[],
    duplicates: readonly string[],
  ): void
  callback(): (request: IncomingMessage, response: ServerResponse) => Promise<void>
  interactionFinished(request: IncomingMessage, response: ServerResponse, result: object): Promise<void>
  Grant: { new (properties: object): Grant; find(id: string): Promise<Grant | undefined> }
  AccessToken: { find(id: string): Promise<{ accountId: string } | undefined> }
}
const Provider = library.Provider as unknown as new (issuer: string, configuration: object) => Provider

const options = JSON.parse(process.argv[2] ?? '{}') as Options
const alg = options.alg ?? 'RS256'
const clients = new Map<string, Client>()
const accounts = new Map<string, Account>(Object.entries(ACCOUNTS))
const gone = new Set<string>()
const counts: Record<string, number> = {}
let mode: Mode = 'good'
let rotations = 0
let key: Key = newKey(alg, 'key-0')
let origin = ''
let tenant = ''
let issuer = ''
let provider: Provider
let serve: ReturnType<Provider['callback']>

function rebuild(): void {
  issuer = `${origin}${tenant}`
  provider = new Provider(issuer, {
    clients: [...clients.values()].map(({ more, ...client }) => ({
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      id_token_signed_response_alg: alg,
      ...(client.client_secret === undefined ? { token_endpoint_auth_method: 'none' } : {}),
      ...client,
      ...more,
    })),
    jwks: { keys: [key] },
    cookies: { keys: ['only for tests'] },
    features: { devInteractions: { enabled: false } },
    claims: {
      openid: ['sub', ...CLAIM_NAMES.filter((name) => !STANDARD.includes(name))],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
    },
    conformIdTokenClaims: options.thin === true,
    scopes: ['openid', 'offline_access', 'email', 'profile', 'groups', 'User.Read'],
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: { Interaction: 600, Session: 3600, Grant: 86_400, AccessToken: 600, IdToken: 600, RefreshToken: 86_400 },
    interactions: { url: (_: Context, interaction: { uid: string }) => `${tenant}/interaction/${interaction.uid}` },
    findAccount: (_: Context, id: string) =>
      gone.has(id) ? undefined : { accountId: id, claims: () => ({ sub: id, ...accounts.get(id)?.claims }) },
    loadExistingGrant,
  })
  provider.registerGrantType(TOKEN_EXCHANGE, exchangeToken, EXCHANGE_PARAMETERS, ['audience', 'resource'])
  provider.use(tampered)
  serve = provider.callback()
}

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const EXCHANGE_PARAMETERS = [
  'requested_token_type',
  'audience',
  'resource',
  'scope',
  'subject_token',
  'subject_token_type',
]
const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'

/** Its word for another authorization server (ID-JAG), for the ID token of one of its people. */
async function exchangeToken(ctx: Context): Promise<void> {
  const { params = {}, client } = ctx.oidc ?? {}
  const subject = claimsOf(String(params.subject_token))
  const name = String(subject.sub)
  const isGood =
    params.requested_token_type === ID_JAG &&
    params.subject_token_type === 'urn:ietf:params:oauth:token-type:id_token' &&
    subject.aud === client?.clientId &&
    Number(subject.exp) * 1000 > Date.now()
  if (!isGood || gone.has(name) || mode === 'no-word') {
    ctx.status = 400
    ctx.body = { error: mode === 'no-word' ? 'access_denied' : 'invalid_grant' }
    return
  }
  const now = Math.floor(Date.now() / 1000)
  const claims = {
    ...{ iss: issuer, sub: name, aud: params.audience, resource: params.resource, scope: params.scope },
    ...{ client_id: client?.clientId, jti: String(Math.random()), iat: now, exp: now + 300 },
  }
  ctx.body = {
    ...{ issued_token_type: ID_JAG, token_type: 'N_A', expires_in: 300 },
    access_token: signedBy(key, { typ: 'oauth-id-jag+jwt' }, claims),
  }
}

const STANDARD = ['email', 'email_verified', 'name', 'preferred_username']

/** Who signs in here has agreed: consent is not what these tests are about. */
async function loadExistingGrant({ oidc }: Context): Promise<Grant | undefined> {
  if (oidc?.client === undefined || oidc.session === undefined) return undefined
  const { accountId } = oidc.session
  const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId })
  grant.addOIDCScope(oidc.params?.scope ?? 'openid')
  await grant.save()
  return grant
}

async function tampered(ctx: Context, next: () => Promise<void>): Promise<void> {
  await next()
  const route = ctx.oidc?.route
  if (route === 'token') tamperToken(ctx)
  if (route === 'authorization' || route === 'resume') tamperRedirect(ctx)
  if (route === 'userinfo' && mode === 'userinfo-down') ctx.status = 500
  if (route === 'userinfo' && mode === 'userinfo-other') ctx.body = { ...(ctx.body as Claims), sub: 'somebody-else' }
  if (route === 'jwks' && mode === 'keys-down') ctx.status = 503
  if (route === 'discovery' && mode === 'endpoints-elsewhere') {
    // The same machine under a name that nobody opened.
    const elsewhere = origin.replace('127.0.0.1', 'localhost')
    ctx.body = { ...(ctx.body as Claims), token_endpoint: `${elsewhere}/token`, jwks_uri: `${elsewhere}/jwks` }
  }
  if (route === 'discovery' && mode === 'discovery-other') {
    ctx.body = { ...(ctx.body as Claims), issuer: 'https://accounts.google.com' }
  }
}

function tamperToken(ctx: Context): void {
  const isRefresh = ctx.oidc?.params?.grant_type === 'refresh_token'
  if (mode === 'token-error') {
    ctx.status = 400
    ctx.body = { error: 'invalid_grant', error_description: 'no' }
  } else if (mode === 'token-html') {
    ctx.body = '<html>busy</html>'
    ctx.type = 'text/html'
  } else if (mode === 'token-redirect') ctx.redirect('http://127.0.0.1:1/steal')
  else if (mode === 'refresh-down' && isRefresh) ctx.status = 503
  const body = ctx.body as Claims | undefined
  if (typeof body !== 'object' || typeof body.id_token !== 'string') return
  const { entities, client } = ctx.oidc ?? {}
  const name = entities?.Account?.accountId ?? ''
  const more = accounts.get(name)?.token ?? {}
  if (mode === 'no-token') delete body.id_token
  else body.id_token = remake(body.id_token, mode, more, { key, secret: client?.clientSecret ?? '' })
}

function tamperRedirect(ctx: Context): void {
  const location = ctx.response.get('location')
  if (!location.includes('code=')) return
  const url = new URL(location)
  if (mode === 'no-iss') url.searchParams.delete('iss')
  if (mode === 'wrong-iss') url.searchParams.set('iss', 'https://accounts.google.com')
  ctx.set('location', url.href)
}

const PAGE = (uid: string) => `<!doctype html><html lang="en"><title>Sign in at the provider</title>
<h1>Sign in at the provider</h1><form method="get" action="${tenant}/interaction/${uid}">
<label>User name <input name="user" autofocus></label><button>Sign in</button></form>`

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', origin)
  counts[url.pathname] = (counts[url.pathname] ?? 0) + 1
  if (mode === 'down') return void request.socket.destroy()
  const uid = /\/interaction\/([\w-]+)$/.exec(url.pathname)?.[1]
  if (uid !== undefined) return interact(request, response, { uid, user: url.searchParams.get('user') })
  if (url.pathname === '/v1.0/me/getMemberObjects') return graph(request, response)
  // Mounted below a path, oidc-provider wants it gone from the address and kept beside it.
  if (tenant !== '' && url.pathname.startsWith(tenant)) {
    Object.assign(request, { originalUrl: request.url, baseUrl: tenant })
    request.url = (request.url ?? '').slice(tenant.length)
  }
  return serve(request, response)
}

async function interact(
  request: IncomingMessage,
  response: ServerResponse,
  { uid, user }: { uid: string; user: string | null },
): Promise<void> {
  if (mode === 'denied') return provider.interactionFinished(request, response, { error: 'access_denied' })
  if (user !== null && accounts.has(user)) {
    return provider.interactionFinished(request, response, { login: { accountId: user }, consent: {} })
  }
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(PAGE(uid))
}

async function graph(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const token = await provider.AccessToken.find((request.headers.authorization ?? '').slice('Bearer '.length))
  const groups = accounts.get(token?.accountId ?? '')?.graph ?? null
  response
    .writeHead(groups === null ? 403 : 200, { 'content-type': 'application/json' })
    .end(JSON.stringify(groups === null ? { error: { code: 'Authorization_RequestDenied' } } : { value: groups }))
}

function obey(order: Order): Counts | null {
  switch (order.kind) {
    case 'mode':
      mode = order.mode
      return null
    case 'client':
      clients.set(order.client.client_id, order.client)
      rebuild()
      return null
    case 'gone':
      gone.clear()
      for (const name of order.names) gone.add(name)
      return null
    case 'account':
      accounts.set(order.name, order.account)
      return null
    case 'rotate':
      rotations++
      key = newKey(alg, `key-${rotations}`)
      rebuild()
      return null
    case 'tenant':
      tenant = order.path
      rebuild()
      return null
    case 'count':
      return { ...counts }
  }
}

const server = createServer((request, response) => {
  answer(request, response).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    response.destroy()
  })
})
process.on('message', ({ id, order }: { id: number; order: Order }) => process.send?.({ id, result: obey(order) }))
process.on('disconnect', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  rebuild()
  process.send?.({ id: 0, result: origin })
})
