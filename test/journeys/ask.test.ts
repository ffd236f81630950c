/**
 * The portal asks the person behind a client, in the way that this client knows: real clients of both eras answer, and what
 * is forged, foreign, late or repeated does nothing.
 */
import { Client as ClientV2, StreamableHTTPClientTransport as TransportV2 } from '@modelcontextprotocol/client'
import { Client as ClientV1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as TransportV1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { openEventStream } from '../event-stream.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, type RawAnswer, send } from '../raw-mcp.ts'

const TOOL = 'portal_toggle_servers'
const ADA = 'ada@acme.test'
const BOTH_MODES = { elicitation: { form: {}, url: {} } }

let portal: TestPortal
let ledger: Ledger
let ada: string
let bob: string

beforeAll(async () => {
  ledger = await startLedger()
  portal = await startTestPortal()
  await portal.furnish([{ id: 'ledger', url: ledger.url }])
  ada = await portal.userToken(ADA)
  bob = await portal.userToken('bob@acme.test')
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
})

interface Row {
  deed: string
  parent?: string
  phase: string
  outcome?: string
  decision?: string
  error?: string
  capability?: string
  session?: string
}

const rows = async (query: string) =>
  (await portal.api<Row[]>('GET', `/access/ai-controls/mcp/logs?limit=200&${query}`)).body.result

interface AskedOf {
  mode?: string
  message: string
  url?: string
  elicitationId?: string
  requestedSchema?: unknown
}

/** A real client that answers as it is told, and what it was asked. */
interface Answering {
  call(name: string, args?: Record<string, unknown>): Promise<{ isError?: boolean; text: string; structured: unknown }>
  asked: AskedOf[]
}

type Reply = { action: 'accept' | 'decline' | 'cancel'; content?: Record<string, string | boolean> }

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

const CLIENTS = ['SDK v1', 'SDK v2 of 2025', 'SDK v2 of 2026'] as const

async function connect(
  which: (typeof CLIENTS)[number],
  how: { token: string; elicitation?: object; reply?: Reply },
): Promise<Answering> {
  const asked: AskedOf[] = []
  const url = new URL(`${portal.url}/mcp`)
  const init = { requestInit: { headers: { Authorization: `Bearer ${how.token}` } } }
  const capabilities = how.elicitation === undefined ? {} : { elicitation: { ...how.elicitation } }
  const answer = (params: unknown): Reply => {
    asked.push(params as AskedOf)
    return how.reply ?? { action: 'accept', content: {} }
  }
  const shape = (result: unknown) => {
    const { isError, content, structuredContent } = result as {
      isError?: boolean
      content: { text: string }[]
      structuredContent?: unknown
    }
    const text = content.map((block) => block.text).join('')
    return { ...(isError === undefined ? {} : { isError }), text, structured: structuredContent }
  }
  if (which === 'SDK v1') {
    const client = new ClientV1({ name: 'asked-v1', version: '1' }, { capabilities })
    if (how.elicitation) client.setRequestHandler(ElicitRequestSchema, (request) => answer(request.params))
    await client.connect(new TransportV1(url, init) as Transport)
    open.push(() => client.close())
    return { asked, call: async (name, args = {}) => shape(await client.callTool({ name, arguments: args })) }
  }
  const mode = which === 'SDK v2 of 2026' ? { pin: '2026-07-28' } : ('legacy' as const)
  const client = new ClientV2({ name: 'asked-v2', version: '1' }, { capabilities, versionNegotiation: { mode } })
  if (how.elicitation) client.setRequestHandler('elicitation/create', (request) => answer(request.params))
  await client.connect(new TransportV2(url, init))
  open.push(() => client.close())
  return { asked, call: async (name, args = {}) => shape(await client.callTool({ name, arguments: args })) }
}

describe.each(CLIENTS)('%s', (which) => {
  // [ASK-1]
  test('is asked with a link to a page, and gets its answer when the person said yes', async () => {
    const client = await connect(which, { token: ada, elicitation: { form: {}, url: {} } })
    const result = await client.call(TOOL)
    expect(client.asked).toHaveLength(1)
    expect(client.asked[0]).toMatchObject({ mode: 'url' })
    expect(client.asked[0]?.url).toMatch(new RegExp(`^${portal.url}/authorize\\?elicitationId=[\\w-]{43}$`))
    expect('elicitationId' in (client.asked[0] ?? {})).toBe(which !== 'SDK v2 of 2026')
    expect(result.isError).toBeUndefined()
    expect(result.structured).toMatchObject({ servers: [{ id: 'ledger', enabled: true }] })
    // The link is the person's: the model never saw it.
    expect(JSON.stringify(result)).not.toContain('elicitationId')
  })

  test.each(['decline', 'cancel'] as const)(
    'is told that nothing was done where the person chose %s',
    async (action) => {
      const client = await connect(which, { token: ada, elicitation: { form: {}, url: {} }, reply: { action } })
      const result = await client.call(TOOL)
      expect(client.asked).toHaveLength(1)
      expect(result.text).toContain('nothing was changed')
    },
  )

  test('that knows forms only is asked with the address in a form', async () => {
    const client = await connect(which, { token: ada, elicitation: {} })
    const result = await client.call(TOOL)
    expect(client.asked[0]?.mode ?? 'form').toBe('form')
    expect(client.asked[0]?.message).toMatch(/\/authorize\?elicitationId=[\w-]{43}$/)
    expect(client.asked[0]?.requestedSchema).toMatchObject({ type: 'object', properties: {} })
    expect(result.isError).toBeUndefined()
  })

  test('that cannot be asked gets the link in the result, for its model to show', async () => {
    const client = await connect(which, { token: ada })
    const result = await client.call(TOOL)
    expect(result.isError).toBeUndefined()
    expect(result.text).toMatch(/\/authorize\?elicitationId=[\w-]{43}$/)
    expect(result.structured).toMatchObject({ expires_in_seconds: 900 })
  })

  test('a question and its answer are deeds of their own, part of the call', async () => {
    const client = await connect(which, { token: bob, elicitation: { url: {} }, reply: { action: 'decline' } })
    const before = (await rows('method=elicitation/create&actor=bob@acme.test')).length
    await client.call(TOOL)
    const mine = (await rows('method=elicitation/create&actor=bob@acme.test')).slice(0, -before || undefined)
    const ended = mine.filter(({ phase }) => phase === 'ended')
    const last = { outcome: 'refused', decision: 'deny', error: 'declined', capability: 'servers' }
    // In 2026 the question and the answer are in two requests.
    expect(ended).toMatchObject(which === 'SDK v2 of 2026' ? [last, { outcome: 'answered' }] : [last])
    const calls = await rows(`method=tools/call&actor=bob@acme.test&capability=${TOOL}`)
    for (const { parent } of ended) expect(calls.map(({ deed }) => deed)).toContain(parent)
  })
})

test('a service token has no person: it is told so, and asks nobody', async () => {
  const { client_id, client_secret } = await portal.serviceToken('bot')
  const credentials = { 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret }
  const params = { name: TOOL, arguments: {}, _meta: capable(BOTH_MODES) }
  const { result } = messageOf(await ask2026(`${portal.url}/mcp`, { credentials }, 'tools/call', params))
  expect(result).toMatchObject({ isError: true, resultType: 'complete' })
})

const capable = (capabilities: object) => ({ 'io.modelcontextprotocol/clientCapabilities': capabilities })

/** One try of 2026, as bytes. */
async function attempt(
  token: string,
  more: Record<string, unknown> = {},
  { name = TOOL, args = {}, path = '/mcp', capabilities = BOTH_MODES as object } = {},
): Promise<RawAnswer> {
  const params = { name, arguments: args, ...more, _meta: capable(capabilities) }
  return ask2026(`${portal.url}${path}`, bearer(token), 'tools/call', params)
}

interface Required {
  resultType: string
  requestState: string
  inputRequests: Record<string, { method: string; params: AskedOf }>
}

const required = async (token: string) => messageOf(await attempt(token)).result as unknown as Required
const YES = { inputResponses: { servers: { action: 'accept' } } }

describe('2026: the state that a client carries', () => {
  test('is sealed, and says nothing', async () => {
    const { resultType, requestState, inputRequests } = await required(ada)
    expect(resultType).toBe('input_required')
    expect(Object.keys(inputRequests)).toEqual(['servers'])
    expect(inputRequests.servers?.method).toBe('elicitation/create')
    const [, , , body = ''] = requestState.split('.')
    expect(Buffer.from(body, 'base64url').toString('latin1')).not.toContain('servers')
  })

  const refused: { what: string; try: (state: string) => Promise<RawAnswer> }[] = [
    { what: 'changed by one character', try: (state) => attempt(ada, { ...YES, requestState: flip(state) }) },
    { what: 'made up', try: () => attempt(ada, { ...YES, requestState: 'v1.00000000.AAAA.AAAA' }) },
    { what: 'of 16 KiB and more', try: (state) => attempt(ada, { ...YES, requestState: state.padEnd(16_385, 'A') }) },
    { what: 'empty', try: () => attempt(ada, { ...YES, requestState: '' }) },
    { what: 'no text', try: () => attempt(ada, { ...YES, requestState: { a: 1 } }) },
    { what: 'of somebody else', try: (state) => attempt(bob, { ...YES, requestState: state }) },
    {
      what: 'of the same person’s other grant',
      try: async (state) => attempt(await portal.userToken(ADA), { ...YES, requestState: state }),
    },
    {
      what: 'for another tool of the portal',
      try: (state) => {
        const args = { server_id: 'ledger', action: 'untoggle' }
        return attempt(ada, { ...YES, requestState: state }, { name: 'portal_toggle_single_server', args })
      },
    },
    {
      what: 'for a tool of a server',
      try: (state) => attempt(ada, { ...YES, requestState: state }, { name: 'ledger_post', args: { entry: 'forged' } }),
    },
    {
      what: 'for other arguments',
      try: (state) => attempt(ada, { ...YES, requestState: state }, { args: { more: true } }),
    },
  ]
  // [ASK-2]
  test.each(refused)('$what: -32602, and nothing is done', async ({ try: again }) => {
    const { requestState } = await required(ada)
    const before = ledger.posted.length
    const answer = await again(requestState)
    expect(answer.status).toBe(200)
    expect(messageOf(answer).error).toMatchObject({ code: -32602, message: expect.stringContaining('requestState') })
    expect(ledger.posted).toHaveLength(before)
    const servers = messageOf(await attempt(ada, {}, { name: 'portal_list_servers' })).result?.structuredContent
    expect(servers).toMatchObject({ servers: [{ id: 'ledger', enabled: true }] })
    // It is still good for what it was made for.
    expect(messageOf(await attempt(ada, { ...YES, requestState })).result).toMatchObject({ resultType: 'complete' })
  })

  test('is good once', async () => {
    const { requestState } = await required(ada)
    expect(messageOf(await attempt(ada, { ...YES, requestState })).result).toMatchObject({ resultType: 'complete' })
    expect(messageOf(await attempt(ada, { ...YES, requestState })).error).toMatchObject({ code: -32602 })
  })

  test('without the answer is asked again, and so is an answer without it', async () => {
    const { requestState } = await required(ada)
    const other = { inputResponses: { other: { action: 'accept' } } }
    for (const more of [{ requestState }, { ...other, requestState }, YES]) {
      expect(messageOf(await attempt(ada, more)).result).toMatchObject({ resultType: 'input_required' })
    }
  })

  test.each([{ action: 'yes' }, {}, 'accept', null, { action: 'accept', content: { more: 'x'.repeat(4096) } }])(
    '%j is no answer: -32602',
    async (servers) => {
      const { requestState } = await required(ada)
      const answer = await attempt(ada, { inputResponses: { servers }, requestState })
      expect(messageOf(answer).error).toMatchObject({
        code: -32602,
        message: expect.stringContaining('inputResponses'),
      })
    },
  )

  test('answers to nothing are nothing: the call is a call like any other', async () => {
    const answer = await attempt(ada, YES, { name: 'ledger_post', args: { entry: 'plain' } })
    expect(messageOf(answer).result).toMatchObject({ content: [{ text: 'posted plain' }] })
  })
})

function flip(state: string): string {
  const at = state.length - 5
  return `${state.slice(0, at)}${state[at] === 'A' ? 'B' : 'A'}${state.slice(at + 1)}`
}

/** A session of 2025 that can be asked, as bytes. */
async function openSession(
  token: string,
  { version = '2025-11-25', elicitation = { form: {}, url: {} } as object, url = portal.url } = {},
) {
  const { credentials } = bearer(token)
  const clientInfo = { name: 'raw', version: '1' }
  const params = { protocolVersion: version, capabilities: { elicitation }, clientInfo }
  const began = await send(`${url}/mcp`, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, credentials)
  const session = began.headers.get('mcp-session-id') ?? ''
  const headers = { ...credentials, 'mcp-session-id': session, 'mcp-protocol-version': version }
  const body = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: TOOL, arguments: {} } })
  return {
    headers,
    post: (message: object, at = url) => send(`${at}/mcp`, { jsonrpc: '2.0', ...message }, headers),
    /** Calls the tool, and waits for the question. */
    async question(id = 1) {
      const stream = await openEventStream(`${url}/mcp`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify(body(id)),
      })
      await stream.until((messages) => messages.some(({ method }) => method === 'elicitation/create'))
      const asked = stream.messages.find(({ method }) => method === 'elicitation/create')
      return { stream, id: asked?.id as string, params: asked?.params as unknown as AskedOf }
    },
    callWithout: (accept: string) =>
      fetch(`${url}/mcp`, {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', accept },
        body: JSON.stringify(body(1)),
      }).then((response) => response.json()),
  }
}

