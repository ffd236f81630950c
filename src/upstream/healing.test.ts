/** Connections that break, servers that come back, sessions that are forgotten: what is sent again, and what never. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import { freePort } from '../../test/portico-process.ts'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  startScripted,
} from '../../test/scripted-server.ts'
import { openRoom, type Room, textOf } from '../../test/upstream-room.ts'

let room: Room
const servers: ScriptedServer[] = []
const start = async (script: Script, port = 0): Promise<ScriptedServer> => {
  const server = await startScripted(script, port)
  servers.push(server)
  return server
}

beforeEach(async () => {
  room = await openRoom({ limits: { refusedMs: 60_000 } })
})
afterEach(async () => {
  await room.close()
  for (const server of servers.splice(0)) await server.close()
})

/** A room that has given a server up after a moment, for what ends by that. */
async function inHaste(): Promise<void> {
  await room.close()
  room = await openRoom({ limits: { refusedMs: 1500 } })
}

const answer: Script = (seen, response) =>
  json(response, result(seen, { resultType: 'complete', content: [{ type: 'text', text: 'yes' }] }))

// [HEAL-4]
test('a call is not sent again when its connection breaks, and is known to be lost', async () => {
  const server = await start(modern((_seen, _response, request) => void request.socket.destroy()))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-lost' })
  expect(server.asked('tools/call').length).toBe(1)
})

test('a read is sent again once when its connection breaks', async () => {
  let times = 0
  const server = await start(
    modern((seen, response, request) => {
      times++
      if (times === 1) return void request.socket.destroy()
      json(response, result(seen, { resultType: 'complete', contents: [] }))
    }),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(await room.call(uid, 'resources/read', { uri: 'a:b' })).toMatchObject({ contents: [] })
  expect(times).toBe(2)
})

test('a refused connection is tried again until the server is back', async () => {
  const server = await start(modern(answer), await freePort())
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await server.close()
  const work = room.tool(uid, 'echo', {})
  setTimeout(() => void start(modern(answer), server.port), 300)
  expect(textOf(await work)).toBe('yes')
})

test('a server that stays away is unreachable, and nothing was sent', async () => {
  await inHaste()
  const server = await start(modern(answer))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await server.close()
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-unreachable' })
})

test('a call whose handshake breaks waits for the next one, and is sent once', async () => {
  let greeted = 0
  const server = await start((seen, response, request) => {
    if (seen.body.method === 'server/discover' && ++greeted === 2) request.socket.destroy()
    else modern(answer)(seen, response, request)
  })
  // The first handshake is the sync's; the caller has a connection of its own.
  const uid = await room.add('s', { url: `${server.origin}/mcp`, isolation: 'per_user' })
  expect(textOf(await room.tool(uid, 'echo', {}))).toBe('yes')
  expect([greeted, server.asked('tools/call').length]).toEqual([3, 1])
})

test('a sync whose handshake breaks waits for the next one', async () => {
  let greeted = 0
  const server = await start((seen, response, request) => {
    if (seen.body.method === 'server/discover' && ++greeted <= 2) request.socket.destroy()
    else modern(answer)(seen, response, request)
  })
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'ready', error: null })
  expect(greeted).toBe(3)
})

test('a sync of a server that breaks every handshake ends, and says so', async () => {
  await inHaste()
  const server = await start((_seen, _response, request) => void request.socket.destroy())
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'error', error: expect.stringContaining('Server s') })
  expect(server.asked('server/discover').length).toBeGreaterThan(2)
  expect(server.asked('tools/list')).toEqual([])
})

test('a sync does not start a child that ends in its handshake again and again', async () => {
  const starts = join(room.dir, 'starts')
  const peer = child(`require('node:fs').appendFileSync(${JSON.stringify(starts)}, 'x'); process.exit(1)`)
  const uid = await room.add('s', { stdio: peer })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'error' })
  // In the modern form and in the old one.
  expect(await readFile(starts, 'utf8')).toBe('xx')
})

test('a server that breaks every handshake is unreachable: nothing was sent', async () => {
  await inHaste()
  const server = await start((_seen, _response, request) => void request.socket.destroy())
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({
    code: 'upstream-unreachable',
    message: expect.stringContaining('Nothing was sent'),
  })
  expect(server.asked('tools/call')).toEqual([])
})

