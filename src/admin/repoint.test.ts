/** A stored secret follows no server to another address, through no door. The servers here write down what they are sent. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom, SERVERS } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { type ScriptedServer, startScripted } from '../../test/scripted-server.ts'
import { saveConnection } from '../upstream/connections/connection-store.ts'
import { readServer, readServerSecrets } from '../upstream/server-store.ts'
import { applyDeclared } from './declared.ts'

const CANARY = 'canary-2718281828'

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  let room: AdminRoom
  let old: ScriptedServer
  let other: ScriptedServer
  beforeEach(async () => {
    room = await openAdminRoom(kind, { register: 'off', configFile: '/etc/portico.yaml' })
    const listen = () => startScripted((_seen, response) => response.writeHead(404).end())
    ;[old, other] = await Promise.all([listen(), listen()])
  })
  afterEach(async () => {
    await Promise.all([old.close(), other.close()])
    await room.end()
  })

  const sent = (server: ScriptedServer) =>
    server.seen.map(({ raw, body, path }) => JSON.stringify([raw, body, path])).join()
  const sync = () => room.ask('POST', `${SERVERS}/web/sync`)
  const stored = async () => {
    const server = await readServer(room.at.store.db, 'web')
    return (
      server && { uid: server.uid, secrets: await readServerSecrets(room.at.store.db, room.deps.sealer, server.uid) }
    )
  }
  const bearer = (hostname: string, auth_credentials: string) => ({
    ...{ id: 'web', name: 'Web', hostname, auth_type: 'bearer', auth_credentials },
  })
  const put = (body: object) => room.ask('PUT', `${SERVERS}/web`, { body })
  const connectMachine = async () => {
    const { store } = room.at
    const content = { account: null, issuer: 'https://as.test', resource: null, clientId: 'c', scope: 'read write' }
    const tokens = { access: CANARY, type: 'Bearer', refresh: null }
    const server = await stored()
    if (server === undefined) throw new Error('no server')
    await store.write((trx) =>
      saveConnection(store, trx, room.deps.sealer, {
        ...{
          ...content,
          tokens,
          expiresAt: null,
          renewAt: null,
          kind: 'machine',
          owner: 'machine',
          createdBy: 'portal',
        },
        serverUid: server.uid,
      }),
    )
  }
  const apply = (server: object) => applyDeclared(room.deps, { policies: [], portals: [], servers: [server] })

  test('the file that names another origin makes another server, which is sent nothing of the old one', async () => {
    await apply(bearer(`${old.origin}/mcp`, CANARY))
    await sync()
    expect(sent(old)).toContain(CANARY)
    const before = await stored()
    await apply({ id: 'web', name: 'Web', hostname: `${other.origin}/mcp`, auth_type: 'unauthenticated' })
    await sync()
    expect(other.seen.length).toBeGreaterThan(0)
    expect(sent(other)).not.toContain(CANARY)
    const after = await stored()
    expect(after?.uid).not.toBe(before?.uid)
    expect(after?.secrets).toEqual({ authCredentials: null, clientSecret: null, env: {} })
    const deeds = (await room.ask('GET', `${LOGS}?plane=admin&phase=ended`)).body.result.map(({ method }) => method)
    expect(deeds).toEqual(expect.arrayContaining(['remove server', 'create server']))
  })

  test('the file that names another way of signing in keeps nothing either', async () => {
    await apply(bearer(`${old.origin}/mcp`, CANARY))
    await sync()
    const from = old.seen.length
    await apply({ id: 'web', name: 'Web', hostname: `${old.origin}/mcp`, auth_type: 'unauthenticated' })
    await sync()
    expect(old.seen.length).toBeGreaterThan(from)
    expect(JSON.stringify(old.seen.slice(from).map(({ raw }) => raw))).not.toContain(CANARY)
    expect((await stored())?.secrets).toMatchObject({ authCredentials: null })
  })

  test('the file that names another header sends that one alone', async () => {
    await apply(bearer(`${old.origin}/mcp`, JSON.stringify({ headers: { 'X-Old-Key': CANARY } })))
    await sync()
    expect(sent(old)).toContain(CANARY)
    const from = old.seen.length
    await apply(bearer(`${old.origin}/mcp`, JSON.stringify({ headers: { 'X-New-Key': 'another' } })))
    await sync()
    const later = JSON.stringify(old.seen.slice(from).map(({ raw }) => raw)).toLowerCase()
    expect(later).toContain('x-new-key')
    expect(later).not.toContain('x-old-key')
    expect(later).not.toContain(CANARY)
  })

  test('the file that takes over a server of the API keeps no secret that is not in the file', async () => {
    const client = manual({})
    const body = { id: 'web', name: 'Web', hostname: `${old.origin}/mcp`, auth_type: 'oauth' }
    await room.ask('POST', SERVERS, { body: { ...body, auth_credentials: client, client_secret: CANARY } })
    expect((await stored())?.secrets).toMatchObject({ clientSecret: CANARY })
    await apply({
      ...body,
      auth_credentials: manual({ token_endpoint: 'https://evil.test/token' }, { token_endpoint_auth_method: 'none' }),
    })
    expect((await stored())?.secrets).toMatchObject({ clientSecret: null })
  })

  test('the file that names another command or other variables gives a child none of the old ones', async () => {
    const child = (command: string, env: object) => ({
      ...{ id: 'web', name: 'Web', hostname: 'stdio://web', auth_type: 'unauthenticated' },
      transport: { type: 'stdio', command, env },
    })
    await apply(child('/bin/true', { OLD_KEY: CANARY }))
    const before = await stored()
    await apply(child('/bin/true', { NEW_KEY: 'another' }))
    expect((await stored())?.secrets?.env).toEqual({ NEW_KEY: 'another' })
    await apply(child('/bin/false', {}))
    const after = await stored()
    expect(after?.uid).not.toBe(before?.uid)
    expect(after?.secrets?.env).toEqual({})
  })

  for (const [door, change] of [
    ['the file', (body: object) => apply(body)],
    [
      'the API',
      (body: { auth_credentials: string }) => put({ auth_credentials: body.auth_credentials, client_secret: CANARY }),
    ],
  ] as const) {
    for (const [mode, other] of [
      ['the portal’s own account', machine({ scope: 'read' })],
      ['people’s accounts in its place', machine({}, 'enterprise')],
      ['a client that people connect', manual({})],
    ] as const) {
      // [SEC-C5]
      test(`tokens that the portal got as one client are gone when ${door} names another: ${mode}`, async () => {
        const body = {
          id: 'web',
          name: 'Web',
          hostname: `${old.origin}/mcp`,
          auth_type: 'oauth',
          client_secret: CANARY,
        }
        const before = { ...body, auth_credentials: machine({ scope: 'read write' }) }
        if (door === 'the file') await apply(before)
        else expect((await room.ask('POST', SERVERS, { body: before })).status).toBe(200)
        await connectMachine()
        await change({ ...body, auth_credentials: other })
        const { store } = room.at
        expect(await store.db.selectFrom('connections').select('id').execute()).toEqual([])
        expect((await stored())?.secrets).toMatchObject({ authCredentials: other })
      })
    }
  }

  for (const [what, config, registration] of [
    ['token endpoint', { token_endpoint: 'https://evil.test/token' }, {}],
    ['authorization endpoint', { authorization_endpoint: 'https://evil.test/authorize' }, {}],
    ['issuer', { issuer: 'https://evil.test' }, {}],
    ['revocation endpoint', { revocation_endpoint: 'https://evil.test/revoke' }, {}],
    ['client id', {}, { client_id: 'another' }],
  ] as const) {
    test(`the API that is sent another ${what} and no secret forgets the one that it has`, async () => {
      const body = { id: 'web', name: 'Web', hostname: `${old.origin}/mcp`, auth_type: 'oauth' }
      await room.ask('POST', SERVERS, { body: { ...body, auth_credentials: manual({}), client_secret: CANARY } })
      const put = await room.ask('PUT', `${SERVERS}/web`, { body: { auth_credentials: manual(config, registration) } })
      expect(put.body.result).toMatchObject({ status: 'waiting', auth_config_summary: { has_client_secret: false } })
      expect((await stored())?.secrets).toMatchObject({ clientSecret: null })
    })
  }

  for (const [what, change] of [
    ['hostname', () => ({ hostname: `${other.origin}/mcp` })],
    ['way of signing in', () => ({ auth_type: 'unauthenticated' })],
    ['transport', () => ({ transport: { type: 'stdio', command: '/bin/true' } })],
  ] as const) {
    test(`the API refuses another ${what}, and the other address is sent nothing`, async () => {
      await room.ask('POST', SERVERS, { body: bearer(`${old.origin}/mcp`, CANARY) })
      expect((await room.ask('PUT', `${SERVERS}/web`, { body: change() })).status).toBe(400)
      await sync()
      expect(other.seen).toEqual([])
      expect((await stored())?.secrets).toMatchObject({ authCredentials: CANARY })
    })
  }
})

function machine(registration: object, auth_mode = 'client_credentials'): string {
  return JSON.stringify({
    ...{ auth_mode, config: { issuer: 'https://as.test', token_endpoint: 'https://as.test/token' } },
    registration_info: { client_id: 'c', ...registration },
  })
}

function manual(config: object, registration: object = {}): string {
  return JSON.stringify({
    auth_mode: 'manual',
    config: {
      ...{ authorization_endpoint: 'https://as.test/authorize', token_endpoint: 'https://as.test/token' },
      ...{ issuer: 'https://as.test', revocation_endpoint: 'https://as.test/revoke' },
      ...config,
    },
    registration_info: { client_id: 'c', redirect_uris: ['https://p.test/servers-callback'], ...registration },
  })
}
