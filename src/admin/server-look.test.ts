import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, PORTALS, SERVERS, type Shown, serverBody } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { everythingStdio } from '../../test/peers/servers.ts'
import { json, legacy, modern, type ScriptedServer, startScripted } from '../../test/scripted-server.ts'

const PROBE = `${SERVERS}/probe`
const nothingElse = (_: unknown, response: Parameters<typeof json>[0]) => json(response, {})

describe('looking at an address', () => {
  let room: AdminRoom
  let open: ScriptedServer
  beforeAll(async () => {
    open = await startScripted(modern(nothingElse))
    room = await openAdminRoom()
  })
  afterAll(async () => {
    await room.end()
    await open.close()
  })

  const steps = (result: unknown) =>
    (result as { steps: { step: string; ok: boolean }[] }).steps.map(({ step, ok }) => `${step} ${ok}`)
  const probe = async (body: object) => (await room.ask('POST', PROBE, { body })).body

  test('a server of 2026 is described, and nothing of it is kept', async () => {
    const { result } = await probe({ hostname: `${open.origin}/mcp` })
    expect(steps(result)).toEqual(
      ['address', 'connect', 'transport', 'era', 'auth', 'lists'].map((step) => `${step} true`),
    )
    const found = { auth_type: 'unauthenticated', transport: 'http', era: '2026', tool_count: 1, prompt_count: 0 }
    expect(result.found).toMatchObject({ hostname: `${open.origin}/mcp`, ...found })
    expect((await room.ask('GET', SERVERS)).body.result).toEqual([])
  })

  test('a server of 2025 is described, with what it calls itself', async () => {
    const old = await startScripted(legacy(nothingElse))
    const { result } = await probe({ hostname: `${old.origin}/mcp` })
    expect(result.found).toMatchObject({ era: '2025', name: 's', version: '1', tool_count: 1 })
    await old.close()
  })

  test('one that wants a token says so, and takes the right one', async () => {
    const list = modern(nothingElse)
    const closed = await startScripted((seen, response, request) =>
      seen.headers.authorization === 'Bearer s3cret' ? list(seen, response, request) : json(response, {}, 401),
    )
    const hostname = `${closed.origin}/mcp`
    const without = (await probe({ hostname })).result
    expect(steps(without)).toEqual(['address true', 'connect true', 'auth false'])
    expect(without.found).toEqual({ hostname, auth_type: 'bearer' })
    const wrong = (await probe({ hostname, auth_credentials: 'other' })).result
    expect(steps(wrong)).toEqual(['address true', 'connect true', 'auth false'])
    const right = await probe({ hostname, auth_credentials: 's3cret' })
    expect(right.result.found).toMatchObject({ auth_type: 'bearer', tool_count: 1 })
    expect(JSON.stringify([without, wrong, right])).not.toContain('s3cret')
    await closed.close()
  })

  test('a web page is told from a server', async () => {
    const page = await startScripted((_, response) => json(response, '<html></html>', 404))
    expect(steps((await probe({ hostname: `${page.origin}/mcp` })).result)).toEqual([
      'address true',
      'connect true',
      'transport false',
    ])
    await page.close()
  })

  test('a child process is not looked at from here', async () => {
    const refused = await room.ask('POST', PROBE, { body: { hostname: 'stdio://files' } })
    expect(refused.status).toBe(400)
  })

  test('an inner address is opened by an owner alone', async () => {
    const token = await room.token('admin')
    const body = { hostname: 'http://10.0.0.5/mcp', allow_private: ['10.0.0.5:80'] }
    expect((await room.ask('POST', PROBE, { body, token })).status).toBe(403)
  })
})

// [S7]
test('what is closed, silent, open to something else or refused by the guard cannot be told apart, by words or by time', async () => {
  const sockets = new Set<{ destroy(): void }>()
  const listen = async (greet: string | null): Promise<{ server: Server; port: number }> => {
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      if (greet !== null) socket.end(greet)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return { server, port: (server.address() as AddressInfo).port }
  }
  const [silent, mail] = [await listen(null), await listen('220 mail.example.com ESMTP\r\n')]
  const FLOOR_MS = 1000
  const room = await openAdminRoom('sqlite', { refusedMs: FLOOR_MS })
  const strict = await openAdminRoom('sqlite', { refusedMs: FLOOR_MS, egress: { host: '0.0.0.0' } })
  const answers = await Promise.all(
    [
      [room, `http://127.0.0.1:2/mcp`],
      [room, `http://127.0.0.1:${silent.port}/mcp`],
      [room, `http://127.0.0.1:${mail.port}/mcp`],
      [room, 'http://10.255.255.1/mcp'],
      [room, 'http://169.254.169.254/mcp'],
      [strict, `http://127.0.0.1:${silent.port}/mcp`],
      [strict, `http://127.0.0.1:2/mcp`],
    ].map(async ([at, hostname]) => {
      const startedAt = performance.now()
      const { body } = await (at as AdminRoom).ask('POST', PROBE, { body: { hostname } })
      return { body, ms: performance.now() - startedAt }
    }),
  )
  for (const { body, ms } of answers) {
    expect(body).toEqual(answers[0]?.body)
    expect(ms).toBeGreaterThanOrEqual(FLOOR_MS)
  }
  expect(JSON.stringify(answers[0]?.body)).toContain('Nothing that speaks MCP')
  for (const socket of sockets) socket.destroy()
  silent.server.close()
  mail.server.close()
  await room.end()
  await strict.end()
})

