/**
 * Servers of 2025 that show some of what they have only to clients that can be asked: everybody who may use it sees it, who can be asked
 * uses it, and who cannot is told so before the server hears of it. What a server tells of the session of a call reaches that caller.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type AskingServer, asks, startAsking } from '../asking-server.ts'
import { openEventStream } from '../event-stream.ts'
import { everythingStdio, type HttpPeer, startEverythingHttp, startEverythingSse } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, send } from '../raw-mcp.ts'
import { openRelayClient, RELAY_CLIENTS, type RelayedClient } from '../relay-clients.ts'
import { deny, MCP, must, rowsOf } from '../relay-room.ts'
import { json, legacy, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const EVERYTHING = ['streamed', 'sse', 'child'] as const
const ASKS = 'trigger-elicitation-request'
const WATCHED = 'demo://resource/static/document/features.md'

let portal: TestPortal
let counting: ScriptedServer
let asking: AskingServer
const peers: HttpPeer[] = []
const open: { close(): unknown }[] = []

/** A server of 2025 that lists `asks` only in sessions that declare forms, and counts its calls. */
function startCounting(): Promise<ScriptedServer> {
  const declared: unknown[] = []
  return startScripted((seen, response, request) => {
    const { method } = seen.body
    if (method === 'initialize')
      declared.push((seen.body.params?.capabilities as { elicitation?: unknown } | undefined)?.elicitation)
    const session = Number(seen.headers['mcp-session-id']?.slice(1)) - 1
    if (method === 'tools/list') {
      const names = declared[session] === undefined ? ['plain'] : ['plain', 'asks']
      return json(response, result(seen, { tools: names.map((name) => ({ name, inputSchema: { type: 'object' } })) }))
    }
    const calls = (one: typeof seen, answer: typeof response) => {
      if (one.method !== 'POST') return void answer.writeHead(405).end()
      json(answer, result(one, { content: [{ type: 'text', text: 'done' }] }))
    }
    legacy(calls, { 'mcp-session-id': `s${declared.length}` })(seen, response, request)
  })
}

beforeAll(async () => {
  portal = await startTestPortal()
  peers.push(...(await Promise.all([startEverythingHttp(), startEverythingSse()])))
  counting = await startCounting()
  asking = await startAsking(async (call, server) => {
    const id = `q${server.told.length}`
    call.say(asks(id))
    const { error } = await server.toldOf(id)
    call.fail({ code: -32603, message: `nobody to ask: ${JSON.stringify(error)}` })
  })
  await portal.furnish([
    ...(['streamed', 'sse'] as const).map((id, at) => ({ id, url: peers[at]?.url ?? '' })),
    { id: 'child', stdio: everythingStdio() },
    { id: 'counting', url: `${counting.origin}/mcp` },
    { id: 'asking', url: asking.url },
  ])
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})
afterAll(async () => {
  await portal?.close()
  await Promise.all([...peers.map((peer) => peer.stop()), counting?.close(), asking?.http.close()])
})

const url = () => `${portal.url}/mcp`

async function client(which: (typeof RELAY_CLIENTS)[number], capabilities?: object): Promise<RelayedClient> {
  const token = await portal.userToken(`${which.replaceAll(' ', '-')}@acme.test`)
  const made = await openRelayClient(which, {
    url: url(),
    token,
    ...(capabilities && { capabilities: { ...capabilities } }),
  })
  open.push(made)
  return made
}

/** One call of a client of 2026, to the byte. */
async function call2026(name: string, capabilities: object = {}) {
  const token = await portal.userToken('ada@acme.test')
  const _meta = { 'io.modelcontextprotocol/clientCapabilities': capabilities }
  return ask2026(url(), bearer(token), 'tools/call', { name, arguments: {}, _meta })
}

describe.each(RELAY_CLIENTS)('%s', (which) => {
  // [LOOK-5]
  test.each(EVERYTHING)('uses a tool of server-everything as %s that asks by form', async (server) => {
    const ann = await client(which)
    const answer = await ann.call(`${server}_${ASKS}`)
    expect(answer.isError).toBe(false)
    expect(answer.text).toContain('User provided the requested information')
    expect(ann.asked.map(({ method }) => method)).toEqual(['elicitation/create'])
  })

  // [LOOK-5]
  test('that can be asked nothing is told so, and the server hears nothing of it', async () => {
    const mute = await client(which, {})
    const before = counting.asked('tools/call').length
    const told = await mute.call('counting_asks').catch((error: Error) => ({ isError: true, text: error.message }))
    expect(told.isError).toBe(true)
    expect(told.text).toContain('offers this only to clients that it can ask to fill in a form')
    expect(counting.asked('tools/call')).toHaveLength(before)
    const [row] = await rowsOf(portal, 'tools/call')
    expect(row).toMatchObject({ outcome: 'refused', decision: 'deny', error: 'cannot-be-asked', server: 'counting' })
    expect((await mute.call('counting_plain')).text).toBe('done')
  })
})

