import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type AdminRoom,
  LOGS,
  openAdminRoom,
  PORTALS,
  portalBody,
  REMOTE,
  SERVERS,
  serverBody,
} from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { digest } from '../base/secret.ts'

/** What is different at the next read with nobody having changed anything: the portal goes on trying a server that is dead. */
const MOVING = ['modified_at', 'modified_by', 'circuit', 'last_synced']

function withoutMoving(shown: object): object {
  return JSON.parse(JSON.stringify(shown), (member, value) => (MOVING.includes(member) ? undefined : value))
}

describe.each(DATABASE_KINDS)('the admin API on %s', (kind) => {
  let room: AdminRoom
  beforeAll(async () => {
    room = await openAdminRoom(kind)
  })
  afterAll(() => room.end())

  test('a portal is made, read, changed and deleted, and every answer has the five fields', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('p-one') })
    const made = await room.ask('POST', PORTALS, { body: portalBody('crud', { servers: [{ server_id: 'p-one' }] }) })
    expect(made.status).toBe(200)
    expect(Object.keys(made.body).sort()).toEqual(['errors', 'messages', 'result', 'result_info', 'success'])
    expect(made.body.result).toMatchObject({
      id: 'crud',
      hostname: 'crud.example.com',
      code_mode: 'opt_in',
      allow_code_mode: true,
      policies: [],
      created_by: 'owner token',
      servers: [{ id: 'p-one', server_id: 'p-one', default_disabled: false, on_behalf: false }],
    })
    const renamed = await room.ask('PUT', `${PORTALS}/crud`, { body: { name: 'New', description: 'd' } })
    expect(renamed.body.result).toMatchObject({ name: 'New', description: 'd', servers: [{ id: 'p-one' }] })
    expect(renamed.body.result.created_at).toBe(made.body.result.created_at)
    const emptied = await room.ask('PUT', `${PORTALS}/crud`, { body: { servers: [] } })
    expect(emptied.body.result.servers).toEqual([])
    const gone = await room.ask('DELETE', `${PORTALS}/crud`)
    expect(gone.body.result).toMatchObject({ id: 'crud', name: 'New' })
    expect(gone.body.result).not.toHaveProperty('servers')
    expect((await room.ask('GET', `${PORTALS}/crud`)).status).toBe(404)
  })

  test('what a read gave can be sent back whole and changes nothing', async () => {
    await room.ask('POST', SERVERS, {
      body: serverBody('rt', { updated_tools: [{ name: 'echo', alias: 'say', enabled: true }] }),
    })
    await room.ask('POST', PORTALS, {
      body: portalBody('rt', {
        servers: [
          { server_id: 'rt', on_behalf: true, updated_tools: [{ name: 'echo', alias: 'tell', description: 'Tells' }] },
        ],
      }),
    })
    await room.ask('POST', `${SERVERS}/rt/sync`)
    for (const path of [`${SERVERS}/rt`, `${PORTALS}/rt`]) {
      const before = (await room.ask('GET', path)).body.result
      const after = await room.ask('PUT', path, { body: before })
      expect(after.body.errors).toEqual([])
      expect(after.body.result).toMatchObject(withoutMoving(before))
    }
    expect((await room.ask('GET', `${PORTALS}/rt`)).body.result.servers).toMatchObject([
      {
        on_behalf: true,
        updated_tools: [{ name: 'echo', portal_alias: 'tell', portal_description: 'Tells', server_alias: 'say' }],
      },
    ])
  })

  test('an empty list of overrides and none at all are told apart, in both directions', async () => {
    const none = await room.ask('POST', SERVERS, { body: serverBody('echo-none') })
    expect(none.body.result).not.toHaveProperty('updated_tools')
    const empty = await room.ask('POST', SERVERS, {
      body: serverBody('echo-empty', { updated_tools: [], updated_prompts: [] }),
    })
    expect(empty.body.result).toMatchObject({ updated_tools: [], updated_prompts: [] })
    const mapped = await room.ask('POST', PORTALS, {
      body: portalBody('echo', { servers: [{ id: 'echo-empty', updated_tools: [] }, { server_id: 'echo-none' }] }),
    })
    const [first, second] = mapped.body.result.servers as Record<string, unknown>[]
    expect(first).toMatchObject({ server_id: 'echo-empty', updated_tools: [] })
    expect(second).not.toHaveProperty('updated_tools')
  })

  test('lists are paged in a stable order, searched, and empty past the end', async () => {
    for (const id of ['page-c', 'page-a', 'page-b']) await room.ask('POST', SERVERS, { body: serverBody(id) })
    const ask = async (query: string) => (await room.ask('GET', `${SERVERS}?${query}`)).body
    const one = await ask('search=PAGE-&per_page=2&page=1')
    expect(one.result.map((shown) => shown.id)).toEqual(['page-c', 'page-a'])
    expect(one.result_info).toEqual({ page: 1, per_page: 2, count: 2, total_count: 3, total_pages: 2 })
    expect((await ask('search=page-&per_page=2&page=2')).result.map((shown) => shown.id)).toEqual(['page-b'])
    const past = await ask('search=page-&per_page=2&page=3')
    expect(past).toMatchObject({ success: true, result: [], result_info: { count: 0, total_count: 3 } })
    expect((await ask("search=%25'%22;--")).result).toEqual([])
    for (const bad of ['page=0', 'page=-1', 'page=x', 'per_page=0', 'per_page=1001', 'page=1e3']) {
      expect((await room.ask('GET', `${SERVERS}?${bad}`)).status).toBe(400)
    }
  })

  test('a duplicate is a conflict that the official SDK does not try again', async () => {
    await room.ask('POST', SERVERS, { body: serverBody('twice') })
    const again = await room.ask('POST', SERVERS, { body: serverBody('twice') })
    expect(again.status).toBe(409)
    expect(again.headers.get('x-should-retry')).toBe('false')
    await room.ask('POST', PORTALS, { body: portalBody('twice') })
    expect(
      (await room.ask('POST', PORTALS, { body: portalBody('other', { hostname: 'TWICE.example.com' }) })).status,
    ).toBe(409)
    const both = await Promise.all([1, 2].map(() => room.ask('POST', PORTALS, { body: portalBody('race') })))
    expect(both.map((answer) => answer.status).sort()).toEqual([200, 409])
  })

  test('the first owner to look sees every change in the log, with field names and no values', async () => {
    const body = serverBody('logged', {
      auth_type: 'bearer',
      auth_credentials: 'canary-credential',
      description: 'canary-text',
    })
    await room.ask('POST', SERVERS, { body, caller: REMOTE })
    await room.ask('PUT', `${SERVERS}/logged`, { body: { hostname: 'https://elsewhere.test/mcp' } })
    await room.ask('DELETE', `${SERVERS}/logged`, { token: await room.token('auditor') })
    await room.ask('DELETE', `${SERVERS}/logged`)
    const { result, result_info } = (await room.ask('GET', `${LOGS}?plane=admin&phase=ended&limit=4`)).body
    expect(result).toMatchObject([
      {
        method: `DELETE ${SERVERS}/logged`,
        outcome: 'answered',
        change: { object: 'server', id: 'logged', fields: [] },
      },
      {
        method: `DELETE ${SERVERS}/logged`,
        outcome: 'refused',
        decision: 'deny',
        error: '403',
        actor: { role: 'auditor' },
      },
      { method: `PUT ${SERVERS}/logged`, outcome: 'refused', error: '400' },
      {
        method: `POST ${SERVERS}`,
        outcome: 'answered',
        capability: 'accounts/default',
        client_ip: '192.0.2.7',
        actor: { kind: 'api_token', label: 'owner token', role: 'owner' },
        change: {
          object: 'server',
          id: 'logged',
          fields: ['auth_credentials', 'auth_type', 'description', 'hostname', 'name'],
        },
      },
    ])
    expect(JSON.stringify(result)).not.toContain('canary')
    const cursor = (result_info?.cursors as { before: string; after: string }) ?? {}
    const older = (await room.ask('GET', `${LOGS}?plane=admin&phase=ended&limit=4&before=${cursor.before}`)).body.result
    expect(Math.max(...older.map((row) => Number(row.seq)))).toBeLessThan(Number(cursor.before))
    expect((await room.ask('GET', `${LOGS}?after=${cursor.after}`)).body.result).toEqual([])
    expect((await room.ask('GET', `${LOGS}?after=1&before=2`)).status).toBe(400)
    expect((await room.ask('GET', `${LOGS}?outcome=maybe`)).status).toBe(400)
  })

  test('policies are attached by id, and not deleted from under anyone', async () => {
    const policy = { name: 'Acme', decision: 'allow', include: [{ email_domain: { domain: 'acme.test' } }] }
    const made = await room.ask('POST', '/access/policies', { body: policy })
    const id = String(made.body.result.id)
    expect(made.body.result).toMatchObject({ ...policy, exclude: [], require: [], reusable: true, app_count: 0 })
    await room.ask('POST', SERVERS, { body: serverBody('guarded', { policies: [id] }) })
    await room.ask('POST', PORTALS, { body: portalBody('guarded', { policies: [id] }) })
    expect((await room.ask('GET', `/access/policies/${id}`)).body.result.app_count).toBe(2)
    const refused = await room.ask('DELETE', `/access/policies/${id}`)
    expect(refused.status).toBe(409)
    expect(refused.body.errors[0]?.message).toContain('portal "guarded", server "guarded"')
    await room.ask('PUT', `${SERVERS}/guarded`, { body: { policies: [] } })
    await room.ask('PUT', `${PORTALS}/guarded`, { body: { policies: [] } })
    expect((await room.ask('DELETE', `/access/policies/${id}`)).body.result).toEqual({ id })
    const unknown = await room.ask('PUT', `${PORTALS}/guarded`, { body: { policies: [id] } })
    expect(unknown).toMatchObject({
      status: 400,
      body: { errors: [{ message: expect.stringContaining('policies.0') }] },
    })
    for (const bad of [{ decision: 'quarantine' }, { include: [{ geo: { country_code: 'pt' } }] }, { include: [] }]) {
      expect((await room.ask('POST', '/access/policies', { body: { ...policy, ...bad } })).status).toBe(400)
    }
  })

  test("a service token's secret is shown once, kept as a digest, rotated with grace and refreshed", async () => {
    const tokens = '/access/service_tokens'
    const made = (await room.ask('POST', tokens, { body: { name: 'bot' } })).body.result
    expect(made).toMatchObject({ duration: '8760h', enabled: true, client_secret_version: 1 })
    expect(made.client_id).toMatch(/^[0-9a-f]{32}\.access$/)
    expect(made.client_secret).toMatch(/^ptst_[0-9A-Za-z]{48}$/)
    expect(Date.parse(String(made.expires_at)) - Date.parse(String(made.created_at))).toBeCloseTo(31_536_000_000, -3)
    const path = `${tokens}/${made.id}`
    expect((await room.ask('GET', path)).body.result).not.toHaveProperty('client_secret')
    const row = () =>
      room.at.store.db
        .selectFrom('service_tokens')
        .selectAll()
        .where('id', '=', String(made.id))
        .executeTakeFirstOrThrow()
    expect(JSON.stringify(await row())).not.toContain(made.client_secret)

    const until = new Date(room.clock.now() + 3_600_000).toISOString()
    const rotated = (await room.ask('POST', `${path}/rotate`, { body: { previous_client_secret_expires_at: until } }))
      .body.result
    expect(rotated.client_id).toBe(made.client_id)
    expect(rotated.client_secret).not.toBe(made.client_secret)
    expect(await row()).toMatchObject({
      secret_digest: digest(String(rotated.client_secret)),
      previous_secret_digest: digest(String(made.client_secret)),
      previous_expires_at: Date.parse(until),
      client_secret_version: 2,
    })
    await room.ask('POST', `${path}/rotate`)
    expect(await row()).toMatchObject({ previous_secret_digest: null, client_secret_version: 3 })
    const raised = (await room.ask('PUT', path, { body: { client_secret_version: 4 } })).body.result
    expect(raised.client_secret).toMatch(/^ptst_/)
    expect((await room.ask('PUT', path, { body: { client_secret_version: 9 } })).status).toBe(400)

    room.clock.move(60_000)
    const refreshed = (await room.ask('POST', `${path}/refresh`)).body.result
    expect(Date.parse(String(refreshed.expires_at))).toBeGreaterThan(Date.parse(String(made.expires_at)) + 59_000)
    const disabled = (await room.ask('PUT', path, { body: { enabled: false, name: 'off' } })).body.result
    expect(disabled).toMatchObject({ enabled: false, name: 'off', expires_at: refreshed.expires_at })
    expect((await room.ask('DELETE', path)).body.result.id).toBe(made.id)
    expect((await room.ask('GET', path)).status).toBe(404)
  })

  test('only an owner makes a service token that never expires', async () => {
    const body = { name: 'eternal', duration: 'forever' }
    expect((await room.ask('POST', '/access/service_tokens', { body, token: await room.token('admin') })).status).toBe(
      403,
    )
    expect((await room.ask('POST', '/access/service_tokens', { body })).body.result).not.toHaveProperty('expires_at')
    for (const duration of ['1d', '', '0h', '99999999h']) {
      expect((await room.ask('POST', '/access/service_tokens', { body: { name: 'x', duration } })).status).toBe(400)
    }
  })

  test('an access token belongs to one user and one portal, and can be revoked', async () => {
    await room.ask('POST', PORTALS, { body: portalBody('team') })
    const made = (await room.ask('POST', '/tokens/access', { body: { email: 'Ada@Acme.test', portal: 'team' } })).body
      .result
    expect(made).toMatchObject({ email: 'ada@acme.test', portal: 'team', revoked_at: null })
    expect(made.token).toMatch(/^ptat_/)
    const again = (await room.ask('POST', '/tokens/access', { body: { email: 'ada@acme.test', portal: 'team' } })).body
      .result
    expect(again.user_id).toBe(made.user_id)
    const listed = (await room.ask('GET', '/tokens/access?search=acme')).body.result
    expect(listed).toHaveLength(2)
    expect(JSON.stringify(listed)).not.toContain('ptat_')
    const revoked = (await room.ask('DELETE', `/tokens/access/${made.id}`)).body.result
    expect(revoked.revoked_at).not.toBeNull()
    expect((await room.ask('GET', '/access/users?search=ada')).body.result).toMatchObject([{ email: 'ada@acme.test' }])
    const past = new Date(room.clock.now() - 1000).toISOString()
    expect(
      (await room.ask('POST', '/tokens/access', { body: { email: 'a@b.c', portal: 'team', expires_at: past } })).status,
    ).toBe(400)
    expect((await room.ask('POST', '/tokens/access', { body: { email: 'a@b.c', portal: 'nowhere' } })).status).toBe(400)
  })
})
