/** What is asked of authorization servers, as whom, and what is made of their answers: a real one, and sites that answer as they like. */
import { generateKeyPairSync } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { afterEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { type DeskRoom, openDeskRoom, PORTAL, testEgress } from '../../../test/support/desk-room.ts'
import { type HostileSite, type SiteAnswer, startHostileSite } from '../../../test/support/hostile-site.ts'
import type { ServerUid } from '../../base/ids.ts'
import { type AuthServer, type OauthClient, type OauthTarget, OauthTrouble } from './model.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

const ASM = '/.well-known/oauth-authorization-server'

interface Site extends HostileSite {
  /** What each path answers; metadata is laid over the usual. */
  paths: Record<string, (form: URLSearchParams, body: string) => SiteAnswer | 'hang'>
  metadata: Record<string, unknown>
  posts(path: string): HostileSite['seen']
}

/** A server that is its own authorization server and does what each test says. */
async function start(metadata: Record<string, unknown> = {}): Promise<Site> {
  const site = (await startHostileSite()) as Site
  open.push(site)
  Object.assign(site, { paths: {}, metadata })
  site.posts = (path) => site.seen.filter((one) => one.method === 'POST' && one.path === path)
  const usual = () => ({
    ...{
      issuer: site.origin,
      authorization_endpoint: `${site.origin}/authorize`,
      token_endpoint: `${site.origin}/token`,
    },
    ...{ registration_endpoint: `${site.origin}/register`, revocation_endpoint: `${site.origin}/revoke` },
    ...{ response_types_supported: ['code'], code_challenge_methods_supported: ['S256'] },
  })
  site.answer = ({ path, body }) => {
    if (path === ASM) return { body: { ...usual(), ...site.metadata } }
    return site.paths[path]?.(new URLSearchParams(body), body)
  }
  return site
}

async function roomWith(kind: (typeof DATABASE_KINDS)[number] = 'sqlite', issuer?: string): Promise<DeskRoom> {
  const room = await openDeskRoom(kind, issuer === undefined ? {} : { issuer })
  open.push(room)
  return room
}

async function found(room: DeskRoom, uid: ServerUid): Promise<{ target: OauthTarget; server: AuthServer }> {
  const target = await room.target(uid)
  return { target, server: await room.ways.discover(target) }
}

const PUBLIC: OauthClient = { id: 'c1', secret: null, method: 'none', kind: 'registered' }
const GOOD = { access_token: 'AT', token_type: 'bearer', expires_in: 60 }

async function kindOf(work: Promise<unknown>): Promise<string> {
  const error = await work.catch((thrown: unknown) => thrown)
  return error instanceof OauthTrouble
    ? `${error.kind}${error.code === null ? '' : ` ${error.code}`}`
    : `none: ${String(error)}`
}

describe('an answer of a token endpoint', () => {
  const answers: { when: string; answer: SiteAnswer; then: string }[] = [
    { when: 'of another type of token', answer: { body: { ...GOOD, token_type: 'DPoP' } }, then: 'bad-answer' },
    { when: 'without a type', answer: { body: { access_token: 'AT' } }, then: 'bad-answer' },
    {
      when: 'with a token that breaks a header',
      answer: { body: { ...GOOD, access_token: 'a\r\nx: y' } },
      then: 'bad-answer',
    },
    {
      when: 'with a token that is too long',
      answer: { body: { ...GOOD, access_token: 'x'.repeat(16_385) } },
      then: 'bad-answer',
    },
    { when: 'with an empty token', answer: { body: { ...GOOD, access_token: '' } }, then: 'bad-answer' },
    { when: 'with a refresh token of spaces', answer: { body: { ...GOOD, refresh_token: 'a b' } }, then: 'bad-answer' },
    {
      when: 'that is a page',
      answer: { headers: { 'content-type': 'text/html' }, body: '<html>CANARY' },
      then: 'bad-answer',
    },
    { when: 'without end', answer: { body: { ...GOOD, extra: 'x'.repeat(300 * 1024) } }, then: 'bad-answer' },
    { when: 'that points elsewhere', answer: { status: 307, headers: { location: '/elsewhere' } }, then: 'bad-answer' },
    {
      when: 'of a dead grant',
      answer: { status: 400, body: { error: 'invalid_grant', error_description: 'CANARY' } },
      then: 'invalid_grant invalid_grant',
    },
    {
      when: 'of an unknown client',
      answer: { status: 401, body: { error: 'invalid_client' } },
      then: 'invalid_client invalid_client',
    },
    {
      when: 'with an error and status 200',
      answer: { body: { error: 'bad_verification_code' } },
      then: 'refused bad_verification_code',
    },
    {
      when: 'with an error that is no code',
      answer: { status: 400, body: { error: 'CANARY\nforged line' } },
      then: 'refused',
    },
    {
      when: 'with a token for a code',
      answer: { status: 400, body: { error: 'CANARY0f1e2d3c4b5a' } },
      then: 'refused',
    },
    { when: 'of a server in trouble', answer: { status: 503, body: {} }, then: 'unreachable' },
    { when: 'that asks to wait', answer: { status: 429, body: {} }, then: 'unreachable' },
  ]
  for (const { when, answer, then } of answers) {
    test(`${when} is told as ${then}, and nothing of it is repeated`, async () => {
      const [room, site] = [await roomWith(), await start()]
      site.paths['/token'] = () => answer
      site.paths['/elsewhere'] = () => ({ body: GOOD })
      const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
      const work = room.ways.refresh(target, { server, client: PUBLIC, refreshToken: 'REFRESH' })
      expect(await kindOf(work)).toBe(then)
      const error = await work.catch((thrown: unknown) => thrown as OauthTrouble)
      const said = error instanceof OauthTrouble ? [error.message, String(error.cause ?? ''), error.code] : []
      expect(JSON.stringify(said)).not.toMatch(/CANARY|REFRESH/)
      expect(site.posts('/elsewhere')).toEqual([])
    })
  }

  test('with tokens for scopes or for the name of the account shows neither', async () => {
    const [room, site] = [await roomWith(), await start()]
    const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
    const claims = Buffer.from(JSON.stringify({ email: 'my refresh-canary', name: 'Ada', sub: 'access-canary' }))
    const id_token = `e30.${claims.toString('base64url')}.signature`
    const given = { access_token: 'access-canary', refresh_token: 'refresh-canary', id_token }
    site.paths['/token'] = () => ({ body: { ...GOOD, ...given, scope: `read x:access-canary refresh-canary` } })
    const tokens = await room.ways.refresh(target, { server, client: PUBLIC, refreshToken: 'old' })
    expect(tokens.scope).toBe('read')
    expect(await room.ways.accountOf(target, server, tokens)).toBe('Ada')
    const nameless = { ...tokens, idToken: null }
    const userinfoEndpoint = `${site.origin}/userinfo`
    site.paths['/userinfo'] = () => ({ body: { email: 'access-canary' } })
    expect(await room.ways.accountOf(target, { ...server, userinfoEndpoint }, { ...nameless, scope: null })).toBeNull()
  })

  test('that is good is taken, with a lifetime that is one; a refresh token that is not replaced stays', async () => {
    const [room, site] = [await roomWith(), await start()]
    const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
    const refresh = () => room.ways.refresh(target, { server, client: PUBLIC, refreshToken: 'old' })
    site.paths['/token'] = () => ({ body: { ...GOOD, token_type: 'BEARER', scope: 'a  b a' } })
    expect(await refresh()).toEqual({
      access: 'AT',
      type: 'Bearer',
      refresh: 'old',
      expiresIn: 60,
      scope: 'a b',
      idToken: null,
    })
    site.paths['/token'] = () => ({ body: { ...GOOD, refresh_token: 'new', expires_in: -5 } })
    expect(await refresh()).toMatchObject({ refresh: 'new', expiresIn: null, scope: null })
    const form = new URLSearchParams(site.posts('/token')[0]?.body)
    expect(Object.fromEntries(form)).toEqual({
      ...{ grant_type: 'refresh_token', refresh_token: 'old', client_id: 'c1', resource: `${site.origin}/mcp` },
    })
  })

  test('a token endpoint that says nothing is given up after fifteen seconds', async () => {
    const [room, site] = [await roomWith(), await start()]
    site.paths['/token'] = () => 'hang'
    const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
    const begun = performance.now()
    expect(await kindOf(room.ways.refresh(target, { server, client: PUBLIC, refreshToken: 'r' }))).toBe('unreachable')
    expect(performance.now() - begun).toBeLessThan(40_000)
  })
})

describe('how the portal proves who it is', () => {
  const written = (method: string | undefined, more: object = {}) =>
    JSON.stringify({
      auth_mode: 'client_credentials',
      registration_info: {
        client_id: 'bot',
        ...(method === undefined ? {} : { token_endpoint_auth_method: method }),
        ...more,
      },
    })

  async function ask(room: DeskRoom, site: Site, credentials: string, clientSecret: string) {
    site.paths['/token'] = () => ({ body: GOOD })
    const { target, server } = await found(
      room,
      await room.addServer({ url: `${site.origin}/mcp`, credentials, clientSecret }),
    )
    const client = await room.ways.clientOf(target, server)
    const tokens = await room.ways.clientCredentials(target, { server, client, scope: 'read' })
    const [request] = site.posts('/token')
    return { tokens, form: new URLSearchParams(request?.body), header: request?.headers.authorization ?? null }
  }

  test('with a secret in the header, form-encoded as the standard has it, or in the form', async () => {
    const [room, site, other] = [await roomWith(), await start(), await start()]
    const basic = await ask(room, site, written(undefined, { client_id: 'bot:1' }), 'a%b c+ü')
    expect(Buffer.from(basic.header?.replace('Basic ', '') ?? '', 'base64').toString()).toBe('bot%3A1:a%25b+c%2B%C3%BC')
    expect(Object.fromEntries(basic.form)).toEqual({
      grant_type: 'client_credentials',
      scope: 'read',
      resource: `${site.origin}/mcp`,
    })
    const post = await ask(await roomWith(), other, written('client_secret_post'), 'secret')
    expect([post.header, post.form.get('client_id'), post.form.get('client_secret')]).toEqual([null, 'bot', 'secret'])
  })

  const keys = [
    { alg: 'ES256', pair: generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
    { alg: 'RS256', pair: generateKeyPairSync('rsa', { modulusLength: 2048 }) },
    { alg: 'EdDSA', pair: generateKeyPairSync('ed25519') },
  ]
  for (const { alg, pair } of keys) {
    test(`by a signature with its own key (${alg}), for this issuer alone and a minute`, async () => {
      const [room, site] = [await roomWith(), await start()]
      const pem = pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
      const { form, header } = await ask(room, site, written('private_key_jwt', { key_id: 'k1' }), pem)
      const assertion = form.get('client_assertion') ?? ''
      const expected = { issuer: 'bot', subject: 'bot', audience: site.origin }
      const { payload } = await jwtVerify(assertion, pair.publicKey, expected)
      expect(decodeProtectedHeader(assertion)).toMatchObject({ alg, kid: 'k1' })
      expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBeLessThanOrEqual(60)
      expect([header, form.get('client_secret'), payload.jti?.length]).toEqual([null, null, 36])
    })
  }

  test('a key that is none sends nothing and says nothing of it', async () => {
    const [room, site] = [await roomWith(), await start()]
    const work = ask(room, site, written('private_key_jwt'), 'CANARY')
    expect(await kindOf(work)).toBe('no-registration')
    expect([await work.catch((error: unknown) => String(error)), site.posts('/token').length]).not.toContain('CANARY')
    expect(site.posts('/token')).toEqual([])
  })

  test('an identity assertion is exchanged for a token of the person', async () => {
    const [room, site] = [await roomWith(), await start()]
    site.paths['/token'] = () => ({ body: GOOD })
    const credentials = JSON.stringify({ auth_mode: 'enterprise', registration_info: { client_id: 'portal' } })
    const uid = await room.addServer({ url: `${site.origin}/mcp`, credentials, clientSecret: 's' })
    const { target, server } = await found(room, uid)
    const client = await room.ways.clientOf(target, server)
    const tokens = await room.ways.assertionGrant(target, { server, client, assertion: 'ID-JAG', scope: null })
    expect(tokens.access).toBe('AT')
    expect(Object.fromEntries(new URLSearchParams(site.posts('/token')[0]?.body))).toEqual({
      ...{
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion: 'ID-JAG',
        resource: `${site.origin}/mcp`,
      },
    })
  })
})

for (const kind of DATABASE_KINDS) {
  describe(`as whom the portal is known, on ${kind}`, () => {
    const registers = (site: Site, more: object = {}) => {
      let count = 0
      site.paths['/register'] = (_, body) => ({
        status: 201,
        body: { ...JSON.parse(body), client_id: `c${++count}`, ...more },
      })
    }

    test('it registers once, for all who ask at the same time and after', async () => {
      const [room, site] = [await roomWith(kind), await start({ scopes_supported: ['openid', 'offline_access'] })]
      registers(site, { client_secret: 'SECRET', client_secret_expires_at: 0 })
      const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
      const all = await Promise.all([1, 2, 3].map(() => room.ways.clientOf(target, server)))
      expect(new Set(all.map(({ id }) => id))).toEqual(new Set(['c1']))
      expect(await room.ways.clientOf(target, server)).toEqual({
        ...{ id: 'c1', secret: 'SECRET', method: 'client_secret_basic', kind: 'registered' },
      })
      expect(JSON.parse(site.posts('/register')[0]?.body ?? '')).toEqual({
        ...{ client_name: 'Portico', client_uri: PORTAL, redirect_uris: [`${PORTAL}/servers-callback/notes`] },
        ...{ grant_types: ['authorization_code', 'refresh_token'], response_types: ['code'], scope: 'openid' },
        ...{ token_endpoint_auth_method: 'client_secret_basic', application_type: 'native' },
      })
      const rows = await room.store.db.selectFrom('upstream_clients').selectAll().execute()
      expect([rows.length, JSON.stringify(rows).includes('SECRET')]).toEqual([1, false])
    })

    test('it registers anew when its secret has ended, when it is told to, and when its address is another', async () => {
      const [room, site] = [await roomWith(kind), await start()]
      const ends = Math.floor(room.clock.now() / 1000) + 3600
      registers(site, { client_secret: 's', client_secret_expires_at: ends })
      const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
      expect((await room.ways.clientOf(target, server)).id).toBe('c1')
      room.clock.move(3601_000)
      expect((await room.ways.clientOf(target, server)).id).toBe('c2')
      expect((await room.ways.clientOf(target, server, { anew: true })).id).toBe('c3')
      expect(await room.store.db.selectFrom('upstream_clients').selectAll().execute()).toHaveLength(1)
    })

    test('a token keeps its client where the portal has another address by now, until somebody connects there', async () => {
      const [room, site] = [await roomWith(kind), await start()]
      registers(site)
      const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
      expect((await room.ways.clientOf(target, server)).id).toBe('c1')
      const elsewhere = { redirect_uri: 'http://127.0.0.1:1/servers-callback' }
      await room.store.db.updateTable('upstream_clients').set(elsewhere).execute()
      expect((await room.ways.clientOf(target, server, { holder: 'c1' })).id).toBe('c1')
      expect((await room.ways.clientOf(target, server)).id).toBe('c2')
      expect((await room.ways.clientOf(target, server, { holder: 'c1' })).id).toBe('c2')
    })

    // [DESK-2]
    test('an id by which another issuer knows the portal is not taken from this one', async () => {
      const [room, site, evil] = [await roomWith(kind), await start(), await start()]
      registers(site)
      registers(evil)
      const honest = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
      expect((await room.ways.clientOf(honest.target, honest.server)).id).toBe('c1')
      const other = await found(room, await room.addServer({ id: 'evil', url: `${evil.origin}/mcp` }))
      expect(await kindOf(room.ways.clientOf(other.target, other.server))).toBe('no-registration')
    })

    test('each server behind it has its own client, and one that is deleted leaves none', async () => {
      const [room, site] = [await roomWith(kind), await start()]
      registers(site)
      const one = await room.addServer({ id: 'one', url: `${site.origin}/one` })
      const two = await room.addServer({ id: 'two', url: `${site.origin}/two` })
      const [a, b] = [await found(room, one), await found(room, two)]
      expect([
        (await room.ways.clientOf(a.target, a.server)).id,
        (await room.ways.clientOf(b.target, b.server)).id,
      ]).toEqual(['c1', 'c2'])
      await room.removeServer(one)
      expect(await room.store.db.selectFrom('upstream_clients').select('client_id').execute()).toEqual([
        { client_id: 'c2' },
      ])
    })
  })
}

test('registration that fails says so: a no, an answer that is not what was asked for, a method nobody has, a redirect', async () => {
  const [room, site] = [await roomWith(), await start()]
  const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
  const answers: SiteAnswer[] = [
    { status: 403, body: { error: 'access_denied' } },
    { status: 201, body: { client_id: 'c', redirect_uris: ['https://evil.example/cb'] } },
    { status: 201, body: { client_id: 'c\n', redirect_uris: [`${PORTAL}/servers-callback/notes`] } },
    {
      status: 201,
      body: {
        client_id: 'c',
        client_secret: 's',
        token_endpoint_auth_method: 'tls_client_auth',
        redirect_uris: [`${PORTAL}/servers-callback/notes`],
      },
    },
  ]
  for (const answer of answers) {
    site.paths['/register'] = () => answer
    expect(await kindOf(room.ways.clientOf(target, server))).toBe('no-registration')
  }
  site.paths['/register'] = () => ({ status: 307, headers: { location: '/other' } })
  expect(await kindOf(room.ways.clientOf(target, server))).toBe('bad-answer')
  site.paths['/register'] = () => ({ status: 500 })
  expect(await kindOf(room.ways.clientOf(target, server))).toBe('unreachable')
  expect(site.posts('/other')).toEqual([])
})

test('a registration that is refused for its scopes is asked for without them', async () => {
  const [room, site] = [await roomWith(), await start({ scopes_supported: ['openid'] })]
  site.paths['/register'] = (_, body) => {
    const wish = JSON.parse(body)
    if ('scope' in wish) return { status: 400, body: { error: 'invalid_client_metadata' } }
    return { status: 201, body: { ...wish, client_id: 'c1' } }
  }
  const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
  expect(await room.ways.clientOf(target, server)).toMatchObject({ id: 'c1', method: 'none' })
})

test('a portal with a public address is known by its document, and comes back to the shared address, where the issuer is named in answers', async () => {
  const room = await roomWith('sqlite', 'https://portal.acme.com')
  const site = await start({
    client_id_metadata_document_supported: true,
    authorization_response_iss_parameter_supported: true,
  })
  const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
  expect(await room.ways.clientOf(target, server)).toEqual({
    ...{ id: 'https://portal.acme.com/client-metadata.json', secret: null, method: 'none', kind: 'document' },
  })
  expect(room.ways.redirectUriOf(target, server)).toBe('https://portal.acme.com/servers-callback')
  expect(site.posts('/register')).toEqual([])
})

test('a client that was written down says itself where it comes back to', async () => {
  const room = await roomWith()
  const site = await start()
  const manual = (redirects?: string[]) =>
    JSON.stringify({
      auth_mode: 'manual',
      config: { authorization_endpoint: `${site.origin}/a`, token_endpoint: `${site.origin}/t` },
      registration_info: { client_id: 'mine', ...(redirects === undefined ? {} : { redirect_uris: redirects }) },
    })
  const [shared, own] = [`${PORTAL}/servers-callback`, `${PORTAL}/servers-callback/m`]
  const uid = await room.addServer({ id: 'm', url: `${site.origin}/mcp`, credentials: manual(), clientSecret: 's' })
  const { target, server } = await found(room, uid)
  expect(await room.ways.clientOf(target, server)).toEqual({
    id: 'mine',
    secret: 's',
    method: 'client_secret_basic',
    kind: 'written',
  })
  const uriOf = (credentials: string, sharedCallback = false) =>
    room.ways.redirectUriOf({ ...target, written: JSON.parse(credentials), sharedCallback }, server)
  expect([uriOf(manual()), uriOf(manual([shared])), uriOf(manual([shared, own])), uriOf(manual(), true)]).toEqual([
    own,
    shared,
    own,
    shared,
  ])
  expect(site.seen).toEqual([])
})

test('what was found out is asked again after an hour, or when it must be, and a failure is not remembered', async () => {
  const [room, site] = [await roomWith(), await start()]
  const target = await room.target(await room.addServer({ url: `${site.origin}/mcp` }))
  const asked = () => site.seen.filter(({ path }) => path === ASM).length
  site.metadata = { issuer: 'https://other.example' }
  expect(await kindOf(room.ways.discover(target))).toBe('issuer-mismatch')
  site.metadata = {}
  await Promise.all([room.ways.discover(target), room.ways.discover(target)])
  expect(asked()).toBe(2)
  await room.ways.discover(target, { anew: true })
  expect(asked()).toBe(3)
  room.clock.move(60 * 60_000 + 1)
  await room.ways.discover(target)
  expect(asked()).toBe(4)
})

test('a private authorization server is reached where the owner opened it for this server, for every kind of request', async () => {
  const egress = testEgress({ host: '0.0.0.0', publicUrl: 'https://portal.acme.com' })
  const room = await openDeskRoom('sqlite', { egress })
  open.push(room)
  const site = await start()
  site.paths['/token'] = () => ({ body: GOOD })
  const closed = await room.target(await room.addServer({ id: 'closed', url: `${site.origin}/mcp` }))
  expect(await kindOf(room.ways.discover(closed))).toBe('insecure')
  const { target, server } = await found(
    room,
    await room.addServer({ url: `${site.origin}/mcp`, allowed: [site.place] }),
  )
  expect((await room.ways.refresh(target, { server, client: PUBLIC, refreshToken: 'r' })).access).toBe('AT')
  expect(await kindOf(room.ways.refresh(closed, { server, client: PUBLIC, refreshToken: 'r' }))).toBe('insecure')
  await room.ways.revoke(target, { server, client: PUBLIC, token: 'r', hint: 'refresh_token' })
  expect(new URLSearchParams(site.posts('/revoke')[0]?.body).get('token')).toBe('r')
  expect(site.posts('/token')).toHaveLength(1)
})

test('an account is named by its ID token, else by userinfo, else not at all, and never by a hidden character', async () => {
  const [room, site] = [await roomWith(), await start()]
  site.metadata = { userinfo_endpoint: `${site.origin}/me` }
  const { target, server } = await found(room, await room.addServer({ url: `${site.origin}/mcp` }))
  const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.x`
  const base = { access: 'AT', type: 'Bearer', refresh: null, expiresIn: null, scope: 'openid' }
  const named = (claims: object | null) =>
    room.ways.accountOf(target, server, { ...base, idToken: claims === null ? null : jwt(claims) })
  expect(await named({ email: 'ada@acme.test', sub: '1' })).toBe('ada@acme.test')
  expect(await named({ name: 'a\u202eb\u0007\nforged' })).toBe('a\\u{202e}b\\u{7}\\u{a}forged')
  expect((await named({ email: '\u0000'.repeat(500) }))?.length).toBe(200)
  expect(await named(null)).toBeNull()
  site.paths['/me'] = () => ({ body: { sub: '1', preferred_username: 'ada' } })
  expect(await named({ sub: '1' })).toBe('ada')
  expect(site.seen.find(({ path }) => path === '/me')?.headers.authorization).toBe('Bearer AT')
  site.paths['/me'] = () => ({ status: 302, headers: { location: '/steal' } })
  expect([await named({ sub: 'subject-1' }), site.seen.some(({ path }) => path === '/steal')]).toEqual([
    'subject-1',
    false,
  ])
})
