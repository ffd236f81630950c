/** A client hears that its lists changed, in its own era, and hears nothing of what it may not see. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, send } from '../raw-mcp.ts'

const PORTAL = '/access/ai-controls/mcp/portals/default'
const TOOLS = 'notifications/tools/list_changed'
const PROMPTS = 'notifications/prompts/list_changed'

let portal: TestPortal
let ledger: Ledger
let url: string
const streams: EventStream[] = []

beforeAll(async () => {
  portal = await startTestPortal()
  ledger = await startLedger()
  await portal.furnish([{ id: 'ledger', url: ledger.url }])
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  for (const stream of streams) stream.close()
  await portal?.close()
  await ledger?.stop()
})

interface Listening {
  id?: string | number
  accept?: string
}

async function listen2026(token: string, notifications: Record<string, boolean>, how: Listening = {}) {
  const { id = 'sub-1', accept = 'application/json, text/event-stream' } = how
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const stream = await openEventStream(url, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept,
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'subscriptions/listen',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id, method: 'subscriptions/listen', params: { notifications, _meta } }),
  })
  streams.push(stream)
  return stream
}

async function listen2025(headers: Record<string, string>) {
  const stream = await openEventStream(url, { headers: { ...headers, accept: 'text/event-stream' } })
  streams.push(stream)
  return stream
}

const methods = (stream: EventStream) => stream.messages.map(({ method }) => method)
const hide = (name: string, enabled: boolean) =>
  portal.api('PUT', PORTAL, { servers: [{ server_id: 'ledger', updated_tools: [{ name, enabled }] }] })

describe('a client of 2026 that listens', () => {
  // [ERA-6]
  test('is acknowledged first, with what it will hear, and every frame names the subscription in its own type', async () => {
    const token = await portal.userToken('ada@acme.test')
    const stream = await listen2026(token, { toolsListChanged: true, somethingElse: true }, { id: 7 })
    await stream.until((messages) => messages.length === 1)
    expect(stream.messages[0]).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true }, _meta: { 'io.modelcontextprotocol/subscriptionId': 7 } },
    })
    await hide('count', false)
    await stream.until((messages) => messages.length === 2)
    expect(stream.messages[1]).toEqual({
      jsonrpc: '2.0',
      method: TOOLS,
      params: { _meta: { 'io.modelcontextprotocol/subscriptionId': 7 } },
    })
    await hide('count', true)
    await stream.until((messages) => messages.length === 3)
  })

  test('is acknowledged on a stream, whatever else it says that it accepts', async () => {
    const token = await portal.userToken('ada@acme.test')
    const stream = await listen2026(token, { toolsListChanged: true }, { accept: 'application/json' })
    await stream.until((messages) => messages.length === 1)
    expect(methods(stream)).toEqual(['notifications/subscriptions/acknowledged'])
  })

  test('hears of tools alone where it asked for tools alone', async () => {
    const token = await portal.userToken('ada@acme.test')
    const tools = await listen2026(token, { toolsListChanged: true })
    const prompts = await listen2026(token, { promptsListChanged: true })
    await Promise.all([tools, prompts].map((stream) => stream.until(({ length }) => length === 1)))
    await portal.api('PUT', PORTAL, {
      servers: [{ server_id: 'ledger', updated_prompts: [{ name: 'audit', enabled: false }] }],
    })
    await prompts.until(({ length }) => length === 2)
    await portal.api('PUT', PORTAL, { servers: [{ server_id: 'ledger' }] })
    await prompts.until(({ length }) => length === 3)
    expect(methods(prompts).slice(1)).toEqual([PROMPTS, PROMPTS])
    expect(methods(tools)).toEqual(['notifications/subscriptions/acknowledged'])
  })
})

describe('a client of 2025 with an open stream', () => {
  test('hears that a tool was hidden, and its next list lacks it', async () => {
    const session = await open2025(url, bearer(await portal.userToken('ada@acme.test')))
    const stream = await listen2025(session.headers)
    expect(stream.status).toBe(200)
    await hide('count', false)
    await stream.until((messages) => messages.some(({ method }) => method === TOOLS))
    expect((await session.ask('tools/list')).text).not.toContain('ledger_count')
    await hide('count', true)
    await stream.until((messages) => messages.filter(({ method }) => method === TOOLS).length === 2)
    expect((await session.ask('tools/list')).text).toContain('ledger_count')
  })

  test('hears of its own switches and not of another session’s', async () => {
    const token = await portal.userToken('ada@acme.test')
    const [mine, other] = [await open2025(url, bearer(token)), await open2025(url, bearer(token))]
    const [myStream, otherStream] = [await listen2025(mine.headers), await listen2025(other.headers)]
    const input = { server_id: 'ledger', action: 'untoggle' }
    await mine.ask('tools/call', { name: 'portal_toggle_single_server', arguments: input })
    await myStream.until((messages) => messages.some(({ method }) => method === TOOLS))
    expect((await mine.ask('tools/list')).text).not.toContain('ledger_')
    expect((await other.ask('tools/list')).text).toContain('ledger_post')
    // What reaches everyone comes after what could have reached the other one wrongly.
    await portal.api('PUT', PORTAL, { servers: [] })
    await otherStream.until((messages) => messages.some(({ method }) => method === TOOLS))
    expect(methods(otherStream).filter((method) => method === TOOLS)).toHaveLength(1)
    await portal.api('PUT', PORTAL, { servers: [{ server_id: 'ledger' }] })
  })

  test('keeps its stream when a second one is asked for', async () => {
    const session = await open2025(url, bearer(await portal.userToken('ada@acme.test')))
    const first = await listen2025(session.headers)
    expect((await listen2025(session.headers)).status).toBe(409)
    await hide('count', false)
    await first.until((messages) => messages.some(({ method }) => method === TOOLS))
    await hide('count', true)
  })

  test('loses it, and everything else, with the session', async () => {
    const session = await open2025(url, bearer(await portal.userToken('ada@acme.test')))
    const stream = await listen2025(session.headers)
    const ended = await fetch(url, { method: 'DELETE', headers: session.headers })
    expect(ended.status).toBe(200)
    await stream.ended
    expect((await session.ask('tools/list')).status).toBe(404)
    expect((await listen2025(session.headers)).status).toBe(404)
  })
})

// [CALLER-2]
test('a session is another user’s business in nothing: not to ask, not to listen, not to end', async () => {
  const session = await open2025(url, bearer(await portal.userToken('ada@acme.test')))
  const stolen = { ...session.headers, authorization: `Bearer ${await portal.userToken('bob@acme.test')}` }
  expect((await listen2025(stolen)).status).toBe(404)
  expect((await fetch(url, { method: 'DELETE', headers: stolen })).status).toBe(404)
  const unknown = { ...stolen, 'mcp-session-id': 'never-made' }
  for (const message of [
    { id: 1, method: 'tools/list' },
    { id: 2, method: 'tools/call', params: { name: 'ledger_post', arguments: { entry: 'stolen' } } },
    { method: 'notifications/cancelled', params: { requestId: 1 } },
    { id: 'portico-1', result: { action: 'accept' } },
  ]) {
    const body = { jsonrpc: '2.0', ...message }
    const [answer, nothing] = [await send(url, body, stolen), await send(url, body, unknown)]
    expect([answer.status, answer.text]).toEqual([404, nothing.text])
  }
  expect(ledger.posted).not.toContain('stolen')
  expect((await session.ask('ping')).status).toBe(200)
})

test('a switch of a 2026 client hangs off its grant and leaves its owner’s other clients alone', async () => {
  const [laptop, phone] = [await portal.userToken('ada@acme.test'), await portal.userToken('ada@acme.test')]
  const params = { name: 'portal_toggle_single_server', arguments: { server_id: 'ledger', action: 'untoggle' } }
  expect(messageOf(await ask2026(url, bearer(laptop), 'tools/call', params)).result).toMatchObject({
    structuredContent: { id: 'ledger', enabled: false },
  })
  expect((await ask2026(url, bearer(laptop), 'tools/list')).text).not.toContain('ledger_')
  expect((await ask2026(url, bearer(phone), 'tools/list')).text).toContain('ledger_post')
})
