/**
 * What a change of policy does to those who are here: it is in force at the next request, at every replica within a second, and
 * open streams hear of what was given and taken, also where time alone did it. A stream ends with the right to be here.
 */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { beforeItIsOver } from '../enough-time.ts'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, open2025, request2026, send } from '../raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'
const TOOLS = 'notifications/tools/list_changed'
/** A replica looks twice a second; what a loaded machine takes besides is no promise of ours. */
const PATIENCE = { timeout: 60_000, interval: 20 }

let database: FreshPostgres
let ledger: Ledger
let first: PorticoProcess
let second: PorticoProcess
let token: string
let open: string
const streams: EventStream[] = []

beforeAll(async () => {
  ;[database, ledger] = await Promise.all([freshPostgres(process.env.PORTICO_TEST_TEMPLATE), startLedger()])
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  first = await startPorticoProcess(settings)
  second = await startPorticoProcess(settings)
  const server = { id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'unauthenticated' }
  await first.api('POST', `${MCP}/servers`, server)
  await first.api('POST', `${MCP}/servers/ledger/sync`)
  open = await policy({ name: 'Everybody', decision: 'allow', include: [{ everyone: {} }] })
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'ledger' }], policies: [open] })
  token = (await first.api<{ token: string }>('POST', '/tokens/access', { email: 'ada@acme.test', portal: 'default' }))
    .token
  await untilAsBefore()
})
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await ledger?.stop()
  await database?.drop()
})
afterEach(startAnew)

async function startAnew(): Promise<void> {
  for (const stream of streams.splice(0)) stream.close()
  await attach(open)
  await untilAsBefore()
}

async function untilAsBefore(): Promise<void> {
  while (!(await listed(second)).includes('ledger_post')) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function policy(body: Record<string, unknown>): Promise<string> {
  return (await first.api<{ id: string }>('POST', '/access/policies', body)).id
}

const attach = (...policies: string[]) => first.api('PUT', `${MCP}/portals/default`, { policies })
const nobodyPosts = (more: Record<string, unknown> = {}) =>
  policy({
    ...{ name: 'Nobody posts', decision: 'deny', include: [{ everyone: {} }] },
    ...{ capabilities: [{ servers: ['ledger'], names: ['post'] }], ...more },
  })
const asTime = (ms: number) => new Date(ms).toISOString()

const at = (replica: PorticoProcess) => `${replica.url}/mcp`
const listed = async (replica: PorticoProcess) => (await ask2026(at(replica), bearer(token), 'tools/list')).text
const POST = { name: 'ledger_post', arguments: { entry: 'x' } }

async function listen2026(replica: PorticoProcess): Promise<EventStream> {
  const method = 'subscriptions/listen'
  const stream = await openEventStream(at(replica), {
    method: 'POST',
    headers: {
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method, authorization: `Bearer ${token}` },
    },
    body: JSON.stringify(request2026(method, { notifications: { toolsListChanged: true } }, 'ear')),
  })
  streams.push(stream)
  await stream.until(({ length }) => length === 1)
  return stream
}

async function listen2025(replica: PorticoProcess, headers: Record<string, string>): Promise<EventStream> {
  const stream = await openEventStream(at(replica), { headers: { ...headers, accept: 'text/event-stream' } })
  streams.push(stream)
  expect(stream.status).toBe(200)
  return stream
}

const heard = (stream: EventStream) => stream.messages.filter(({ method }) => method === TOOLS).length
const hears = (stream: EventStream, times: number) =>
  stream.until((messages) => messages.filter(({ method }) => method === TOOLS).length === times)