describe.each(DATABASE_KINDS)('servers on %s', (kind) => {
  let room: AdminRoom
  let open: ScriptedServer
  beforeAll(async () => {
    open = await startScripted(modern(nothingElse))
    room = await openAdminRoom(kind)
    await room.ask('POST', SERVERS, { body: serverBody('s', { hostname: `${open.origin}/mcp` }) })
  })
  afterAll(async () => {
    await room.end()
    await open.close()
  })

  test('a summary has counts and no definitions, and a whole list has both', async () => {
    const whole = (await room.ask('GET', SERVERS)).body.result[0]
    const brief = (await room.ask('GET', `${SERVERS}?summary=true`)).body.result[0]
    expect(whole).toMatchObject({ tool_count: 1, prompt_count: 0, tools: [{ name: 'echo' }] })
    expect(brief).toEqual({ ...whole, tools: [], prompts: [] })
  })

  test('a portal in a list is summed up, and one alone is told as far as it is asked for', async () => {
    const body = { id: 'p', name: 'p', hostname: 'p.localhost', servers: [{ server_id: 's', default_disabled: true }] }
    await room.ask('POST', PORTALS, { body })
    const whole = (await room.ask('GET', `${PORTALS}/p`)).body.result
    const listed = async (query: string) =>
      (await room.ask('GET', `${PORTALS}${query}`)).body.result.find(({ id }) => id === 'p')
    expect(await listed('')).toEqual(whole)
    expect(await listed('?summary=false')).toEqual(whole)
    const { servers, ...alone } = whole
    const summary = await listed('?summary=true&search=p.local')
    expect(summary).toEqual({ ...alone, server_ids: ['s'], tool_count: 1, prompt_count: 0 })

    const told = async (at: string) => (await room.ask('GET', at)).body.result
    const [server] = servers as Shown[]
    expect(server?.tools).toEqual([expect.objectContaining({ inputSchema: expect.anything() })])
    const brief = { ...server, tools: [{ name: 'echo' }] }
    expect(await told(`${PORTALS}/p?detail=brief`)).toEqual({ ...whole, servers: [brief] })
    expect(await told(`${PORTALS}/p?detail=counts`)).toEqual({ ...whole, servers: [{ ...server, tools: [] }] })
    const one = await told(`${SERVERS}/s`)
    expect(await told(`${SERVERS}/s?detail=full`)).toEqual(one)
    expect(await told(`${SERVERS}/s?detail=brief`)).toEqual({ ...one, tools: brief.tools })
    expect(await told(`${SERVERS}/s?detail=counts`)).toEqual({ ...one, tools: [] })
    expect((await room.ask('GET', `${SERVERS}/s?detail=some`)).status).toBe(400)

    // Sent back whole, neither takes anything out; and the answer is as much as was asked for.
    expect((await room.ask('PUT', `${PORTALS}/p`, { body: summary })).body.result.servers).toEqual(servers)
    const counts = await told(`${PORTALS}/p?detail=counts`)
    const put = await room.ask('PUT', `${PORTALS}/p?detail=counts`, { body: counts })
    expect(put.body.result).toEqual({ ...counts, modified_at: expect.anything() })
    expect((await told(`${PORTALS}/p`)).servers).toEqual(servers)
  })

  test('what was read may be sent back, counts and all', async () => {
    const read = (await room.ask('GET', `${SERVERS}/s`)).body.result
    const { status } = await room.ask('PUT', `${SERVERS}/s`, { body: { ...read, tool_count: 99 } })
    expect(status).toBe(200)
    expect((await room.ask('GET', `${SERVERS}/s`)).body.result.tool_count).toBe(1)
  })

  test('the processes of a stdio server are listed, and a server without any has none', async () => {
    expect((await room.ask('GET', `${SERVERS}/s/processes`)).body.result).toEqual([])
    const body = serverBody('child', { hostname: 'stdio://child', transport: { type: 'stdio', ...everythingStdio() } })
    const made = await room.ask('POST', SERVERS, { body })
    expect(made.body.result).toMatchObject({ status: 'ready' })
    // It says that its lists changed as soon as it runs, so they are read again: what stands open for its notices counts as no call.
    const processes = async () => (await room.ask('GET', `${SERVERS}/child/processes`)).body.result
    await expect.poll(processes, { timeout: 20_000 }).toEqual([
      expect.objectContaining({
        pid: expect.any(Number),
        whose: 'all',
        in_flight: 0,
        started_at: expect.any(String),
      }),
    ])
    expect((await room.ask('GET', `${SERVERS}/nothing/processes`)).status).toBe(404)
  })
})
