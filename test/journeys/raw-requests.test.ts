/** Requests as bytes that no HTTP client would send: each is read in one way or not at all, and none smuggles another. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { openRaw } from '../raw-socket.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'

let portal: TestPortal
let witness: ScriptedServer
let token: string
let host: string

beforeAll(async () => {
  portal = await startTestPortal()
  witness = await startScripted(
    modern((seen, response) => json(response, result(seen, { resultType: 'complete', content: [] }))),
  )
  await portal.furnish([{ id: 'witness', url: `${witness.origin}/mcp` }])
  token = await portal.userToken('ada@acme.test')
  host = new URL(portal.url).host
})
afterAll(async () => {
  await portal?.close()
  await witness?.close()
})

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}
const message = (name = 'witness_echo', more: Record<string, unknown> = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: {}, _meta: META }, ...more })
const BODY = message()

/** Lines of a good call; a test spoils one thing of it. */
const lines = (): string[] => [
  'POST /mcp HTTP/1.1',
  `Host: ${host}`,
  'Connection: close',
  `Authorization: Bearer ${token}`,
  'Content-Type: application/json',
  'Accept: application/json',
  'MCP-Protocol-Version: 2026-07-28',
  'Mcp-Method: tools/call',
  'Mcp-Name: witness_echo',
]

interface Outcome {
  /** One for each answer that came, in order. */
  statuses: number[]
  text: string
  calls: number
  /** `begun` rows of tools/call in the audit. */
  rows: number
}

async function rowsOfCalls(): Promise<number> {
  const path = '/access/ai-controls/mcp/logs?method=tools/call&phase=begun&limit=1000'
  return (await portal.api<unknown[]>('GET', path)).body.result.length
}

