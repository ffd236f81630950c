/** What a server lists only to clients that can be asked something joins what is known of it, and nothing of the look stays behind. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import { everythingStdio, startEverythingHttp, startEverythingSse } from '../../test/peers/servers.ts'
import { json, legacy, modern, result, type Script, startScripted } from '../../test/scripted-server.ts'
import { ASKS_NOTHING, type CallOptions, openRoom, type Room, type RoomServer } from '../../test/upstream-room.ts'
import { systemClock } from '../base/clock.ts'
import type { ServerUid } from '../base/ids.ts'
import type { JsonObject } from '../protocol/model.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function openAt(options?: Parameters<typeof openRoom>[0]): Promise<Room> {
  const room = await openRoom(options)
  closing.push(room.close)
  return room
}

async function start(script: Script) {
  const server = await startScripted(script)
  closing.push(server.close)
  return server
}

const needsIn = (room: Room, uid: ServerUid) =>
  Object.fromEntries(
    (room.upstreams.inventory(uid)?.tools ?? []).flatMap(({ name, needs }) => (needs ? [[name, needs]] : [])),
  )

const WAYS: [string, () => Promise<RoomServer>][] = [
  ['stdio', async () => ({ stdio: everythingStdio() })],
  ['HTTP', () => startEverythingHttp().then(peerOf)],
  ['HTTP+SSE', () => startEverythingSse().then(peerOf)],
]

function peerOf({ url, stop }: { url: string; stop(): Promise<unknown> }): RoomServer {
  closing.push(stop)
  return { url }
}

// [LOOK-1]
describe.each(WAYS)('server-everything over %s', (_way, serve) => {
  test('has the tools that ask, each with what it needs of a client, and one session or child stays', async () => {
    const server = await serve()
    const room = await openAt()
    const uid = await room.add('s', { ...server, isolation: 'per_user', relay: { sampling: true } })
    expect(needsIn(room, uid)).toEqual({
      'get-roots-list': ['roots'],
      'trigger-elicitation-request': ['form'],
      'trigger-url-elicitation': ['url'],
      'trigger-sampling-request': ['sampling'],
    })
    expect(room.upstreams.figures()[0]).toMatchObject({ connections: 1, children: server.stdio === undefined ? 0 : 1 })
  })

  test('has none that an admin does not let ask, and none that is told folders where others share its session', async () => {
    const server = await serve()
    const room = await openAt()
    expect(needsIn(room, await room.add('s', { ...server, relay: { elicitation: false } }))).toEqual({})
  })
})

const tool = (name: string): JsonObject => ({ name, inputSchema: { type: 'object' } })

/** A server of 2025 whose sessions list what `toolsFor` says for what they declared. */
function listing(toolsFor: (declared: JsonObject) => string[]): Script {
  const sessions: JsonObject[] = []
  return (seen, response, request) => {
    if (seen.body.method === 'initialize') sessions.push(seen.body.params?.capabilities as JsonObject)
    const answer: Script = (one, reply) => {
      if (one.method !== 'POST') return void reply.writeHead(405).end()
      json(reply, result(one, {}))
    }
    if (seen.body.method !== 'tools/list')
      return legacy(answer, { 'mcp-session-id': `session-${sessions.length}` })(seen, response, request)
    const declared = sessions[Number(seen.headers['mcp-session-id']?.slice(8)) - 1] ?? {}
    json(response, result(seen, { tools: toolsFor(declared).map(tool) }))
  }
}

// [LOOK-1]
test('what no single thing suffices for needs all that could be declared', async () => {
  const both = ({ elicitation, roots }: JsonObject) => elicitation !== undefined && roots !== undefined
  const server = await start(listing((declared) => (both(declared) ? ['plain', 'both'] : ['plain'])))
  const room = await openAt()
  const uid = await room.add('s', { url: `${server.origin}/mcp`, isolation: 'per_user' })
  expect(needsIn(room, uid)).toEqual({ both: ['form', 'url', 'roots'] })
})

// [LOOK-2]
test('a server that lists the same to all is looked at once, and again where an admin syncs it', async () => {
  const server = await start(listing(() => ['plain']))
  const room = await openAt()
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(server.asked('initialize').map(({ body }) => body.params?.capabilities)).toEqual([
    {},
    { elicitation: { form: {}, url: {} } },
  ])
  room.upstreams.refreshResourcesSoon(uid, null)
  await room.upstreams.sync(uid)
  expect(server.asked('initialize')).toHaveLength(3)
})

/**
 * A child that keeps in a file what each process of it was told that it may ask, and says at each call that its lists changed. Its callers
 * cause syncs by themselves, which no admin asked for.
 */
async function restless(
  room: Room,
  more = '',
): Promise<{ uid: ServerUid; looks(): Promise<number>; stir(options?: CallOptions): Promise<void> }> {
  const file = join(room.dir, 'declared')
  const body = `const { appendFileSync, writeFileSync, readFileSync } = require('node:fs')
    const file = ${JSON.stringify(file)}
    const initialize = answers.initialize
    answers.ping = () => ({})
    answers.initialize = (message) => { appendFileSync(file, JSON.stringify(message.params.capabilities) + '\\n'); return initialize(message) }
    answers['tools/call'] = () => { send({ method: 'notifications/tools/list_changed' }); return text('ok') }
    ${more}`
  const uid = await room.add('s', { stdio: child(body) })
  return {
    uid,
    looks: async () => (await readFile(file, 'utf8')).split('\n').filter((line) => line.includes('elicitation')).length,
    async stir(options) {
      const before = room.upstreams.inventory(uid)?.syncedAt ?? 0
      await room.tool(uid, 'echo', {}, options)
      await expect.poll(() => room.upstreams.inventory(uid)?.syncedAt).toBeGreaterThan(before)
    },
  }
}

