/** The official SDK of the product that this portal replaces, as it comes from npm, over a real loopback listener. */
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import Cloudflare, {
  type APIError,
  AuthenticationError,
  BadRequestError,
  ConflictError,
  NotFoundError,
  PermissionDeniedError,
} from 'cloudflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveConnection } from '../src/upstream/connections/connection-store.ts'
import { readServer } from '../src/upstream/server-store.ts'
import { type AdminRoom, LOCAL, openAdminRoom } from './admin-room.ts'
import { type HttpPeer, startEverythingHttp } from './peers/servers.ts'
import { addPortal, addProvider, letClientIn, signIn } from './support/people.ts'

const account_id = 'a86a8f5c339544d7bdc89926de14fb8c'

describe('the official cloudflare SDK, with nothing changed but the base URL', () => {
  let room: AdminRoom
  let peer: HttpPeer
  let listener: ServerType
  let client: Cloudflare
  let baseURL: string
  let requests: string[]

  beforeAll(async () => {
    room = await openAdminRoom()
    peer = await startEverythingHttp()
    requests = []
    listener = await new Promise<ServerType>((ready) => {
      const fetch = (request: Request) => {
        requests.push(`${request.method} ${new URL(request.url).pathname}`)
        return room.fetch(request, LOCAL)
      }
      const made = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => ready(made))
    })
    baseURL = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/client/v4`
    client = new Cloudflare({ apiToken: room.owner, baseURL })
  })
  afterAll(async () => {
    await new Promise((done) => listener.close(done))
    await room.end()
    await peer.stop()
  })

  const mcp = () => client.zeroTrust.access.aiControls.mcp

  // [API-1]
  test('servers are created, read, listed to the end, updated, synced and deleted', async () => {
    const made = await mcp().servers.create({
      account_id,
      id: 'everything',
      auth_type: 'unauthenticated',
      hostname: peer.url,
      name: 'Everything',
      updated_tools: [{ name: 'echo', alias: 'say' }],
    })
    expect(made).toMatchObject({ id: 'everything', status: 'ready', updated_tools: [{ name: 'echo', alias: 'say' }] })
    expect(made.tools.map((tool) => tool.name)).toContain('echo')
    for (const id of ['b', 'c', 'd', 'e']) {
      await mcp().servers.create({
        account_id,
        id,
        auth_type: 'bearer',
        hostname: 'http://127.0.0.1:2/mcp',
        name: id,
        auth_credentials: 'sk-canary',
      })
    }
    const ids: string[] = []
    requests.length = 0
    for await (const server of mcp().servers.list({ account_id, per_page: 2 })) ids.push(server.id)
    expect(ids).toEqual(['everything', 'b', 'c', 'd', 'e'])
    // Three pages that hold something, and the empty one that ends it.
    expect(requests).toHaveLength(4)

    const found = await mcp().servers.list({ account_id, search: 'EVERY' })
    expect(found.result.map((server) => server.id)).toEqual(['everything'])
    const renamed = await mcp().servers.update('everything', { account_id, name: 'Renamed' })
    expect(renamed).toMatchObject({ name: 'Renamed', updated_tools: [{ name: 'echo', alias: 'say' }] })
    expect(await mcp().servers.read('everything', { account_id })).toMatchObject({
      name: 'Renamed',
      hostname: peer.url,
    })
    expect(await mcp().servers.sync('everything', { account_id })).toMatchObject({ status: 'ready' })
    expect(await mcp().servers.sync('b', { account_id })).toMatchObject({ status: 'error', error: expect.any(String) })
    expect(JSON.stringify(await mcp().servers.read('b', { account_id }))).not.toContain('canary')
    expect(await mcp().servers.delete('e', { account_id })).toMatchObject({ id: 'e' })
    await expect(mcp().servers.read('e', { account_id })).rejects.toBeInstanceOf(NotFoundError)
  })

  test('OAuth servers are created with a client, and what was read may be sent back whole: nothing changes, nothing ends', async () => {
    const credentials = {
      auth_mode: 'manual',
      config: { authorization_endpoint: 'https://as.test/authorize', token_endpoint: 'https://as.test/token' },
      registration_info: {
        ...{ client_id: 'c', redirect_uris: ['https://team.cloudflareaccess.com/servers-callback'] },
        ...{ scope: 'read write', token_endpoint_auth_method: 'client_secret_post' },
      },
    }
    const made = await mcp().servers.create({
      ...{ account_id, id: 'by-hand', auth_type: 'oauth', hostname: 'http://127.0.0.1:2/mcp', name: 'By hand' },
      ...{ auth_credentials: JSON.stringify(credentials), client_secret: 'sk-canary', updated_tools: [] },
    })
    expect(made).toMatchObject({
      authentication_status: 'manual',
      auth_config_summary: {
        auth_mode: 'manual',
        has_client_secret: true,
        client_secret_version: 1,
        ...withoutMode(credentials),
      },
    })
    await mcp().servers.create({
      ...{ account_id, id: 'found-out', auth_type: 'oauth', hostname: 'http://127.0.0.1:2/mcp', name: 'Found out' },
    })
    for (const id of ['by-hand', 'found-out']) {
      await connectShared(room, id)
      const before = await mcp().servers.read(id, { account_id })
      expect(before.authentication_status).toBe('connected')
      const again = await mcp().servers.update(id, { account_id, ...before })
      expect({ ...again, modified_at: '' }).toEqual({ ...before, modified_at: '' })
      expect(await mcp().servers.read(id, { account_id })).toMatchObject({ authentication_status: 'connected' })
      expect(JSON.stringify(again)).not.toContain('canary')
    }
    const portal = await mcp().portals.create({
      ...{ account_id, id: 'oauthed', hostname: 'oauthed.example.com', name: 'OAuth' },
      servers: [{ server_id: 'by-hand', on_behalf: false }, { server_id: 'found-out' }],
    })
    const { id, ...rest } = await mcp().portals.read('oauthed', { account_id })
    const echoed = await mcp().portals.update(id, { account_id, ...rest } as Parameters<
      ReturnType<typeof mcp>['portals']['update']
    >[1])
    expect(echoed.servers.map(({ server_id, on_behalf }) => [server_id, on_behalf])).toEqual(
      portal.servers.map(({ server_id, on_behalf }) => [server_id, on_behalf]),
    )
    await mcp().portals.delete('oauthed', { account_id })
    for (const server of ['by-hand', 'found-out']) await mcp().servers.delete(server, { account_id })
  })

  test('portals are created, read, listed to the end, updated and deleted', async () => {
    const made = await mcp().portals.create({
      account_id,
      id: 'team',
      hostname: 'team.example.com',
      name: 'Team',
      code_mode: 'off',
      servers: [
        { server_id: 'c', default_disabled: true, on_behalf: false },
        {
          server_id: 'everything',
          updated_tools: [{ name: 'echo', alias: 'tell', enabled: true }],
          updated_prompts: [],
        },
      ],
    })
    expect(made).toMatchObject({
      code_mode: 'off',
      allow_code_mode: false,
      servers: [
        { id: 'c', server_id: 'c', default_disabled: true },
        {
          server_id: 'everything',
          updated_tools: [{ name: 'echo', enabled: true, portal_alias: 'tell', server_alias: 'say' }],
          updated_prompts: [],
        },
      ],
    })
    await mcp().portals.create({ account_id, id: 'other', hostname: 'other.example.com', name: 'Other' })
    const ids: string[] = []
    for await (const portal of mcp().portals.list({ account_id, per_page: 1 })) ids.push(portal.id)
    expect(ids).toEqual(['team', 'other'])
    const renamed = await mcp().portals.update('team', { account_id, name: 'The team' })
    expect(renamed).toMatchObject({ name: 'The team', created_at: made.created_at })
    expect(renamed.servers.map((server) => server.server_id)).toEqual(['c', 'everything'])
    const reordered = await mcp().portals.update('team', {
      account_id,
      servers: [{ server_id: 'everything' }, { server_id: 'c' }],
    })
    expect(reordered.servers.map((server) => server.server_id)).toEqual(['everything', 'c'])
    const gone = await mcp().portals.delete('team', { account_id })
    expect(gone).toMatchObject({ id: 'team' })
    expect(gone).not.toHaveProperty('servers')
    await expect(mcp().portals.read('team', { account_id })).rejects.toBeInstanceOf(NotFoundError)
  })

  test('policies are created, read, listed to the end, updated and deleted', async () => {
    const { policies } = client.zeroTrust.access
    const made = await policies.create({
      account_id,
      name: 'Acme',
      decision: 'allow',
      include: [{ email_domain: { domain: 'acme.test' } }],
      require: [{ everyone: {} }],
    })
    expect(made).toMatchObject({ name: 'Acme', decision: 'allow', reusable: true })
    const id = made.id ?? ''
    await policies.create({
      account_id,
      name: 'Bots',
      decision: 'non_identity',
      include: [{ any_valid_service_token: {} }],
    })
    const names: (string | undefined)[] = []
    for await (const policy of policies.list({ account_id, per_page: 1 })) names.push(policy.name)
    expect(names).toEqual(['Acme', 'Bots'])
    const include = [{ email: { email: 'ada@acme.test' } }]
    expect(await policies.update(id, { account_id, name: 'Ada', decision: 'deny', include })).toMatchObject({
      decision: 'deny',
      include,
    })
    expect(await policies.get(id, { account_id })).toMatchObject({ name: 'Ada' })
    expect(await policies.delete(id, { account_id })).toEqual({ id })
    await expect(policies.get(id, { account_id })).rejects.toBeInstanceOf(NotFoundError)
  })

  test('service tokens are created, read, listed to the end, updated, rotated, refreshed and deleted', async () => {
    const { serviceTokens } = client.zeroTrust.access
    const made = await serviceTokens.create({ account_id, name: 'ci', duration: '60m' })
    expect(made.client_secret).toMatch(/^ptst_/)
    const id = made.id ?? ''
    expect(await serviceTokens.get(id, { account_id })).not.toHaveProperty('client_secret')
    await serviceTokens.create({ account_id, name: 'cd' })
    const names: (string | undefined)[] = []
    for await (const token of serviceTokens.list({ account_id, per_page: 1 })) names.push(token.name)
    expect(names).toEqual(['ci', 'cd'])
    expect(await serviceTokens.update(id, { account_id, enabled: false })).toMatchObject({ enabled: false, name: 'ci' })
    const rotated = await serviceTokens.rotate(id, { account_id })
    expect(rotated.client_id).toBe(made.client_id)
    expect(rotated.client_secret).not.toBe(made.client_secret)
    expect(await serviceTokens.refresh(id, { account_id })).toMatchObject({ id, duration: '60m' })
    expect(await serviceTokens.delete(id, { account_id })).toMatchObject({ id })
    await expect(serviceTokens.get(id, { account_id })).rejects.toBeInstanceOf(NotFoundError)
  })

  test('the organisation is created, read and updated', async () => {
    const { organizations } = client.zeroTrust
    const made = await organizations.create({
      account_id,
      name: 'Widget Corps',
      auth_domain: 'widgets.cloudflareaccess.com',
      session_duration: '12h',
      login_design: { header_text: 'Welcome' },
    })
    expect(made).toMatchObject({
      name: 'Widget Corps',
      auth_domain: 'widgets.cloudflareaccess.com',
      session_duration: '12h',
      login_design: { header_text: 'Welcome' },
    })
    const changed = await organizations.update({
      account_id,
      strict_service_token_auth: true,
      service_token_inactivity: { enabled: true, action: 'disable', inactivity_threshold_days: 45 },
    })
    expect(changed).toMatchObject({ name: 'Widget Corps', strict_service_token_auth: true })
    expect(await organizations.list({ account_id })).toEqual(changed)
    await expect(organizations.update({ account_id, mfa_required_for_all_apps: true })).rejects.toBeInstanceOf(
      BadRequestError,
    )
  })

  test('users are listed to the end and read, with sessions, failed logins and identity, and revoked', async () => {
    const { users } = client.zeroTrust.access
    const { store } = room.at
    const people = { store, sealer: room.deps.sealer, browsers: room.browsers }
    await addProvider(store)
    const ada = await signIn(people, 'ada@acme.test', { name: 'Ada', groups: null })
    await signIn(people, 'bob@acme.test')
    const { grantId } = await letClientIn(store, ada, await addPortal(store, 'sdk'), room.clock.now() + 3_600_000)
    const emails: (string | undefined)[] = []
    for await (const user of users.list({ account_id, per_page: 1 })) emails.push(user.email)
    expect(emails).toEqual(['ada@acme.test', 'bob@acme.test'])
    const id = ada.userId
    expect(await users.get(id, { account_id })).toMatchObject({
      ...{ id, uid: id, email: 'ada@acme.test', name: 'Ada', access_seat: true, gateway_seat: false },
      ...{ active_device_count: 1, last_successful_login: expect.any(String), created_at: expect.any(String) },
    })
    const nonces: (string | undefined)[] = []
    for await (const session of users.activeSessions.list(id, { account_id })) nonces.push(session.metadata?.nonce)
    expect(nonces).toEqual([ada.sessionId, grantId])
    const session = await users.activeSessions.get(ada.sessionId, { account_id, user_id: id })
    expect(session).toMatchObject({ isActive: true, user_uuid: id, account_id, idp: { id: 'company', type: 'oidc' } })
    const identity = await users.lastSeenIdentity.get(id, { account_id })
    expect(identity).toMatchObject({ email: 'ada@acme.test', user_uuid: id, groups: null, groups_known: false })
    const failed = []
    for await (const attempt of users.failedLogins.list(id, { account_id })) failed.push(attempt)
    expect(failed).toEqual([])

    const revoke = () => client.zeroTrust.organizations.revokeUsers({ account_id, email: 'ada@acme.test' })
    expect(await revoke()).toBe(true)
    expect(await revoke()).toBe(true)
    const left = await users.activeSessions.list(id, { account_id })
    expect(left.result).toEqual([])
    const unknown = client.zeroTrust.organizations.revokeUsers({ account_id, email: 'nobody@acme.test' })
    await expect(unknown).rejects.toBeInstanceOf(NotFoundError)
  })

  test('bad input gives typed errors with codes and sentences, and is asked once', async () => {
    const server = {
      account_id,
      id: 'bad',
      auth_type: 'unauthenticated',
      hostname: 'http://127.0.0.1:2/',
      name: 'b',
    } as const
    await mcp().servers.create({ ...server, id: 'taken' })
    const attempts: [() => Promise<unknown>, new (...args: never[]) => APIError][] = [
      [() => mcp().servers.create({ ...server, id: 'Not Valid' }), BadRequestError],
      [() => mcp().servers.create({ ...server, id: 'portal_x' }), BadRequestError],
      [() => mcp().servers.create({ ...server, hostname: 'nowhere' }), BadRequestError],
      [() => mcp().servers.create({ ...server, id: 'taken' }), ConflictError],
      [() => mcp().servers.update('nobody', { account_id, name: 'x' }), NotFoundError],
      [
        () =>
          mcp().portals.create({
            account_id,
            id: 'p',
            hostname: 'p.test',
            name: 'p',
            servers: [{ server_id: 'nobody' }],
          }),
        BadRequestError,
      ],
      [() => mcp().portals.update('other', { account_id, code_mode: 'off', allow_code_mode: true }), BadRequestError],
      [
        () =>
          client.zeroTrust.access.policies.create({
            account_id,
            name: 'x',
            decision: 'bypass',
            include: [{ email: { email: 'ada@acme.test' } }],
          }),
        BadRequestError,
      ],
      [
        () => client.zeroTrust.access.serviceTokens.create({ account_id, name: 'x', duration: 'soon' }),
        BadRequestError,
      ],
    ]
    for (const [attempt, kind] of attempts) {
      requests.length = 0
      const error = await attempt().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(kind)
      expect(error).toMatchObject({ errors: [{ code: expect.any(Number), message: expect.stringMatching(/\S{2,}/) }] })
      expect(requests).toHaveLength(1)
    }
  })

  test('a wrong token and a token without the right are typed errors too', async () => {
    const stranger = new Cloudflare({ apiToken: 'wrong', baseURL })
    await expect(stranger.zeroTrust.access.aiControls.mcp.portals.list({ account_id })).rejects.toBeInstanceOf(
      AuthenticationError,
    )
    const auditor = new Cloudflare({ apiToken: await room.token('auditor'), baseURL })
    await expect(auditor.zeroTrust.access.aiControls.mcp.servers.delete('b', { account_id })).rejects.toBeInstanceOf(
      PermissionDeniedError,
    )
    expect((await auditor.zeroTrust.access.aiControls.mcp.servers.read('b', { account_id })).id).toBe('b')
  })
})

function withoutMode({ config, registration_info }: { config: object; registration_info: object }) {
  return { config, registration_info }
}

/** As if an admin had connected it in a browser. */
async function connectShared({ at: { store }, deps }: AdminRoom, id: string): Promise<void> {
  const server = await readServer(store.db, id)
  if (server === undefined) throw new Error('no server')
  await store.write((trx) =>
    saveConnection(store, trx, deps.sealer, {
      ...{ serverUid: server.uid, owner: 'admin', createdBy: 'test', kind: 'oauth', account: 'team' },
      ...{ issuer: 'https://as.test', resource: 'http://127.0.0.1:2/mcp', clientId: 'c', scope: 'read' },
      ...{ expiresAt: null, renewAt: null, tokens: { access: 'canary', type: 'Bearer', refresh: null } },
    }),
  )
}