describe('what is taken away', () => {
  // [SURFACE-5] [SURFACE-6]
  test('is refused at once where it was changed, and a moment later at the other replica; both eras hear of it', async () => {
    const session = await open2025(at(first), bearer(token))
    const atSecond = (method: string, params = {}) =>
      send(at(second), { jsonrpc: '2.0', id: 1, method, params }, session.headers)
    const ears = [await listen2025(second, session.headers), await listen2026(first), await listen2026(second)]
    expect((await atSecond('tools/list')).text).toContain('ledger_post')
    await attach(await nobodyPosts(), open)
    // The very next request.
    expect(await listed(first)).not.toContain('ledger_post')
    expect(messageOf(await ask2026(at(first), bearer(token), 'tools/call', POST)).error?.message).toBe(
      'Unknown tool: ledger_post',
    )
    await expect.poll(async () => (await atSecond('tools/list')).text.includes('ledger_post'), PATIENCE).toBe(false)
    const posted = ledger.posted.length
    expect(messageOf(await atSecond('tools/call', POST)).error?.message).toBe('Unknown tool: ledger_post')
    expect(ledger.posted.length).toBe(posted)
    await Promise.all(ears.map((ear) => hears(ear, 1)))
    const refusals = async () => {
      const query = 'phase=ended&capability=ledger_post&limit=2'
      return (await first.api<{ error: string }[]>('GET', `${MCP}/logs?${query}`)).map(({ error }) => error)
    }
    await expect.poll(refusals, PATIENCE).toEqual(['not-allowed', 'not-allowed'])
  })

  // [SURFACE-6]
  test('with the right to be here ends every stream, in its own way', async () => {
    const session = await open2025(at(first), bearer(token))
    const ears = [await listen2025(first, session.headers), await listen2026(first), await listen2026(second)]
    const eve = await policy({ name: 'Eve', decision: 'allow', include: [{ email: { email: 'eve@acme.test' } }] })
    await attach(eve)
    await Promise.all(ears.map(({ ended }) => ended))
    expect(ears.map(heard)).toEqual([0, 0, 0])
    expect(ears[1]?.messages.at(-1)).toMatchObject({ id: 'ear', result: {} })
    expect((await session.ask('tools/list')).status).toBe(403)
    expect((await ask2026(at(first), bearer(token), 'tools/list')).status).toBe(403)
  })

  // [SURFACE-6]
  test('of somebody else is nothing that a stream hears of', async () => {
    const ear = await listen2026(first)
    await attach(await nobodyPosts({ include: [{ email: { email: 'eve@acme.test' } }] }), open)
    await attach(await nobodyPosts(), open)
    await hears(ear, 1)
    expect(heard(ear)).toBe(1)
  })
})

describe('what is allowed for a time', () => {
  // [SURFACE-6]
  test('goes by itself when the time is over, and open streams of both eras hear of it at both replicas', async () => {
    const counts = await policy({
      ...{ name: 'Count', decision: 'allow', include: [{ everyone: {} }], capabilities: [{ names: ['count'] }] },
    })
    const { session, ears } = await beforeItIsOver(4, async (endsAt) => {
      await startAnew()
      const session = await open2025(at(first), bearer(token))
      const until = await policy({
        ...{ name: 'Guests', decision: 'allow', include: [{ everyone: {} }], valid_until: asTime(endsAt) },
        capabilities: [{ names: ['post'] }],
      })
      await attach(until, counts)
      await expect.poll(async () => (await listed(second)).includes('audit'), PATIENCE).toBe(false)
      const ears = [await listen2025(first, session.headers), await listen2026(second)]
      expect(await listed(first)).toContain('ledger_post')
      return { session, ears }
    })
    await Promise.all(ears.map((ear) => hears(ear, 1)))
    for (const replica of [first, second]) expect(await listed(replica)).not.toContain('ledger_post')
    expect(messageOf(await session.ask('tools/call', POST)).error?.message).toBe('Unknown tool: ledger_post')
    expect(await listed(first)).toContain('ledger_count')
  })

  // [SURFACE-6]
  test('comes by itself when its time begins', async () => {
    const ear = await beforeItIsOver(3, async (endsAt) => {
      await startAnew()
      await attach(await nobodyPosts({ valid_until: asTime(endsAt) }), open)
      const ear = await listen2026(first)
      expect(await listed(first)).not.toContain('ledger_post')
      return ear
    })
    await hears(ear, 1)
    expect(messageOf(await ask2026(at(first), bearer(token), 'tools/call', POST)).result).toMatchObject({
      content: [{ text: 'posted x' }],
    })
  })

  // [SURFACE-6]
  test('ends the stream where it was the right to be here', async () => {
    const guests = { name: 'Guests', decision: 'allow', include: [{ everyone: {} }] }
    const ear = await beforeItIsOver(3, async (endsAt) => {
      await startAnew()
      await attach(await policy({ ...guests, valid_until: asTime(endsAt) }))
      return listen2026(first)
    })
    await ear.ended
    expect((await ask2026(at(first), bearer(token), 'tools/list')).status).toBe(403)
  })
})
