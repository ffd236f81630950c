/**
 * What servers and policies ask of a person in the midst of code: each nested call asks for itself, in the era of the client, while the
 * run's clock stands. For a client of 2026 the run waits between two requests, and is its own caller's alone.
 */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import type { JsonObject } from '../../src/protocol/model.ts'
import { type AskingServer, asks, type Call, FORM, startAsking } from '../asking-server.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, type RawCaller } from '../raw-mcp.ts'
import {
  openRelayClient,
  RELAY_CLIENTS,
  type RelayClient,
  type RelayedClient,
  type WasAsked,
} from '../relay-clients.ts'
import { answering, deny, MCP, must, rowsOf, type Tried, type Trying, tryOnce } from '../relay-room.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

/** Of the code, in milliseconds; people take longer. */
const WALL = 2000
const CODE = '?codemode=search_and_execute'
const BY_NAME = '?optimize_context=search_and_execute'

let portal: TestPortal
let desk: AskingServer
let rounds: ScriptedServer
let onCall: (call: Call) => void
let token: string
let ann: RawCaller
let asked = 0
const undo: (() => Promise<unknown>)[] = []
const clients: RelayedClient[] = []

beforeAll(async () => {
  desk = await startAsking((call) => onCall(call))
  rounds = await startScripted(modern(askInRounds))
  portal = await startTestPortal({ limits: { code_wall: WALL } })
  await portal.furnish([
    { id: 'desk', url: desk.url },
    { id: 'rounds', url: `${rounds.origin}/mcp` },
  ])
  await portal.api('PUT', `${MCP}/servers/rounds`, { updated_tools: [{ name: 'echo', alias: 'ask' }] })
  token = await portal.userToken('ann@acme.test')
  ann = bearer(token)
})
beforeEach(() => {
  onCall = askOnce
})
afterEach(async () => {
  for (const client of clients.splice(0)) await client.close()
  for (const back of undo.splice(0)) await back()
})
afterAll(async () => {
  await portal?.close()
  await desk?.http.close()
  await rounds?.close()
})

/** Asks by what it was called with, and answers with what it was told. */
function askOnce(call: Call): void {
  const id = `q${++asked}`
  const { who = 'you' } = (call.seen.body.params?.arguments ?? {}) as { who?: string }
  call.say(asks(id, 'elicitation/create', { ...FORM, message: `Are ${who} sure?` }))
  void desk.toldOf(id).then((told) => call.answer(`${who}: ${JSON.stringify(told.result ?? told.error)}`))
}

/** A server of 2026: its first answer is the question. */
function askInRounds(...[seen, response]: Parameters<Parameters<typeof modern>[0]>): void {
  const { inputResponses } = (seen.body.params ?? {}) as { inputResponses?: JsonObject }
  const complete = { resultType: 'complete', content: [{ type: 'text', text: JSON.stringify(inputResponses) }] }
  const ask = { method: 'elicitation/create', params: { ...FORM, message: 'Which round?' } }
  const wanting = { resultType: 'input_required', inputRequests: { which: ask }, requestState: 'mine' }
  json(response, result(seen, inputResponses === undefined ? (wanting as unknown as JsonObject) : complete))
}

async function open(which: RelayClient, query: string, says?: (asked: WasAsked) => unknown): Promise<RelayedClient> {
  const how = { url: `${portal.url}/mcp${query}`, token, ...(says === undefined ? {} : { says: says as never }) }
  const client = await openRelayClient(which, how)
  clients.push(client)
  return client
}

const TWO = `async () => Promise.all([codemode.desk_echo({ who: 'A' }), codemode.desk_echo({ who: 'B' })])`
const accepts = (name: string) => ({ action: 'accept', content: { name } })

describe.each(RELAY_CLIENTS)('%s', (which) => {
  // [CODE-2]
  test('two calls that ask at once are each given their own answer, and a person may take longer than the code', async () => {
    let arrived = 0
    const both = Promise.withResolvers<void>()
    const client = await open(which, CODE, async ({ params }) => {
      if (++arrived === 2) setTimeout(both.resolve, WALL + 500)
      await both.promise
      return accepts(/Are A sure/.test(String(params.message)) ? 'Ann' : 'Ben')
    })
    const { text, isError } = await client.call('portal_codemode_execute', { code: TWO })
    expect(isError, text).toBe(false)
    expect(text).toMatch(/A: .*Ann.*B: .*Ben/s)
    expect(client.asked.map(({ params }) => String(params.message)).sort()).toHaveLength(2)
  })

  // [CODE-2]
  test('a server of 2026 that asks in rounds is answered from code', async () => {
    const client = await open(which, CODE, () => accepts('Ann'))
    const { text } = await client.call('portal_codemode_execute', { code: 'codemode.rounds_ask({})' })
    expect(text).toContain('"which":{"action":"accept","content":{')
  })

  // [CODE-2]
  test.each(['desk_echo', 'rounds_ask'])('%s asks where it is called by its name', async (name) => {
    const client = await open(which, BY_NAME, () => accepts('Ann'))
    const { text } = await client.call('portal_execute', { name, arguments: {} })
    expect(text).toContain('"action":"accept"')
    expect(client.asked).toHaveLength(1)
  })

  // [CODE-2]
  test('a no is what the server is told, and the code goes on', async () => {
    const client = await open(which, CODE, () => ({ action: 'decline' }))
    const { text } = await client.call('portal_codemode_execute', { code: 'codemode.desk_echo({})' })
    expect(text).toBe('you: {"action":"decline"}')
  })
})

