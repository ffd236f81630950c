/** Accounts at servers through the API: the link that makes the shared one, what is shown of all, and how each ends. On both databases. */
import { generateKeyPairSync } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom, PORTALS, portalBody, SERVERS } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import type { OauthUpstream } from '../../test/support/oauth-upstream/model.ts'
import { startOauthUpstream } from '../../test/support/oauth-upstream/start.ts'
import { newId, type UserId } from '../base/ids.ts'
import { serverShown } from '../contract/server.ts'
import { findOrCreateUser } from '../identity/user-store.ts'
import { readConnectLink } from '../upstream/connections/connect-link.ts'
import { listConnections, markConnection, saveConnection } from '../upstream/connections/connection-store.ts'
import type { ConnectionKind, ConnectionReason, Owner } from '../upstream/connections/model.ts'
import { approveScope, readServer, readServerSecrets } from '../upstream/server-store.ts'
import { applyDeclared } from './declared.ts'

const CANARY = 'canary-3141592653'
const CLIENT = {
  auth_mode: 'manual',
  config: { authorization_endpoint: 'https://as.test/authorize', token_endpoint: 'https://as.test/token' },
  registration_info: { client_id: 'c' },
}
const MACHINE = {
  auth_mode: 'client_credentials',
  config: { token_endpoint: 'https://as.test/token' },
  registration_info: { client_id: 'c' },
}
const json = JSON.stringify
const DEAD_OAUTH = { name: 'Notes', hostname: 'http://127.0.0.1:2/mcp', auth_type: 'oauth' }

