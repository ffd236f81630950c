/** A client of 2025 whose stream broke takes it up with `Last-Event-ID`, and learns what changed while nobody listened. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, open2025 } from '../raw-mcp.ts'
import { startWitness, type Witness } from '../support/witness.ts'

const MCP = '/access/ai-controls/mcp'
const TOOLS = 'notifications/tools/list_changed'
const PROMPTS = 'notifications/prompts/list_changed'
const UPDATED = 'notifications/resources/updated'

let portal: TestPortal
let alpha: Witness
let url: string
const streams: EventStream[] = []

beforeAll(async () => {
  portal = await startTestPortal()
  alpha = await startWitness('alpha')
  await portal.furnish([{ id: 'alpha', url: alpha.url }])
  url = `${portal.url}/mcp`
})
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close()
})
afterAll(async () => {
  await portal?.close()
  await alpha?.stop()
})

async function must(method: string, path: string, body: unknown): Promise<void> {
  const answer = await portal.api(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
}

const alias = (name: string) => must('PUT', `${MCP}/servers/alpha`, { updated_tools: [{ name: 'write', alias: name }] })
const rename = (name: string) =>
  must('PUT', `${MCP}/servers/alpha`, { updated_prompts: [{ name: 'brief', alias: name }] })

type Session = Awaited<ReturnType<typeof open2025>>

async function listen(session: Session, since?: string | null): Promise<EventStream> {
  const more = since == null ? {} : { 'last-event-id': since }
  const headers = { ...session.headers, accept: 'text/event-stream', ...more }
  const stream = await openEventStream(url, { headers })
  streams.push(stream)
  expect(stream.status).toBe(200)
  return stream
}

/** Also at the portal: one session has one stream. */
async function leave(stream: EventStream): Promise<void> {
  stream.close()
  await stream.ended
}

async function listenAgain(session: Session, since: string | null): Promise<EventStream> {
  for (;;) {
    const headers = {
      ...session.headers,
      accept: 'text/event-stream',
      ...(since === null ? {} : { 'last-event-id': since }),
    }
    const stream = await openEventStream(url, { headers })
    if (stream.status === 200) {
      streams.push(stream)
      return stream
    }
    // The portal has not heard yet that the client left.
    expect(stream.status).toBe(409)
    stream.close()
  }
}

const methods = (stream: EventStream) => stream.messages.map(({ method }) => method)

// [STREAM-1]
test('what changed meanwhile is told at once, and what did not is not', async () => {
  const session = await open2025(url, bearer(await portal.userToken('ada@acme.test')))
  const first = await listen(session)
  await alias('put')
  await first.until((messages) => messages.length === 1)
  expect(methods(first)).toEqual([TOOLS])
  const { lastId } = first
  expect(lastId).toMatch(/^[\x21-\x7e]{1,100}$/)
  await leave(first)

  await rename('summary')
  const second = await listenAgain(session, lastId)
  await second.until((messages) => messages.length === 1)
  expect(methods(second)).toEqual([PROMPTS])
  const now = second.lastId
  expect(now).not.toBe(lastId)
  await leave(second)

  const third = await listenAgain(session, now)
  await alias('store')
  await third.until((messages) => messages.length === 1)
  expect(methods(third)).toEqual([TOOLS])
})

// [STREAM-1]
test('an id that is nobody’s says that anything may have changed, and shows nothing', async () => {
  for (const id of ['7', '../../etc/passwd', 'a.b.c.d.e', '%00', 'x'.repeat(2000)]) {
    const session = await open2025(url, bearer(await portal.userToken('ada@acme.test')))
    const stream = await listen(session, id)
    await stream.until((messages) => messages.length === 3)
    expect(methods(stream).toSorted()).toEqual([PROMPTS, 'notifications/resources/list_changed', TOOLS])
  }
})

// [STREAM-1]
test('a resource that was followed may be another by now', async () => {
  const session = await open2025(url, bearer(await portal.userToken('ada@acme.test')), '2025-11-25')
  const uri = 'alpha://open/one'
  const { text } = await session.ask('resources/subscribe', { uri })
  expect(JSON.parse(text).result).toEqual({})
  const stream = await listen(session, 'of-another-day')
  await stream.until((messages) => messages.some(({ method }) => method === UPDATED))
  expect(stream.messages.find(({ method }) => method === UPDATED)?.params).toEqual({ uri })
})
