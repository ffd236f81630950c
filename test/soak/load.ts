/**
 * Those who use the portal while it is soaked: patient ones of both eras, subscribers, people who leave in the middle, and
 * readers who hardly read. Every call has a trace of its own, so that each answer can be looked for in the audit.
 */
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { openEventStream } from '../event-stream.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer, request2026 } from '../raw-mcp.ts'

export interface Load {
  url: string
  /** Of several people, so that nobody's limits are the subject. */
  tokens: readonly string[]
  /** Public names of tools that fail in some way. */
  hostile: readonly string[]
  tally: Tally
  isGoing(): boolean
}

export class Tally {
  /** What became of what was asked, by kind of caller. */
  readonly counts = new Map<string, number>()
  /** By number of the trace: 1 answered, 2 begun, 4 ended. */
  marks = new Uint8Array(1 << 16)
  /** A healthy server that nobody touches must never fail. */
  readonly failures: string[] = []
  #next = 0

  get traces(): number {
    return this.#next
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1)
  }

  newTrace(): number {
    if (++this.#next >= this.marks.length) {
      const larger = new Uint8Array(this.marks.length * 2)
      larger.set(this.marks)
      this.marks = larger
    }
    return this.#next
  }

  mark(trace: number, bit: 1 | 2 | 4): void {
    if (trace > 0 && trace <= this.#next) this.marks[trace] = (this.marks[trace] ?? 0) | bit
  }

  /** Answered, and without both rows. */
  owed(): number[] {
    const owed: number[] = []
    for (let trace = 1; trace <= this.#next; trace++)
      if (this.marks[trace] === 1 || this.marks[trace] === 3 || this.marks[trace] === 5) owed.push(trace)
    return owed
  }
}

const MARK = 'cafe'

export function traceparentOf(trace: number): string {
  return `00-${MARK}${trace.toString(16).padStart(28, '0')}-00000000000000ff-01`
}

/** @returns the number, or 0 for a trace that is none of ours */
export function traceOf(traceparent: string | null): number {
  return traceparent?.startsWith(`00-${MARK}`) ? Number.parseInt(traceparent.slice(7, 35), 16) : 0
}

export interface Caller {
  name: string
  many: number
  run(load: Load, turn: number): Promise<void>
}

const BREATH_MS = 15
const tokenAt = ({ tokens }: Load, turn: number) => tokens[turn % tokens.length] ?? ''

/** Asks in the new era, with a trace; what comes back whole is owed its two rows. */
async function ask(
  load: Load,
  turn: number,
  method: string,
  params: Record<string, unknown>,
  signal?: AbortSignal,
): Promise<RawAnswer> {
  const trace = load.tally.newTrace()
  const traced = { ...params, _meta: { ...(params._meta as object), traceparent: traceparentOf(trace) } }
  const answer = await ask2026(load.url, bearer(tokenAt(load, turn)), method, traced, turn, signal)
  if (answer.status === 200 && method !== 'ping') load.tally.mark(trace, 1)
  return answer
}

function wantAnswer({ tally }: Load, who: string, answer: RawAnswer): void {
  const message = answer.status === 200 ? messageOf(answer) : null
  const isWell = message?.result !== undefined && message.result.isError !== true
  tally.count(`${who}: ${isWell ? 'answered' : 'failed'}`)
  if (!isWell) tally.failures.push(`${who}: ${answer.status} ${answer.text.slice(0, 300)}`)
}

export const CALLERS: readonly Caller[] = [
  {
    name: 'calls',
    many: 4,
    async run(load, turn) {
      wantAnswer(load, 'calls', await ask(load, turn, 'tools/call', { name: 'ledger_count', arguments: {} }))
    },
  },
  {
    name: 'lists and reads',
    many: 2,
    async run(load, turn) {
      wantAnswer(load, 'lists', await ask(load, turn, 'tools/list', {}))
      wantAnswer(load, 'reads', await ask(load, turn, 'resources/read', { uri: 'ledger://journal' }))
      wantAnswer(load, 'prompts', await ask(load, turn, 'prompts/get', { name: 'ledger_audit', arguments: {} }))
    },
  },
  { name: 'sessions', many: 2, run: runSession },
  { name: 'subscribers', many: 2, run: runSubscriber },
  { name: 'restarted servers', many: 3, run: callRestarted },
  { name: 'hostile servers', many: 2, run: callHostile },
  { name: 'leavers', many: 2, run: leave },
  { name: 'slow readers', many: 1, run: readSlowly },
]

/** A session of the old era from its beginning to its end, with a stream beside it. */
async function runSession(load: Load, turn: number): Promise<void> {
  const session = await open2025(load.url, bearer(tokenAt(load, turn)))
  const stream = await openEventStream(load.url, { headers: { ...session.headers, accept: 'text/event-stream' } })
  for (let calls = 0; calls < 5 && load.isGoing(); calls++) {
    const trace = load.tally.newTrace()
    const params = { name: 'ledger_count', arguments: {}, _meta: { traceparent: traceparentOf(trace) } }
    const answer = await session.ask('tools/call', params, calls)
    if (answer.status === 200) load.tally.mark(trace, 1)
    wantAnswer(load, 'sessions', answer)
    await pause(BREATH_MS)
  }
  stream.close()
  // Some people never say goodbye.
  if (turn % 3 !== 0) await fetch(load.url, { method: 'DELETE', headers: session.headers })
}

async function runSubscriber(load: Load, turn: number): Promise<void> {
  const body = request2026('subscriptions/listen', { notifications: { toolsListChanged: true } }, turn)
  const headers = {
    authorization: `Bearer ${tokenAt(load, turn)}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': 'subscriptions/listen',
  }
  const stream = await openEventStream(load.url, { method: 'POST', headers, body: JSON.stringify(body) })
  if (stream.status === 200) await stream.until((messages) => messages.length > 0)
  load.tally.count(`subscribers: ${stream.status}`)
  await pause(200 + (turn % 7) * 200)
  stream.close()
}

const RESTARTED = ['everything_echo', 'old_echo', 'child_echo']

/** Its server may be dead at the moment, and then it says so. */
async function callRestarted(load: Load, turn: number): Promise<void> {
  const name = RESTARTED[turn % RESTARTED.length] ?? ''
  const answer = await ask(load, turn, 'tools/call', { name, arguments: { message: 'hi' } })
  const isWell = answer.text.includes('Echo: hi')
  load.tally.count(`${name}: ${isWell ? 'answered' : 'failed'}`)
}

async function callHostile(load: Load, turn: number): Promise<void> {
  const name = load.hostile[turn % load.hostile.length] ?? ''
  const answer = await ask(load, turn, 'tools/call', { name, arguments: {} })
  load.tally.count(`hostile: ${answer.status}`)
  await pause(100)
}

/** Half a request, or half an answer. */
async function leave(load: Load, turn: number): Promise<void> {
  if (turn % 2 === 0) {
    const socket = connect(Number(new URL(load.url).port), '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      `POST /mcp HTTP/1.1\r\nhost: ${new URL(load.url).host}\r\nauthorization: Bearer ${tokenAt(load, turn)}\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"jsonrpc":`,
    )
    await pause(20)
    socket.destroy()
    load.tally.count('leavers: in the request')
    return
  }
  const name = 'everything_trigger-long-running-operation'
  const params = { name, arguments: { duration: 5, steps: 50 }, _meta: { progressToken: 'p' } }
  const signal = AbortSignal.timeout(50 + (turn % 5) * 150)
  await ask(load, turn, 'tools/call', params, signal).catch(() => {})
  load.tally.count('leavers: in the answer')
}

/** Takes one piece and then nothing more for a while. */
async function readSlowly(load: Load, turn: number): Promise<void> {
  const name = 'progress-flood-new_echo'
  const body = JSON.stringify(request2026('tools/call', { name, arguments: {}, _meta: { progressToken: 's' } }, turn))
  const head = [
    'POST /mcp HTTP/1.1',
    `host: ${new URL(load.url).host}`,
    `authorization: Bearer ${tokenAt(load, turn)}`,
    'accept: application/json, text/event-stream',
    'content-type: application/json',
    'mcp-protocol-version: 2026-07-28',
    'mcp-method: tools/call',
    `mcp-name: ${name}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  const socket = connect(Number(new URL(load.url).port), '127.0.0.1')
  socket.on('error', () => {})
  socket.once('data', () => socket.pause())
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  await pause(1500)
  socket.destroy()
  load.tally.count('slow readers: cut or left')
}

/** Runs all of them until the load ends. */
export async function runLoad(load: Load): Promise<void> {
  const loops = CALLERS.flatMap((caller) =>
    Array.from({ length: caller.many }, async (_, at) => {
      for (let turn = at; load.isGoing(); turn += caller.many) {
        await caller.run(load, turn).catch((error: unknown) => {
          load.tally.count(`${caller.name}: broke off`)
          if (caller.name === 'calls') load.tally.failures.push(String(error))
        })
        await pause(BREATH_MS)
      }
    }),
  )
  await Promise.all(loops)
}