/** Time goes on as it does, from where a test puts it. */
function movableClock() {
  let ahead = 0
  const clock = { now: () => systemClock.now() + ahead, elapsed: () => systemClock.elapsed() }
  const skip = (ms: number) => {
    ahead += ms
  }
  return { clock, skip }
}

// [LOOK-2]
test('a server that lists the same to all is looked at again when a day has passed, and not before', async () => {
  const { clock, skip } = movableClock()
  const room = await openAt({ clock })
  const { looks, stir } = await restless(room)
  expect(await looks()).toBe(1)
  await stir()
  skip(23 * 3_600_000)
  await stir()
  expect(await looks()).toBe(1)
  skip(2 * 3_600_000)
  await stir()
  expect(await looks()).toBe(2)
  await stir()
  expect(await looks()).toBe(2)
})

// [LOOK-2]
test('it is looked at again where a list changed on a connection whose callers can be asked', async () => {
  const room = await openAt()
  const { looks, stir } = await restless(room)
  await stir()
  expect(await looks()).toBe(1)
  await stir({ askable: { form: true } })
  // The process of such a caller, and that of the look.
  expect(await looks()).toBe(3)
})

// [LOOK-3]
test('a server with room for one is not looked at again, though its lists change and days pass', async () => {
  const { clock, skip } = movableClock()
  const room = await openAt({ clock, limits: { probeMs: 300 } })
  // The latest process has the room; the ones before it say nothing any more.
  const { looks, stir } = await restless(
    room,
    `const room = file + '.room'
    const begin = answers.initialize
    answers.initialize = (message) => { writeFileSync(room, String(process.pid)); return begin(message) }
    answers.ping = () => readFileSync(room, 'utf8') === String(process.pid) ? {} : undefined`,
  )
  expect(await looks()).toBe(1)
  await stir()
  skip(25 * 3_600_000)
  await stir()
  expect(await looks()).toBe(1)
})

// [LOOK-2]
test('a server that may ask nobody anything is listed once', async () => {
  const server = await start(listing(() => ['plain']))
  const room = await openAt()
  await room.add('s', { url: `${server.origin}/mcp`, relay: ASKS_NOTHING })
  expect(server.asked('initialize')).toHaveLength(1)
})

// [LOOK-3]
test('a look that fails is no failure of the sync', async () => {
  const plain = listing(() => ['plain'])
  const server = await start((seen, response, request) => {
    const { elicitation } = (seen.body.params?.capabilities ?? {}) as JsonObject
    if (elicitation !== undefined) return void response.writeHead(500).end()
    plain(seen, response, request)
  })
  const room = await openAt()
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'ready', error: null })
  expect(room.upstreams.inventory(uid)?.tools.map(({ name }) => name)).toEqual(['plain'])
})

// [LOOK-3]
test('no child ends to make room for a look, and the sync succeeds without it', async () => {
  const room = await openAt({ stdio: { maxChildren: 1 } })
  const body = `answers['tools/call'] = () => text({ pid: process.pid })`
  const uid = await room.add('s', { stdio: child(body) })
  const pid = async () => JSON.stringify(await room.tool(uid, 'echo', {}))
  const before = await pid()
  expect((await room.upstreams.sync(uid)).status).toBe('ready')
  expect(await pid()).toBe(before)
})

// [LOOK-3]
test('a server with room for one session is called on as before, and is not looked at again by itself', async () => {
  let latest = 0
  const plain = listing(() => ['plain'])
  const server = await start((seen, response, request) => {
    if (seen.body.method === 'initialize') latest++
    const session = seen.headers['mcp-session-id']
    // The session before is heard, and answered to nobody.
    if (session !== undefined && session !== `session-${latest}` && seen.method === 'POST') return
    plain(seen, response, request)
  })
  const room = await openAt({ limits: { probeMs: 200 } })
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(await room.tool(uid, 'plain', {})).toEqual({})
})

// [LOOK-1]
test('a server of 2026 is told with the list, in no session', async () => {
  const plain = modern((seen, response) => json(response, result(seen, { resultType: 'complete' })))
  const server = await start((seen, response, request) => {
    if (seen.body.method !== 'tools/list') return plain(seen, response, request)
    const meta = seen.body.params?._meta as JsonObject
    const { elicitation } = meta['io.modelcontextprotocol/clientCapabilities'] as JsonObject
    const tools = [tool('plain'), ...(elicitation === undefined ? [] : [tool('asks')])]
    json(response, result(seen, { resultType: 'complete', tools, ttlMs: 0, cacheScope: 'public' }))
  })
  const room = await openAt()
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  expect(needsIn(room, uid)).toEqual({ asks: ['form'] })
  expect(server.asked('server/discover')).toHaveLength(1)
})

// [LOOK-4]
test('what a server says of needs is no mark, and what is marked is pinned like any other', async () => {
  const server = await start(listing(({ elicitation }) => (elicitation === undefined ? ['plain'] : ['plain', 'asks'])))
  const room = await openAt()
  const uid = await room.add('s', { url: `${server.origin}/mcp` })
  const [plain, asks] = room.upstreams.inventory(uid)?.tools ?? []
  expect(plain).not.toHaveProperty('needs')
  expect(JSON.parse(asks?.json ?? '')).toEqual(tool('asks'))
  expect(asks?.hash).toMatch(/^[0-9a-f]{64}$/)
})