describe.each(DATABASE_KINDS)('accounts at servers on %s', (kind) => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom(kind, { register: 'off', configFile: '/etc/portico.yaml' })
  })
  afterEach(() => room.end())

  const make = (body: object) => room.ask('POST', SERVERS, { body: { id: 'notes', ...DEAD_OAUTH, ...body } })
  const put = (body: object) => room.ask('PUT', `${SERVERS}/notes`, { body })
  const show = async () => (await room.ask('GET', `${SERVERS}/notes`)).body.result
  const uidOf = async (id = 'notes') => {
    const server = await readServer(room.at.store.db, id)
    if (server === undefined) throw new Error('no server')
    return server.uid
  }
  const secrets = async () => readServerSecrets(room.at.store.db, room.deps.sealer, await uidOf())
  const addUser = (email: string) =>
    room.at.store.write(async (trx) => (await findOrCreateUser(room.at.store, trx, email)).id as UserId)
  const connect = async (owner: Owner, more: { kind?: ConnectionKind; account?: string } = {}) => {
    const { store } = room.at
    const serverUid = await uidOf()
    return store.write((trx) =>
      saveConnection(store, trx, room.deps.sealer, {
        ...{ serverUid, owner, createdBy: 'test', kind: more.kind ?? 'oauth', account: more.account ?? null },
        ...{ issuer: 'https://as.test', resource: 'https://notes.test/mcp', clientId: 'c', scope: 'read write' },
        ...{ expiresAt: room.clock.now() + 3_600_000, renewAt: null },
        tokens: { access: `${CANARY}-access`, type: 'Bearer', refresh: `${CANARY}-refresh` },
      }),
    )
  }
  const mark = async (owner: Owner, status: 'needs_reauth' | 'error', reason: ConnectionReason) => {
    const { store } = room.at
    const [found] = (await listConnections(store.db, { server: await uidOf() })).filter((one) => one.owner === owner)
    if (found === undefined) throw new Error('no connection')
    await store.write((trx) => markConnection(store, trx, found, { status, reason }))
  }
  const held = async () => (await listConnections(room.at.store.db)).map(({ owner }) => owner).toSorted()

  describe('the link for the shared account', () => {
    let upstream: OauthUpstream
    beforeEach(async () => {
      upstream = await startOauthUpstream()
      await make({ hostname: upstream.url, allow_private: upstream.places })
    })
    afterEach(() => upstream.close())
    const authorize = (body?: object) =>
      room.ask('POST', `${SERVERS}/notes/authorize`, body === undefined ? {} : { body })
    const isGood = async (url: unknown) => {
      const token = new URL(String(url)).searchParams.get('link') ?? ''
      const now = room.clock.now()
      return (await readConnectLink(room.at.store.db, { token, server: await uidOf(), now })) !== null
    }

    test('says where it leads and what is asked for, works for a quarter of an hour, and ends the one before', async () => {
      const first = await authorize()
      expect(first.body.result).toMatchObject({
        ...{ url: expect.stringMatching(/^http:\/\/localhost\/connect\/notes\?link=[\w-]{43}$/), server: 'notes' },
        ...{ issuer: upstream.issuer, scope: expect.any(String) },
      })
      const left = Date.parse(String(first.body.result.expires_at)) - room.clock.now()
      expect(left).toBeGreaterThan(14 * 60_000)
      expect(left).toBeLessThanOrEqual(15 * 60_000)
      expect(await isGood(first.body.result.url)).toBe(true)
      const second = await authorize({})
      expect(await isGood(first.body.result.url)).toBe(false)
      expect(await isGood(second.body.result.url)).toBe(true)
      const audit = json((await room.ask('GET', `${LOGS}?plane=admin`)).body)
      expect(audit).toContain('connect_link')
      expect(audit).not.toContain(new URL(String(second.body.result.url)).searchParams.get('link'))
    })

    test('the way back that is shown is the one that is asked for, whoever decides it', async () => {
      const [shared, single] = ['http://localhost/servers-callback', 'http://localhost/servers-callback/notes']
      const asked = async () => {
        const owner = { owner: `user:${await addUser('a@x.test')}` as const, user: null, binding: 'b', by: 'a@x.test' }
        const begun = await room.upstreams.desk.begin(await uidOf(), owner, { wanted: null, returnTo: '/' })
        return begun.kind === 'leave' ? new URL(begun.location).searchParams.get('redirect_uri') : begun
      }
      const both = async () => {
        const wanted = await asked()
        const { auth_config_summary: summary } = serverShown.parse(await show())
        return [wanted, summary?.redirect_uri]
      }
      const place = { hostname: upstream.url, allow_private: upstream.places }
      const renew = async (more: object) => {
        await room.ask('DELETE', `${SERVERS}/notes`)
        expect(await make({ ...place, ...more })).toMatchObject({ status: 200 })
      }
      // It advertises RFC 9207; nothing is shown before it was asked.
      expect((await show()).auth_config_summary).not.toHaveProperty('redirect_uri')
      expect(await both()).toEqual([shared, shared])
      upstream.faults.noIss = true
      await renew({})
      expect(await both()).toEqual([single, single])
      const metadata = { authorization_endpoint: `${upstream.issuer}/auth`, token_endpoint: `${upstream.issuer}/token` }
      const manual = (...redirect_uris: string[]) => ({
        auth_credentials: json({ ...CLIENT, config: metadata, registration_info: { client_id: 'c', redirect_uris } }),
        client_secret: 's',
      })
      await renew(manual())
      expect(await both()).toEqual([single, single])
      // Only this changes, and it counts at once.
      for (const [is_shared_oauth_callback_enabled, way] of [
        [true, shared],
        [false, single],
      ] as const) {
        await put({ name: 'Notes', is_shared_oauth_callback_enabled })
        expect(await both()).toEqual([way, way])
      }
      await renew(manual(shared))
      expect(await both()).toEqual([shared, shared])
      await renew({ ...manual(shared, single), is_shared_oauth_callback_enabled: true })
      expect(await both()).toEqual([shared, shared])
      await renew({ ...manual(single), is_shared_oauth_callback_enabled: true })
      expect(await both()).toEqual([single, single])
    })

    test('a wider scope that an admin agrees to is kept with what is asked for anyway, and asked for', async () => {
      const usual = String((await authorize()).body.result.scope).split(' ')
      expect(await show()).toMatchObject({
        auth_config_summary: expect.not.objectContaining({ approved_scope: expect.anything() }),
      })
      await authorize({ scope: 'notes:more' })
      const wider = String((await authorize({ scope: 'notes:most' })).body.result.scope)
      expect(wider.split(' ').toSorted()).toEqual([...usual, 'notes:more', 'notes:most'].toSorted())
      expect(await show()).toMatchObject({ auth_config_summary: { approved_scope: wider } })
      for (const scope of ['a\tb', 'a  b', 'a"b', '']) expect(await authorize({ scope })).toMatchObject({ status: 400 })
    })

    test('is given also where nobody answers yet, and says so', async () => {
      await room.ask('POST', SERVERS, { body: { ...DEAD_OAUTH, id: 'dead' } })
      const made = await room.ask('POST', `${SERVERS}/dead/authorize`)
      expect(made).toMatchObject({ status: 200, body: { result: { server: 'dead' } } })
      expect(made.body.result).not.toHaveProperty('issuer')
      expect(json(made.body.messages)).toContain('does not answer now')
      const wider = await room.ask('POST', `${SERVERS}/dead/authorize`, { body: { scope: 'more' } })
      expect(wider).toMatchObject({ status: 400, body: { errors: [{ message: expect.stringContaining('scope: ') }] } })
    })

    test('is given for a server that the file declares', async () => {
      const servers = [{ id: 'notes', ...DEAD_OAUTH, hostname: upstream.url, allow_private: upstream.places }]
      await applyDeclared(room.deps, { policies: [], portals: [], servers })
      expect((await show()).origin).toBe('file')
      expect((await authorize()).status).toBe(200)
    })
  })

  test.each([
    ['unauthenticated', { auth_type: 'unauthenticated' }, 'there is nothing to connect'],
    ['bearer', { auth_type: 'bearer', auth_credentials: 't' }, 'give the token as auth_credentials'],
    ['client credentials', { auth_credentials: json(MACHINE), client_secret: 's' }, 'Sync the server'],
    [
      'enterprise',
      { auth_credentials: json({ ...MACHINE, auth_mode: 'enterprise' }), client_secret: 's' },
      'identity provider',
    ],
  ])('a server of %s is connected by nobody, and the answer says what to do instead', async (_, body, said) => {
    await make(body)
    const answer = await room.ask('POST', `${SERVERS}/notes/authorize`)
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ message: expect.stringContaining(said) }] } })
    expect(await room.at.store.db.selectFrom('single_use_links').selectAll().execute()).toEqual([])
  })

  test('how the shared account stands is told with the server, and never what it is', async () => {
    await make({})
    expect(await show()).toMatchObject({
      authentication_status: 'required',
      auth_config_summary: { auth_mode: 'dcr' },
    })
    await connect('admin', { account: 'alice@notes' })
    const shown = await show()
    expect(shown).toMatchObject({
      authentication_status: 'connected',
      connection: {
        ...{ kind: 'oauth', status: 'ready', reason: null, problem: null, mend: null, account: 'alice@notes' },
        ...{ issuer: 'https://as.test', scope: 'read write', expires_at: expect.any(String) },
      },
    })
    expect(json(shown)).not.toContain(CANARY)
    await mark('admin', 'needs_reauth', 'revoked')
    expect(await show()).toMatchObject({
      authentication_status: 'stale',
      connection: {
        ...{ status: 'needs_reauth', reason: 'revoked', mend: 'portico servers connect notes' },
        problem: expect.stringContaining('taken back'),
      },
    })
  })

  test('all accounts are listed with whose they are, and each has the way to mend it', async () => {
    await make({})
    const ada = await addUser('ada@acme.test')
    await connect('admin', { account: 'team' })
    await connect(`user:${ada}`, { account: 'ada' })
    await mark(`user:${ada}`, 'needs_reauth', 'expired')
    const listed = await room.ask('GET', `${SERVERS}/notes/connections`)
    expect(listed.body.result).toMatchObject([
      { owner: 'admin', user: null, account: 'team', status: 'ready', created_by: 'test', has_refresh_token: true },
      {
        ...{ owner: 'user', user: { id: ada, email: 'ada@acme.test' }, account: 'ada', reason: 'expired' },
        ...{ mend: 'http://localhost/connect/notes', server_id: 'notes' },
      },
    ])
    expect(json(listed.body)).not.toContain(CANARY)
    expect((await room.ask('GET', `${SERVERS}/notes/connections?page=2`)).body.result).toEqual([])
    const own = await room.ask('GET', `/access/users/${ada}/connections`)
    expect(own.body.result).toMatchObject([{ server_id: 'notes', account: 'ada' }])
    expect((await room.ask('GET', `/access/users/${newId(1)}/connections`)).status).toBe(404)
  })

  test('one account is ended and the others stay; one of another server is none of this one', async () => {
    await make({})
    const ada = await addUser('ada@acme.test')
    const shared = await connect('admin')
    const own = await connect(`user:${ada}`)
    await room.ask('POST', SERVERS, { body: { ...DEAD_OAUTH, id: 'other' } })
    expect((await room.ask('DELETE', `${SERVERS}/other/connections/${own.id}`)).status).toBe(404)
    expect(await held()).toEqual(['admin', `user:${ada}`])
    const ended = await room.ask('DELETE', `${SERVERS}/notes/connections/${own.id}`)
    expect(ended.body.result).toMatchObject({ id: own.id, owner: 'user' })
    expect(await held()).toEqual(['admin'])
    expect((await room.ask('DELETE', `${SERVERS}/notes/connections/${own.id}`)).status).toBe(404)
    expect((await room.ask('DELETE', `${SERVERS}/notes/connections/${shared.id}`)).status).toBe(200)
    const rows = (await room.ask('GET', `${LOGS}?plane=admin&phase=ended&outcome=answered`)).body.result
    expect(rows.map(({ change }) => change)).toContainEqual({ object: 'connection', id: own.id, fields: ['ended'] })
  })

  test('signing a person out keeps what they connected, unless it is asked for', async () => {
    await make({})
    const [ada, bob] = [await addUser('ada@acme.test'), await addUser('bob@acme.test')]
    await connect(`user:${ada}`)
    await connect(`user:${bob}`)
    const revoke = (more: object) =>
      room.ask('POST', '/access/organizations/revoke_user', { body: { email: 'ada@acme.test', ...more } })
    expect((await revoke({})).body.result).toBe(true)
    expect(await held()).toHaveLength(2)
    expect((await revoke({ connections: true })).body.result).toBe(true)
    expect(await held()).toEqual([`user:${bob}`])
  })

  const put1 = (config: object, registration: object = {}) =>
    json({
      ...CLIENT,
      config: { ...CLIENT.config, ...config },
      registration_info: { ...CLIENT.registration_info, ...registration },
    })
  const moves: [string, object][] = [
    ['another token endpoint', { auth_credentials: put1({ token_endpoint: 'https://evil.test/token' }) }],
    ['another authorization endpoint', { auth_credentials: put1({ authorization_endpoint: 'https://evil.test/a' }) }],
    ['another issuer', { auth_credentials: put1({ issuer: 'https://evil.test' }) }],
    ['another revocation endpoint', { auth_credentials: put1({ revocation_endpoint: 'https://evil.test/r' }) }],
    ['another resource', { auth_credentials: put1({ resource: 'https://evil.test/mcp' }) }],
    ['another client', { auth_credentials: put1({}, { client_id: 'd' }) }],
    ['no client at all', { auth_credentials: '{"auth_mode":"dcr"}' }],
    ['client credentials', { auth_credentials: json(MACHINE), client_secret: 'new' }],
  ]
  // [CRED-7]
  test.each(moves)('%s ends all that was connected, links and agreed scopes with it', async (_, body) => {
    await make({ auth_credentials: json(CLIENT), client_secret: CANARY })
    const ada = await addUser('ada@acme.test')
    await connect('admin')
    await connect(`user:${ada}`)
    const uid = await uidOf()
    await room.at.store.write((trx) => approveScope(room.at.store, trx, uid, 'more'))
    await room.ask('POST', `${SERVERS}/notes/authorize`)
    expect((await put({ description: 'the same', auth_credentials: json(CLIENT) })).status).toBe(200)
    expect(await held()).toEqual(['admin', `user:${ada}`])
    expect(await put(body)).toMatchObject({ status: 200 })
    expect(await held()).toEqual([])
    expect(await room.at.store.db.selectFrom('single_use_links').selectAll().execute()).toEqual([])
    expect((await readServer(room.at.store.db, 'notes'))?.approvedScope).toBeNull()
    if (!json(body).includes('evil.test/mcp')) expect((await secrets())?.clientSecret).not.toBe(CANARY)
  })

  // [CRED-7]
  test('a server made anew under the same id has nothing of the one before', async () => {
    await make({})
    await connect('admin')
    await room.ask('DELETE', `${SERVERS}/notes`)
    await make({})
    expect(await held()).toEqual([])
    expect(await show()).toMatchObject({ authentication_status: 'required' })
    expect(await show()).not.toHaveProperty('connection')
  })

  // [CRED-7]
  test('the file that names another client, or another place, ends all that was connected; the same file ends nothing', async () => {
    const file = (more: object) => ({
      ...{ policies: [], portals: [] },
      servers: [{ id: 'notes', ...DEAD_OAUTH, auth_credentials: json(CLIENT), client_secret: 's', ...more }],
    })
    await applyDeclared(room.deps, file({}))
    for (const more of [
      { auth_credentials: put1({ token_endpoint: 'https://evil.test/token' }) },
      { hostname: 'http://127.0.0.1:3/mcp' },
    ]) {
      await applyDeclared(room.deps, file({}))
      await connect('admin')
      await applyDeclared(room.deps, file({ description: 'the same place' }))
      expect(await held()).toEqual(['admin'])
      await applyDeclared(room.deps, file(more))
      expect(await held()).toEqual([])
    }
  })

  test('the portal’s own account is nobody’s: a portal cannot map it on behalf of users, by no door', async () => {
    await make({ auth_credentials: json(MACHINE), client_secret: 's' })
    const servers = (on_behalf?: boolean) => ({
      servers: [{ server_id: 'notes', ...(on_behalf === undefined ? {} : { on_behalf }) }],
    })
    const said = { status: 400, body: { errors: [{ message: expect.stringContaining('servers.0.on_behalf') }] } }
    expect(await room.ask('POST', PORTALS, { body: portalBody('team', servers(true)) })).toMatchObject(said)
    const made = await room.ask('POST', PORTALS, { body: portalBody('team', servers()) })
    expect(made.body.result.servers).toMatchObject([{ on_behalf: false }])
    expect(await room.ask('PUT', `${PORTALS}/team`, { body: servers(true) })).toMatchObject(said)
    expect((await put({ auth_credentials: json(CLIENT), client_secret: 's' })).status).toBe(200)
    expect((await room.ask('PUT', `${PORTALS}/team`, { body: servers(true) })).status).toBe(200)
    const back = await put({ auth_credentials: json(MACHINE), client_secret: 's' })
    expect(back).toMatchObject({ status: 400, body: { errors: [{ message: expect.stringContaining('"team"') }] } })
    expect(await show()).toMatchObject({ auth_config_summary: { auth_mode: 'manual' } })
    const declared = { id: 'notes', ...DEAD_OAUTH, auth_credentials: json(MACHINE), client_secret: 's' }
    const applied = applyDeclared(room.deps, { policies: [], portals: [], servers: [declared] })
    await expect(applied).rejects.toMatchObject({ problems: [expect.stringContaining('"team"')] })
  })

  test.each([
    ['client_credentials', json(MACHINE)],
    ['enterprise', json({ ...MACHINE, auth_mode: 'enterprise' })],
  ])('%s is written down, shown, kept and needs its secret', async (mode, auth_credentials) => {
    expect(await make({ auth_credentials })).toMatchObject({
      status: 400,
      body: { errors: [{ message: expect.stringContaining('client_secret: is required') }] },
    })
    expect((await make({ auth_credentials, client_secret: CANARY })).body.result).toMatchObject({
      authentication_status: 'manual',
      auth_config_summary: {
        ...{ auth_mode: mode, has_client_secret: true, client_secret_version: 1 },
        ...{ config: { token_endpoint: 'https://as.test/token' }, registration_info: { client_id: 'c' } },
      },
    })
    expect((await show()).auth_config_summary).not.toHaveProperty('redirect_uri')
    await put({ auth_credentials })
    expect(await secrets()).toMatchObject({ clientSecret: CANARY })
    const other = auth_credentials.replace('as.test', 'evil.test')
    expect((await put({ auth_credentials: other })).body.result).toMatchObject({
      auth_config_summary: { has_client_secret: false },
    })
  })

  test('a private key is taken for private_key_jwt, and what is none is refused and never repeated', async () => {
    const client = (token_endpoint_auth_method: string, more: object = {}) =>
      json({ ...MACHINE, registration_info: { client_id: 'c', token_endpoint_auth_method, ...more } })
    const key = String(
      generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({ type: 'pkcs8', format: 'pem' }),
    )
    const refused = await make({ auth_credentials: client('private_key_jwt'), client_secret: CANARY })
    expect(refused).toMatchObject({ status: 400 })
    expect(json(refused.body)).toContain('client_secret: must be a private key')
    expect(json(refused.body)).not.toContain(CANARY)
    const wrong = client('private_key_jwt', { signing_algorithm: 'RS256' })
    expect(json((await make({ auth_credentials: wrong, client_secret: key })).body)).toContain('it fits ES256')
    expect((await make({ auth_credentials: client('private_key_jwt'), client_secret: key })).status).toBe(200)
    // As a password it would be sent in the clear.
    await put({ auth_credentials: client('client_secret_basic') })
    expect(await secrets()).toMatchObject({ clientSecret: null })
  })

  const redirects = (...redirect_uris: string[]) => ({
    ...CLIENT,
    registration_info: { client_id: 'c', redirect_uris },
  })
  test.each([
    ['no identity provider there', { ...MACHINE, config: { identity_provider: 'x' } }, 'auth_credentials: must be'],
    ['a token endpoint in clear text', put1({ token_endpoint: 'http://as.test/token' }), 'config.token_endpoint'],
    ['a sign-in in clear text', put1({ authorization_endpoint: 'http://as.test/a' }), 'config.authorization_endpoint'],
    [
      'an endpoint where no server may be',
      put1({ token_endpoint: 'https://169.254.169.254/t' }),
      'config.token_endpoint',
    ],
    ['scopes that are none', put1({}, { scope: 'a\nb' }), 'registration_info.scope'],
    ['a way back to another page of the portal', redirects('http://localhost/admin'), 'redirect_uris.0'],
    ['a way back of another server', redirects('http://localhost/servers-callback/other'), 'redirect_uris.0'],
    ['a key id without a key', { ...MACHINE, registration_info: { client_id: 'c', key_id: 'k' } }, 'key_id: belongs'],
  ])('a client with %s is refused by the field', async (_, client, said) => {
    const text = typeof client === 'string' ? client : json(client)
    const answer = await make({ auth_credentials: text, client_secret: CANARY })
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ message: expect.stringContaining(said) }] } })
    expect(json(answer.body)).not.toContain(CANARY)
    expect((await room.ask('GET', `${SERVERS}/notes`)).status).toBe(404)
  })

  test.each([
    ['nothing', {}, [], 'http://localhost/servers-callback/notes'],
    ['the flag', { is_shared_oauth_callback_enabled: true }, [], 'http://localhost/servers-callback'],
    ['the shared way back', {}, ['http://localhost/servers-callback'], 'http://localhost/servers-callback'],
    ['another portal’s', {}, ['https://p.test/servers-callback'], 'http://localhost/servers-callback/notes'],
  ])('with %s it is told which way back must be registered', async (_, more, uris, redirect_uri) => {
    const client = uris.length === 0 ? CLIENT : redirects(...uris)
    const made = await make({ auth_credentials: json(client), client_secret: 's', ...more })
    expect(made.body.result).toMatchObject({ auth_config_summary: { redirect_uri } })
  })

  test('a read that is sent back whole changes nothing and ends nothing', async () => {
    await make({ auth_credentials: json(CLIENT), client_secret: CANARY })
    await connect('admin')
    const { updated_tools: _, ...read } = await show()
    const again = await put({ ...read, transport: undefined })
    expect(again.status).toBe(200)
    const { modified_at: _a, ...before } = read
    const { modified_at: _b, ...after } = again.body.result
    expect(after).toEqual(before)
    expect(await held()).toEqual(['admin'])
    expect(await secrets()).toMatchObject({ clientSecret: CANARY })
  })
})
