/** Portals behind portals: how far a call goes, and that no portal stands behind itself. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { json, legacy, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const LOGS = '/access/ai-controls/mcp/logs'

let a: TestPortal
let b: TestPortal
let modernServer: ScriptedServer
let oldServer: ScriptedServer
let tokens: Map<TestPortal, string>

const content = [{ type: 'text', text: 'done' }]

async function stand(portal: TestPortal, id: string, behind: TestPortal): Promise<void> {
  const auth_credentials = await behind.userToken(`${id}@acme.test`)
  const body = { id, name: id, hostname: `${behind.url}/mcp`, auth_type: 'bearer', auth_credentials }
  const made = await portal.api('POST', SERVERS, body)
  if (!made.body.success) throw new Error(JSON.stringify(made.body))
}

function attach(portal: TestPortal, ...ids: string[]) {
  const servers = ids.map((server_id) => ({ server_id }))
  return portal.api('PUT', '/access/ai-controls/mcp/portals/default', { servers })
}

function caller(portal: TestPortal) {
  return bearer(tokens.get(portal) ?? '')
}

async function callAt(portal: TestPortal, name: string, meta: object = {}) {
  const answer = await ask2026(`${portal.url}/mcp`, caller(portal), 'tools/call', { name, arguments: {}, _meta: meta })
  return JSON.stringify(messageOf(answer))
}

function calls(): number {
  return modernServer.asked('tools/call').length + oldServer.asked('tools/call').length
}

async function loopsAt(portal: TestPortal): Promise<number> {
  const rows = await portal.api<{ error: string | null }[]>('GET', `${LOGS}?phase=ended&limit=1000`)
  return rows.body.result.filter(({ error }) => error === 'portal-loop').length
}

beforeAll(async () => {
  modernServer = await startScripted(
    modern((seen, response) => json(response, result(seen, { resultType: 'complete', content }))),
  )
  oldServer = await startScripted(legacy((seen, response) => json(response, result(seen, { content }))))
  a = await startTestPortal()
  b = await startTestPortal()
  await a.furnish([
    { id: 'new', url: `${modernServer.origin}/mcp` },
    { id: 'old', url: `${oldServer.origin}/mcp` },
  ])
  await stand(b, 'a', a)
  await attach(b, 'a')
  await stand(a, 'b', b)
  await attach(a, 'new', 'old', 'b')
  await b.api('POST', `${SERVERS}/a/sync`)
  await a.api('POST', `${SERVERS}/b/sync`)
  tokens = new Map([
    [a, await a.userToken('ada@acme.test')],
    [b, await b.userToken('ada@acme.test')],
  ])
})
afterAll(async () => {
  await Promise.all([a?.close(), b?.close(), modernServer?.close(), oldServer?.close()])
})

describe('a call that goes round', () => {
  test('reaches a server behind three portals, whichever era it speaks', async () => {
    for (const [id, server] of Object.entries({ new: modernServer, old: oldServer })) {
      expect(await callAt(a, `${id}_echo`)).toContain('done')
      expect(await callAt(a, `b_a_${id}_echo`)).toContain('done')
      const hops = server.asked('tools/call').map(({ body }) => body.params?._meta)
      expect(hops).toMatchObject([{ 'dev.portico/hop': 1 }, { 'dev.portico/hop': 3 }])
    }
  })

  // [EGRESS-3]
  test('ends at the fourth portal, which says why, and nothing is called', async () => {
    const before = calls()
    const told = await callAt(b, 'a_b_a_new_echo')
    expect(told).toContain('has gone through 3 portals')
    expect(told).toContain('"isError":true')
    expect(calls()).toBe(before)
    expect([await loopsAt(a), await loopsAt(b)]).toEqual([1, 0])
  })

  test('is not brought further by a caller that makes up its own count', async () => {
    const before = calls()
    for (const hop of [3, 4, -1, -1000, 0.5, '0', null, 1e308]) {
      expect(await callAt(a, 'new_echo', { 'dev.portico/hop': hop })).toContain('has gone through 3 portals')
    }
    const { ask } = await open2025(`${a.url}/mcp`, caller(a))
    const old = await ask('tools/call', { name: 'new_echo', arguments: {}, _meta: { 'dev.portico/hop': 3 } })
    expect(old.text).toContain('has gone through 3 portals')
    expect(calls()).toBe(before)
    expect(await loopsAt(a)).toBe(10)
    expect(await callAt(b, 'a_b_a_new_echo', { 'dev.portico/hop': 0 })).toContain('has gone through 3 portals')
    expect(calls()).toBe(before)
    expect(await callAt(a, 'new_echo', { 'dev.portico/hop': 2, mine: { kept: 1 } })).toContain('done')
    expect(modernServer.asked('tools/call').at(-1)?.body.params?._meta).toMatchObject({
      'dev.portico/hop': 3,
      mine: { kept: 1 },
    })
  })
})

// [EGRESS-3]
test('lists that go round come to an end, and what was listed before stays', async () => {
  const stateOf = async (portal: TestPortal, id: string) =>
    (await portal.api<{ status: string; error?: string; tools: { name: string }[] }>('GET', `${SERVERS}/${id}`)).body
      .result
  // Each change of a list is told and read anew, so this goes on by itself until somebody counts to three.
  await vi.waitFor(async () => expect((await stateOf(a, 'b')).status).toBe('error'), 60_000)
  const told = await stateOf(a, 'b')
  expect(told.error).toContain('it may have this one behind it')
  expect(told.tools.map(({ name }) => name)).toContain('a_new_echo')
  for (let round = 0; round < 3; round++) {
    await b.api('POST', `${SERVERS}/a/sync`)
    await a.api('POST', `${SERVERS}/b/sync`)
  }
  expect((await stateOf(a, 'b')).tools).toEqual(told.tools)
  expect((await stateOf(b, 'a')).status).toBe('ready')
  expect(await callAt(a, 'b_a_new_echo')).toContain('done')
  const listed = await ask2026(`${a.url}/mcp`, caller(a), 'tools/list')
  expect(listed.text).not.toContain('dev.portico')
})

test('a portal is not put behind itself, under any of its addresses', async () => {
  const before = (await a.api<unknown[]>('GET', SERVERS)).body.result.length
  const { port } = new URL(a.url)
  for (const host of ['127.0.0.1', 'localhost', 'LOCALHOST.', '127.9.9.9', '[::1]', '0x7f.1', 'x.localhost']) {
    const body = { id: 'self', name: 'self', hostname: `http://${host}:${port}/mcp`, auth_type: 'unauthenticated' }
    const made = await a.api('POST', SERVERS, body)
    expect([made.status, made.body.errors[0]?.message], host).toEqual([
      400,
      'hostname: is this portal itself, which cannot stand behind itself',
    ])
  }
  await a.api('POST', '/access/ai-controls/mcp/portals', { id: 'team', name: 'T', hostname: 'team.example.com' })
  for (const hostname of ['https://team.example.com/mcp', 'http://Team.Example.Com.:81/p/team/mcp']) {
    const made = await a.api('POST', SERVERS, { id: 'self', name: 's', hostname, auth_type: 'unauthenticated' })
    expect(made.status).toBe(400)
  }
  expect((await a.api<unknown[]>('GET', SERVERS)).body.result).toHaveLength(before)
})

test('a published portal is not put behind its public name, and its own machine is closed to its servers', async () => {
  const portal = await startTestPortal({ config: { publicUrl: 'https://mcp.example.com' } })
  try {
    const { port } = new URL(a.url)
    for (const [hostname, says] of [
      ['https://mcp.example.com/mcp', 'this portal itself'],
      [`http://127.0.0.1:${port}/mcp`, 'allow_private'],
      [`http://localhost:${port}/mcp`, 'allow_private'],
    ]) {
      const made = await portal.api('POST', SERVERS, { id: 's', name: 's', hostname, auth_type: 'unauthenticated' })
      expect([made.status, made.body.errors[0]?.message.includes(says ?? '')]).toEqual([400, true])
    }
  } finally {
    await portal.close()
  }
})
