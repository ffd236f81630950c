/** A server's question over two replicas on PostgreSQL: put by one, answered at the other; and what a caller is told when the first is gone. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { type AskingServer, asks, type Call, FORM, startAsking } from '../asking-server.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { openEventStream } from '../event-stream.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { bearer, type RawCaller, send } from '../raw-mcp.ts'
import { answering, MCP, type Tried, type Trying, tryOnce } from '../relay-room.ts'

const CALL = { name: 'desk_echo', arguments: {} }
/** What one replica knows, the other knows within a second. */
const PATIENCE = { timeout: 20_000, interval: 200 }

let database: FreshPostgres
let desk: AskingServer
let onCall: (call: Call) => void
let first: PorticoProcess
let second: PorticoProcess
let ann: RawCaller
let adminToken: string
let asked = 0

beforeAll(async () => {
  desk = await startAsking((call) => onCall(call))
  database = await freshPostgres()
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  first = await startPorticoProcess(settings)
  adminToken = (await readFile(join(first.data, 'admin-token'), 'utf8')).trim()
  await first.api('POST', `${MCP}/servers`, {
    ...{ id: 'desk', name: 'Desk', hostname: desk.url, auth_type: 'unauthenticated' },
  })
  await first.api('POST', `${MCP}/servers/desk/sync`)
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'desk' }] })
  const made = await first.api<{ token: string }>('POST', '/tokens/access', {
    ...{ email: 'ann@acme.test', portal: 'default' },
  })
  ann = bearer(made.token)
  second = await startPorticoProcess(settings)
}, 240_000)
beforeEach(() => {
  onCall = (call) => asksInTurn(call, 1)
})
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await desk?.http.close()
  await database?.drop()
})

/** Asks so many times, one after the other, and says what it was told. */
function asksInTurn(call: Call, times: number, heard: unknown[] = []): void {
  if (times === 0) {
    call.answer(JSON.stringify(heard))
    return
  }
  const id = `q${++asked}`
  call.say(asks(id, 'elicitation/create', { ...FORM, message: `${times} to go` }))
  void desk.toldOf(id).then(({ result, error }) => asksInTurn(call, times - 1, [...heard, result ?? error]))
}

const at = (replica: PorticoProcess, how: Trying = {}) => tryOnce(`${replica.url}/mcp`, ann, CALL, how)
const rows = (limit = 1) => atSecond<AuditRow[]>('GET', `${MCP}/logs?phase=ended&method=tools/call&limit=${limit}`)

/** The REST API of the second replica, with the token that the first one made. */
async function atSecond<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${second.url}/client/v4/accounts/default${path}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  expect(response.status).toBe(200)
  return ((await response.json()) as { result: T }).result
}

// [RELAY-1]
test('what one replica asked is answered at the other, also in several rounds back and forth', async () => {
  onCall = (call) => asksInTurn(call, 3)
  let tried = await at(first)
  for (const replica of [second, second, first]) {
    expect(Object.keys(tried.asked)).toHaveLength(1)
    tried = await at(replica, { state: tried.state, responses: answering(tried) })
  }
  expect(tried.error).toBeNull()
  expect(JSON.parse(tried.text)).toHaveLength(3)
  // The rows of the other process are taken in by its own worker.
  const shown = async () => (await rows(5)).map(({ outcome, credential }) => `${outcome} ${credential}`)
  await expect.poll(shown, { timeout: 20_000 }).toEqual(Array(4).fill('answered none'))
}, 120_000)

// [RELAY-7]
test('twenty calls that one caller takes up elsewhere leave no place taken', async () => {
  for (let n = 0; n < 20; n++) {
    const tried = await at(first)
    expect(Object.keys(tried.asked), `call ${n}`).toHaveLength(1)
    expect((await at(second, { state: tried.state, responses: answering(tried) })).error).toBeNull()
  }
}, 120_000)

// [CALLS-4]
test('a call that waits has its place among those at one time at both replicas, and who takes it up elsewhere needs no other', async () => {
  const limits = (all: object[]) => atSecond('PUT', `${MCP}/servers/desk`, { limits: all })
  const finish = (tried: Tried, replica: PorticoProcess) =>
    at(replica, { state: tried.state, responses: answering(tried) })
  const isAsked = ({ asked }: Tried) => Object.keys(asked).length === 1
  const asked = (replica: PorticoProcess) =>
    vi.waitFor(async () => {
      const tried = await at(replica)
      expect(isAsked(tried), tried.text).toBe(true)
      return tried
    }, PATIENCE)
  await limits([{ per: 'principal', concurrency: 1 }])
  // Until both have followed. A call that began before is held to nothing, so none of those may stay.
  for (const replica of [first, second])
    await vi.waitFor(async () => {
      const tries = [await at(replica), await at(replica)]
      for (const tried of tries.filter(isAsked)) await finish(tried, replica)
      expect(tries[1]?.text).toContain('1 call at a time')
    }, PATIENCE)
  for (const [here, there] of [
    [first, second],
    [second, first],
  ] as const) {
    const tried = await asked(here)
    for (const replica of [first, second]) expect((await at(replica)).text).toContain('1 call at a time')
    const done = await finish(tried, there)
    expect(done.error).toBeNull()
    expect(JSON.parse(done.text)).toHaveLength(1)
  }
  await finish(await asked(first), first)
  await limits([])
}, 120_000)

