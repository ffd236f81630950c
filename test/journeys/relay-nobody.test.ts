/**
 * Clients that nobody can be asked through: of a revision without questions, in a batch, or without a stream. Nothing is declared to
 * their servers, which hear a no at once; nothing waits.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AskingServer, asks, FORM, startAsking } from '../asking-server.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, messageOf, type RawAnswer, type RawCaller, send } from '../raw-mcp.ts'
import { MCP, must, rowsOf } from '../relay-room.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

const ALL = { elicitation: { form: {}, url: {} }, sampling: {}, roots: {} }
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

let portal: TestPortal
let old: AskingServer
let latest: ScriptedServer
let ann: RawCaller

beforeAll(async () => {
  let asked = 0
  old = await startAsking((call) => {
    const id = `q${++asked}`
    call.say(asks(id))
    void old.toldOf(id).then((told) => call.answer(JSON.stringify(told.result ?? told.error)))
  })
  latest = await startScripted(
    modern((seen, response) => {
      const wants = { one: { method: 'elicitation/create', params: FORM } }
      json(response, result(seen, { resultType: 'input_required', inputRequests: wants }))
    }),
  )
  portal = await startTestPortal()
  await portal.furnish([
    { id: 'old', url: old.url },
    { id: 'new', url: `${latest.origin}/mcp` },
  ])
  for (const id of ['old', 'new']) await must(portal, 'PUT', `${MCP}/servers/${id}`, { relay: { sampling: true } })
  ann = bearer(await portal.userToken('ann@acme.test'))
})
afterAll(async () => {
  await portal?.close()
  await old?.http.close()
  await latest?.close()
})

type Call = (name: string) => Promise<RawAnswer>

/** A session of a client that says it can be asked for all. */
async function session(version: string, accept = 'application/json, text/event-stream') {
  const params = { protocolVersion: version, capabilities: ALL, clientInfo: { name: 'raw', version: '1' } }
  const url = `${portal.url}/mcp`
  const opened = await send(url, { jsonrpc: '2.0', id: 0, method: 'initialize', params }, ann.credentials)
  const headers: Record<string, string> = {
    ...{ ...ann.credentials, accept, 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '' },
    ...(version < '2025-06-18' ? {} : { 'mcp-protocol-version': version }),
  }
  const request = (name: string, id: number) => ({
    ...{ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } },
  })
  return {
    alone: (name: string) => send(url, request(name, 1), headers),
    inBatch: (name: string) => send(url, [request(name, 1), { jsonrpc: '2.0', id: 2, method: 'ping' }], headers),
  }
}

/** The answer to request 1, whatever it came in. */
function textOf(answer: RawAnswer): string {
  const message = answer.text.startsWith('[') ? JSON.parse(answer.text)[0] : messageOf(answer)
  const one = Array.isArray(message) ? message.find(({ id }: { id: number }) => id === 1) : message
  const { content = [] } = (one?.result ?? {}) as { content?: { text?: string }[] }
  return content.map(({ text = '' }) => text).join('\n')
}

const NOBODY: [string, () => Promise<Call>][] = [
  ['a client of 2024-11-05', async () => (await session('2024-11-05')).alone],
  ['a client of 2025-03-26', async () => (await session('2025-03-26')).alone],
  ['a request in a batch', async () => (await session('2025-03-26')).inBatch],
  ['a client that takes no stream', async () => (await session('2025-11-25', 'application/json')).alone],
]

describe.each(NOBODY)('%s', (_what, open) => {
  // [RELAY-2]
  test('is put no form: an older server was not told of any and hears so, and the call goes on', async () => {
    const call = await open()
    const answer = await call('old_echo')
    expect(answer.text).not.toContain('elicitation/create')
    expect(textOf(answer)).toContain('-32601')
    const used = old.http.asked('tools/call').at(-1)?.headers['mcp-session-id']
    const declared = old.declared[Number(used?.slice('session-'.length)) - 1]
    expect(declared).not.toHaveProperty('elicitation')
  })

  // [RELAY-2]
  test('nor by a newer one, which is told so with the request and asks once', async () => {
    const call = await open()
    const before = latest.asked('tools/call').length
    const answer = await call('new_echo')
    expect(answer.text).not.toContain('elicitation/create')
    expect(textOf(answer)).toMatch(/^new asked/)
    const sent = latest.asked('tools/call').slice(before)
    expect(sent).toHaveLength(1)
    const meta = sent[0]?.body.params?._meta as Record<string, object> | undefined
    expect(Object.keys(meta?.[CAPABILITIES] ?? { elicitation: 'not sent' })).not.toContain('elicitation')
    expect((await rowsOf(portal, 'tools/call'))[0]).toMatchObject({ outcome: 'tool-error', error: 'not-answered' })
  })
})
