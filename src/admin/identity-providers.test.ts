import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import Cloudflare, { BadRequestError, NotFoundError } from 'cloudflare'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, LOCAL, LOGS, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { addPortal, letClientIn, signIn } from '../../test/support/people.ts'
import { type RunningProvider, startProvider } from '../../test/support/provider/start.ts'
import { readProviderSecret } from '../identity/providers/provider-store.ts'

const IDPS = '/access/identity_providers'
const SECRET = 'canary-secret-of-the-client'

let room: AdminRoom
let provider: RunningProvider

beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider.stop())

const oidc = (config: object = {}) => ({
  name: 'Company',
  type: 'oidc',
  config: {
    client_id: 'c',
    client_secret: SECRET,
    issuer: 'https://login.acme.test',
    email_domains: ['Acme.test'],
    ...config,
  },
})
const make = (body: object, token?: string) =>
  room.ask('POST', IDPS, { body, ...(token === undefined ? {} : { token }) })

async function made(body: object = oidc()): Promise<string> {
  const answer = await make(body)
  expect(answer.body.errors).toEqual([])
  return String(answer.body.result.id)
}

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  beforeAll(async () => {
    room = await openAdminRoom(kind)
  })
  afterAll(() => room.end())
  const secretOf = (id: string) => readProviderSecret(room.at.store.db, room.deps.sealer, id)

  test('a provider is created, read and listed, and its secret is never shown', async () => {
    const answer = await make(oidc({ groups: { claim: '/groups' }, claims: ['department'] }))
    expect(answer.status).toBe(200)
    const { id, created_by, callback_url, ...shown } = answer.body.result
    expect(shown).toMatchObject({
      ...{ name: 'Company', type: 'oidc', has_client_secret: true, origin: 'api' },
      config: {
        ...{ client_id: 'c', issuer: 'https://login.acme.test', email_domains: ['acme.test'] },
        ...{ groups: { claim: '/groups' }, claims: ['department'] },
      },
    })
    expect(callback_url).toBe(`http://localhost/sign-in/to/${id}/callback`)
    const read = await room.ask('GET', `${IDPS}/${id}`)
    const list = await room.ask('GET', IDPS)
    expect(read.body.result).toEqual(answer.body.result)
    expect(list.body.result).toEqual([answer.body.result])
    const rows = await room.at.store.db.selectFrom('identity_providers').selectAll().execute()
    const logs = await room.ask('GET', `${LOGS}?plane=admin&phase=ended&limit=1`)
    expect(logs.body.result[0]?.change).toMatchObject({ object: 'identity_provider', id })
    expect(JSON.stringify(logs.body.result)).toContain('config.client_secret')
    for (const text of [answer, read, list, rows, logs]) expect(JSON.stringify(text)).not.toContain(SECRET)
    expect(await secretOf(String(id))).toBe(SECRET)
  })

  test('what a read shows may be sent back, and the secret stays', async () => {
    const id = await made()
    const shown = (await room.ask('GET', `${IDPS}/${id}`)).body.result
    const again = await room.ask('PUT', `${IDPS}/${id}`, { body: { ...shown, name: 'Renamed' } })
    expect(again.body.errors).toEqual([])
    expect(again.body.result).toMatchObject({ name: 'Renamed', has_client_secret: true })
    expect(await secretOf(id)).toBe(SECRET)
    const logs = await room.ask('GET', `${LOGS}?plane=admin&phase=ended&limit=1`)
    expect(logs.body.result).toHaveLength(1)
    expect(JSON.stringify(logs.body.result)).not.toContain('has_client_secret')
  })

  // [IDP-5]
  test.each([
    ['the issuer', { issuer: 'https://evil.test' }],
    ['the client', { client_id: 'other' }],
    [
      'the endpoints',
      {
        auth_url: 'https://login.acme.test/a',
        token_url: 'https://evil.test/t',
        certs_url: 'https://login.acme.test/k',
      },
    ],
  ])('with %s changed and no secret sent, the secret is forgotten', async (_, config) => {
    const id = await made()
    const { client_secret: __, ...rest } = oidc(config).config
    const changed = await room.ask('PUT', `${IDPS}/${id}`, { body: { ...oidc(), config: rest } })
    expect(changed.body.result).toMatchObject({ has_client_secret: false })
    expect(await secretOf(id)).toBeNull()
  })

  test('a secret that is sent replaces the old one', async () => {
    const id = await made()
    const changed = oidc({ issuer: 'https://other.test', client_secret: 'new' })
    expect((await room.ask('PUT', `${IDPS}/${id}`, { body: changed })).body.result.has_client_secret).toBe(true)
    expect(await secretOf(id)).toBe('new')
  })

  // [IDP-4]
  test('another issuer, and removal, sign out whom the provider vouched for, and nobody else', async () => {
    const { store } = room.at
    const { sealer } = room.deps
    const portal = await addPortal(store)
    for (const end of ['issuer', 'removal'] as const) {
      const id = await made()
      const people = { store, sealer, browsers: room.browsers }
      const ada = await signIn(people, `ada-${end}@acme.test`, { provider: id, refreshToken: 'r', idToken: 'i' })
      const bob = await signIn(people, `bob-${end}@acme.test`, { provider: 'other' })
      const a = await letClientIn(store, ada, portal, room.clock.now() + 3_600_000)
      const b = await letClientIn(store, bob, portal, room.clock.now() + 3_600_000)
      const tokens = store.versions.get('tokens')
      const answer =
        end === 'removal'
          ? await room.ask('DELETE', `${IDPS}/${id}`)
          : await room.ask('PUT', `${IDPS}/${id}`, { body: oidc({ issuer: 'https://other.test' }) })
      expect(answer.status).toBe(200)
      if (end === 'removal') expect(answer.body.result).toEqual({ id })
      expect(store.versions.get('tokens')).toBeGreaterThan(tokens)
      expect((await room.browsers.look(ada.cookie)).session).toBeNull()
      expect((await room.browsers.look(bob.cookie)).session).not.toBeNull()
      const why = async (id: string) =>
        (await store.db.selectFrom('grants').select('revoked_why').where('id', '=', id).executeTakeFirst())?.revoked_why
      expect([await why(a.grantId), await why(b.grantId)]).toEqual(['provider', null])
      const kept = await store.db
        .selectFrom('identities')
        .selectAll()
        .where('id', '=', ada.identityId)
        .executeTakeFirst()
      expect([kept?.id_token_sealed, kept?.refresh_token_sealed]).toEqual([null, null])
    }
  })

  test.each<[string, object, object]>([
    ['a domain is taken from it', { email_domains: ['acme.test', 'other.test'] }, { email_domains: ['other.test'] }],
    ['addresses stand in another claim', {}, { email_claim_name: 'upn' }],
    ['groups stand in another claim', { groups: { claim: 'groups' } }, { groups: { claim: 'roles' } }],
    ['who has no address may not come any more', { allow_unknown_addresses: true }, { allow_unknown_addresses: false }],
  ])('where %s, those who came by it come anew', async (_, before, after) => {
    const { store } = room.at
    const id = await made(oidc(before))
    const people = { store, sealer: room.deps.sealer, browsers: room.browsers }
    const ada = await signIn(people, 'ada@acme.test', { provider: id, groups: ['ops'] })
    const answer = await room.ask('PUT', `${IDPS}/${id}`, { body: oidc({ ...before, ...after }) })
    expect(answer.body.messages).toContainEqual(
      expect.objectContaining({ message: expect.stringMatching(/1 browser/) }),
    )
    expect((await room.browsers.look(ada.cookie)).session).toBeNull()
  })

  test('one domain more signs nobody out', async () => {
    const id = await made()
    const people = { store: room.at.store, sealer: room.deps.sealer, browsers: room.browsers }
    const ada = await signIn(people, 'a@acme.test', { provider: id })
    const more = oidc({ email_domains: ['more.test', 'acme.test'], groups: { claim: 'groups' } })
    expect((await room.ask('PUT', `${IDPS}/${id}`, { body: more })).status).toBe(200)
    expect((await room.browsers.look(ada.cookie)).session).not.toBeNull()
  })

  test('another name signs nobody out', async () => {
    const id = await made()
    const { store } = room.at
    const ada = await signIn({ store, sealer: room.deps.sealer, browsers: room.browsers }, 'a@acme.test', {
      provider: id,
    })
    await room.ask('PUT', `${IDPS}/${id}`, { body: { ...oidc(), name: 'Other' } })
    expect((await room.browsers.look(ada.cookie)).session).not.toBeNull()
  })
})

