/** What is read in two ways, or sent from where it should not be, is refused before it reaches anything. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer, send } from '../raw-mcp.ts'
import { sendRaw } from '../raw-socket.ts'

let portal: TestPortal
let ledger: Ledger
let token: string
let url: string

beforeAll(async () => {
  portal = await startTestPortal({ config: { allowedOrigins: ['https://inspector.test'] } })
  ledger = await startLedger()
  await portal.furnish([{ id: 'ledger', url: ledger.url }])
  token = await portal.userToken('ada@acme.test')
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
})

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}
const CALL = {
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'ledger_post', arguments: { entry: 'x' }, _meta: META },
}
const HEADERS = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'ledger_post' }

async function untouched(ask: () => Promise<RawAnswer | { status: number; text: string }>) {
  const before = ledger.requests
  const answer = await ask()
  expect(ledger.requests).toBe(before)
  return answer
}

describe('the headers of a 2026 request are held against its body', () => {
  const rows: [string, Record<string, string | undefined>][] = [
    ['Mcp-Name names another tool', { 'mcp-name': 'ledger_count' }],
    ['Mcp-Name is missing', { 'mcp-name': undefined }],
    ['Mcp-Name is bad base64', { 'mcp-name': '=?base64?!?=' }],
    ['Mcp-Method names another method', { 'mcp-method': 'tools/list' }],
    ['Mcp-Method is missing', { 'mcp-method': undefined }],
    ['the version header is missing', { 'mcp-protocol-version': undefined }],
    ['the version header names another version', { 'mcp-protocol-version': '2025-11-25' }],
  ]
  for (const [what, change] of rows) {
    // [ERA-2]
    test(`${what}: 400 with -32020, and nothing is called`, async () => {
      const headers = Object.fromEntries(
        Object.entries({ ...HEADERS, ...change }).filter((entry): entry is [string, string] => entry[1] !== undefined),
      )
      const answer = await untouched(() => send(url, CALL, { ...bearer(token).credentials, ...headers }))
      expect([answer.status, messageOf(answer as RawAnswer).error?.code]).toEqual([400, -32020])
    })
  }

  test('spaces around a header and a base64 name that says the same are fine', async () => {
    const name = `=?base64?${Buffer.from('ledger_post').toString('base64')}?=`
    const answer = await send(url, CALL, { ...bearer(token).credentials, ...HEADERS, 'mcp-name': ` ${name} ` })
    expect(messageOf(answer).result).toBeDefined()
  })
})

describe('a body that two parsers could read differently, or that is too much, is refused', () => {
  const deep = `${'{"a":'.repeat(80)}1${'}'.repeat(80)}`
  const text = JSON.stringify(CALL)
  const rows: [string, string, number][] = [
    ['not JSON', '{"jsonrpc":', 400],
    ['a key that stands twice', text.replace('"entry":"x"', '"entry":"x","entry":"y"'), 400],
    ['__proto__ as a key', text.replace('"entry":"x"', '"entry":"x","__proto__":{"a":1}'), 400],
    ['80 levels', text.replace('"x"', deep), 400],
    ['a batch', `[${text}]`, 400],
    ['an id that is null', text.replace('"id":1', '"id":null'), 400],
    ['more than 4 MiB', text.replace('"x"', `"${'x'.repeat(4 * 1024 * 1024)}"`), 413],
  ]
  for (const [what, body, status] of rows) {
    test(`${what}: ${status}`, async () => {
      const answer = await untouched(() => send(url, body, { ...bearer(token).credentials, ...HEADERS }))
      expect(answer.status).toBe(status)
    })
  }

  test('bytes that are not UTF-8: 400', async () => {
    const body = Buffer.from(text.replace('"x"', '"\xff"'), 'latin1')
    const headers = { 'content-type': 'application/json', ...bearer(token).credentials, ...HEADERS }
    expect((await fetch(url, { method: 'POST', headers, body })).status).toBe(400)
  })

  test('another content type: 415', async () => {
    const headers = { ...bearer(token).credentials, ...HEADERS, 'content-type': 'text/plain' }
    expect((await untouched(() => send(url, CALL, headers))).status).toBe(415)
  })

  test('a coded body: 415', async () => {
    const headers = { ...bearer(token).credentials, ...HEADERS, 'content-encoding': 'gzip' }
    expect((await untouched(() => send(url, CALL, headers))).status).toBe(415)
  })
})

describe('a request from where it should not come is refused on every route', () => {
  const routes = ['/mcp', '/p/default/mcp', '/', '/client/v4/accounts/default/access/policies', '/openapi.json']
  for (const path of routes) {
    test(`${path}: a foreign host name is 403 and is not repeated`, async () => {
      const answer = await sendRaw(portal.url, [`GET ${path} HTTP/1.1`, 'host: evil.test', 'connection: close'])
      expect(answer.status).toBe(403)
      expect(answer.text).not.toContain('evil')
    })
    // [ERA-11]
    test(`${path}: a page of a foreign origin is 403`, async () => {
      const { host } = new URL(portal.url)
      const lines = [`GET ${path} HTTP/1.1`, `host: ${host}`, 'origin: https://evil.test', 'connection: close']
      expect((await sendRaw(portal.url, lines)).status).toBe(403)
    })
  }

  test('the health paths answer whoever asks', async () => {
    for (const path of ['/healthz', '/readyz']) {
      const answer = await sendRaw(portal.url, [`GET ${path} HTTP/1.1`, 'host: probe.internal', 'connection: close'])
      expect(answer.status).toBe(200)
    }
  })

  test('an origin that the settings list may call /mcp from a page, without cookies', async () => {
    const origin = 'https://inspector.test'
    const preflight = await fetch(url, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin])
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull()
    const answer = await send(url, CALL, { ...bearer(token).credentials, ...HEADERS, origin })
    expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin])
  })
})

describe('a header that decides something may stand only once', () => {
  for (const name of ['authorization', 'mcp-name', 'mcp-session-id', 'content-type', 'cf-access-client-id', 'host']) {
    test(`two ${name}: 400`, async () => {
      const { host } = new URL(portal.url)
      const lines = ['POST /mcp HTTP/1.1', `host: ${host}`, 'content-length: 0', `${name}: a`, `${name}: b`]
      expect((await sendRaw(portal.url, lines)).status).toBe(400)
    })
  }
})

describe('a request target that is not in its one spelling is 400', () => {
  for (const target of [
    '//mcp',
    '/p/default/../default/mcp',
    '/%2e%2e/mcp',
    'http://127.0.0.1/mcp',
    '/p/default;x/mcp',
  ]) {
    test(target, async () => {
      const { host } = new URL(portal.url)
      const answer = await sendRaw(portal.url, [`GET ${target} HTTP/1.1`, `host: ${host}`, 'connection: close'])
      expect(answer.status).toBe(400)
    })
  }
})

// [CRED-4]
test('a token in the query string opens nothing', async () => {
  const answer = await send(`${url}?access_token=${token}`, CALL, HEADERS)
  expect(answer.status).toBe(401)
})

test('two kinds of credential at once open nothing', async () => {
  const { client_id, client_secret } = await portal.serviceToken('bot')
  const both = {
    ...bearer(token).credentials,
    'cf-access-client-id': client_id,
    'cf-access-client-secret': client_secret,
  }
  expect((await send(url, CALL, { ...both, ...HEADERS })).status).toBe(401)
})

test('a service token is let in by its policy, and by half of itself it is not', async () => {
  const { client_id, client_secret } = await portal.serviceToken('bot2')
  const bot = { credentials: { 'cf-access-client-id': client_id, 'cf-access-client-secret': client_secret } }
  expect((await ask2026(url, bot, 'tools/list')).status).toBe(200)
  expect((await ask2026(url, { credentials: { 'cf-access-client-id': client_id } }, 'tools/list')).status).toBe(401)
  const { body } = await portal.api<{ name: string; last_seen_at: string | null }[]>('GET', '/access/service_tokens')
  expect(body.result.find(({ name }) => name === 'bot2')?.last_seen_at).toMatch(/^\d{4}-/)
})

// [ERA-3]
test('a method that an era does not have is not found in it', async () => {
  for (const method of ['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'nonsense']) {
    const answer = await ask2026(url, bearer(token), method)
    expect([method, answer.status, messageOf(answer).error?.code]).toEqual([method, 404, -32601])
  }
  const session = await open2025(url, bearer(token))
  for (const method of ['server/discover', 'subscriptions/listen', 'nonsense']) {
    const answer = await session.ask(method)
    expect([method, answer.status, messageOf(answer).error?.code]).toEqual([method, 200, -32601])
  }
})

// [ERA-4]
test('a 2025 request without its session is 400, with an unknown one 404, with another version 400', async () => {
  const list = { jsonrpc: '2.0', id: 1, method: 'tools/list' }
  const { credentials } = bearer(token)
  expect((await send(url, list, { ...credentials, 'mcp-protocol-version': '2025-06-18' })).status).toBe(400)
  expect((await send(url, list, { ...credentials, 'mcp-session-id': 'nonsense' })).status).toBe(404)
  const { session } = await open2025(url, bearer(token))
  const headers = { ...credentials, 'mcp-session-id': session, 'mcp-protocol-version': '2025-03-26' }
  expect((await send(url, list, headers)).status).toBe(400)
})

// [ERA-5]
test('a batch of 2025-03-26 is answered member by member, each a deed of its own', async () => {
  const session = await open2025(url, bearer(token), '2025-03-26')
  const call = (id: number, name: string) => ({
    jsonrpc: '2.0',
    id,
    method: 'tools/call',
    params: { name, arguments: { entry: `batch ${id}` } },
  })
  const answer = await send(url, [call(1, 'ledger_post'), call(2, 'ledger_nope')], session.headers)
  expect(JSON.parse(answer.text)).toMatchObject([
    { id: 1, result: {} },
    { id: 2, error: { code: -32602 } },
  ])
  expect(ledger.posted).toContain('batch 1')
  const many = Array.from({ length: 21 }, (_, id) => call(id, 'ledger_post'))
  expect((await untouched(() => send(url, many, session.headers))).status).toBe(400)
})

test('a batch has twenty members at most, each with rows of its own, and an era that has none refuses it whole', async () => {
  const session = await open2025(url, bearer(token), '2025-03-26')
  const call = (id: number, name: string) => ({
    ...{ jsonrpc: '2.0', id, method: 'tools/call' },
    params: { name, arguments: { entry: `member ${id}` } },
  })
  const twenty = Array.from({ length: 20 }, (_, id) => call(id, id % 2 === 0 ? 'ledger_post' : 'ledger_none'))
  const answers = JSON.parse((await send(url, twenty, session.headers)).text) as { id: number; error?: object }[]
  expect(answers.map(({ id, error }) => [id, error === undefined])).toEqual(twenty.map(({ id }) => [id, id % 2 === 0]))
  expect(ledger.posted.filter((entry) => entry.startsWith('member '))).toHaveLength(10)
  const path = '/access/ai-controls/mcp/logs?method=tools%2Fcall&phase=ended&limit=20'
  const { result } = (await portal.api<{ outcome: string; capability: string }[]>('GET', path)).body
  const wanted = { ledger_post: 'answered', ledger_none: 'refused' } as Record<string, string>
  expect(result.map(({ outcome, capability }) => wanted[capability] === outcome)).toEqual(twenty.map(() => true))
  expect(new Set(result.map(({ capability }) => capability)).size).toBe(2)
  const later = await open2025(url, bearer(token), '2025-06-18')
  const refused = await untouched(() => send(url, [call(1, 'ledger_post')], later.headers))
  expect([refused.status, JSON.parse(refused.text).error.code]).toEqual([400, -32600])
})

test('a cursor that is none of ours is an error and shows nothing', async () => {
  for (const cursor of ['', 'x', 'bzA', Buffer.from('o-5').toString('base64url')]) {
    const answer = await ask2026(url, bearer(token), 'tools/list', { cursor })
    expect([cursor, messageOf(answer).error?.code]).toEqual([cursor, -32602])
  }
})
