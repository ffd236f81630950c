/**
 * The real portal in a process of its own, asked over real sockets, with a healthy server behind it and one whose answers
 * are made up. It must answer each request with a status and a code of its reference, never with a bug; it must live, touch
 * no prototype, and have the two rows of everything that it carried out.
 */
import { deepStrictEqual, equal, ok } from 'node:assert/strict'
import { eventsOf as messagesOf } from '../support/hostile/modes-answers.ts'
import { startWatchedPortico, type WatchedPortico } from '../support/watched-portico.ts'
import { type Chance, chanceOf } from './chance.ts'
import { eventsOf } from './local-answers.ts'
import { isAllowed } from './reference.ts'
import { makeRequest, type Sent } from './requests.ts'
import { startUpstream, type Upstream } from './upstream.ts'
import { type Got, Wire } from './wire.ts'

export interface PortalRun {
  seed: number
  requests: number
  answers: number
  report(name: string, tries: number, started: number): void
}

const SERVERS = '/access/ai-controls/mcp/servers'
const LOGS = '/access/ai-controls/mcp/logs'
const SOCKETS = 6
/** Rows are looked for this often, so that a long run does not have to remember every trace. */
const ROUND = 3000
const VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']

interface Bench {
  portal: WatchedPortico
  port: number
  /** Of the caller whose sessions are used. */
  token: string
  /** Of another one, who opens sessions by the thousand. */
  opener: string
  sessions: Map<string, string>
  upstream: Upstream
  cursor: number
}

export async function fuzzPortal(run: PortalRun): Promise<void> {
  const upstream = await startUpstream()
  const portal = await startWatchedPortico({}, { idleMs: 5000, totalMs: 10_000 })
  try {
    const bench = await furnish(portal, upstream)
    if (run.requests > 0) {
      const started = performance.now()
      await fuzzRequests(bench, run)
      run.report('requests over HTTP', run.requests, started)
    }
    if (run.answers > 0) {
      const started = performance.now()
      await fuzzAnswers(bench, run)
      run.report('answers over HTTP', run.answers, started)
    }
    await assertWell(portal)
  } finally {
    await portal.end('SIGTERM')
    await portal.remove()
    upstream.close()
  }
}

async function furnish(portal: WatchedPortico, upstream: Upstream): Promise<Bench> {
  for (const id of ['plain', 'liar']) {
    await portal.api('POST', SERVERS, {
      id,
      name: id,
      hostname: `${upstream.origin}/${id}/mcp`,
      auth_type: 'unauthenticated',
    })
    await portal.api('POST', `${SERVERS}/${id}/sync`)
  }
  const servers = [{ server_id: 'plain' }, { server_id: 'liar' }]
  await portal.api('PUT', '/access/ai-controls/mcp/portals/default', { servers })
  const tokenOf = async (email: string) =>
    (await portal.api<{ token: string }>('POST', '/tokens/access', { email, portal: 'default' })).token
  const bench: Bench = {
    portal,
    port: Number(new URL(portal.url).port),
    token: await tokenOf('ada@acme.test'),
    opener: await tokenOf('grace@acme.test'),
    sessions: new Map(),
    upstream,
    cursor: 0,
  }
  for (const version of VERSIONS) bench.sessions.set(version, await openSession(bench, version))
  return bench
}