describe('who may', () => {
  beforeAll(async () => {
    room = await openAdminRoom()
  })
  afterAll(() => room.end())

  test('an owner writes, an admin and an auditor read: who could add a provider could become an owner', async () => {
    const id = await made()
    for (const role of ['admin', 'auditor'] as const) {
      const token = await room.token(role)
      expect((await room.ask('GET', `${IDPS}/${id}`, { token })).status).toBe(200)
      expect((await make(oidc(), token)).status).toBe(403)
      expect((await room.ask('PUT', `${IDPS}/${id}`, { body: oidc(), token })).status).toBe(403)
      expect((await room.ask('DELETE', `${IDPS}/${id}`, { token })).status).toBe(403)
    }
    expect((await room.ask('GET', IDPS)).body.result).toHaveLength(1)
    const narrow = await room.token('owner', { scopes: ['identity_providers:write'] })
    // With a provider of its own it could sign in as an owner with all the rights that it lacks.
    expect((await make(oidc(), narrow)).status).toBe(403)
    expect((await room.ask('PUT', `${IDPS}/${id}`, { body: oidc(), token: narrow })).status).toBe(403)
    expect((await room.ask('DELETE', `${IDPS}/${id}`, { token: narrow })).status).toBe(403)
    expect((await room.ask('GET', IDPS)).body.result).toHaveLength(1)
  })
})