const accepted = { result: { action: 'accept' } }
const resultIn = (messages: readonly { id?: string | number; result?: Record<string, unknown> }[], id = 1) =>
  messages.find((message) => message.id === id && message.result !== undefined)?.result

describe('2025: a question waits on the call’s own stream', () => {
  test('under an id of ours that nobody had before, and the answer is 202', async () => {
    const session = await openSession(ada)
    const one = await session.question(1)
    const two = await session.question(2)
    expect(one.id).toMatch(/^portico-[0-9a-f-]{36}$/)
    expect(two.id).not.toBe(one.id)
    expect((await session.post({ id: two.id, ...accepted })).status).toBe(202)
    await two.stream.ended
    expect(resultIn(two.stream.messages, 2)).toMatchObject({ structuredContent: { servers: [{ id: 'ledger' }] } })
    expect(one.stream.messages).toHaveLength(1)
    await session.post({ id: one.id, ...accepted })
    await one.stream.ended
    expect(resultIn(one.stream.messages, 1)).toBeDefined()
  })

  test('an answer in another session of the same person, or by somebody else, answers nothing', async () => {
    const session = await openSession(ada)
    const { stream, id } = await session.question()
    for (const other of [await openSession(ada), await openSession(bob)]) {
      expect((await other.post({ id, ...accepted })).status).toBe(202)
    }
    // With the session's id, but another person's token: there is no such session for them.
    const stolen = { ...session.headers, ...bearer(bob).credentials }
    expect((await send(`${portal.url}/mcp`, { jsonrpc: '2.0', id, ...accepted }, stolen)).status).toBe(404)
    expect(stream.messages).toHaveLength(1)
    await session.post({ id, result: { action: 'decline' } })
    await stream.ended
    expect(JSON.stringify(resultIn(stream.messages))).toContain('nothing was changed')
  })

  test('an error and an answer that is none end it with the link, as for a client that cannot be asked', async () => {
    const session = await openSession(ada)
    for (const answer of [{ error: { code: -32603, message: 'no' } }, { result: { action: 'perhaps' } }]) {
      const { stream, id } = await session.question()
      await session.post({ id, ...answer })
      await stream.ended
      expect(JSON.stringify(resultIn(stream.messages))).toContain('/authorize?elicitationId=')
    }
  })

  test('a call that its client cancels ends its question too', async () => {
    const session = await openSession(ada)
    const { stream, id } = await session.question(7)
    await session.post({ method: 'notifications/cancelled', params: { requestId: 7 } })
    await stream.ended
    expect(stream.messages).toContainEqual(
      expect.objectContaining({
        method: 'notifications/cancelled',
        params: expect.objectContaining({ requestId: id }),
      }),
    )
    const ended = await rows(`method=tools/call&capability=${TOOL}&actor=${ADA}&phase=ended`)
    expect(ended[0]).toMatchObject({ outcome: 'cancelled' })
  })

  test('a client that goes away, and a session that ends, end it', async () => {
    const ended = () => rows(`method=elicitation/create&actor=${ADA}&phase=ended`)
    const before = (await ended()).length
    const outcomes = async () => (await ended()).slice(0, -before || undefined).map(({ outcome }) => outcome)
    // One that cannot come back: since 2025-11-25 it could (call-taken-up.test.ts).
    const gone = await openSession(ada, { version: '2025-06-18', elicitation: {} })
    const left = await gone.question()
    left.stream.close()
    await expect.poll(outcomes).toEqual(['cancelled'])

    const session = await openSession(ada)
    const { stream } = await session.question()
    await fetch(`${portal.url}/mcp`, { method: 'DELETE', headers: session.headers })
    await stream.ended
    expect(await outcomes()).toEqual(['cancelled', 'cancelled'])
  })

  test('a token that is withdrawn while it waits ends it', async () => {
    const made = await portal.api<{ id: string; token: string }>('POST', '/tokens/access', {
      email: ADA,
      portal: 'default',
    })
    const session = await openSession(made.body.result.token)
    const { stream } = await session.question()
    await portal.api('DELETE', `/tokens/access/${made.body.result.id}`)
    await stream.ended
  })

  test.each(['application/json', 'application/json;q=1'])(
    'a client that takes no stream (%s) is told which page it needs: -32042',
    async (accept) => {
      const session = await openSession(ada)
      const { error } = (await session.callWithout(accept)) as { error: { code: number; data: unknown } }
      expect(error.code).toBe(-32042)
      expect(error.data).toMatchObject({
        elicitations: [{ mode: 'url', elicitationId: expect.any(String), url: expect.stringContaining('/authorize?') }],
      })
    },
  )

  test('in 2025-06-18 there are forms and no modes', async () => {
    const session = await openSession(ada, { version: '2025-06-18', elicitation: {} })
    const { stream, id, params } = await session.question()
    const _meta = { 'dev.portico/from-portal': true }
    expect(params).toEqual({ _meta, message: expect.any(String), requestedSchema: expect.any(Object) })
    await session.post({ id, ...accepted })
    await stream.ended
  })

  test('a caller that has all the streams it may have gets the page without waiting', async () => {
    const token = await portal.userToken('many@acme.test')
    const session = await openSession(token)
    const waiting = await Promise.all(Array.from({ length: 32 }, (_, i) => session.question(i + 1)))
    const answer = await session.post({ id: 99, method: 'tools/call', params: { name: TOOL, arguments: {} } })
    expect(JSON.parse(answer.text).error.code).toBe(-32042)
    for (const { id } of waiting) await session.post({ id, ...accepted })
    for (const { stream } of waiting) await stream.ended
    const { stream, id } = await session.question(100)
    await session.post({ id, ...accepted })
    await stream.ended
  })
})
