/**
 * The bench on which the hostile server is tried: the portal and the hostile server as processes of their own, a healthy
 * server that somebody calls all the while, and the questions that every mode is asked.
 */
import { strict as assert } from 'node:assert'
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Limits } from '../../../src/upstream/exchange.ts'
import { startLedger } from '../../peers/ledger.ts'
import { end, NODE } from '../../peers/servers.ts'
import { ask2026, bearer, type RawAnswer, request2026 } from '../../raw-mcp.ts'
import { startWatchedPortico, type WatchedPortico } from '../watched-portico.ts'
import type { CallOptions, Gets, Mode, Scene } from './mode.ts'
import { eventsOf } from './modes-answers.ts'
import { type JsonObject, MARKER, type Memory, type Transport } from './wire.ts'

const PROGRAM = fileURLToPath(new URL('./program.ts', import.meta.url))
const SERVERS = '/access/ai-controls/mcp/servers'
const PORTAL = '/access/ai-controls/mcp/portals/default'
const LOGS = '/access/ai-controls/mcp/logs'

const MIB = 1024 * 1024
/** What may be left of one hostile server in the portal's memory, whatever it sent. */
const MOST_KEPT = 64 * MIB
/** What it may cost for a moment: as much, and one whole answer that nobody has collected yet. */
const MOST_PEAK = MOST_KEPT + 32 * MIB
/** Far beyond what a healthy server takes; what a busy machine adds is seen in calls that do not pass the portal. */
const HEALTHY_MS = 2000
const BUSY = 5
const SAMPLE_MS = 25
/** Servers that are registered, or tried, side by side. */
const AT_ONCE = 12

/** Patience that a test can wait for; a child has to be able to start within it on a busy machine. */
export const SHORT = { idleMs: 3000, totalMs: 5000, refusedMs: 500, connectMs: 2000, probeMs: 10_000 }
/** For floods, which end by what they are and not by the clock. */
export const LONG = { ...SHORT, idleMs: 30_000, totalMs: 60_000 }

const CODES: Record<Transport, string> = {
  'http-2026': 'new',
  'http-2025': 'old',
  'http-2025-session': 'session',
  'sse-2024': 'sse',
  stdio: 'child',
}

export interface Bench {
  portal: WatchedPortico
  /** Registers a mode over a transport and puts it behind the portal. */
  add(pairs: readonly Pair[]): Promise<void>
  /** Everything that must hold for one mode over one transport. Throws. */
  prove(pair: Pair): Promise<void>
  close(): Promise<void>
}

export interface Pair {
  mode: Mode
  transport: Transport
}

export function pairsOf(modes: readonly Mode[]): Pair[] {
  return modes.flatMap((mode) => mode.transports.map((transport) => ({ mode, transport })))
}

export function serverId({ mode, transport }: Pair): string {
  return `${mode.name}-${CODES[transport]}`
}

export async function openBench(patience: Partial<Limits>): Promise<Bench> {
  const ledger = await startLedger()
  const hostile = await startHostile()
  const portal = await startWatchedPortico({ PORTICO_STDIO_MAX_CHILDREN: '256' }, patience)
  await portal.api('POST', SERVERS, {
    id: 'ledger',
    name: 'Ledger',
    hostname: ledger.url,
    auth_type: 'unauthenticated',
  })
  await portal.api('POST', `${SERVERS}/ledger/sync`)
  await portal.api('PUT', PORTAL, { servers: [{ server_id: 'ledger' }] })
  const tokenOf = async (email: string) =>
    (await portal.api<{ token: string }>('POST', '/tokens/access', { email, portal: 'default' })).token
  const token = await tokenOf('ada@acme.test')
  const neighbour = startNeighbour(portal, await tokenOf('grace@acme.test'), ledger.url)
  const parts: Parts = { portal, token, port: hostile.port, neighbour }
  return {
    portal,
    add: (pairs) => addServers(parts, pairs),
    prove: (pair) => prove(parts, pair),
    async close() {
      await neighbour.stop()
      await portal.end('SIGTERM')
      await portal.remove()
      await end(hostile.process)
      await ledger.stop()
    },
  }
}

interface Parts {
  portal: WatchedPortico
  token: string
  port: number
  neighbour: Neighbour
}

async function startHostile(): Promise<{ process: ChildProcess; port: number }> {
  const child = spawn(NODE, [PROGRAM, 'http'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message: { port: number }) => resolve(message.port))
    child.once('exit', (code) => reject(new Error(`the hostile server ended with ${code}`)))
  })
  return { process: child, port }
}

