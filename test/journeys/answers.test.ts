/** What of a server's answer reaches a client: its JSON, framed anew, and nothing else that it says. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { json, legacy, modern, type Script, type ScriptedServer, type Seen, startScripted } from '../scripted-server.ts'

const LONG = 'x'.repeat(100)
/** Text that ends lines and events for one reader or another, and then speaks for itself. */
const TEXT = ['\r', '\n', '\r\n', '\u2028', '\u2029', '\u0085', '\0', '\v', '\f', '\u001c'].map(
  (end) => `${LONG}${end}${end}event: endpoint${end}data: /evil${end}id: evil${end}retry: 1${end}${end}`,
)
const RESULT = { resultType: 'complete', content: TEXT.map((text) => ({ type: 'text', text })) }

/** JSON on many lines, of every kind of line end, with what it may hold raw raw. */
function pretty(value: unknown): string {
  let line = 0
  const spread = JSON.stringify(value, null, 2).replaceAll('\n', () => ['\n', '\r', '\r\n'][line++ % 3] ?? '\n')
  return spread.replace(/\\u(2028|2029|0085)/g, (_, code) => String.fromCharCode(Number.parseInt(code, 16)))
}

const ODD_HEADERS = {
  'set-cookie': 'evil=1',
  'access-control-allow-origin': '*',
  'cache-control': 'public, max-age=9999',
  'mcp-session-id': 'evil',
  'www-authenticate': 'Bearer evil',
  location: 'https://evil.test',
  'x-evil': 'evil',
  link: '<https://evil.test>',
  'content-language': 'evil',
}

const answerOf = (seen: Seen, value: unknown) => ({ jsonrpc: '2.0', id: seen.body.id, result: value })

const asJson: Script = (seen, response) => json(response, pretty(answerOf(seen, RESULT)), 200, ODD_HEADERS)

const asEvents: Script = (seen, response) => {
  response.writeHead(200, { 'content-type': 'text/event-stream', ...ODD_HEADERS })
  const frame = (value: unknown) =>
    `event: message\nid: evil\nretry: 1\n${pretty(value)
      .split(/\r\n|\r|\n/)
      .map((line) => `data: ${line}`)
      .join('\n')}\n\n`
  const token = (seen.body.params?._meta as { progressToken?: number })?.progressToken ?? null
  const params = { progressToken: token, progress: 1, message: TEXT.join('') }
  response.write(`: ping\n\nevent: evil\ndata: {"evil":true}\n\n`)
  response.write(frame({ jsonrpc: '2.0', method: 'notifications/progress', params }))
  response.end(frame(answerOf(seen, RESULT)))
}

let portal: TestPortal
const servers: ScriptedServer[] = []
let token: string
let url: string

beforeAll(async () => {
  portal = await startTestPortal()
  for (const script of [modern(asJson), legacy(asJson), modern(asEvents), legacy(asEvents)])
    servers.push(await startScripted(script))
  const ids = ['json2026', 'json2025', 'events2026', 'events2025']
  await portal.furnish(ids.map((id, i) => ({ id, url: `${servers[i]?.origin}/mcp` })))
  token = await portal.userToken('ada@acme.test')
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  await portal?.close()
  for (const server of servers) await server.close()
})

const OURS = [
  'cache-control',
  'connection',
  'content-length',
  'content-type',
  'date',
  'keep-alive',
  'transfer-encoding',
  'x-accel-buffering',
]

describe.each(['json2026', 'json2025', 'events2026', 'events2025'])('of an answer of %s', (server) => {
  const callers = {
    2026: (meta: Record<string, unknown>) =>
      ask2026(url, bearer(token), 'tools/call', { name: `${server}_echo`, arguments: {}, _meta: meta }),
    2025: async (meta: Record<string, unknown>) =>
      (await open2025(url, bearer(token))).ask('tools/call', { name: `${server}_echo`, arguments: {}, _meta: meta }),
  }
  for (const era of ['2026', '2025'] as const) {
    test(`a client of ${era} gets one message with what was said, and no line that the server wrote`, async () => {
      const answer = await callers[era]({ progressToken: 'mine' })
      expect([...answer.headers.keys()].filter((name) => !OURS.includes(name))).toEqual([])
      expect(answer.headers.get('cache-control')).toBe('private, no-store')
      if (answer.headers.get('content-type') === 'application/json') {
        expect(JSON.parse(answer.text).result.content).toEqual(RESULT.content)
        return
      }
      // Every line, to whatever reader, is a field that the portal wrote.
      const lines = answer.text.split(/\r\n|[\n\r\v\f\u2028\u2029\u0085]/)
      expect(lines.filter((line) => line !== '' && line !== ':' && !line.startsWith('data: '))).toEqual([])
      expect(answer.text).not.toMatch(/^(event|id|retry):|^data: \/evil|^data: \{"evil"/m)
      const events = answer.text.split('\n\n').filter((event) => event.startsWith('data: '))
      const messages = events.map((event) => JSON.parse(event.replaceAll(/^data: /gm, '')))
      expect(messages.map(({ method, id }) => method ?? id)).toEqual(['notifications/progress', 1])
      expect(messages[0].params).toMatchObject({ progressToken: 'mine', message: TEXT.join('') })
      expect(messages[1].result.content).toEqual(RESULT.content)
    })
  }

  test('the official client reads what was said', async () => {
    const client = new Client({ name: 'reader', version: '1' })
    const transport = new StreamableHTTPClientTransport(new URL(url), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    })
    await client.connect(transport as Parameters<Client['connect']>[0])
    const progress: string[] = []
    const result = await client.callTool({ name: `${server}_echo`, arguments: {} }, undefined, {
      onprogress: ({ message }) => progress.push(message ?? ''),
    })
    expect(result.content).toEqual(RESULT.content)
    expect(progress).toEqual(server.startsWith('events') ? [TEXT.join('')] : [])
    await client.close()
  })
})

test('controls that stand raw in a long text end no line either', async () => {
  const raw = modern((seen, response) => {
    const text = `${LONG}\f\fevent: endpoint\fdata: /evil\f\f\0\u2028`
    const body = `{"jsonrpc":"2.0","id":${seen.body.id},"result":{"resultType":"complete","content":[{"type":"text","text":"${text}"}]}}`
    const meta = (seen.body.params?._meta ?? {}) as { progressToken?: number }
    const params = { progressToken: meta.progressToken, progress: 1 }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method: 'notifications/progress', params })}\n\n`)
    response.end(`data: ${body}\n\n`)
  })
  const server = await startScripted(raw)
  servers.push(server)
  await portal.furnish([{ id: 'raw', url: `${server.origin}/mcp` }])
  const meta = { progressToken: 'mine' }
  const answer = await ask2026(url, bearer(token), 'tools/call', { name: 'raw_echo', arguments: {}, _meta: meta })
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  const lines = answer.text.split(/\r\n|[\n\r\v\f\u2028\u2029\u0085]/)
  expect(lines.filter((line) => line !== '' && !line.startsWith('data: '))).toEqual([])
  expect(JSON.stringify(messageOf(answer).result)).toContain('event: endpoint')
})
