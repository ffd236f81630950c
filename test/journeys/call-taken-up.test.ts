/**
 * Clients of 2025-11-25 whose connection breaks in the midst of a call: the call goes on, and whoever made it takes its stream up again,
 * gets what was said meanwhile, and the answer. Nobody else gets any of it.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import {
  CallToolResultSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { type AskingServer, asks, type Call, startAsking } from '../asking-server.ts'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, open2025 } from '../raw-mcp.ts'
import { type RoundRobin, startRoundRobin } from '../round-robin.ts'

const PATIENCE = { timeout: 60_000 }
const VERSION = '2025-11-25'
const log = (data: string) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data } })

let portal: TestPortal
let desk: AskingServer
let network: RoundRobin
let token: string
/** Calls that arrived at the server and wait for the test. */
let calls: Call[] = []
const closing: (() => unknown)[] = []

beforeAll(async () => {
  desk = await startAsking((call) => void calls.push(call))
  portal = await startTestPortal()
  await portal.furnish([{ id: 'desk', url: desk.url }])
  network = await startRoundRobin([portal.url])
  token = await portal.userToken('ada@acme.test')
})
beforeEach(() => {
  calls = []
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(async () => {
  await network?.close()
  await portal?.close()
  await desk?.http.close()
})

async function arrived(count = 1): Promise<Call> {
  await expect.poll(() => calls.length, PATIENCE).toBe(count)
  return calls[count - 1] as Call
}

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  expect(answer.body.errors, path).toEqual([])
  return answer.body.result
}

const ended = () => must<AuditRow[]>('GET', '/access/ai-controls/mcp/logs?phase=ended&method=tools/call&limit=50')

/** The SDK's own client, which takes streams up by itself. */
async function openClient({ sessionId, says }: { sessionId?: string; says?: () => Promise<unknown> } = {}) {
  const heard: unknown[] = []
  const errors: string[] = []
  const client = new Client({ name: 'journey', version: '1' }, { capabilities: { elicitation: {} } })
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params.data))
  client.setRequestHandler(ElicitRequestSchema, async () => (await says?.()) as { action: 'accept' })
  client.onerror = (error) => void errors.push(error.message)
  const transport = new StreamableHTTPClientTransport(new URL(`${network.url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
    reconnectionOptions: {
      ...{ initialReconnectionDelay: 50, maxReconnectionDelay: 50, reconnectionDelayGrowFactor: 1, maxRetries: 2 },
    },
    ...(sessionId === undefined ? {} : { sessionId }),
  })
  await client.connect(transport as Transport)
  closing.push(() => client.close())
  return { client, transport, heard, errors }
}

const textOf = (result: unknown) => (result as { content: { text: string }[] }).content[0]?.text

describe('a client of the SDK whose connection breaks in the midst of its call', () => {
  // [STREAM-2]
  test('hears what was said meanwhile and gets its answer, and the call was made once', async () => {
    const { client, heard } = await openClient()
    const before = (await ended()).length
    const answer = client.callTool({ name: 'desk_echo', arguments: {} })
    const call = await arrived()
    call.say(log('one'))
    await expect.poll(() => heard, PATIENCE).toEqual(['one'])
    network.cut()
    call.say(log('two'))
    call.say(log('three'))
    await expect.poll(() => heard, PATIENCE).toEqual(['one', 'two', 'three'])
    network.cut()
    call.answer('here it is')
    expect(textOf(await answer)).toBe('here it is')
    expect(heard).toEqual(['one', 'two', 'three'])
    expect(calls).toHaveLength(1)
    const rows = await ended()
    expect(rows).toHaveLength(before + 1)
    expect(rows[0]).toMatchObject({ outcome: 'answered', capability: 'desk_echo' })
  })

  // [STREAM-2]
  test('is asked what was to be asked meanwhile, and what it answers counts', async () => {
    let times = 0
    const { client, heard } = await openClient({
      says: async () => {
        times++
        return { action: 'accept', content: {} }
      },
    })
    const answer = client.callTool({ name: 'desk_echo', arguments: {} })
    const call = await arrived()
    call.say(log('wait'))
    await expect.poll(() => heard, PATIENCE).toEqual(['wait'])
    network.cut()
    call.say(asks('while-away'))
    expect(await desk.toldOf('while-away')).toMatchObject({ result: { action: 'accept' } })
    call.answer('thanks')
    expect(textOf(await answer)).toBe('thanks')
    expect(times).toBe(1)
  })

  // [STREAM-2]
  test('may still answer what it was asked before', async () => {
    const { promise: wait, resolve: go } = Promise.withResolvers<void>()
    let times = 0
    const { client } = await openClient({
      says: async () => {
        times++
        await wait
        return { action: 'accept', content: {} }
      },
    })
    const answer = client.callTool({ name: 'desk_echo', arguments: {} })
    const call = await arrived()
    call.say(asks('before'))
    await expect.poll(() => times, PATIENCE).toBe(1)
    network.cut()
    go()
    expect(await desk.toldOf('before')).toMatchObject({ result: { action: 'accept' } })
    call.answer('thanks')
    expect(textOf(await answer)).toBe('thanks')
    expect(times).toBe(1)
  })

  // [STREAM-2]
  test('goes on in another process that has its session and the id of the last event', async () => {
    const first = await openClient()
    let lastId = ''
    const given = {
      onresumptiontoken: (id: string) => {
        lastId = id
      },
    }
    first.client
      .request({ method: 'tools/call', params: { name: 'desk_echo', arguments: {} } }, CallToolResultSchema, given)
      .catch(() => undefined)
    const call = await arrived()
    call.say(log('one'))
    await expect.poll(() => first.heard, PATIENCE).toEqual(['one'])
    const { sessionId = '' } = first.transport
    await first.client.close()
    call.answer('still here')
    const second = await openClient({ sessionId })
    second.transport.setProtocolVersion(VERSION)
    const request = { method: 'tools/call' as const, params: { name: 'desk_echo', arguments: {} } }
    const result = await second.client.request(request, CallToolResultSchema, { resumptionToken: lastId })
    expect(textOf(result)).toBe('still here')
    expect(calls).toHaveLength(1)
  })

  test('comes back once after an error, is told that this is all, and stays away', async () => {
    const { client, heard, errors } = await openClient()
    const answer = client.callTool({ name: 'desk_echo', arguments: {} })
    const call = await arrived()
    call.say(log('bad news'))
    await expect.poll(() => heard, PATIENCE).toEqual(['bad news'])
    call.fail({ code: -32050, message: 'no more' })
    await expect(answer).rejects.toThrow(/no more/)
    expect(errors).toEqual([])
  })
})

type Session = Awaited<ReturnType<typeof open2025>>
const openSession = (as = token, version = VERSION) => open2025(`${portal.url}/mcp`, bearer(as), version)

/** A call by hand, whose stream has begun. */
async function beginCall(session: Session, id = 1): Promise<{ call: Call; stream: EventStream; first: string }> {
  const asked = openEventStream(`${portal.url}/mcp`, {
    method: 'POST',
    headers: {
      ...session.headers,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'desk_echo', arguments: {} } }),
  })
  const call = await arrived(calls.length + 1)
  call.say(log(`first of ${id}`))
  const stream = await asked
  closing.push(() => stream.close())
  await stream.until((messages) => messages.length === 1)
  return { call, stream, first: stream.lastId ?? '' }
}

async function comeBack(session: Session, lastId: string): Promise<EventStream> {
  const headers = { ...session.headers, accept: 'text/event-stream', 'last-event-id': lastId }
  const stream = await openEventStream(`${portal.url}/mcp`, { headers })
  closing.push(() => stream.close())
  return stream
}

const said = (stream: EventStream) =>
  stream.messages.map(({ method, params, result }) => (method ? (params?.data ?? method) : textOf(result)))

describe('the stream of a call', () => {
  test('begins with an id and no message, and says when to come back; of before 2025-11-25 it has no ids', async () => {
    for (const version of [VERSION, '2025-06-18', '2025-03-26']) {
      const session = await openSession(token, version)
      const asked = session.ask('tools/call', { name: 'desk_echo', arguments: {} })
      const at = await arrived(calls.length + 1)
      at.say(log('hello'))
      at.answer('done')
      const { text } = await asked
      const events = text.split('\n\n').map((event) => event.split('\n').map((line) => line.split(':')[0]))
      const plain = [['data'], ['data'], ['']]
      expect(events, version).toEqual(
        version === VERSION ? [['id', 'retry', 'data'], ['id', 'data'], ['id', 'data'], ['']] : plain,
      )
      if (version === VERSION) expect(text).toMatch(/^id: v1\.[\w.-]+\.0\nretry: 1000\ndata: \n\n/)
    }
  })

  test('is one JSON answer, without any id, where nothing streams', async () => {
    const session = await openSession()
    const asked = session.ask('tools/call', { name: 'desk_echo', arguments: {} })
    ;(await arrived()).answer('plain')
    const { headers, text } = await asked
    expect(headers.get('content-type')).toBe('application/json')
    expect(text).toContain('plain')
  })

  // [STREAM-2]
  test('is taken up from wherever its client had read, as often as it likes', async () => {
    const session = await openSession()
    const { call, stream, first } = await beginCall(session)
    stream.close()
    call.say(log('second'))
    call.answer('done')
    const primed = first.replace(/\.1$/, '.0')
    for (const [from, rest] of [
      [first, ['second', 'done']],
      [primed, ['first of 1', 'second', 'done']],
      [first, ['second', 'done']],
    ] as const) {
      const again = await comeBack(session, from)
      await again.ended
      expect(again.status).toBe(200)
      expect(said(again)).toEqual(rest)
      expect((await comeBack(session, again.lastId ?? '')).status).toBe(405)
    }
  })

  // [STREAM-3]
  test('never carries what was said on another of the same session', async () => {
    const session = await openSession()
    const one = await beginCall(session, 1)
    const two = await beginCall(session, 2)
    one.stream.close()
    two.stream.close()
    one.call.say(log('of one'))
    two.call.say(log('of two'))
    two.call.answer('answer of two')
    const again = [await comeBack(session, one.first), await comeBack(session, two.first)] as const
    one.call.answer('answer of one')
    await Promise.all(again.map(({ ended: over }) => over))
    expect(said(again[0])).toEqual(['of one', 'answer of one'])
    expect(said(again[1])).toEqual(['of two', 'answer of two'])
    expect(again[0].messages.at(-1)?.id).toBe(1)
  })

  // [STREAM-3]
  test('has one reader: who comes back is it, and the connection before is cut', async () => {
    const session = await openSession()
    const { call, stream, first } = await beginCall(session)
    const again = await comeBack(session, first)
    await stream.ended
    call.say(log('second'))
    call.answer('done')
    await again.ended
    expect(said(stream)).toEqual(['first of 1'])
    expect(said(again)).toEqual(['second', 'done'])
  })

  // [STREAM-3]
  test('is nobody else’s: not another person’s, not another session’s, not under an altered id', async () => {
    const mine = await openSession()
    const { call, stream, first } = await beginCall(mine)
    stream.close()
    call.say(log('secret'))
    call.answer('secret too')
    const altered = `${first.slice(0, 40)}${first[40] === 'A' ? 'B' : 'A'}${first.slice(41)}`
    const others: [Session, string][] = [
      [await openSession(await portal.userToken('eve@acme.test')), first],
      [await openSession(), first],
      [await openSession(), altered],
    ]
    for (const [session, id] of others) {
      // As for an id that nobody ever made: a stream for news, which says that anything may have changed.
      const stranger = await comeBack(session, id)
      await stranger.until((messages) => messages.length === 3)
      expect(said(stranger).join()).toMatch(/^(notifications\/\w+\/list_changed,?){3}$/)
    }
    const owner = await comeBack(mine, first)
    await owner.ended
    expect(said(owner)).toEqual(['secret', 'secret too'])
  })

  // [STREAM-3]
  test('is closed to who may not enter any more', async () => {
    const session = await openSession(await portal.userToken('mallory@acme.test'))
    const { call, stream, first } = await beginCall(session)
    stream.close()
    call.answer('not for you')
    const only = await must<{ id: string }>('POST', '/access/policies', {
      ...{ name: 'Ada alone', decision: 'allow', include: [{ email: { email: 'ada@acme.test' } }] },
    })
    const here = '/access/ai-controls/mcp/portals/default'
    const { policies } = await must<{ policies: string[] }>('GET', here)
    await must('PUT', here, { policies: [only.id] })
    const again = await comeBack(session, first)
    expect(again.status).toBe(403)
    expect(again.messages).toEqual([])
    await must('PUT', here, { policies })
  })

  test('and the stream for news stand side by side', async () => {
    const session = await openSession()
    const news = await openEventStream(`${portal.url}/mcp`, {
      headers: { ...session.headers, accept: 'text/event-stream' },
    })
    closing.push(() => news.close())
    const { call, stream, first } = await beginCall(session)
    stream.close()
    const again = await comeBack(session, first)
    call.answer('done')
    await again.ended
    expect(said(again)).toEqual(['done'])
    expect(news.messages).toEqual([])
    const second = await openEventStream(`${portal.url}/mcp`, {
      headers: { ...session.headers, accept: 'text/event-stream' },
    })
    expect(second.status).toBe(409)
  })

  test('carries an answer of many megabytes whole, once something streamed before it', async () => {
    const session = await openSession()
    const { call, stream } = await beginCall(session)
    call.answer('x'.repeat(20 * 1024 * 1024))
    await stream.ended
    expect(textOf(stream.messages.at(-1)?.result)).toHaveLength(20 * 1024 * 1024)
  })

  test('tells who comes back too late for an answer that was too large to keep', async () => {
    const session = await openSession()
    const { call, stream, first } = await beginCall(session)
    stream.close()
    const [before] = await ended()
    call.answer('x'.repeat(1024 * 1024))
    await expect.poll(async () => (await ended())[0]?.deed, PATIENCE).not.toBe(before?.deed)
    const again = await comeBack(session, first)
    await again.ended
    expect(again.messages).toMatchObject([{ id: 1, result: { isError: true } }])
    expect(said(again)[0]).toMatch(/See whether it took effect/)
    expect((await comeBack(session, again.lastId ?? '')).status).toBe(405)
  })
})