async function addServers({ portal, port }: Parts, pairs: readonly Pair[]): Promise<void> {
  await inParallel(pairs, async (pair) => {
    const id = serverId(pair)
    const { mode, transport } = pair
    const last = transport === 'sse-2024' ? 'sse' : 'mcp'
    const where =
      transport === 'stdio'
        ? {
            hostname: `stdio://${id}`,
            transport: { type: 'stdio', command: NODE, args: [PROGRAM, 'stdio', mode.name] },
          }
        : { hostname: `http://127.0.0.1:${port}/${transport}/${mode.name}/${last}` }
    const credential =
      mode.credential === undefined
        ? { auth_type: 'unauthenticated' }
        : { auth_type: 'bearer', auth_credentials: mode.credential }
    await portal.api('POST', SERVERS, { id, name: `The ${id}`, ...where, ...credential, ...mode.registered })
    const { status } = await portal.api<{ status: string }>('POST', `${SERVERS}/${id}/sync`)
    const expected = getsOf(pair) === 'unlisted' ? 'error' : 'ready'
    assert.equal(status, expected, `${id} is ${status}`)
  })
  const shown = await portal.api<{ servers: { id: string }[] }>('GET', PORTAL)
  const ids = [...shown.servers.map(({ id }) => id), ...pairs.map(serverId)]
  await portal.api('PUT', PORTAL, { servers: ids.map((server_id) => ({ server_id })) })
}

interface Call {
  from: number
  ms: number
  /** The same server, asked beside the portal. */
  directMs: number
  wasAnswered: boolean
}

/** Someone who has nothing to do with any of it and calls a healthy server all the while. */
interface Neighbour {
  readonly calls: readonly Call[]
  stop(): Promise<void>
}

