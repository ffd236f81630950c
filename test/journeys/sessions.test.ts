/** A caller has so many sessions and no more, on one process and on several, and what ends takes its stream along. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { bearer, open2025, send } from '../raw-mcp.ts'

const PATIENCE = { timeout: 60_000 }
const LIST = { jsonrpc: '2.0', id: 1, method: 'tools/list' }

type Opened = Awaited<ReturnType<typeof open2025>>
const streams: EventStream[] = []
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close()
})

async function follow(url: string, session: Opened): Promise<EventStream> {
  const stream = await openEventStream(url, { headers: { ...session.headers, accept: 'text/event-stream' } })
  streams.push(stream)
  expect(stream.status).toBe(200)
  return stream
}
/** Sessions are told apart by when they were used, in milliseconds. */
async function laterThan(moment: number): Promise<number> {
  while (Date.now() === moment) await new Promise((resolve) => setImmediate(resolve))
  return Date.now()
}
const status = async (url: string, session: Opened) => (await send(url, LIST, session.headers)).status

describe('on one process', () => {
  let portal: TestPortal
  let url: string
  beforeAll(async () => {
    portal = await startTestPortal({ limits: { sessions_per_principal: 2 } })
    url = `${portal.url}/mcp`
  })
  afterAll(() => portal?.close())

  // [LIMIT-2]
  test('a caller with one session too many loses the least recently used one, and its stream', async () => {
    const [token, again] = [await portal.userToken('ada@acme.test'), await portal.userToken('ada@acme.test')]
    const bob = await open2025(url, bearer(await portal.userToken('bob@acme.test')))
    const first = await open2025(url, bearer(token))
    await laterThan(Date.now())
    const second = await open2025(url, bearer(again))
    const stream = await follow(url, second)
    await laterThan(Date.now())
    expect(await status(url, first)).toBe(200)
    await laterThan(Date.now())
    const third = await open2025(url, bearer(again))
    // The one that is over is looked at by its stream alone: to ask would be to use it.
    await stream.ended
    expect([await status(url, first), await status(url, second), await status(url, third)]).toEqual([200, 404, 200])
    expect(await status(url, bob)).toBe(200)
  })

  test('a client that ends its session makes room for another', async () => {
    const token = await portal.userToken('cy@acme.test')
    const [first, second] = [await open2025(url, bearer(token)), await open2025(url, bearer(token))]
    await fetch(url, { method: 'DELETE', headers: second.headers })
    const third = await open2025(url, bearer(token))
    const stream = await follow(url, third)
    expect([await status(url, first), await status(url, second), await status(url, third)]).toEqual([200, 404, 200])
    expect(stream.messages).toEqual([])
  })
})

describe('on two replicas', () => {
  let database: FreshPostgres
  let here: PorticoProcess
  let there: PorticoProcess
  let token: string
  beforeAll(async () => {
    database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
    const settings = {
      DATABASE_URL: database.url,
      PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
      PORTICO_LIMITS_SESSIONS_PER_PRINCIPAL: '2',
    }
    here = await startPorticoProcess(settings)
    there = await startPorticoProcess(settings)
    const { token: made } = await here.api<{ token: string }>('POST', '/tokens/access', {
      email: 'ada@acme.test',
      portal: 'default',
    })
    token = made
  })
  afterAll(async () => {
    for (const replica of [here, there]) {
      await replica?.end('SIGTERM')
      await replica?.remove()
    }
    await database?.drop()
  })

  test('a session that makes room on one ends on the other, with the stream that it had there', async () => {
    await expect.poll(async () => (await open2025(`${there.url}/mcp`, bearer(token))).opened.status, PATIENCE).toBe(200)
    const first = await open2025(`${here.url}/mcp`, bearer(token))
    const stream = await follow(`${here.url}/mcp`, first)
    await laterThan(Date.now())
    const later = [await open2025(`${there.url}/mcp`, bearer(token)), await open2025(`${there.url}/mcp`, bearer(token))]
    await stream.ended
    await expect.poll(() => status(`${here.url}/mcp`, first), PATIENCE).toBe(404)
    for (const session of later) expect(await status(`${here.url}/mcp`, session)).toBe(200)
  })

  test('a session that its client ends on one loses its stream on the other', async () => {
    const session = await open2025(`${here.url}/mcp`, bearer(token))
    const stream = await follow(`${here.url}/mcp`, session)
    await fetch(`${there.url}/mcp`, { method: 'DELETE', headers: session.headers })
    await stream.ended
    expect(await status(`${here.url}/mcp`, session)).toBe(404)
  })
})
