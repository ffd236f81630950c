/**
 * `node bench/own-work.ts`: the portal's own CPU for one `tools/call`, with everything on (header and body checks,
 * token, catalog, policy, names, both audit rows) and nothing else: the program runs in this process, requests are
 * handed straight to its listener, and its connection pool answers from memory. No socket, no HTTP parser, no upstream:
 * the one measure that is steady enough to watch from change to change.
 */
import { type IncomingMessage, Server, type ServerResponse } from 'node:http'
import { Server as NetServer } from 'node:net'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { startTestPortal } from '../test/portal.ts'
import { sampleAllocations } from './allocations.ts'
import { median } from './figures.ts'
import { type Asked, MemoryRequest, MemoryResponse } from './memory-http.ts'
import { startProgram } from './processes.ts'
import { callBytes } from './subjects.ts'

const { values: options } = parseArgs({
  options: {
    calls: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    // As many as arrive in one turn of a loaded server's event loop, which share one write to the journal.
    'at-once': { type: 'string', default: '16' },
    // Who allocates how many bytes a call, instead of the CPU.
    allocations: { type: 'boolean', default: false },
  },
})
const calls = Number(options.calls)

const atOnce = Number(options['at-once'])
const BOUND_US = 30
const HEAD = Buffer.from('{"jsonrpc":"2.0","id":')
const TAIL = Buffer.from(
  `,"result":{"resultType":"complete","content":[{"type":"text","text":"${'x'.repeat(1024)}"}]}}`,
)

const listeners = captureListeners()
const upstream = await startProgram('./upstream.ts')
const portal = await startTestPortal()
try {
  await portal.furnish([{ id: 'bench', url: `http://127.0.0.1:${upstream.port}/mcp` }])
  const server = listeners.find((each) => String(portal.url).endsWith(`:${portOf(each)}`))
  if (server === undefined) throw new Error('the portal listens nowhere')
  const asked = parse(callBytes({ port: portOf(server), token: await portal.userToken('bench@example.com') }))
  await run(server, asked, 200)
  answerFromMemory()
  await run(server, asked, calls / 4)
  if (options.allocations) await printAllocations(() => run(server, asked, calls))
  const rounds: { main: number; whole: number }[] = []
  for (let round = 0; round < Number(options.rounds); round++) rounds.push(await measure(server, asked))
  const main = median(rounds.map((each) => each.main))
  const whole = median(rounds.map((each) => each.whole))
  console.log(
    `own work per call: ${main.toFixed(1)} us of CPU on the main thread (at most ${BOUND_US}: ${main <= BOUND_US ? 'kept' : 'EXCEEDED'}), ${whole.toFixed(1)} us with the audit's worker and the collector`,
  )
} finally {
  await portal.close()
  await upstream.stop()
}

async function printAllocations(work: () => Promise<void>): Promise<void> {
  const { total, by } = await sampleAllocations(work)
  console.log(`allocated: ${Math.round(total / calls)} bytes a call, of which`)
  for (const [where, bytes] of by.slice(0, 40)) console.log(String(Math.round(bytes / calls)).padStart(7), where)
}

async function measure(server: Server, asked: Asked): Promise<{ main: number; whole: number }> {
  const thread = process.threadCpuUsage()
  const all = process.cpuUsage()
  await run(server, asked, calls)
  const ofThread = process.threadCpuUsage(thread)
  const ofAll = process.cpuUsage(all)
  return { main: (ofThread.user + ofThread.system) / calls, whole: (ofAll.user + ofAll.system) / calls }
}

/** Hands over `count` requests, some at once, and checks that each was answered with a result. */
async function run(server: Server, asked: Asked, count: number): Promise<void> {
  for (let done = 0; done < count; done += atOnce) {
    await Promise.all(Array.from({ length: atOnce }, () => exchange(server, asked)))
  }
}

function exchange(server: Server, asked: Asked): Promise<void> {
  return new Promise((resolve, reject) => {
    const response = new MemoryResponse((status, body) => {
      if (status === 200 && body.includes('"id":1,') && body.includes('xxxxxxxx')) resolve()
      else reject(new Error(`answered ${status}: ${body}`))
    })
    const request = new MemoryRequest(asked)
    server.emit('request', request as unknown as IncomingMessage, response as unknown as ServerResponse)
  })
}

function parse(bytes: string): Asked {
  const [head = '', body = ''] = bytes.split('\r\n\r\n')
  const [line = '', ...lines] = head.split('\r\n')
  return {
    url: line.split(' ')[1] ?? '',
    rawHeaders: lines.flatMap((each) => [each.slice(0, each.indexOf(': ')), each.slice(each.indexOf(': ') + 2)]),
    body: Buffer.from(body),
  }
}

/** Every pool of this process answers each call on the next turn, with the id that it was sent. */
function answerFromMemory(): void {
  Pool.prototype.dispatch = (sent, handler) => {
    const id = /"id":(\d+)/.exec(String(sent.body))?.[1] ?? 'null'
    const controller = { aborted: false, paused: false, reason: null, rawHeaders: [], rawTrailers: [] }
    const handle = Object.assign(controller, {
      abort: () => undefined,
      pause: () => undefined,
      resume: () => undefined,
    })
    handler.onRequestStart?.(handle, {})
    setImmediate(() => {
      handler.onResponseStart?.(handle, 200, { 'content-type': 'application/json' }, 'OK')
      handler.onResponseData?.(handle, Buffer.concat([HEAD, Buffer.from(id), TAIL]))
      handler.onResponseEnd?.(handle, {})
    })
    return true
  }
}

/** Remembers each HTTP server that this process lets listen. */
function captureListeners(): Server[] {
  const found: Server[] = []
  const { listen } = NetServer.prototype
  NetServer.prototype.listen = function (this: NetServer, ...args: never[]) {
    if (this instanceof Server) found.push(this)
    return Reflect.apply(listen, this, args) as NetServer
  } as typeof listen
  return found
}

function portOf(server: Server): number {
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}