function startNeighbour(portal: WatchedPortico, token: string, direct: string): Neighbour {
  const calls: Call[] = []
  let going = true
  const ask = async (url: string, name: string) => {
    const started = performance.now()
    const answer = await ask2026(url, bearer(token), 'tools/call', { name, arguments: {} }).catch(() => null)
    return { ms: performance.now() - started, wasAnswered: answer?.text.includes('"text":"0"') ?? false }
  }
  const loop = async () => {
    while (going) {
      const from = performance.now()
      const [through, beside] = await Promise.all([ask(`${portal.url}/mcp`, 'ledger_count'), ask(direct, 'count')])
      calls.push({ from, ...through, directMs: beside.ms })
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const ended = loop()
  return {
    calls,
    stop() {
      going = false
      return ended
    },
  }
}

async function prove(parts: Parts, pair: Pair): Promise<void> {
  const { portal, neighbour } = parts
  const { mode } = pair
  const from = performance.now()
  const memory = await watchMemory(portal, mode.isFlood === true)
  try {
    const scene = await callOnce(parts, pair)
    await mode.check?.(scene)
  } finally {
    memory.stop()
  }
  const peak = memory.peak() - memory.before
  assert.ok(peak < MOST_PEAK, `the portal grew by ${Math.round(peak / MIB)} MiB`)
  const kept = mode.isFlood ? (await portal.look()).rss - memory.before : 0
  assert.ok(kept < MOST_KEPT, `the portal kept ${Math.round(kept / MIB)} MiB`)
  await oneMoreCall(neighbour, from)
  const beside = neighbour.calls.filter((call) => call.from + call.ms >= from)
  assert.ok(
    beside.every(({ wasAnswered }) => wasAnswered),
    'a call of a healthy server was not answered',
  )
  const slowest = Math.max(...beside.map(({ ms }) => ms))
  const directly = Math.max(...beside.map(({ directMs }) => directMs))
  const took = `${Math.round(slowest)} ms through the portal, ${Math.round(directly)} ms without`
  assert.ok(slowest < HEALTHY_MS + BUSY * directly, `a healthy server took ${took}`)
  assert.equal(portal.troubles(), '')
}

/** Until a call of the neighbour has begun and ended since. */
async function oneMoreCall({ calls }: Neighbour, from: number): Promise<void> {
  const had = calls.length
  while (calls.length <= had || (calls.at(-1)?.from ?? 0) < from)
    await new Promise((resolve) => setTimeout(resolve, 10))
}

async function watchMemory(portal: WatchedPortico, isFlood: boolean) {
  // A flood is measured from a portal that has just cleaned up, and not from one that was about to.
  const before = isFlood ? (await portal.look()).rss : portal.rss()
  let peak = before
  const sample = () => {
    peak = Math.max(peak, portal.rss())
  }
  const timer = setInterval(sample, SAMPLE_MS)
  return {
    before,
    peak: () => peak,
    stop() {
      sample()
      clearInterval(timer)
    },
  }
}

let deeds = 0

async function callOnce(parts: Parts, pair: Pair): Promise<Scene> {
  const { portal } = parts
  const server = serverId(pair)
  const gets = getsOf(pair)
  const trace = (++deeds).toString(16).padStart(32, 'a')
  const answer = await call(parts, server, {}, trace)
  assertAnswer(answer, gets, server)
  await assertAudited(parts, { server, gets, trace })
  return {
    transport: pair.transport,
    server,
    portal,
    answer,
    call: (options = {}) => call(parts, server, options),
    stall: () => stall(parts, server),
    seen: () => askHostile(parts, pair),
    listed: () => listed(parts, server),
    sync: () => portal.api('POST', `${SERVERS}/${server}/sync`),
    ask: (method, params = {}) => ask2026(`${portal.url}/mcp`, bearer(parts.token), method, params),
    api: (method, path, body) => portal.api(method, path, body),
  }
}

function call({ portal, token }: Parts, server: string, options: CallOptions, trace?: string): Promise<RawAnswer> {
  const _meta = {
    ...(trace === undefined ? {} : { traceparent: `00-${trace}-00000000000000ff-01` }),
    ...(options.progressToken === undefined ? {} : { progressToken: options.progressToken }),
  }
  const name = options.name ?? `${server}_${options.tool ?? 'echo'}`
  const params = { name, arguments: { ...options.input }, _meta }
  return ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', params, 1, options.signal)
}

/** A reader that takes nothing: its window fills, and the portal has to decide. */
async function stall({ portal, token }: Parts, server: string): Promise<void> {
  const name = `${server}_echo`
  const body = JSON.stringify(request2026('tools/call', { name, arguments: {}, _meta: { progressToken: 'slow' } }))
  const head = {
    host: new URL(portal.url).host,
    authorization: `Bearer ${token}`,
    accept: 'application/json, text/event-stream',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'tools/call',
    'mcp-name': name,
  }
  const lines = Object.entries(head).map(([key, value]) => `${key}: ${value}`)
  const socket = connect(Number(new URL(portal.url).port), '127.0.0.1')
  const closed = new Promise<void>((resolve) => {
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
  socket.pause()
  socket.write(['POST /mcp HTTP/1.1', ...lines, '', body].join('\r\n'))
  // Who does not read learns of the end only by writing.
  const knock = setInterval(() => socket.write('\r\n'), 50)
  await closed
  clearInterval(knock)
  socket.destroy()
}

async function askHostile({ port }: Parts, { mode, transport }: Pair): Promise<Memory & { strangers: number }> {
  const response = await fetch(`http://127.0.0.1:${port}/seen/${transport}/${mode.name}`)
  return (await response.json()) as Memory & { strangers: number }
}

async function listed({ portal, token }: Parts, server: string): Promise<JsonObject[]> {
  const answer = await ask2026(`${portal.url}/p/default/s/${server}/mcp`, bearer(token), 'tools/list')
  return (JSON.parse(answer.text) as { result: { tools: JsonObject[] } }).result.tools
}

function getsOf({ mode, transport }: Pair): Gets {
  return typeof mode.gets === 'function' ? mode.gets(transport) : mode.gets
}

/** The answer is one message with our id and no word of the server's in it, unless it was an honest one. */
function assertAnswer({ text }: RawAnswer, gets: Gets, server: string): void {
  assert.ok(!text.includes(MARKER), `the server was believed: ${text.slice(0, 500)}`)
  const messages = text.startsWith('{') ? [JSON.parse(text)] : eventsOf(text)
  const { id, result, error } = messages.at(-1) as {
    id?: number
    result?: { isError?: boolean; content: { text: string }[] }
    error?: { message: string }
  }
  assert.equal(id, 1, text.slice(0, 500))
  const said = result?.content[0]?.text ?? ''
  switch (gets) {
    case 'ok':
      assert.match(said, /^ok/)
      break
    case 'error':
      assert.ok(error)
      break
    case 'tool-error':
      assert.ok(result?.isError)
      break
    case 'unlisted':
      assert.equal(error?.message, `Unknown tool: ${server}_echo`)
      break
    default:
      // A sentence of the portal's that names the server and no address.
      assert.equal(result?.isError, true, text)
      assert.match(said, new RegExp(`The ${server} .*\\.$`))
      assert.ok(!/127\.0\.0\.1|:\d{4,5}/.test(said), said)
  }
}

interface Row {
  phase: string
  traceparent: string | null
  outcome?: string | null
  error?: string | null
}

async function assertAudited({ portal }: Parts, at: { server: string; gets: Gets; trace: string }): Promise<void> {
  const all = await portal.api<Row[]>('GET', `${LOGS}?capability=${at.server}_echo&limit=100`)
  const rows = all.filter(({ traceparent }) => traceparent?.includes(at.trace))
  assert.deepEqual(rows.map(({ phase }) => phase).sort(), ['begun', 'ended'])
  const { outcome, error } = rows.find(({ phase }) => phase === 'ended') as Row
  const [wanted, why] = outcomeOf(at.gets)
  assert.equal(outcome, wanted, String(error))
  if (why !== undefined) assert.equal(error, why)
}

function outcomeOf(gets: Gets): [outcome: string, error?: string] {
  switch (gets) {
    case 'ok':
      return ['answered']
    case 'error':
    case 'tool-error':
      return [gets]
    case 'unlisted':
      return ['refused', 'not-offered']
    default:
      return ['failed', gets]
  }
}

export async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = [...items]
  const one = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}