// [LOOK-5]
test('a client of 2026 is told what it would have to declare, as HTTP 400', async () => {
  const refused = await call2026('counting_asks', { roots: {} })
  expect(refused.status).toBe(400)
  expect(messageOf(refused).error).toMatchObject({
    code: -32021,
    data: { requiredCapabilities: { elicitation: { form: {} } } },
  })
  expect(messageOf(await call2026('counting_asks', { elicitation: { form: {} } })).result).toMatchObject({
    content: [{ text: 'done' }],
  })
})

// [LOOK-5]
test('what a server asks in mid-call of a client that did not declare it is said so too, where the call fails', async () => {
  const refused = await call2026('asking_echo')
  expect(messageOf(refused).error).toMatchObject({
    code: -32021,
    data: { requiredCapabilities: { elicitation: { form: {} } } },
  })
  expect(refused.status).toBe(400)
})

// [LOOK-6]
test('what is forbidden and needs to ask is as unknown as what is not there', async () => {
  const allow = await deny(portal, 'counting', 'asks')
  try {
    const forbidden = await call2026('counting_asks')
    const unknown = await call2026('counting_nothx')
    expect(forbidden.status).toBe(unknown.status)
    expect(forbidden.text.replaceAll('counting_asks', 'X')).toBe(unknown.text.replaceAll('counting_nothx', 'X'))
  } finally {
    await allow()
  }
})

// [LOOK-5]
test('where an admin does not let a server ask any more, what it lists for that is gone', async () => {
  const names = async () => {
    const token = await portal.userToken('ada@acme.test')
    const listed = messageOf(await ask2026(url(), bearer(token), 'tools/list')).result as { tools: { name: string }[] }
    return listed.tools.map(({ name }) => name).filter((name) => name.startsWith('counting_'))
  }
  expect(await names()).toEqual(['counting_plain', 'counting_asks'])
  await must(portal, 'PUT', `${MCP}/servers/counting`, { relay: { elicitation: false } })
  await expect.poll(names).toEqual(['counting_plain'])
  await must(portal, 'PUT', `${MCP}/servers/counting`, { relay: { elicitation: true } })
  await expect.poll(names).toEqual(['counting_plain', 'counting_asks'])
})

/** A session of 2025 that can be asked this, and what it is told on its stream. */
async function session(who: string, server: string, capabilities: object) {
  const at = `${portal.url}/p/default/s/${server}/mcp`
  const { credentials } = bearer(await portal.userToken(`${who}@acme.test`))
  const version = '2025-11-25'
  const params = { protocolVersion: version, capabilities, clientInfo: { name: who, version: '1' } }
  const opened = await send(at, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, credentials)
  const named = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': version }
  const headers = { ...credentials, ...named }
  const stream = await openEventStream(at, { headers: { ...headers, accept: 'text/event-stream' } })
  open.push(stream)
  const told = () => stream.messages.filter(({ method }) => method === 'notifications/resources/updated')
  return {
    told,
    untilTold: () => stream.until(() => told().length > 0),
    ask: async (method: string, given: object) =>
      messageOf(await send(at, { jsonrpc: '2.0', id: 1, method, params: given }, headers)),
  }
}

// [SUB-8]
test.each(EVERYTHING)(
  'of server-everything as %s each hears what is told of the session of their own calls',
  async (server) => {
    const ada = await session('ada', server, { elicitation: {} })
    const bea = await session('bea', server, { elicitation: { form: {}, url: {} } })
    for (const one of [ada, bea]) expect((await one.ask('resources/subscribe', { uri: WATCHED })).result).toEqual({})
    const toggle = { name: 'toggle-subscriber-updates', arguments: {} }
    await ada.ask('tools/call', toggle)
    await ada.untilTold()
    expect(bea.told()).toEqual([])
    await bea.ask('tools/call', toggle)
    await bea.untilTold()
    for (const one of [ada, bea]) await one.ask('tools/call', toggle)
  },
)