test.each([502, 503, 504])('while a proxy says %i, a read is tried again and a call is not', async (status) => {
  let times = 0
  const server = await start(
    modern((seen, response, request) => {
      if (seen.body.method === 'tools/call' || ++times < 4) return void response.writeHead(status).end()
      answer(seen, response, request)
    }),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(await room.call(uid, 'resources/read', { uri: 'a:b' })).toMatchObject({ resultType: 'complete' })
  expect(times).toBe(4)
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({
    code: 'upstream-lost',
    message: expect.stringMatching(/^Server s is away: .* Check whether the call took effect before you repeat it\.$/),
  })
  expect(server.asked('tools/call').length).toBe(1)
})

test.each([502, 503, 504])(
  'a %i in the handshake says that the server is away and nothing was sent',
  async (status) => {
    await inHaste()
    const server = await start((_seen, response) => void response.writeHead(status).end())
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({
      code: 'upstream-unreachable',
      message: expect.stringContaining('Nothing was sent'),
    })
    expect(server.asked('tools/call')).toEqual([])
  },
)

test('a read that met a 503 was sent, also where nobody answers any more after it', async () => {
  await inHaste()
  const server = await start(
    modern((_seen, response) => {
      response.on('close', () => void server.close())
      response.writeHead(503, { connection: 'close' }).end()
    }),
  )
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.call(uid, 'resources/read', { uri: 'a:b' })).rejects.toMatchObject({ code: 'upstream-lost' })
  expect(server.asked('resources/read').length).toBe(1)
})

test('a read that its server does not survive is sent three times and no more', async () => {
  const server = await start(modern((_seen, _response, request) => void request.socket.destroy()))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  await expect(room.call(uid, 'resources/read', { uri: 'a:b' })).rejects.toMatchObject({ code: 'upstream-lost' })
  expect(server.asked('resources/read').length).toBe(3)
})

describe('a session that the server has forgotten', () => {
  /** @param gone how the server says so */
  const forgetful = (gone: (id: number | undefined) => [number, unknown]): { script: Script; sessions: string[] } => {
    const sessions: string[] = []
    const known = new Set<string>()
    const script: Script = (seen, response, request) => {
      if (seen.body.method === 'initialize') {
        const id = `session-${sessions.length}`
        sessions.push(id)
        known.add(id)
        return legacy(() => {}, { 'mcp-session-id': id })(seen, response, request)
      }
      if (seen.method === 'GET') return void response.writeHead(405).end()
      if (seen.body.method === 'forget') {
        known.clear()
        return json(response, result(seen, {}))
      }
      if (seen.body.method !== 'server/discover' && !known.has(seen.headers['mcp-session-id'] ?? '')) {
        const [status, body] = gone(seen.body.id)
        return json(response, body, status)
      }
      return legacy(answer)(seen, response, request)
    }
    return { script, sessions }
  }
  const ways: [string, (id: number | undefined) => [number, unknown]][] = [
    ['404', () => [404, { jsonrpc: '2.0', id: null, error: { code: -32001, message: 'Session not found' } }]],
    ['an empty 404', () => [404, '']],
    [
      '400 with our id',
      (id) => [400, { jsonrpc: '2.0', id, error: { code: -32000, message: 'No valid session ID provided' } }],
    ],
  ]
  // [HEAL-2]
  test.each(ways)('is made anew once for all who find out (%s)', async (_how, gone) => {
    const { script, sessions } = forgetful(gone)
    const server = await start(script)
    const uid = await room.add('s', { url: `${server.origin}/mcp` })
    await room.call(uid, 'forget')
    const before = sessions.length
    const answers = await Promise.all([1, 2, 3, 4, 5].map(() => room.tool(uid, 'echo', {})))
    expect(answers.map(textOf)).toEqual(['yes', 'yes', 'yes', 'yes', 'yes'])
    expect(sessions.length).toBe(before + 1)
  })
})

test('a server that was upgraded is found out by the call that fails, and the call succeeds', async () => {
  const server = await start(legacy(answer))
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(room.upstreams.inventory(uid)?.era).toBe('2025')
  server.script = (seen, response, request) => {
    const isModern = seen.headers['mcp-protocol-version'] === '2026-07-28'
    if (!isModern) return json(response, { jsonrpc: '2.0', id: null, error: { code: -32022, message: 'v' } }, 400)
    modern(answer)(seen, response, request)
  }
  expect(textOf(await room.tool(uid, 'echo', {}))).toBe('yes')
})