describe('what is said of it', () => {
  beforeAll(async () => {
    room = await openAdminRoom()
  })
  afterAll(() => room.end())

  const key = { client_id: 'c', client_secret: SECRET }
  test.each<[string, string, object, boolean]>([
    ['GitHub for everybody', 'github', {}, true],
    ['GitHub for one domain', 'github', { email_domains: ['acme.test'] }, false],
    [
      'GitHub for one domain and all others',
      'github',
      { email_domains: ['a.test'], allow_unknown_addresses: true },
      true,
    ],
    ['Google for everybody', 'google', {}, true],
    ['Google for one organisation', 'google', { apps_domain: 'acme.test' }, false],
    ['the company’s own', 'okta', { okta_account: 'acme.okta.com' }, false],
  ])('whether %s lets in the whole world', async (_, type, config, isOpen) => {
    const answer = await make({ name: 'x', type, config: { ...key, ...config } })
    expect(answer.status).toBe(200)
    expect(JSON.stringify(answer.body.messages).includes('Anybody in the world')).toBe(isOpen)
  })
})

describe('what is refused', () => {
  beforeAll(async () => {
    room = await openAdminRoom('sqlite', {
      egress: { host: '0.0.0.0', publicUrl: 'https://mcp.example.com', port: () => 8787 },
    })
  })
  afterAll(() => room.end())

  const azure = (config: object) => ({ name: 'E', type: 'azureAD', config: { client_id: 'c', ...config } })
  test.each<[string, object, string]>([
    ['another type', { name: 'x', type: 'saml', config: {} }, 'type: must be one of oidc, onetimepin'],
    ['no client', { name: 'x', type: 'oidc', config: { issuer: 'https://a.test' } }, 'config.client_id: '],
    ['no place', oidc({ issuer: undefined }), 'config.issuer: is required'],
    [
      'half of the endpoints',
      oidc({ auth_url: 'https://a.test/a' }),
      'config: auth_url, token_url and certs_url belong',
    ],
    ['http', oidc({ issuer: 'http://login.acme.test' }), 'config.issuer: must begin with https://'],
    ['http on this machine', oidc({ issuer: 'http://127.0.0.1:9' }), 'config.issuer: must begin with https://'],
    ['http inside', oidc({ issuer: 'http://10.0.0.5', allow_private: ['10.0.0.5:80'] }), 'config.issuer: must begin'],
    ['a place inside', oidc({ issuer: 'https://10.0.0.5' }), 'config.issuer: is inside a private network'],
    ['where clouds keep secrets', oidc({ issuer: 'https://169.254.169.254' }), 'no setting opens it'],
    ['the portal itself', oidc({ issuer: 'https://mcp.example.com' }), 'this portal itself'],
    ['a secret in the address', oidc({ issuer: 'https://a:b@login.acme.test' }), 'config.issuer: '],
    [
      'a script as endpoint',
      oidc({ auth_url: 'javascript:alert(1)', token_url: 'https://a.test', certs_url: 'https://a.test' }),
      'config.auth_url: ',
    ],
    ['no algorithm', oidc({ algorithms: ['none'] }), 'config.algorithms.0: choose from'],
    ['a shared key', oidc({ algorithms: ['HS256'] }), 'config.algorithms.0: choose from'],
    ['an empty list of algorithms', oidc({ algorithms: [] }), 'config.algorithms: '],
    ['no PKCE', oidc({ pkce_enabled: false }), 'PKCE is always used'],
    ['a domain that is none', oidc({ email_domains: ['*.acme.test'] }), 'config.email_domains.0: give a domain'],
    ['an unknown field', oidc({ sign_request: true }), 'unknown field "sign_request"'],
    ['every tenant', azure({ directory_id: 'common' }), 'config.directory_id: give the directory (tenant) id'],
    ['organizations', azure({ directory_id: 'organizations' }), 'config.directory_id: '],
    ['no tenant', azure({}), 'config.directory_id: '],
    [
      'a path at Okta',
      { name: 'o', type: 'okta', config: { client_id: 'c', okta_account: 'x.okta.com/evil' } },
      'config.okta_account: ',
    ],
    [
      'half of a GitHub',
      { name: 'g', type: 'github', config: { client_id: 'c', api_url: 'https://evil.test' } },
      'config: auth_url, token_url and api_url belong',
    ],
    ['provisioning', { ...oidc(), scim_config: { enabled: true } }, 'scim_config.enabled: is not supported'],
  ])('%s', async (_, body, says) => {
    const refused = await make(body)
    expect(refused.status).toBe(400)
    expect(refused.body.errors.map(({ message }) => message).join('\n')).toContain(says)
    expect(JSON.stringify(refused.body)).not.toContain(SECRET)
    expect((await room.ask('GET', IDPS)).body.result).toEqual([])
  })

  test('a second one-time PIN, another type under the same id, one that is not there', async () => {
    const everyone = { name: 'Everyone', decision: 'allow', include: [{ everyone: {} }] }
    const policy = await room.ask('POST', '/access/policies', { body: everyone })
    const answer = await make({ name: 'PIN', type: 'onetimepin', config: {} })
    const pin = String(answer.body.result.id)
    expect(JSON.stringify(answer.body.messages)).toContain('Anybody who has a mailbox can sign in by PIN now')
    await room.ask('DELETE', `/access/policies/${policy.body.result.id}`)
    expect((await make({ name: 'PIN', type: 'onetimepin', config: {} })).status).toBe(409)
    expect((await room.ask('PUT', `${IDPS}/${pin}`, { body: oidc() })).status).toBe(400)
    expect((await room.ask('GET', `${IDPS}/none`)).status).toBe(404)
    expect((await room.ask('GET', `${IDPS}/${pin}`)).body.result.callback_url).toBeUndefined()
    expect((await room.ask('DELETE', `${IDPS}/${pin}`)).status).toBe(200)
  })
})

