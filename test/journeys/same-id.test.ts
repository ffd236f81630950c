/**
 * Two callers with the same JSON-RPC id at the same moment on one shared upstream connection each get their own answer.
 * Raw HTTP, because every client library counts its ids upwards by itself.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everythingStdio, type HttpPeer, startEverythingHttp, startEverythingSse } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'

const HANDSHAKE = '2025-11-25'
const STATELESS = '2026-07-28'

const dir = mkdtempSync(join(tmpdir(), 'journey-same-id-'))
const starts = join(dir, 'starts')

let portal: TestPortal
let http: HttpPeer
let sse: HttpPeer

beforeAll(async () => {
  http = await startEverythingHttp()
  sse = await startEverythingSse()
  portal = await startTestPortal()
  const stdio = everythingStdio()
  await portal.furnish([
    { id: 'http', url: http.url },
    { id: 'sse', url: sse.url },
    { id: 'stdio', stdio: { ...stdio, args: ['--import', noteStart(), ...stdio.args] } },
  ])
})

afterAll(async () => {
  await portal?.close()
  await http?.stop()
  await sse?.stop()
  rmSync(dir, { recursive: true, force: true })
})

const shared = [
  { server: 'http', what: 'one Streamable HTTP session', opened: () => count(http, 'Session initialized') },
  { server: 'sse', what: 'one SSE session', opened: () => count(sse, 'Client Connected') },
  { server: 'stdio', what: 'one stdio child', opened: () => started().length },
] as const

for (const { server, what, opened } of shared) {
  describe(`two callers on ${what}`, () => {
    let ada: Caller
    let bob: Caller

    beforeAll(async () => {
      ada = statelessCaller(await portal.userToken('ada@example.com'))
      bob = await sessionCaller(await portal.userToken('bob@example.com'))
      // The first call may open the connection that all later ones share.
      await ada(0, `${server}_echo`, { message: 'open' })
    })

    // [CALLER-1]
    test('get their own answers while both calls run', async () => {
      const before = opened()
      const tool = `${server}_trigger-long-running-operation`
      // The later call ends first, so an answer that is matched by order or by the callers' id goes astray.
      const [slow, quick] = await Promise.all([
        ada(1, tool, { duration: 0.6, steps: 2 }),
        bob(1, tool, { duration: 0.2, steps: 1 }),
      ])
      expect(slow).toMatchObject({ id: 1, result: { content: [{ text: expect.stringContaining('Steps: 2') }] } })
      expect(quick).toMatchObject({ id: 1, result: { content: [{ text: expect.stringContaining('Steps: 1') }] } })
      expect(opened() - before).toBe(0)
    })

    // [CALLER-1]
    test('get their own answers through a storm of one id', async () => {
      const before = opened()
      const calls = Array.from({ length: 40 }, async (_, index) => {
        const message = `${index % 2 === 0 ? 'ada' : 'bob'} ${index}`
        const answer = await (index % 2 === 0 ? ada : bob)('same', `${server}_echo`, { message })
        expect(answer).toMatchObject({ id: 'same', result: { content: [{ text: `Echo: ${message}` }] } })
      })
      await Promise.all(calls)
      expect(opened() - before).toBe(0)
    })
  })
}

type Caller = (id: string | number, tool: string, args: Record<string, unknown>) => Promise<unknown>

/** A caller of 2026: every request stands alone. */
function statelessCaller(token: string): Caller {
  return async (id, name, args) => {
    const _meta = {
      'io.modelcontextprotocol/protocolVersion': STATELESS,
      'io.modelcontextprotocol/clientCapabilities': {},
    }
    const response = await post(
      token,
      { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args, _meta } },
      { 'mcp-protocol-version': STATELESS, 'mcp-method': 'tools/call', 'mcp-name': name },
    )
    return read(response)
  }
}

/** A caller of 2025: shakes hands first and keeps the session. */
async function sessionCaller(token: string): Promise<Caller> {
  const params = { protocolVersion: HANDSHAKE, capabilities: {}, clientInfo: { name: 'raw', version: '1.0.0' } }
  const hello = await post(token, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, {})
  expect(await read(hello)).toMatchObject({ id: 0, result: { protocolVersion: HANDSHAKE } })
  const session = {
    'mcp-protocol-version': HANDSHAKE,
    'mcp-session-id': hello.headers.get('mcp-session-id') ?? '',
  }
  const noted = await post(token, { jsonrpc: '2.0', method: 'notifications/initialized' }, session)
  expect(noted.status).toBe(202)
  return async (id, name, args) =>
    read(await post(token, { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } }, session))
}

function post(token: string, message: unknown, headers: Record<string, string>): Promise<Response> {
  return fetch(`${portal.url}/p/default/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...headers,
    },
    body: JSON.stringify(message),
  })
}

/** The response message, whether it came as JSON or as the last event of a stream. */
async function read(response: Response): Promise<unknown> {
  const text = await response.text()
  if (response.headers.get('content-type')?.startsWith('text/event-stream') !== true) return JSON.parse(text)
  const data = text.split('\n').filter((line) => line.startsWith('data: {'))
  return JSON.parse((data.at(-1) ?? 'data: null').slice(6))
}

/** A module that each stdio child runs first: it leaves a line in a file. */
function noteStart(): string {
  const code = `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(starts)}, 'started\\n')`
  return `data:text/javascript,${encodeURIComponent(code)}`
}

function started(): string[] {
  return existsSync(starts) ? readFileSync(starts, 'utf8').trim().split('\n') : []
}

function count(peer: HttpPeer, mark: string): number {
  return peer.log().split(mark).length - 1
}
