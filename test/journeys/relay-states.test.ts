/**
 * The state that a client of 2026 carries between two tries of a call whose server asks: good for this caller, this call and one time.
 * Whatever else is brought does nothing, and the server does not hear of it.
 */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import { ACCEPTED, answering, deny, MCP, must, rowsOf, type Tried, type Trying, tryOnce } from '../relay-room.ts'
import { json, modern, result, type Script, type ScriptedServer, startScripted } from '../scripted-server.ts'

const INNER = 'what the server keeps for itself'
const FORM = { mode: 'form', message: 'Your name?', requestedSchema: { type: 'object', properties: {} } }
const PAY = { name: 'till_pay', arguments: { amount: 5 } }
const LOOK = { name: 'till_look', arguments: {} }
const GREET = { name: 'till_greet' }
const BAD = -32602

let portal: TestPortal
let till: ScriptedServer
let ann: RawCaller
let inner = INNER
let description = 'Pays.'
const undo: (() => Promise<unknown>)[] = []

/** Asks for a name, and says what it got. */
const asks: Script = (seen, response) => {
  const { inputResponses, requestState } = seen.body.params ?? {}
  const wants = {
    resultType: 'input_required',
    inputRequests: { name: { method: 'elicitation/create', params: FORM } },
  }
  if (inputResponses === undefined) return json(response, result(seen, { ...wants, requestState: inner }))
  const text = JSON.stringify({ inputResponses, requestState })
  const done = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
  const said = { content: [{ type: 'text', text }], messages: [{ role: 'user', content: { type: 'text', text } }] }
  json(response, result(seen, { ...done, ...said }))
}

const served = modern(asks, { tools: {}, prompts: {} })
const script: Script = (seen, response, request) => {
  const inputSchema = { type: 'object' }
  const tools = [
    { name: 'pay', description, inputSchema },
    { name: 'put', inputSchema },
    { name: 'look', inputSchema, annotations: { readOnlyHint: true } },
  ]
  const page = { resultType: 'complete', ttlMs: 0, cacheScope: 'public' }
  if (seen.body.method === 'tools/list') return json(response, result(seen, { ...page, tools }))
  if (seen.body.method === 'prompts/list')
    return json(response, result(seen, { ...page, prompts: [{ name: 'greet' }] }))
  served(seen, response, request)
}

beforeAll(async () => {
  till = await startScripted(script)
  portal = await startTestPortal()
  await portal.furnish([{ id: 'till', url: `${till.origin}/mcp` }])
  await must(portal, 'POST', `${MCP}/portals`, { id: 'other', name: 'Other', hostname: 'other.test' })
  const { policies } = await must<{ policies: ({ id: string } | string)[] }>(portal, 'GET', `${MCP}/portals/default`)
  const ids = policies.map((one) => (typeof one === 'string' ? one : one.id))
  await must(portal, 'PUT', `${MCP}/portals/other`, { servers: [{ server_id: 'till' }], policies: ids })
  ann = bearer(await portal.userToken('ann@acme.test'))
})
afterEach(async () => {
  for (const back of undo.splice(0)) await back()
  inner = INNER
})
afterAll(async () => {
  await portal?.close()
  await till?.close()
})

const at = (params: Record<string, unknown>, how: Trying = {}, who = ann, url = `${portal.url}/mcp`) =>
  tryOnce(url, who, params, how)
const reached = () =>
  till.seen.filter(({ body }) => body.method === 'tools/call' || body.method === 'prompts/get').length

/** Asked, and what would answer it. */
async function asked(params: Record<string, unknown> = PAY, how: Trying = {}): Promise<Tried & { responses: unknown }> {
  const first = await at(params, how)
  expect(first.asked).toHaveProperty('name')
  return { ...first, responses: answering(first) }
}

/** That it is refused as a state, the server hears of nothing, and the audit says so. */
async function expectRefused(trying: () => Promise<Tried>, method = 'tools/call'): Promise<void> {
  const before = reached()
  const { error } = await trying()
  expect(error?.code).toBe(BAD)
  expect(error?.message).toMatch(/requestState|inputResponses/)
  expect(reached()).toBe(before)
  expect((await rowsOf(portal, method))[0]).toMatchObject({ outcome: 'error', error: String(BAD) })
}

// [RELAY-7]
test('it holds nothing that can be read, and goes back to the server as the server gave it, once', async () => {
  const first = await asked()
  const { state, responses } = first
  expect(String(state)).not.toContain(INNER)
  expect(Buffer.from(String(state), 'base64url').toString('latin1')).not.toContain(INNER)
  const done = await at(PAY, { state, responses })
  expect(JSON.parse(done.text)).toEqual({ inputResponses: { name: ACCEPTED }, requestState: INNER })
  await expectRefused(() => at(PAY, { state, responses }))
})

// [RELAY-7]
test('changed anywhere, cut or grown it is none, and the true one is still good then', async () => {
  const { state, responses } = await asked()
  const text = String(state)
  const flipped = (index: number) => `${text.slice(0, index)}${text[index] === 'A' ? 'B' : 'A'}${text.slice(index + 1)}`
  const each = Array.from({ length: 24 }, (_, step) => flipped(Math.floor((step * (text.length - 1)) / 23)))
  const cut = [text.slice(1), text.slice(0, -1), text.slice(0, text.length / 2), '', ' ', 'x']
  const grown = [`${text}A`, `A${text}`, `${text}${text}`, `${text}\n`, `${text}=`, 'A'.repeat(17 * 1024)]
  const before = reached()
  for (const bad of [...each, ...cut, ...grown, 5, null, true, {}, [text]])
    expect((await at(PAY, { state: bad, responses })).error?.code, JSON.stringify(bad)).toBe(BAD)
  expect(reached()).toBe(before)
  expect((await at(PAY, { state, responses })).error).toBeNull()
})