describe('a test of a provider', () => {
  beforeAll(async () => {
    room = await openAdminRoom()
  })
  afterAll(() => room.end())
  beforeEach(() => provider.mode('good'))

  async function tried(config: object, type = 'oidc') {
    const id = await made({ name: 'x', type, config: { client_id: 'c', client_secret: SECRET, ...config } })
    const answer = await room.ask('POST', `${IDPS}/${id}/test`)
    expect(answer.status).toBe(200)
    const { ok, checks } = answer.body.result as unknown as {
      ok: boolean
      checks: { check: string; ok: boolean; message: string }[]
    }
    return { ok, bad: checks.filter((one) => !one.ok).map(({ check, message }) => `${check}: ${message}`), checks }
  }
  const there = () => ({ issuer: provider.issuer, allow_private: [provider.place] })

  test('says that all is well', async () => {
    const { ok, checks } = await tried({ ...there(), email_domains: ['acme.test'] })
    expect(ok).toBe(true)
    expect(checks.map(({ check }) => check)).toEqual([
      ...['discovery', 'algorithms', 'pkce', 'userinfo', 'keys', 'client_secret', 'email_domains'],
    ])
    expect(JSON.stringify(checks)).not.toContain(SECRET)
  })

  test('says that nobody answers, or somebody else', async () => {
    expect((await tried({ issuer: 'http://127.0.0.1:2', allow_private: ['127.0.0.1:2'] })).bad[0]).toMatch(
      /^discovery: Nobody answers/,
    )
    await provider.mode('discovery-other')
    expect((await tried(there())).bad[0]).toContain('another issuer than the one that is set')
    await provider.mode('good')
    const { bad } = await tried({ ...there(), issuer: `${provider.issuer}/not-there` })
    expect(bad[0]).toContain('The answer is no discovery document')
  })

  test('says that no algorithm fits, that there are no keys, that the secret lacks', async () => {
    expect((await tried({ ...there(), algorithms: ['ES512'] })).bad[0]).toMatch(
      /^algorithms: The provider signs with none of ES512/,
    )
    await provider.mode('keys-down')
    expect((await tried(there())).bad[0]).toMatch(/^keys: The keys cannot be read/)
    const google = await made({ name: 'g', type: 'github', config: { client_id: 'c' } })
    const answer = await room.ask('POST', `${IDPS}/${google}/test`)
    expect(JSON.stringify(answer.body.result)).toContain('Send client_secret again')
  })

  test('of a one-time PIN asks nobody', async () => {
    const id = await made({ name: 'PIN', type: 'onetimepin' })
    expect((await room.ask('POST', `${IDPS}/${id}/test`)).body.result).toMatchObject({ ok: true })
  })
})

