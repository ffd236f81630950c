/**
 * The value that was judged is the value that is sent: what two readers could read in two ways is refused, and what goes on
 * is written anew. A witness behind each transport shows what arrived there, to the byte.
 */
import type { ServerResponse } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { child } from '../child-scripts.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { bearer, messageOf, open2025, send } from '../raw-mcp.ts'
import {
  json,
  legacy,
  modern,
  result,
  type Script,
  type ScriptedServer,
  type Seen,
  startScripted,
} from '../scripted-server.ts'

const META = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** Says what it was sent. */
const tell = (seen: Seen) =>
  result(seen, {
    resultType: 'complete',
    content: [{ type: 'text', text: `${seen.text}\n${JSON.stringify(seen.raw)}` }],
  })
const answer: Script = (seen, response) => json(response, tell(seen))

/** HTTP+SSE of 2024: each stream names an address for its messages. */
function sse2024(): Script {
  const streams: ServerResponse[] = []
  const inner = legacy(answer)
  return (seen, response, request) => {
    if (seen.path === '/sse' && seen.method === 'GET') {
      streams.push(response)
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      return void response.write(`event: endpoint\ndata: /messages?at=${streams.length}\n\n`)
    }
    if (seen.path === '/sse') return void response.writeHead(405).end()
    response.writeHead(202).end()
    const stream = streams[Number(seen.path.split('=').at(-1)) - 1]
    // The script of an answer is written to a response; here that is an event on the stream.
    const event = {
      writeHead: () => event,
      end: (text?: string) => text && stream?.write(`event: message\ndata: ${text}\n\n`),
    }
    inner(seen, event as unknown as ServerResponse, request)
  }
}

const STDIO = child(`
let raw = ''
process.stdin.prependListener('data', (chunk) => { raw += chunk })
answers['tools/call'] = () => text(raw.trimEnd().split('\\n').at(-1) + '\\n[]')
`)

let portal: TestPortal
const servers: ScriptedServer[] = []
let token: string
let url: string

beforeAll(async () => {
  portal = await startTestPortal()
  for (const script of [modern(answer), legacy(answer), sse2024()]) servers.push(await startScripted(script))
  const [http2026, http2025, sse] = servers.map(({ origin }) => origin)
  await portal.furnish([
    { id: 'http2026', url: `${http2026}/mcp` },
    { id: 'http2025', url: `${http2025}/mcp` },
    { id: 'sse', url: `${sse}/sse` },
    { id: 'stdio', stdio: STDIO },
  ])
  token = await portal.userToken('ada@acme.test')
  url = `${portal.url}/mcp`
})
afterAll(async () => {
  await portal?.close()
  for (const server of servers) await server.close()
})

const calls = () => servers.reduce((count, server) => count + server.asked('tools/call').length, 0)

/** A call as text, so that it can say what no object can. @param more members of the message, and of its params */
async function call(server: string, input: string, more = { message: '', params: '' }) {
  const name = `${server}_echo`
  const body = `{"jsonrpc":"2.0","id":"mine"${more.message},"method":"tools/call","params":{"name":"${name}"${more.params},"arguments":${input},"_meta":${JSON.stringify(META)}}}`
  return send(url, body, {
    ...bearer(token).credentials,
    ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': name },
    ...{ 'x-callers-own': 'x', cookie: 'a=b', 'x-forwarded-for': '192.0.2.1' },
  })
}

interface Arrived {
  text: string
  message: Record<string, unknown> & { params: Record<string, unknown> }
  headers: string[]
}
async function arrived(answered: ReturnType<typeof call>): Promise<Arrived> {
  const { content } = messageOf(await answered).result as { content: { text: string }[] }
  const [text = '', raw = '[]'] = (content[0]?.text ?? '').split('\n')
  const headers = (JSON.parse(raw) as string[]).filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  return { text, message: JSON.parse(text), headers }
}

