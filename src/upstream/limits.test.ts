/** How much one server may be given to do at one time, over each transport that can be scripted. */
import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  type Seen,
  startScripted,
} from '../../test/scripted-server.ts'
import { ASKS_NOTHING, openRoom, type Room } from '../../test/upstream-room.ts'
import { Cancellation } from '../base/cancel.ts'
import { LIMITS } from '../config/limits.ts'

let room: Room
let server: ScriptedServer
afterEach(async () => {
  await room?.close()
  await server?.close()
})

const ERAS: [string, (calls: Script) => Script][] = [
  ['2025', legacy],
  ['2026', modern],
]

describe.each(ERAS)('a server of %s', (_, era) => {
  test('a connection that has as many calls in flight as it may takes no more until one ends', async () => {
    const held: (() => void)[] = []
    let arrived = () => {}
    const bothArrived = new Promise<void>((resolve) => {
      arrived = () => held.length === 2 && resolve()
    })
    server = await startScripted(
      era((seen, response) => {
        if (seen.body.method !== 'tools/call') return void response.writeHead(405).end()
        held.push(() => json(response, result(seen, { resultType: 'complete', content: [] })))
        arrived()
      }),
    )
    room = await openRoom({ limits: { inFlight: 2 } })
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    const two = [room.tool(uid, 'echo', {}), room.tool(uid, 'echo', {})]
    await bothArrived
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-busy' })
    expect(server.asked('tools/call')).toHaveLength(2)
    for (const answer of held) answer()
    await Promise.all(two)
    const third = room.tool(uid, 'echo', {})
    await expect.poll(() => held.length).toBe(3)
    held[2]?.()
    await third
  })
})

test('more calls than there may be connections wait, and all are answered', async () => {
  const held: (() => void)[] = []
  let isReleased = false
  const sockets = new Set<unknown>()
  server = await startScripted(
    modern((seen, response, request) => {
      sockets.add(request.socket)
      const answer = () => json(response, result(seen, { resultType: 'complete', content: [] }))
      if (isReleased) answer()
      else held.push(answer)
    }),
  )
  room = await openRoom()
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const most = LIMITS.upstream_connections.value
  const calls = Array.from({ length: most + 40 }, () => room.tool(uid, 'echo', {}))
  await expect.poll(() => held.length).toBe(most)
  isReleased = true
  for (const answer of held) answer()
  await Promise.all(calls)
  expect(server.asked('tools/call')).toHaveLength(most + 40)
  expect(sockets.size).toBeLessThanOrEqual(most)
})

describe('whatever is sent to a server carries headers of our list and nothing else', () => {
  const EVERY = ['accept-encoding', 'authorization', 'connection', 'host', 'user-agent']
  const MESSAGE = [...EVERY, 'accept', 'content-length', 'content-type', 'mcp-protocol-version', 'mcp-session-id']
  const STREAM = [...EVERY, 'accept', 'cache-control', 'mcp-protocol-version', 'mcp-session-id']
  const MODERN = [...MESSAGE, 'mcp-method', 'mcp-name']

  function headersOf(seen: Seen): string[] {
    return seen.raw.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  }
  function expectOnly(method: string, allowed: readonly string[]): void {
    const requests = server.seen.filter((seen) => seen.method === method)
    expect(requests.length, method).toBeGreaterThan(0)
    for (const seen of requests) {
      expect(headersOf(seen).filter((name) => !allowed.includes(name))).toEqual([])
      expect(new Set(headersOf(seen)).size).toBe(headersOf(seen).length)
      expect(seen.headers.authorization).toBe('Bearer the-servers-own')
      expect(seen.headers['accept-encoding']).toBe('identity')
    }
  }

  test('with a session: handshake, notifications, calls, cancellation, the listening stream and the end', async () => {
    const session = { 'mcp-session-id': 'session-1' }
    let arrived = () => {}
    const isThere = new Promise<void>((resolve) => {
      arrived = resolve
    })
    server = await startScripted(
      legacy((seen, response) => {
        if (seen.method === 'GET')
          return void response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
        if (seen.method === 'DELETE' || seen.body.id === undefined) return void response.writeHead(202).end()
        arrived()
      }, session),
    )
    room = await openRoom()
    const uid = await room.add('s', { url: `${server.origin}/mcp`, authType: 'bearer', credential: 'the-servers-own' })
    const cancel = new Cancellation()
    const call = room.tool(uid, 'echo', {}, { cancel })
    await isThere
    cancel.cancel('enough')
    await expect(call).rejects.toMatchObject({ code: 'cancelled' })
    await expect.poll(() => server.asked('notifications/cancelled').length).toBe(1)
    await expect.poll(() => server.seen.some(({ method }) => method === 'GET')).toBe(true)
    await room.upstreams.close()
    await expect.poll(() => server.seen.some(({ method }) => method === 'DELETE')).toBe(true)
    // The first request asks what the server speaks, as a client of 2026 would.
    expectOnly('POST', MODERN)
    expectOnly('GET', STREAM)
    expectOnly('DELETE', STREAM)
    for (const seen of server.seen.filter(({ body }) => body.method === 'tools/call')) {
      expect(headersOf(seen).filter((name) => !MESSAGE.includes(name))).toEqual([])
    }
  })

  test('over HTTP+SSE: the stream, and what is posted to the address that it named', async () => {
    let stream: ServerResponse | null = null
    const say = (message: unknown) => stream?.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
    server = await startScripted((seen, response) => {
      if (seen.method === 'GET') {
        stream = response
        response.writeHead(200, { 'content-type': 'text/event-stream' })
        return void response.write('event: endpoint\ndata: /messages\n\n')
      }
      if (seen.path === '/sse') return void response.writeHead(405).end()
      response.writeHead(202).end()
      if (seen.body.id === undefined) return
      const { method } = seen.body
      const tools = { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }
      const shaken = {
        protocolVersion: '2024-11-05',
        capabilities: { tools: {} },
        serverInfo: { name: 's', version: '1' },
      }
      say(result(seen, method === 'initialize' ? shaken : method === 'tools/list' ? tools : { content: [] }))
    })
    room = await openRoom()
    const uid = await room.add('s', {
      ...{ url: `${server.origin}/sse`, relay: ASKS_NOTHING },
      ...{ authType: 'bearer', credential: 'the-servers-own' },
    })
    await room.tool(uid, 'echo', {})
    expectOnly('GET', STREAM)
    expectOnly('POST', MODERN)
  })
})
