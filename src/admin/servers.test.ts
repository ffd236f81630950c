import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, PORTALS, portalBody, SERVERS, serverBody } from '../../test/admin-room.ts'
import { type HttpPeer, startEverythingHttp } from '../../test/peers/servers.ts'
import { keyRing, openSealer } from '../base/secret.ts'
import { readServer, readServerSecrets } from '../upstream/server-store.ts'

describe('servers', () => {
  let room: AdminRoom
  let peer: HttpPeer
  beforeAll(async () => {
    room = await openAdminRoom()
    peer = await startEverythingHttp()
  })
  afterAll(async () => {
    await room.end()
    await peer.stop()
  })
  const make = (body: object) => room.ask('POST', SERVERS, { body })
  const secrets = async (id: string) => {
    const uid = (await readServer(room.at.store.db, id))?.uid
    return uid && (await readServerSecrets(room.at.store.db, room.deps.sealer, uid))
  }

  test('a new server is synced before the answer, and shows what it offers', async () => {
    const made = (await make({ ...serverBody('everything'), hostname: peer.url })).body.result
    expect(made).toMatchObject({ status: 'ready', authentication_status: 'not_required', isolation: 'per_credential' })
    expect((made.tools as { name: string }[]).map((tool) => tool.name)).toContain('echo')
    expect((made.prompts as unknown[]).length).toBeGreaterThan(0)
    expect(made.last_synced).toBeDefined()
    const synced = (await room.ask('POST', `${SERVERS}/everything/sync`)).body.result
    expect(synced).toMatchObject({ status: 'ready', tool_count: (made.tools as unknown[]).length })
    const clash = await room.ask('PUT', `${SERVERS}/everything`, {
      body: { updated_tools: [{ name: 'get-sum', alias: 'echo' }] },
    })
    expect(clash).toMatchObject({
      status: 400,
      body: { errors: [{ message: expect.stringContaining('updated_tools.0.alias') }] },
    })
  })

  test('a server has the deadlines of all until it is given its own, and a read of them can be sent back', async () => {
    const path = `${SERVERS}/timed`
    expect((await make(serverBody('timed', { hostname: peer.url }))).body.result.deadlines).toBeNull()
    const put = async (deadlines: unknown) =>
      (await room.ask('PUT', path, { body: { deadlines } })).body.result.deadlines
    expect(await put({ idle_seconds: 5 })).toEqual({ idle_seconds: 5 })
    const { updated_tools: _, ...read } = (await room.ask('GET', path)).body.result
    const echoed = await room.ask('PUT', path, { body: { ...read, transport: undefined } })
    expect(echoed).toMatchObject({ status: 200, body: { result: { deadlines: { idle_seconds: 5 } } } })
    expect((await room.ask('PUT', path, { body: { name: 'Renamed' } })).body.result.deadlines).toEqual({
      idle_seconds: 5,
    })
    // They replace each other whole.
    expect(await put({ total_seconds: 30 })).toEqual({ total_seconds: 30 })
    expect(await put({ idle_seconds: 3600, total_seconds: 86_400 })).toEqual({
      idle_seconds: 3600,
      total_seconds: 86_400,
    })
    const shown = (
      await room.ask('POST', PORTALS, { body: portalBody('timed', { servers: [{ server_id: 'timed' }] }) })
    ).body
    expect(shown.result.servers).toMatchObject([{ deadlines: { idle_seconds: 3600, total_seconds: 86_400 } }])
    const again = await room.ask('PUT', `${PORTALS}/timed`, { body: { servers: shown.result.servers } })
    expect(again.status).toBe(200)
    for (const nothing of [{}, null]) {
      await put({ idle_seconds: 5 })
      expect(await put(nothing)).toBeNull()
    }
  })

  test.each([
    ['a silence of nothing', { idle_seconds: 0 }, 'deadlines.idle_seconds'],
    ['a silence of over an hour', { idle_seconds: 3601, total_seconds: 86_400 }, 'deadlines.idle_seconds'],
    ['more than a day', { total_seconds: 86_401 }, 'deadlines.total_seconds'],
    ['half a second', { total_seconds: 0.5 }, 'deadlines.total_seconds'],
    ['a silence longer than the call', { idle_seconds: 31, total_seconds: 30 }, 'deadlines.total_seconds: must be'],
    ['a silence longer than any call', { idle_seconds: 601 }, 'it is 600'],
    ['a slip', { idle: 5 }, 'deadlines'],
  ])('deadlines of %s are refused by the field, and nothing is made', async (_, deadlines, said) => {
    const answer = await make(serverBody('hasty', { deadlines }))
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ message: expect.stringContaining(said) }] } })
    expect((await room.ask('GET', `${SERVERS}/hasty`)).status).toBe(404)
  })

  test('a server that cannot be reached is kept, and says so', async () => {
    const made = (await make(serverBody('dead'))).body.result
    expect(made).toMatchObject({ status: 'error', error: expect.any(String), tools: [] })
    expect((await room.ask('POST', `${SERVERS}/dead/sync`)).body.result).toMatchObject({
      status: 'error',
      tool_count: 0,
    })
  })

  // [CRED-3]
  test('credentials are write-only', async () => {
    const body = serverBody('secretive', { auth_type: 'bearer', auth_credentials: 'canary-secret' })
    const made = await make(body)
    expect(made.status).toBe(200)
    const read = await room.ask('GET', `${SERVERS}/secretive`)
    const listed = await room.ask('GET', SERVERS)
    const gone = await room.ask('DELETE', `${SERVERS}/secretive`)
    for (const answer of [made, read, listed, gone]) expect(JSON.stringify(answer.body)).not.toContain('canary')
    const bad = await make(
      serverBody('bad', { auth_type: 'bearer', auth_credentials: '{"headers":{"Host":"canary-secret"}}' }),
    )
    expect(bad.status).toBe(400)
    expect(JSON.stringify(bad.body)).not.toContain('canary')
  })

  test.each([
    ['hostname', { hostname: 'https://other.test/mcp' }],
    ['auth_type', { auth_type: 'oauth' }],
    ['id', { id: 'other' }],
    ['transport', { transport: { type: 'stdio', command: 'sh' } }],
  ])('an update cannot change the %s', async (field, body) => {
    await make(serverBody('fixed'))
    const answer = await room.ask('PUT', `${SERVERS}/fixed`, { body })
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [{ message: expect.stringContaining(`${field}: `) }] },
    })
  })

  test('a credential that is sent again unchanged changes nothing, and a new one is tried at once', async () => {
    const credential = (auth_credentials: string) => ({ auth_type: 'bearer', auth_credentials, hostname: peer.url })
    await make(serverBody('steady', credential('one')))
    const before = (await room.ask('GET', `${SERVERS}/steady`)).body.result
    const same = await room.ask('PUT', `${SERVERS}/steady`, { body: { auth_credentials: 'one', description: 'd' } })
    expect(same.body.result).toMatchObject({ status: 'ready', last_synced: before.last_synced, description: 'd' })
    room.clock.move(1000)
    const other = await room.ask('PUT', `${SERVERS}/steady`, { body: { auth_credentials: 'two' } })
    expect(other.body.result.status).toBe('ready')
    expect(other.body.result.last_synced).not.toBe(before.last_synced)
    expect(await secrets('steady')).toMatchObject({ authCredentials: 'two' })
  })

  test('a server whose key is lost is still shown and can be given a new credential', async () => {
    await make(serverBody('sealed', { auth_type: 'bearer', auth_credentials: 'old' }))
    const lost = openSealer(keyRing([Buffer.alloc(32, 1)]), 'store').seal('old', 'elsewhere')
    await room.at.store.db
      .updateTable('servers')
      .set({ auth_credentials_sealed: lost })
      .where('id', '=', 'sealed')
      .execute()
    expect((await room.ask('GET', SERVERS)).status).toBe(200)
    expect((await room.ask('PUT', `${SERVERS}/sealed`, { body: { auth_credentials: 'new' } })).status).toBe(200)
    expect(await secrets('sealed')).toMatchObject({ authCredentials: 'new' })
  })

  test('a moved token endpoint forgets the client secret that was kept, and the same one keeps it', async () => {
    const client = (token_endpoint: string) =>
      JSON.stringify({
        auth_mode: 'manual',
        config: { authorization_endpoint: 'https://as.test/authorize', token_endpoint },
        registration_info: { client_id: 'c', redirect_uris: ['https://p.test/servers-callback'] },
      })
    const first = client('https://as.test/token')
    expect((await make(serverBody('oauthed', { auth_type: 'oauth', auth_credentials: first }))).status).toBe(400)
    const made = await make(
      serverBody('oauthed', { auth_type: 'oauth', auth_credentials: first, client_secret: 'canary' }),
    )
    expect(made.body.result).toMatchObject({
      authentication_status: 'manual',
      auth_config_summary: {
        auth_mode: 'manual',
        has_client_secret: true,
        client_secret_version: 1,
        registration_info: { client_id: 'c' },
      },
    })
    await room.ask('PUT', `${SERVERS}/oauthed`, { body: { auth_credentials: first, description: 'same' } })
    expect(await secrets('oauthed')).toMatchObject({ clientSecret: 'canary' })
    const moved = await room.ask('PUT', `${SERVERS}/oauthed`, {
      body: { auth_credentials: client('https://evil.test/token') },
    })
    expect(moved.body.result).toMatchObject({ status: 'waiting', auth_config_summary: { has_client_secret: false } })
    expect(await secrets('oauthed')).toMatchObject({ clientSecret: null })
  })

  test('in a portal, oauth servers are used on behalf of each user unless said otherwise', async () => {
    await make(serverBody('plain'))
    await make(serverBody('by-user', { auth_type: 'oauth' }))
    const servers = [{ server_id: 'by-user' }, { server_id: 'plain' }]
    const made = (await room.ask('POST', PORTALS, { body: portalBody('behalf', { servers }) })).body.result
    expect(made.servers).toMatchObject([
      { server_id: 'by-user', on_behalf: true },
      { server_id: 'plain', on_behalf: false },
    ])
    const changed = { servers: [{ server_id: 'by-user', on_behalf: false }] }
    expect((await room.ask('PUT', `${PORTALS}/behalf`, { body: changed })).body.result.servers).toMatchObject([
      { on_behalf: false },
    ])
  })

  test.each([
    ['an unknown server', { servers: [{ server_id: 'nobody' }] }, 'servers.0.server_id'],
    ['a server twice', { servers: [{ server_id: 'everything' }, { id: 'everything' }] }, 'servers.1.server_id'],
    ['two ids', { servers: [{ server_id: 'everything', id: 'dead' }] }, 'servers.0.id'],
    [
      'an alias twice',
      {
        servers: [
          {
            server_id: 'everything',
            updated_tools: [
              { name: 'a', alias: 'x' },
              { name: 'b', alias: 'x' },
            ],
          },
        ],
      },
      'servers.0.updated_tools.1.alias',
    ],
    [
      'a bad alias',
      { servers: [{ server_id: 'everything', updated_tools: [{ name: 'a', alias: '-' }] }] },
      'servers.0.updated_tools.0.alias',
    ],
    ['contradicting code modes', { code_mode: 'off', allow_code_mode: true }, 'allow_code_mode'],
    ['an unknown code mode', { code_mode: 'maybe' }, 'code_mode'],
    ['a hostname with a port', { hostname: 'a.test:80' }, 'hostname'],
    ['a field with a slip', { default_disable: true }, 'The body'],
    ['a name that is too long', { name: 'x'.repeat(351) }, 'name'],
    ['a description that is too long', { description: 'x'.repeat(513) }, 'description'],
    ['no name', { name: undefined }, 'name: is required'],
  ])('a portal with %s is refused by the field', async (_, more, path) => {
    const answer = await room.ask('POST', PORTALS, { body: portalBody('bad', more) })
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0]).toMatchObject({ code: 11000, message: expect.stringContaining(path) })
    expect((await room.ask('GET', `${PORTALS}/bad`)).status).toBe(404)
  })

  test('the old name of code_mode still works', async () => {
    const made = await room.ask('POST', PORTALS, { body: portalBody('modes', { allow_code_mode: false }) })
    expect(made.body.result).toMatchObject({ code_mode: 'off', allow_code_mode: false })
    const on = await room.ask('PUT', `${PORTALS}/modes`, { body: { code_mode: 'enforced', allow_code_mode: true } })
    expect(on.body.result.code_mode).toBe('enforced')
    const kept = await room.ask('PUT', `${PORTALS}/modes`, { body: { allow_code_mode: true } })
    expect(kept.body.result.code_mode).toBe('enforced')
  })
})
