/** Two processes on one PostgreSQL: a session subscribes at the one and hears at the other, and what is taken away at one ends at both. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { openEventStream } from '../event-stream.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, send } from '../raw-mcp.ts'
import { startWatchedServer, type WatchedServer } from '../watched-server.ts'
import { listen2026, session2025, UPDATED } from '../watching.ts'

const MCP = '/access/ai-controls/mcp'
const ONE = 'watched://book/one'
const TWO = 'watched://book/two'
/** A replica looks once a second; what a loaded machine takes besides is no promise of ours. */
const PATIENCE = { timeout: 15_000, interval: 20 }

let database: FreshPostgres
let server: WatchedServer
let first: PorticoProcess
let second: PorticoProcess
let token: string
let everybody: string
const open: { stream: { close(): void } }[] = []

beforeAll(async () => {
  ;[database, server] = await Promise.all([
    freshPostgres(process.env.PORTICO_TEST_TEMPLATE),
    startWatchedServer('legacy'),
  ])
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  first = await startPorticoProcess(settings)
  second = await startPorticoProcess(settings)
  const watched = { id: 'watched', name: 'Watched', hostname: server.url, auth_type: 'unauthenticated' }
  await first.api('POST', `${MCP}/servers`, watched)
  await first.api('POST', `${MCP}/servers/watched/sync`)
  everybody = await policy({ name: 'Everybody', decision: 'allow', include: [{ everyone: {} }] })
  await attach(everybody)
  token = (await first.api<{ token: string }>('POST', '/tokens/access', { email: 'ada@acme.test', portal: 'default' }))
    .token
  const listed = async () => (await ask2026(at(second), bearer(token), 'resources/list')).text.includes(ONE)
  while (!(await listed())) await new Promise((resolve) => setTimeout(resolve, 20))
})
afterEach(async () => {
  for (const { stream } of open.splice(0)) stream.close()
  await expect.poll(() => server.listened(), PATIENCE).toEqual([])
})
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await server?.stop()
  await database?.drop()
})

const at = (replica: PorticoProcess) => `${replica.url}/mcp`
const policy = async (body: Record<string, unknown>) =>
  (await first.api<{ id: string }>('POST', '/access/policies', body)).id
const attach = (...policies: string[]) =>
  first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'watched' }], policies })

// [SUB-7]
test('what is subscribed to at one is heard on the stream at the other, until it is not wanted any more', async () => {
  const ada = await session2025(at(first), token, at(second))
  open.push(ada)
  for (const uri of [ONE, TWO]) expect(messageOf(await ada.ask('resources/subscribe', { uri })).result).toEqual({})
  // Nobody listens where nobody could be told.
  await expect.poll(() => server.listened(), PATIENCE).toEqual([ONE, TWO])
  server.change(ONE)
  await ada.untilTold(1)
  await ada.ask('resources/unsubscribe', { uri: ONE })
  await expect.poll(() => server.listened(), PATIENCE).toEqual([TWO])
  server.change(ONE)
  server.change(TWO)
  await ada.untilTold(2)
  expect(ada.told()).toEqual([ONE, TWO])
})

// [SUB-7]
test('a session whose stream moves to another replica hears there of what it wanted before', async () => {
  const ada = await session2025(at(first), token)
  await ada.ask('resources/subscribe', { uri: ONE })
  expect(server.listened()).toEqual([ONE])
  ada.stream.close()
  await expect.poll(() => server.listened(), PATIENCE).toEqual([])
  // In between it has no stream: nothing is kept for it.
  server.change(ONE)
  const stream = await openEventStream(at(second), { headers: { ...ada.headers, accept: 'text/event-stream' } })
  open.push({ stream })
  await expect.poll(() => server.listened(), PATIENCE).toEqual([ONE])
  expect(stream.messages).toEqual([])
  server.change(ONE)
  await stream.until((messages) => messages.some(({ method }) => method === UPDATED))
})

// [SUB-6]
test('a deny at one ends what is followed at the other', async () => {
  const [ada, bob] = [await session2025(at(first), token, at(second)), await listen2026(at(second), token, [ONE])]
  open.push(ada, bob)
  await ada.ask('resources/subscribe', { uri: ONE })
  server.change(ONE)
  await Promise.all([
    bob.untilTold(1),
    expect
      .poll(() => {
        if (ada.told().length === 0) server.change(ONE)
        return ada.told().length
      }, PATIENCE)
      .toBeGreaterThan(0),
  ])
  const no = { name: 'No books', decision: 'deny', include: [{ everyone: {} }] }
  await attach(await policy({ ...no, capabilities: [{ kinds: ['resource'], names: [ONE] }] }), everybody)
  try {
    await expect.poll(() => server.listened(), PATIENCE).toEqual([])
    const before = [ada.told().length, bob.told().length]
    server.change(ONE)
    const answer = await send(
      at(second),
      { jsonrpc: '2.0', id: 1, method: 'resources/subscribe', params: { uri: ONE } },
      ada.headers,
    )
    expect(messageOf(answer).error?.code).toBe(-32002)
    expect([ada.told().length, bob.told().length]).toEqual(before)
  } finally {
    await attach(everybody)
  }
})