/** Sends the bytes; what came is told once the portal has ended the connection. */
async function exchange(bytes: string): Promise<Outcome> {
  const before = { calls: witness.asked('tools/call').length, rows: await rowsOfCalls() }
  const connection = openRaw(portal.url)
  connection.write(Buffer.from(bytes, 'latin1'))
  const text = await connection.closed
  const statuses = [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
  const calls = witness.asked('tools/call').length - before.calls
  return { statuses, text, calls, rows: (await rowsOfCalls()) - before.rows }
}
const request = (head: readonly string[], body = BODY, length = true) =>
  [...head, ...(length ? [`Content-Length: ${Buffer.byteLength(body)}`] : []), '', body].join('\r\n')
const without = (name: string) => lines().filter((line) => !line.toLowerCase().startsWith(`${name}:`))
const instead = (name: string, ...put: string[]) => [...without(name), ...put]
const at = (target: string) => [`POST ${target} HTTP/1.1`, ...lines().slice(1)]

test('the request that the others spoil is good', async () => {
  expect(await exchange(request(lines()))).toMatchObject({ statuses: [200], calls: 1, rows: 1 })
})

describe('what could be framed in two ways is refused, and the connection ends', () => {
  const chunked = `${Buffer.byteLength(BODY).toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
  const hidden = 'POST /mcp HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n'
  const rows: [string, () => string][] = [
    [
      'length and chunks at once',
      () => request([...lines(), 'Transfer-Encoding: chunked', 'Content-Length: 5'], chunked + hidden, false),
    ],
    [
      'chunks and length at once',
      () => request([...lines(), 'Content-Length: 5', 'Transfer-Encoding: chunked'], chunked + hidden, false),
    ],
    ['two lengths', () => request([...lines(), 'Content-Length: 5'])],
    ['two lengths that are the same', () => request([...lines(), `Content-Length: ${Buffer.byteLength(BODY)}`])],
    ['a list of lengths', () => request([...lines(), 'Content-Length: 5, 5'], BODY, false)],
    ['a length with a sign', () => request([...lines(), 'Content-Length: +5'], BODY, false)],
    ['a length in hexadecimal', () => request([...lines(), 'Content-Length: 0x10'], BODY, false)],
    ['a transfer coding that nobody knows', () => request([...lines(), 'Transfer-Encoding: xchunked'], chunked, false)],
    [
      'chunked twice',
      () => request([...lines(), 'Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], chunked, false),
    ],
    [
      'chunked before something else',
      () => request([...lines(), 'Transfer-Encoding: chunked, identity'], chunked, false),
    ],
    ['a folded header line', () => request([...lines(), 'X-Long: a\r\n b'])],
    ['a folded credential', () => request(instead('authorization', 'Authorization: Bearer\r\n x'))],
    ['a bare CR in a header', () => request([...lines(), 'X-A: a\rX-B: b'])],
    ['a bare LF at the end of a line', () => request([...lines(), 'X-A: a\nX-B: b'])],
    ['NUL in a header', () => request([...lines(), 'X-A: a\0b'])],
    ['a space before the colon', () => request([...lines(), 'X-A : b'])],
    ['a space in a header name', () => request([...lines(), 'X A: b'])],
    ['a line without a colon', () => request([...lines(), 'nonsense'])],
    ['a header name with a control', () => request([...lines(), 'X\x01: b'])],
    [
      'a chunk size that is none',
      () => request([...lines(), 'Transfer-Encoding: chunked'], `zz\r\n${BODY}\r\n0\r\n\r\n`, false),
    ],
    [
      'a chunk size over 2^64',
      () => request([...lines(), 'Transfer-Encoding: chunked'], `fffffffffffffffff\r\n${BODY}`, false),
    ],
    ['another protocol', () => request(['POST /mcp HTTQ/1.1', ...lines().slice(1)])],
    ['a version that there is not', () => request(['POST /mcp HTTP/1.9', ...lines().slice(1)])],
    ['a method in lower case', () => request(['post /mcp HTTP/1.1', ...lines().slice(1)])],
  ]
  for (const [what, bytes] of rows) {
    // [STRICT-2]
    test(`${what}: 400, once, and nothing is called`, async () => {
      const { statuses, calls, rows: written } = await exchange(bytes())
      expect({ statuses, calls, written }).toEqual({ statuses: [400], calls: 0, written: 0 })
    })
  }
})

describe('a target that is not in its one spelling is 400', () => {
  const targets = [
    ...['//mcp', '//admin/x', '/mcp//', '/./mcp', '/p/../mcp', '/p/default/../../mcp', '/.', '/..'],
    ...['/%2e%2e/mcp', '/%2E%2E/mcp', '/p%2fdefault/mcp', '/p%2Fdefault/mcp', '/m%63p', '/%6Dcp', '/mcp%00', '/mcp%'],
    ...['/mcp;x', '/p/default;x/mcp', '/mcp#x', '/\\mcp', '/mcp\\', '/client/v4/..', '/client/v4/%61ccounts/a'],
    ...['http://evil.test/mcp', 'https://127.0.0.1/mcp', 'mcp', '*'],
  ]
  for (const target of targets) {
    test(`${target}: nothing is called`, async () => {
      expect(await exchange(request(at(target)))).toMatchObject({ statuses: [400], calls: 0, rows: 0 })
    })
  }
  test('the absolute form of the portal’s own address is another spelling too', async () => {
    expect(await exchange(request(at(`${portal.url}/mcp`)))).toMatchObject({ statuses: [400], calls: 0, rows: 0 })
  })
})

test('what a path has to encode arrives as what was meant, at the route that the raw path names', async () => {
  const asked = async (id: string, query = '') => {
    const path = `/client/v4/accounts/a/access/ai-controls/mcp/servers/${id}${query}`
    const head = [
      `GET ${path} HTTP/1.1`,
      `Host: ${host}`,
      'Connection: close',
      `Authorization: Bearer ${portal.adminToken}`,
    ]
    const { text } = await exchange([...head, '', ''].join('\r\n'))
    return JSON.parse(text.slice(text.indexOf('\r\n\r\n'))).errors[0].message
  }
  expect(await asked('x%20y')).toContain('There is no server "x y"')
  expect(await asked('a@b,c(d)', '?servers=/../x%2F..//y;z')).toContain('There is no server "a@b,c(d)"')
  expect(await asked('x%3Fy')).toContain('There is no server "x?y"')
  expect(await asked('x/y')).toContain('There is no such route')
})

describe('a name that is not the portal’s is not served', () => {
  const port = () => host.split(':')[1]
  const hosts: [string, () => string[], number][] = [
    ['a foreign name', () => ['Host: evil.test'], 403],
    ['a name with a dot at its end', () => [`Host: localhost.:${port()}`], 403],
    ['the portal’s name within another', () => [`Host: ${host.split(':')[0]}.evil.test`], 403],
    ['another name behind an @', () => [`Host: ${host}@evil.test`], 403],
    ['a user before the name', () => [`Host: evil.test@${host}`], 403],
    ['a path behind the name', () => [`Host: ${host}/evil`], 403],
    ['two names in one line', () => [`Host: ${host}, evil.test`], 403],
    ['an empty name', () => ['Host: '], 403],
    ['an address as one number', () => [`Host: 2130706433:${port()}`], 403],
    ['a short address', () => [`Host: 127.1:${port()}`], 403],
    ['no name', () => [], 400],
    ['two names', () => [`Host: ${host}`, 'Host: evil.test'], 400],
    ['the same name twice', () => [`Host: ${host}`, `host: ${host}`], 400],
  ]
  for (const [what, put, status] of hosts) {
    test(`${what}: ${status}`, async () => {
      const { statuses, text, calls, rows } = await exchange(request(instead('host', ...put())))
      expect({ statuses, calls, rows }).toEqual({ statuses: [status], calls: 0, rows: 0 })
      expect(text).not.toContain('evil')
    })
  }

  const routes = [
    ...[
      '/mcp',
      '/p/default/mcp',
      '/p/default/s/witness/mcp',
      '/p/nothing/mcp',
      '/',
      '/openapi.json',
      '/admin',
      '/setup',
    ],
    ...[
      '/.well-known/oauth-protected-resource',
      '/.well-known/oauth-authorization-server',
      '/oauth/register',
      '/oauth/token',
    ],
    ...[
      '/authorize',
      '/connect/witness',
      '/servers-callback',
      '/approve/x',
      '/client/v4',
      '/client/v4/accounts/a/access/policies',
    ],
    ...['/client/v4/accounts/a/access/ai-controls/mcp/servers', '/favicon.ico'],
  ]
  for (const path of routes) {
    for (const method of ['GET', 'POST']) {
      test(`${method} ${path} under a foreign name, also a forwarded one: no byte of it comes back`, async () => {
        const forwarded = ['X-Forwarded-Host: evil.test', 'Forwarded: host=evil.test', 'X-Forwarded-Proto: evil']
        const head = [`${method} ${path} HTTP/1.1`, 'Connection: close']
        const foreign = await exchange([...head, 'Host: evil.test', '', ''].join('\r\n'))
        expect(foreign.statuses).toEqual([403])
        const own = await exchange([...head, `Host: ${host}`, ...forwarded, '', ''].join('\r\n'))
        expect(own.statuses).toHaveLength(1)
        expect(foreign.text + own.text).not.toContain('evil')
      })
    }
  }
})

describe('a header that decides something may stand once', () => {
  const names = [
    ...[
      'Authorization',
      'Host',
      'Origin',
      'Content-Type',
      'Content-Encoding',
      'MCP-Protocol-Version',
      'Mcp-Method',
      'Mcp-Name',
    ],
    ...[
      'Mcp-Session-Id',
      'Mcp-Param-Anything',
      'CF-Access-Client-Id',
      'CF-Access-Client-Secret',
      'CF-Access-Jwt-Assertion',
    ],
    ...['Last-Event-ID', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'Sec-Fetch-Site'],
  ]
  for (const name of names) {
    test(`two ${name} in two spellings: 400, and nothing is called`, async () => {
      const there = lines().find((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
      const value = there?.slice(name.length + 2) ?? 'x'
      const head = instead(name.toLowerCase(), `${name}: ${value}`, `${name.toUpperCase()}: ${value}`)
      expect(await exchange(request(head))).toMatchObject({ statuses: [400], calls: 0, rows: 0 })
    })
  }

  test('one that stands behind a thousand others counts like any other', async () => {
    const many = Array.from({ length: 1500 }, (_, i) => `a${i}:`)
    const head = [...lines(), ...many, 'Authorization: Bearer another']
    expect(await exchange(request(head))).toMatchObject({ statuses: [400], calls: 0, rows: 0 })
  })
})

describe('headers of 2026 that say something else than the body call nothing', () => {
  const name = (value: string) => instead('mcp-name', `Mcp-Name: ${value}`)
  const base64 = (text: string) => `=?base64?${Buffer.from(text).toString('base64')}?=`
  const rows: [string, () => string[], string?][] = [
    ['the name of another tool', () => name('witness_other')],
    ['the bare name of the same tool', () => name('echo')],
    ['the name in capitals', () => name('WITNESS_ECHO')],
    ['the name and another one', () => name('witness_echo, witness_other')],
    ['another one and the name', () => name('witness_other, witness_echo')],
    ['the name in quotes', () => name('"witness_echo"')],
    ['the name percent-encoded', () => name('witness%5Fecho')],
    ['the name with a dot behind it', () => name('witness_echo.')],
    ['an empty name', () => name('')],
    ['base64 of another tool', () => name(base64('witness_other'))],
    ['base64 twice over', () => name(base64(base64('witness_echo')))],
    ['base64 without its padding', () => name(base64('witness_echo1').replaceAll('=?=', '?='))],
    ['base64 with a character too many', () => name(`=?base64?${Buffer.from('witness_echo').toString('base64')}A?=`)],
    ['base64 of URLs', () => name('=?base64?d2l0bmVzc19lY2hv-_?=')],
    ['base64 under another name', () => name(`=?BASE64?${Buffer.from('witness_echo').toString('base64')}?=`)],
    ['base64 of MIME', () => name(`=?utf-8?B?${Buffer.from('witness_echo').toString('base64')}?=`)],
    ['base64 without an end', () => name(`=?base64?${Buffer.from('witness_echo').toString('base64')}`)],
    ['bytes beyond ASCII', () => name('witness_echo\xe9')],
    ['another method', () => instead('mcp-method', 'Mcp-Method: tools/list')],
    ['the method in capitals', () => instead('mcp-method', 'Mcp-Method: TOOLS/CALL')],
    ['two methods in one line', () => instead('mcp-method', 'Mcp-Method: tools/call, tools/list')],
    ['no method', () => without('mcp-method')],
    ['no name', () => without('mcp-name')],
    ['no version', () => without('mcp-protocol-version')],
    ['an older version', () => instead('mcp-protocol-version', 'MCP-Protocol-Version: 2025-11-25')],
    ['two versions in one line', () => instead('mcp-protocol-version', 'MCP-Protocol-Version: 2026-07-28, 2025-11-25')],
    ['a version of 2026 over a body of 2025', lines, message().replace(JSON.stringify(META), '{}')],
    [
      'a version of 2026 over an initialize',
      lines,
      JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params: {} }),
    ],
    ['a version of 2026 over a batch', lines, `[${message()}]`],
  ]
  for (const [what, head, body] of rows) {
    test(`${what}: 400`, async () => {
      expect(await exchange(request(head(), body ?? BODY))).toMatchObject({ statuses: [400], calls: 0, rows: 0 })
    })
  }
})

describe('what a page of another site sends', () => {
  const page = (method: string, path: string, site: string) =>
    exchange(
      [`${method} ${path} HTTP/1.1`, `Host: ${host}`, `Sec-Fetch-Site: ${site}`, 'Connection: close', '', ''].join(
        '\r\n',
      ),
    )
  for (const path of ['/mcp', '/', '/client/v4/accounts/a/access/policies']) {
    test(`cannot change anything at ${path}, whatever else it says`, async () => {
      for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
        expect([method, (await page(method, path, 'cross-site')).statuses]).toEqual([method, [403]])
        expect((await page(method, path, 'same-origin')).statuses).not.toEqual([403])
      }
      expect((await page('GET', path, 'cross-site')).statuses).not.toEqual([403])
    })
  }
})
