/** How long one server's calls may take, over each transport, beside a server that has the limits of all. */
import type { ServerResponse } from 'node:http'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { child } from '../../test/child-scripts.ts'
import {
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  type Seen,
  startScripted,
} from '../../test/scripted-server.ts'
import { ASKS_NOTHING, openRoom, type Room, type RoomServer, textOf } from '../../test/upstream-room.ts'
import type { JsonObject } from '../protocol/model.ts'
import { LIMITS, Watch } from './exchange.ts'

let room: Room
const servers: ScriptedServer[] = []
const start = async (script: Script): Promise<ScriptedServer> => {
  const server = await startScripted(script)
  servers.push(server)
  return server
}

beforeEach(async () => {
  // The ticks are those of a portal: a second.
  room = await openRoom()
})
afterEach(async () => {
  await room.close()
  for (const server of servers.splice(0)) await server.close()
})

const answerTo = (seen: Seen, said: string) =>
  result(seen, { resultType: 'complete', content: [{ type: 'text', text: said }] })

/** Says in `steps` events that it goes on, 250 ms apart, and answers then; nothing at all without any. */
function talking(seen: Seen, response: ServerResponse, steps: number): void {
  if (steps === 0) return
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  let step = 0
  const timer = setInterval(() => {
    const params = { progressToken: seen.body.id, progress: ++step }
    const message = step > steps ? answerTo(seen, 'yes') : { jsonrpc: '2.0', method: 'notifications/progress', params }
    response.write(`data: ${JSON.stringify(message)}\n\n`)
    if (step <= steps) return
    clearInterval(timer)
    response.end()
  }, 250)
  response.on('close', () => clearInterval(timer))
}

/** 2024: a stream that names the address for messages, on which all else comes. */
function sse(): Script {
  let stream: ServerResponse | null = null
  const write = (message: unknown) => void stream?.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
  return (seen, response) => {
    if (seen.method === 'GET') {
      stream = response
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      return void response.write('event: endpoint\ndata: /messages\n\n')
    }
    response.writeHead(202).end()
    const { method } = seen.body
    const initialized = { protocolVersion: '2024-11-05', capabilities: { tools: {} }, serverInfo: {} }
    if (method === 'initialize') return write(result(seen, initialized))
    if (method === 'tools/list')
      return write(result(seen, { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] }))
    const params = { progressToken: seen.body.id, progress: 1 }
    const steps = stepsOf(seen)
    for (let step = 1; step <= steps; step++) {
      const progress = { jsonrpc: '2.0', method: 'notifications/progress', params: { ...params, progress: step } }
      setTimeout(write, step * 250, progress)
    }
    if (steps > 0) setTimeout(write, (steps + 1) * 250, answerTo(seen, 'yes'))
  }
}

const stepsOf = (seen: Seen): number => Number((seen.body.params?.arguments as { steps?: number })?.steps ?? 0)
const calls: Script = (seen, response) => {
  if (seen.body.method === 'tools/call') talking(seen, response, stepsOf(seen))
  else response.writeHead(seen.body.method === undefined ? 405 : 202).end()
}

const KID = child(`
  answers['tools/call'] = ({ id, params }) => {
    const { steps } = params.arguments
    let step = 0
    const timer = steps && setInterval(() => {
      if (++step <= steps) return send({ method: 'notifications/progress', params: { progressToken: params._meta.progressToken, progress: step } })
      clearInterval(timer)
      send({ id, result: text('yes') })
    }, 250)
  }
`)

const TRANSPORTS: [string, () => Promise<RoomServer>][] = [
  ['HTTP of 2026', async () => ({ url: `${(await start(modern(calls))).origin}/mcp` })],
  ['HTTP of 2025', async () => ({ url: `${(await start(legacy(calls))).origin}/mcp` })],
  ['HTTP+SSE', async () => ({ url: `${(await start(sse())).origin}/sse` })],
  ['stdio', async () => ({ stdio: KID })],
]

const TALK = { progress: true }

test.each(TRANSPORTS)(
  'over %s, silence ends a call, progress holds that off, and the time in all ends it whatever comes',
  async (_, open) => {
    const patient = await room.add('patient', { ...(await open()), relay: ASKS_NOTHING, deadlines: { idleSeconds: 2 } })
    const hasty = await room.add('hasty', { ...(await open()), relay: ASKS_NOTHING, deadlines: { totalSeconds: 2 } })
    const heard: unknown[] = []
    const report = ({ params }: { params: unknown }) => void heard.push(params)
    const failed = (work: Promise<unknown>) => work.catch((error: Error) => error)
    const [silent, lively, endless] = await Promise.all([
      failed(room.tool(patient, 'echo', { steps: 0 }, TALK)),
      // Eleven times a quarter of a second: longer than any silence it may have.
      failed(room.tool(patient, 'echo', { steps: 10 }, TALK)),
      failed(room.tool(hasty, 'echo', { steps: 100 }, { ...TALK, report })),
    ])
    expect(silent).toMatchObject({ code: 'upstream-timeout' })
    expect(textOf(lively as JsonObject)).toBe('yes')
    expect(endless).toMatchObject({ code: 'upstream-timeout' })
    expect(heard.length).toBeGreaterThan(0)
  },
)

test('a server of 2024 that takes a message only when it has done what it says has as long as its deadlines say', async () => {
  await room.close()
  room = await openRoom({ limits: { idleMs: 2000 } })
  const plain = sse()
  const server = await start((seen, response, request) => {
    if (seen.body.method !== 'tools/call') return plain(seen, response, request)
    setTimeout(() => plain(seen, response, request), 2500)
  })
  const uid = await room.add('s', { url: `${server.origin}/sse`, relay: ASKS_NOTHING, deadlines: { idleSeconds: 10 } })
  expect(textOf(await room.tool(uid, 'echo', { steps: 1 }, TALK))).toBe('yes')
})

test('what the portal itself asks of a server keeps its own limits', async () => {
  const plain = modern(calls)
  const server = await start((seen, response, request) => {
    setTimeout(() => plain(seen, response, request), seen.body.method === 'tools/list' ? 2200 : 0)
  })
  const uid = await room.add('s', { url: `${server.origin}/mcp`, deadlines: { idleSeconds: 1, totalSeconds: 1 } })
  expect(room.upstreams.health(uid)).toMatchObject({ status: 'ready' })
})

test('a call whose server dies in silence still makes the portal ask the server itself', async () => {
  const server = await start(modern(calls))
  const uid = await room.add('s', { url: `${server.origin}/mcp`, deadlines: { idleSeconds: 1 } })
  const before = server.asked('server/discover').length
  await expect(room.tool(uid, 'echo', {})).rejects.toMatchObject({ code: 'upstream-timeout' })
  await expect.poll(() => server.asked('server/discover').length).toBeGreaterThan(before)
  expect(room.upstreams.health(uid).circuit.state).toBe('closed')
})

test.each([
  [1000, 1, 2],
  [1000, 60, 61],
  [300, 1, 5],
  [20, 1, 51],
])('with ticks of %i ms a limit of %i s is never early and at most a tick late', (tickMs, seconds, ticks) => {
  const watch = new Watch(LIMITS, tickMs, () => {})
  expect(watch.ticksOf({ idleSeconds: seconds, totalSeconds: null })).toEqual({ idle: ticks, total: 0 })
  expect(watch.ticksOf({ idleSeconds: null, totalSeconds: seconds })).toEqual({ idle: 0, total: ticks })
  expect(watch.ticksOf(null)).toEqual({ idle: 0, total: 0 })
  watch.close()
})