// [RELAY-7]
describe('it is not good for', () => {
  const sent = async (params: Record<string, unknown>, how: Trying = {}, who = ann, path = '/mcp') => {
    const { state, responses } = await asked({ ...PAY, name: path === '/mcp' ? PAY.name : 'pay' })
    await expectRefused(() => at(params, { state, responses, ...how }, who, portal.url + path), how.method)
  }
  test('another tool', () => sent({ ...PAY, name: 'till_put' }))
  test('other arguments', () => sent({ ...PAY, arguments: { amount: 500 } }))
  test('more arguments', () => sent({ ...PAY, arguments: { amount: 5, to: 'me' } }))
  test('no arguments', () => sent({ name: PAY.name }))
  test('another method', () => sent(GREET, { method: 'prompts/get' }))
  test('the mount of the server, also where the name is the same', () =>
    sent({ ...PAY, name: 'pay' }, {}, ann, '/p/default/s/till/mcp'))
  test('another person', async () => sent(PAY, {}, bearer(await portal.userToken('bob@acme.test'))))
  test('another grant of the same person', async () => sent(PAY, {}, bearer(await portal.userToken('ann@acme.test'))))
  test('another portal', async () => {
    const there = bearer(await portal.userToken('ann@acme.test', 'other'))
    await sent(PAY, {}, there, '/p/other/mcp')
  })
})

// [RELAY-7]
test('what only reads may be done again with it', async () => {
  for (const [params, method] of [
    [LOOK, 'tools/call'],
    [GREET, 'prompts/get'],
  ] as const) {
    const { state, responses } = await asked(params, { method })
    for (let n = 0; n < 2; n++) expect((await at(params, { method, state, responses })).text).toContain('Ann')
  }
})

// [RELAY-8]
test('what a policy denies meanwhile is unknown to whoever comes back, and to the server', async () => {
  const { state, responses } = await asked()
  undo.push(await deny(portal, 'till', 'pay'))
  const before = reached()
  const nobody = await at({ ...PAY, name: 'till_none' })
  const { error } = await at(PAY, { state, responses })
  expect(error).toEqual({ ...nobody.error, message: nobody.error?.message.replace('till_none', PAY.name) })
  expect(reached()).toBe(before)
  expect((await rowsOf(portal, 'tools/call'))[0]).toMatchObject({ outcome: 'refused', error: 'not-allowed' })
})

// [RELAY-8]
test('nor is it good for a tool that is defined otherwise by now', async () => {
  const { state, responses } = await asked()
  description = 'Pays twice.'
  // Else it would be held for an admin, and unknown until then.
  await must(portal, 'PUT', `${MCP}/servers/till`, { definitions: 'auto' })
  await must(portal, 'POST', `${MCP}/servers/till/sync`)
  await expectRefused(() => at(PAY, { state, responses }))
})

// [RELAY-7]
test('an answer under a key that was not asked goes nowhere, and is no answer', async () => {
  const { state } = await asked()
  const again = await at(PAY, { state, responses: { other: ACCEPTED, __proto__: { name: ACCEPTED } } })
  expect(again.asked).toHaveProperty('name')
  const last = till.asked('tools/call').at(-1)?.body.params
  expect(last).toMatchObject({ requestState: INNER })
  expect(last).not.toHaveProperty('inputResponses')
  const done = await at(PAY, { state: again.state, responses: { name: ACCEPTED, other: ACCEPTED } })
  expect(JSON.parse(done.text).inputResponses).toEqual({ name: ACCEPTED })
})

// [RELAY-7]
test('a state of the server that is too long to be carried ends the call', async () => {
  inner = 'x'.repeat(9 * 1024)
  const { isError, text, asked } = await at(PAY)
  expect({ isError, asked }).toEqual({ isError: true, asked: {} })
  expect(text).toContain('till gave a state that is too long')
  expect((await rowsOf(portal, 'tools/call'))[0]).toMatchObject({ outcome: 'tool-error', error: 'not-answered' })
})

// [RELAY-7]
test.each([[5], [[]], ['yes'], [null], [true]])('answers that are %j are none', async (responses) => {
  const { state } = await asked()
  await expectRefused(() => at(PAY, { state, responses }))
})

// [RELAY-2]
test('a client that can be asked less at its next try is asked no more, and the server knows', async () => {
  const { state } = await asked()
  const { isError, text } = await at(PAY, { state, responses: {}, capabilities: { roots: {} } })
  const meta = till.asked('tools/call').at(-1)?.body.params?._meta
  expect(meta).toMatchObject({ 'io.modelcontextprotocol/clientCapabilities': {} })
  expect({ isError, text }).toEqual({ isError: true, text: expect.stringContaining('the client cannot do it') })
  expect((await rowsOf(portal, 'elicitation/create'))[0]).toMatchObject({ outcome: 'refused', error: 'not-passed-on' })
})