describe.each(['http2026', 'http2025', 'sse', 'stdio'])('over %s', (server) => {
  const inputs = [
    ['spaces and line ends', '{ "a" :\r\n\t[ 1 , { } ] }'],
    ['escapes that need not be', '{"\\u0061":"\\u0062\\/\\u2028"}'],
    [
      'a key that looks like the envelope',
      '{"id":1,"method":"tools/list","jsonrpc":"1.0","result":{},"params":{"name":"x"}}',
    ],
    [
      'text that looks like a message',
      JSON.stringify({ a: '}\n{"jsonrpc":"2.0","id":9,"method":"tools/call"}\r\n\r\ndata: x\n\n' }),
    ],
    ['numbers in odd spellings', '{"a":1.0,"b":1e2,"c":-0.0,"d":0.10}'],
    ['NUL and half a pair of surrogates', '{"a":"\\u0000","b":"\\ud800","c":"\\udc00\\ud800"}'],
    ['keys that differ by case, which are arguments', '{"A":1,"a":2}'],
    ['forbidden words as values', '{"a":["__proto__","constructor"]}'],
    ['letters beyond ASCII', '{"ſ":"K","é":"é"}'],
  ] as const
  for (const [what, input] of inputs) {
    // [STRICT-1]
    test(`${what}: the server gets the value as it was read, written anew`, async () => {
      const { text, message } = await arrived(call(server, input))
      const anew = JSON.stringify(JSON.parse(input))
      // To a child nothing goes that it could take for the end of a line.
      const line = server === 'stdio' ? anew.replaceAll('\u2028', '\\u2028') : anew
      expect(text).toContain(`"arguments":${line}`)
      expect(text).not.toMatch(server === 'stdio' ? /[\n\r\u2028\u2029\u0085]/ : /[\n\r]/)
      expect(JSON.stringify(message.params.arguments)).toBe(JSON.stringify(JSON.parse(input)))
    })
  }

  test('a separator of lines in an argument ends no line, so no message can stand behind it', async () => {
    const smuggled =
      '{"jsonrpc":"2.0","id":9,"method":"tools/call","params":{"name":"echo","arguments":{"smuggled":1}}}'
    const before = calls()
    for (const end of ['\u2028', '\u2029', '\u0085', '\n', '\r\n']) {
      const { message } = await arrived(call(server, JSON.stringify({ a: end + smuggled + end })))
      expect(message.params.arguments).toEqual({ a: end + smuggled + end })
    }
    if (server !== 'stdio') expect(calls()).toBe(before + 5)
  })

  test('of the message and its params goes on what the method takes, under an id of the portal’s, and no header', async () => {
    const more = { message: ',"extra":1,"result":2', params: ',"other":{"server":"x"},"task":1' }
    const { message, headers } = await arrived(call(server, '{"a":1}', { message: ',"extra":1', params: more.params }))
    expect(Object.keys(message).sort()).toEqual(['id', 'jsonrpc', 'method', 'params'])
    expect(message.id).not.toBe('mine')
    expect(
      Object.keys(message.params)
        .filter((key) => key !== '_meta')
        .sort(),
    ).toEqual(['arguments', 'name'])
    for (const own of ['x-callers-own', 'cookie', 'authorization', 'x-forwarded-for'])
      expect(headers).not.toContain(own)
    expect(JSON.stringify(message)).not.toContain(token)
  })

  test('what could be read in two ways reaches nobody', async () => {
    const before = calls()
    const bad: [string, string?, string?][] = [
      ['{"a":1,"a":2}'],
      ['{"a":{"b":[{"c":1,"c":1}]}}'],
      ['{"a":1,"\\u0061":2}'],
      ['{"a":1e400}'],
      ['{"a":-1e400}'],
      ['{"a":9007199254740993}'],
      ['{"a":{"__proto__":{"x":1}}}'],
      ['{"a":{"\\u005f_proto__":1}}'],
      ['{"constructor":{"prototype":{"x":1}}}'],
      ['{"a":01}'],
      ['{"a":1,}'],
      ["{'a':1}"],
      ['{"a":NaN}'],
      ['{"a":"\n"}'],
      ['{"a":1} {"b":2}'],
      ['{}', ',"method":"tools/list"'],
      ['{}', ',"Method":"tools/list"'],
      ['{}', ',"PARAMS":{"name":"x"}'],
      ['{}', ',"param\\u017f":{}'],
      ['{}', ',"Id":7'],
      ['{}', '', `,"name":"${server}_other"`],
      ['{}', '', ',"Arguments":{"x":1}'],
      ['{}', '', ',"argument\\u017f":{"x":1}'],
      ['{}', '', ',"NAME":"x"'],
    ]
    for (const [input, message = '', params = ''] of bad) {
      const { status, text } = await call(server, input, { message, params })
      expect([input, message, params, status]).toEqual([input, message, params, 400])
      expect(JSON.parse(text).error.code).toBeOneOf([-32600, -32700])
    }
    expect(calls()).toBe(before)
  })
})

test('a session of 2025 is read as strictly', async () => {
  const { headers } = await open2025(url, bearer(token))
  const before = calls()
  const body =
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"http2025_echo","name":"sse_echo","arguments":{}}}'
  expect((await send(url, body, headers)).status).toBe(400)
  expect((await send(url, body.replace('"name":"sse_echo",', ''), headers)).status).toBe(200)
  expect(calls()).toBe(before + 1)
})

test('the prototype of nothing was touched', () => {
  expect(({} as Record<string, unknown>).x).toBeUndefined()
  expect(Object.keys(Object.prototype)).toEqual([])
})