async function openSession({ portal, token }: Bench, version: string): Promise<string> {
  const params = { protocolVersion: version, capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } }
  const answer = await fetch(`${portal.url}/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params }),
  })
  return answer.headers.get('mcp-session-id') ?? ''
}

async function assertWell(portal: WatchedPortico): Promise<void> {
  const seen = await portal.look()
  deepStrictEqual(seen.touched, [], 'a prototype of the portal was touched')
  equal(portal.troubles(), '')
  ok(!/bug|unhandled/i.test(portal.output()), portal.output().slice(-4000))
}

/** What must be in the audit: traces of what was carried out and answered. */
type Owed = Map<string, string>

async function fuzzRequests(bench: Bench, { seed, requests }: PortalRun): Promise<void> {
  for (let done = 0; done < requests; done += ROUND) {
    const owed: Owed = new Map()
    let next = done
    const last = Math.min(done + ROUND, requests)
    const worker = async () => {
      const wire = new Wire(bench.port)
      while (next < last) {
        const own = seed + next * 7
        next += await askOnce(bench, wire, own, owed)
      }
      wire.close()
    }
    await Promise.all(Array.from({ length: SOCKETS }, worker))
    await assertAudited(bench, owed)
  }
}

/** One to four requests on one socket, all sent before the first answer. @returns how many */
async function askOnce(bench: Bench, wire: Wire, seed: number, owed: Owed): Promise<number> {
  const chance = chanceOf(seed)
  const sent = Array.from({ length: 1 + chance.below(4) }, () =>
    makeRequest(chance, (version) => bench.sessions.get(version) ?? ''),
  )
  const bytes = sent.map((one) => frame(chance, bench, one))
  try {
    const mayListen = sent.map(({ httpMethod }) => httpMethod === 'GET')
    const answers = await wire.ask(bytes, mayListen)
    ok(answers.length > 0, 'the portal closed the connection without an answer')
    for (const [at, got] of answers.entries()) judge(sent[at] as Sent, got, owed)
  } catch (error) {
    const text = Buffer.concat(bytes).toString('base64')
    throw new Error(`requests over HTTP: seed ${seed}, all that was sent on the socket in base64:\n${text}`, {
      cause: error,
    })
  }
  return sent.length
}

const CODINGS = ['length', 'length', 'length', 'chunked'] as const

function frame(chance: Chance, bench: Bench, sent: Sent): Buffer {
  const isOpening = sent.headers['mcp-session-id'] === undefined && sent.body.includes('initialize')
  const token = isOpening ? bench.opener : bench.token
  const lines = [`${sent.httpMethod} ${pathOf(chance, sent)} HTTP/1.1`, `host: 127.0.0.1:${bench.port}`]
  if (sent.isHonest || !chance.oneIn(40)) lines.push(`authorization: Bearer ${token}`)
  for (const [name, value] of Object.entries(sent.headers)) lines.push(`${name}: ${value}`)
  // Twice, which no library would send.
  if (!sent.isHonest && chance.oneIn(40))
    lines.push(`${chance.pick(['mcp-method', 'authorization', 'content-type', 'Host'])}: x`)
  if (chance.pick(CODINGS) === 'length') {
    lines.push(`content-length: ${sent.body.length}`)
    return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), sent.body])
  }
  const cut = chance.below(sent.body.length + 1)
  const chunks = [sent.body.subarray(0, cut), sent.body.subarray(cut)].filter(({ length }) => length > 0)
  const coded = chunks.flatMap((chunk) => [Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n')])
  lines.push('transfer-encoding: chunked')
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), ...coded, Buffer.from('0\r\n\r\n')])
}

const PATHS = [
  '/mcp',
  '/p/default/mcp',
  '/p/default/s/plain/mcp',
  '/p/nobody/mcp',
  '/mcp?x=1',
  '//mcp',
  '/mcp/',
  '/%6dcp',
]

function pathOf(chance: Chance, { isHonest }: Sent): string {
  return isHonest || !chance.oneIn(10) ? '/mcp' : chance.pick(PATHS)
}

/** Asked for by a name: also what they are refused with is a deed. */
const DEEDS = ['tools/call', 'prompts/get', 'resources/read']

interface Message {
  id?: unknown
  result?: object
  error?: { code: number; message: string }
}

function judge(sent: Sent, got: Got, owed: Owed): void {
  const message = messageOf(got)
  const code = message?.error?.code ?? null
  ok(isAllowed(got.status, code), `${got.status} ${got.body.slice(0, 500)}`)
  if (sent.isHonest)
    ok([200, 202, 404, 409, 429].includes(got.status), `an honest request got ${got.status} ${got.body}`)
  if (got.status !== 200 || (message?.result ?? message?.error) === undefined) return
  const asked = JSON.parse(sent.body.toString()) as {
    id?: unknown
    method?: string
    params?: { _meta?: { traceparent?: unknown } }
  }
  const isDeed = message?.result !== undefined ? asked.method !== 'ping' : DEEDS.includes(asked.method ?? '')
  // Zero has two spellings in a number, and one in JSON.
  equal(JSON.stringify(message?.id), JSON.stringify(asked.id))
  const isTraced = asked.params?._meta?.traceparent === `00-${sent.trace}-00000000000000ff-01`
  if (isTraced && isDeed) owed.set(sent.trace, sent.body.toString())
}

function messageOf({ headers, body }: Got): Message | null {
  const type = headers.get('content-type') ?? ''
  if (type === 'text/event-stream') return (messagesOf(body).at(-1) as Message | undefined) ?? null
  if (body === '' || type !== 'application/json') return null
  const value: unknown = JSON.parse(body)
  return Array.isArray(value) ? null : (value as Message)
}

interface Row {
  seq: number
  phase: string
  traceparent: string | null
}

/** Reads what was written since, until each trace has begun and ended. Rows arrive a moment after their answers. */
async function assertAudited(bench: Bench, owed: Owed): Promise<void> {
  const begun = new Set<string>()
  const ended = new Set<string>()
  const deadline = Date.now() + 20_000
  for (;;) {
    const query = `after=${bench.cursor}&limit=1000&plane=mcp`
    const rows = await bench.portal.api<Row[]>('GET', `${LOGS}?${query}`)
    for (const { phase, traceparent } of rows) (phase === 'begun' ? begun : ended).add(traceparent?.slice(3, 35) ?? '')
    bench.cursor = rows.at(-1)?.seq ?? bench.cursor
    const missing = [...owed].filter(([trace]) => !begun.has(trace) || !ended.has(trace))
    if (missing.length === 0) return
    ok(
      Date.now() < deadline,
      `answered and not in the audit:\n${missing
        .slice(0, 9)
        .map(([, body]) => body)
        .join('\n')}`,
    )
    if (rows.length === 0) await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Answers that are made up, each for one call of one caller. */
async function fuzzAnswers(bench: Bench, { seed, answers }: PortalRun): Promise<void> {
  let next = 0
  const worker = async () => {
    const wire = new Wire(bench.port)
    while (next < answers) await callLiar(bench, wire, seed + next++ * 7)
    wire.close()
  }
  await Promise.all(Array.from({ length: SOCKETS }, worker))
}

async function callLiar(bench: Bench, wire: Wire, seed: number): Promise<void> {
  const id = `call-${seed}`
  const isNew = seed % 2 === 0
  const envelope = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { name: 'liar_echo', arguments: { seed }, _meta: { ...(isNew ? envelope : {}), progressToken: 'p' } }
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params }))
  const era: Record<string, string> = isNew
    ? { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'liar_echo' }
    : { 'mcp-session-id': bench.sessions.get('2025-06-18') ?? '' }
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...era }
  const sent: Sent = { httpMethod: 'POST', headers, body, isHonest: true, trace: '' }
  try {
    const [got] = await wire.ask([frame(chanceOf(seed), bench, sent)])
    ok(got, 'the portal closed the connection without an answer')
    assertRelayed(bench, got, id, seed)
  } catch (error) {
    const said = bench.upstream.said.get(seed)?.bytes.toString('base64')
    throw new Error(`answers over HTTP: seed ${seed}, what the server answered in base64:\n${said}`, { cause: error })
  } finally {
    bench.upstream.said.delete(seed)
  }
}

/** Exactly one answer with the caller's own id: the server's, or one of the portal's sentences. */
function assertRelayed(bench: Bench, got: Got, id: string, seed: number): void {
  const said = bench.upstream.said.get(seed)
  ok(said !== undefined, `the call did not reach its server: ${got.body.slice(0, 500)}`)
  // Where a text of the server's is no JSON inside, its answer is spoiled for its reader, and nobody else's.
  if (!isJson(said.bytes.toString()) && !said.isHonest && !isJson(lastOf(got))) return
  const isStream = got.headers.get('content-type') === 'text/event-stream'
  const messages = (isStream ? messagesOf(got.body) : [JSON.parse(got.body)]) as (Message & { method?: string })[]
  const answers = messages.filter(({ method }) => method === undefined)
  equal(answers.length, 1, got.body.slice(0, 1000))
  equal(answers[0]?.id, id)
  ok(
    messages.every(({ method }) => method === undefined || method === 'notifications/progress'),
    got.body.slice(0, 1000),
  )
  ok(got.status === 200 || got.status === 400, String(got.status))
  const text = JSON.stringify(answers[0])
  if (said.isHonest) ok(!text.includes('is not an MCP answer'), 'an honest answer was refused')
}

function lastOf({ headers, body }: Got): string {
  if (headers.get('content-type') !== 'text/event-stream') return body
  return eventsOf(body).at(-1)?.data ?? ''
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