const RUN = { name: 'portal_codemode_execute', arguments: { code: 'codemode.desk_echo({ who: "I" })' } }
const at = (how: Trying = {}, who = ann, params: Record<string, unknown> = RUN) =>
  tryOnce(`${portal.url}/mcp${CODE}`, who, params, how)
const cancelled = () => desk.http.asked('notifications/cancelled').length
const called = () => desk.http.asked('tools/call').length

async function begin(who = ann): Promise<{ state: unknown; responses: Record<string, unknown>; tried: Tried }> {
  const tried = await at({}, who)
  expect(Object.keys(tried.asked), tried.text).toHaveLength(1)
  return { state: tried.state, responses: answering(tried), tried }
}

describe('a run that waits for its client of 2026', () => {
  // [CODE-3]
  test('is nobody else’s, and its own caller finds it', async () => {
    const { state, responses } = await begin()
    const before = called()
    for (const other of ['bob@acme.test', 'ann@acme.test']) {
      const caller = bearer(await portal.userToken(other))
      expect((await at({ state, responses }, caller)).error?.code).toBe(-32602)
    }
    expect((await at({ state, responses })).text).toContain('"name":"Ann"')
    expect(called()).toBe(before)
  })

  // [CODE-3]
  test('goes on with the code that it began with, and with no other', async () => {
    const { state, responses } = await begin()
    const other = { ...RUN, arguments: { code: 'codemode.desk_echo({ who: "they" })' } }
    expect((await at({ state, responses }, ann, other)).error?.code).toBe(-32602)
    expect((await at({ state, responses })).text).toContain('I: {"action":"accept"')
  })

  // [CODE-3]
  test('is answered once', async () => {
    const before = called()
    const { state, responses } = await begin()
    await at({ state, responses })
    expect((await at({ state, responses })).error?.code).toBe(-32602)
    expect(called()).toBe(before + 1)
  })

  // [CODE-2]
  test('is asked the same again where it is come back to without an answer', async () => {
    const { state, responses, tried } = await begin()
    const again = await at({ state })
    expect(again.asked).toEqual(tried.asked)
    expect((await at({ state: again.state, responses })).text).toContain('"name":"Ann"')
  })

  // [CODE-4]
  test('ends when its token is withdrawn, and its server hears of it', async () => {
    const made = await must<{ id: string; token: string }>(portal, 'POST', '/tokens/access', {
      ...{ email: 'eve@acme.test', portal: 'default' },
    })
    const before = cancelled()
    await begin(bearer(made.token))
    await must(portal, 'DELETE', `/tokens/access/${made.id}`)
    await expect.poll(cancelled).toBe(before + 1)
  })

  // [CODE-4]
  test('does not go on with a call that was denied meanwhile: its server is told, and the code hears what an unknown tool says', async () => {
    const before = cancelled()
    const { state, responses } = await begin()
    undo.push(await deny(portal, 'desk', 'echo'))
    const { text, isError } = await at({ state, responses })
    expect({ text, isError }).toEqual({ text: 'Error: Unknown tool: desk_echo', isError: true })
    await expect.poll(cancelled).toBe(before + 1)
    const [run, nested] = await rowsOf(portal, 'tools/call', 20).then((rows) => [
      rows.find(({ capability }) => capability === 'portal_codemode_execute'),
      rows.find(({ capability }) => capability === 'desk_echo'),
    ])
    expect(run).toMatchObject({ outcome: 'tool-error', error: 'code-threw' })
    expect(nested).toMatchObject({ outcome: 'refused', error: 'not-allowed' })
  })

  // [CODE-4]
  test('ends with the request that goes on, when its client leaves that', async () => {
    onCall = (call) => call.say(asks(`q${++asked}`))
    const { state, responses } = await begin()
    const before = cancelled()
    const leaving = new AbortController()
    const going = at({ state, responses, signal: leaving.signal })
    await desk.toldOf(`q${asked}`)
    leaving.abort()
    await expect(going).rejects.toThrow()
    await expect.poll(cancelled).toBe(before + 1)
  })
})

describe('a client of 2025', () => {
  // [CODE-4]
  test('that gives its call up while a person is asked ends the run: the server hears it, and nothing else is called', async () => {
    const leaving = new AbortController()
    const before = cancelled()
    const calls = called()
    const client = await open('SDK v1', CODE, async () => {
      leaving.abort()
      return new Promise(() => {})
    })
    const code = `async () => { try { await codemode.desk_echo({}) } catch {} return codemode.rounds_ask({}) }`
    const rounded = rounds.asked('tools/call').length
    await expect(client.call('portal_codemode_execute', { code }, leaving.signal)).rejects.toThrow()
    await expect.poll(cancelled).toBe(before + 1)
    const last = async () =>
      (await rowsOf(portal, 'tools/call', 5)).find(({ parent }) => parent === null || parent === undefined)
    await expect
      .poll(async () => (await last()) as AuditRow)
      .toMatchObject({ capability: 'portal_codemode_execute', error: 'code-cancelled' })
    expect(called()).toBe(calls + 1)
    expect(rounds.asked('tools/call').length).toBe(rounded)
  })
})