describe('the official cloudflare SDK', () => {
  const account_id = 'a86a8f5c339544d7bdc89926de14fb8c'
  let listener: ServerType
  let idps: Cloudflare['zeroTrust']['identityProviders']

  beforeAll(async () => {
    room = await openAdminRoom()
    listener = await new Promise<ServerType>((ready) => {
      const fetch = (request: Request) => room.fetch(request, LOCAL)
      const server = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => ready(server))
    })
    const baseURL = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/client/v4`
    idps = new Cloudflare({ apiToken: room.owner, baseURL, maxRetries: 0 }).zeroTrust.identityProviders
  })
  afterAll(async () => {
    await new Promise((done) => listener.close(done))
    await room.end()
  })

  // [API-1]
  test('creates, lists, reads, updates and deletes providers of each type', async () => {
    const client = { client_id: 'c', client_secret: SECRET }
    const endpoints = { auth_url: 'https://i.test/a', token_url: 'https://i.test/t', certs_url: 'https://i.test/k' }
    const all = [
      await idps.create({
        ...{ account_id, name: 'Generic', type: 'oidc' },
        config: {
          ...client,
          ...endpoints,
          claims: ['a'],
          email_claim_name: 'mail',
          scopes: ['openid'],
          pkce_enabled: true,
        },
      }),
      await idps.create({ account_id, name: 'Google', type: 'google', config: { ...client, claims: ['hd'] } }),
      await idps.create({
        ...{ account_id, name: 'Entra', type: 'azureAD' },
        config: {
          ...{ ...client, directory_id: '11111111-2222-3333-4444-555555555555', support_groups: true },
          ...{ conditional_access_enabled: false, prompt: 'select_account' },
        },
      }),
      await idps.create({
        ...{ account_id, name: 'Okta', type: 'okta' },
        config: { ...client, okta_account: 'dev-1.okta.com', authorization_server_id: 'aus1' },
      }),
      await idps.create({ account_id, name: 'GitHub', type: 'github', config: client }),
      await idps.create({ account_id, name: 'PIN', type: 'onetimepin', config: {} }),
    ]
    const types: string[] = []
    for await (const one of idps.list({ account_id })) types.push(String(one.type))
    expect(types).toEqual(['oidc', 'google', 'azureAD', 'okta', 'github', 'onetimepin'])
    const [generic] = all
    const id = generic?.id ?? ''
    expect(await idps.get(id, { account_id })).toEqual(generic)
    const changed = await idps.update(id, {
      ...{ account_id, name: 'Other', type: 'oidc', config: { client_id: 'c', ...endpoints } },
    })
    expect(changed).toMatchObject({ id, name: 'Other', has_client_secret: true })
    expect(await idps.delete(id, { account_id })).toEqual({ id })
    await expect(idps.get(id, { account_id })).rejects.toBeInstanceOf(NotFoundError)
    await expect(idps.create({ account_id, name: 'S', type: 'saml', config: {} })).rejects.toBeInstanceOf(
      BadRequestError,
    )
    expect(JSON.stringify(all)).not.toContain(SECRET)
  })
})