// [RELAY-7]
test('an answer counts once, whichever replica gets it', async () => {
  const tried = await at(first)
  const responses = answering(tried)
  const both = await Promise.all([first, second].map((replica) => at(replica, { state: tried.state, responses })))
  expect(both.map(({ error }) => error?.code ?? null).sort()).toEqual([-32602, null])
}, 120_000)

// [RELAY-1]
test('a server that answered by itself is heard at either replica, and one that asks less is asked nothing', async () => {
  let go = () => {}
  onCall = (call) => {
    call.say(asks(`q${++asked}`))
    go = () => call.answer('went on without you')
  }
  const tried = await at(first)
  go()
  expect((await at(second, { state: tried.state })).text).toBe('went on without you')
  onCall = (call) => asksInTurn(call, 2)
  const other = await at(first)
  const done = await at(second, { state: other.state, responses: answering(other), capabilities: {} })
  expect(JSON.parse(done.text)).toEqual([{ action: 'accept', content: { name: 'Ann' } }, { action: 'decline' }])
}, 120_000)

// [RELAY-7]
test('who leaves the request that goes on at the other replica gives up the call at the server', async () => {
  onCall = (call) => call.say(asks(`q${++asked}`))
  const before = desk.http.asked('notifications/cancelled').length
  const tried = await at(first)
  const leaving = new AbortController()
  const going = at(second, { state: tried.state, responses: answering(tried), signal: leaving.signal })
  await desk.toldOf(`q${asked}`)
  leaving.abort()
  await expect(going).rejects.toThrow()
  await expect.poll(() => desk.http.asked('notifications/cancelled').length, { timeout: 20_000 }).toBe(before + 1)
}, 120_000)

// [RELAY-8]
test('what is denied at one replica ends at the server of a call that the other keeps', async () => {
  const before = desk.http.asked('notifications/cancelled').length
  const tried = await at(first)
  const path = `${MCP}/portals/default`
  const { policies } = await atSecond<{ policies: (string | { id: string })[] }>('GET', path)
  const ids = policies.map((one) => (typeof one === 'string' ? one : one.id))
  const rule = await atSecond<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Nobody', decision: 'deny', include: [{ everyone: {} }] },
    capabilities: [{ servers: ['desk'], kinds: ['tool'], names: ['echo'] }],
  })
  await atSecond('PUT', path, { policies: [rule.id, ...ids] })
  await expect.poll(() => desk.http.asked('notifications/cancelled').length, { timeout: 20_000 }).toBe(before + 1)
  const back = await at(second, { state: tried.state, responses: answering(tried) })
  expect(back.error?.message).toContain('Unknown tool')
  await atSecond('PUT', path, { policies: ids })
  await expect.poll(async () => (await at(first)).error, { timeout: 20_000 }).toBeNull()
}, 120_000)

// [RELAY-1]
test('2025: the question is on a stream of one replica, and its answer is posted to the other', async () => {
  const version = '2025-11-25'
  const accept = 'application/json, text/event-stream'
  const params = {
    ...{ protocolVersion: version, capabilities: { elicitation: {} } },
    clientInfo: { name: 'raw', version: '1' },
  }
  const opened = await send(
    `${first.url}/mcp`,
    { jsonrpc: '2.0', id: 0, method: 'initialize', params },
    ann.credentials,
  )
  const headers = {
    ...{ ...ann.credentials, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' },
    'mcp-protocol-version': version,
  }
  const stream = await openEventStream(`${first.url}/mcp`, {
    method: 'POST',
    headers: { ...headers, accept, 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: CALL }),
  })
  await stream.until((messages) => messages.some(({ method }) => method === 'elicitation/create'))
  const { id } = stream.messages.find(({ method }) => method === 'elicitation/create') ?? {}
  const result = { action: 'accept', content: { name: 'Ann' } }
  expect((await send(`${second.url}/mcp`, { jsonrpc: '2.0', id, result }, headers)).status).toBe(202)
  await stream.until((messages) => messages.some((message) => message.id === 7))
  expect(JSON.stringify(stream.messages.at(-1)?.result)).toContain('Ann')
}, 120_000)

// [RELAY-7]
test('a call whose replica was killed is lost: whoever brings its answer is told soon, and what to do', async () => {
  const tried = await at(first)
  await first.end('SIGKILL')
  const { isError, text, error } = await at(second, { state: tried.state, responses: answering(tried) })
  expect(isError || error !== null).toBe(true)
  expect(text || error?.message).toContain('See whether it took effect, then call anew')
  expect((await rows())[0]).toMatchObject({ outcome: 'failed', error: 'upstream-lost' })
  const anew = await at(second)
  expect((await at(second, { state: anew.state, responses: answering(anew) })).error).toBeNull()
}, 120_000)
