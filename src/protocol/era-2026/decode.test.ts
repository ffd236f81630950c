import { describe, expect, test } from 'vitest'
import type { HeaderMap } from '../classify.ts'
import type { JsonObject } from '../model.ts'
import { decode2026 } from './decode.ts'
import { isReservedKey } from './envelope.ts'

const V = '2026-07-28'
const envelope = {
  'io.modelcontextprotocol/protocolVersion': V,
  'io.modelcontextprotocol/clientCapabilities': { elicitation: {} },
}

function decode(method: string, params: JsonObject, headers: HeaderMap, meta: JsonObject = {}) {
  return decode2026({ id: 'x', method, params: { ...params, _meta: { ...envelope, ...meta } } }, V, headers)
}
const standard = (method: string, name?: string): HeaderMap => ({
  'mcp-protocol-version': V,
  'mcp-method': method,
  'mcp-name': name,
})

describe('the standard headers are held against the body', () => {
  const ada = { name: 'ada' }
  test.each<[string, string, JsonObject, HeaderMap]>([
    ['no version', 'tools/call', ada, { 'mcp-method': 'tools/call', 'mcp-name': 'ada' }],
    ['no method', 'tools/call', ada, { 'mcp-protocol-version': V, 'mcp-name': 'ada' }],
    ['no name', 'tools/call', ada, standard('tools/call')],
    ['another method', 'tools/call', ada, standard('tools/list', 'ada')],
    ['a method in another case', 'tools/call', ada, standard('Tools/Call', 'ada')],
    ['another name', 'tools/call', ada, standard('tools/call', 'bob')],
    ['a name in another case', 'tools/call', ada, standard('tools/call', 'Ada')],
    ['two names joined', 'tools/call', ada, standard('tools/call', 'ada, ada')],
    ['an empty name', 'tools/call', ada, standard('tools/call', '')],
    ['a quoted name', 'tools/call', ada, standard('tools/call', '"ada"')],
    ['a percent-encoded name', 'tools/call', ada, standard('tools/call', '%61da')],
    ['base64 of another name', 'tools/call', ada, standard('tools/call', '=?base64?Ym9i?=')],
    ['base64 without padding', 'tools/call', { name: 'a' }, standard('tools/call', '=?base64?YQ?=')],
    ['base64 with stray bits', 'tools/call', { name: 'a' }, standard('tools/call', '=?base64?YR==?=')],
    ['base64url', 'tools/call', { name: '>>>' }, standard('tools/call', '=?base64?Pj4-?=')],
    ['base64 of invalid UTF-8', 'tools/call', { name: '\ufffd' }, standard('tools/call', '=?base64?/w==?=')],
    ['base64 with a space in it', 'tools/call', ada, standard('tools/call', '=?base64?YWR h?=')],
    ['a sentinel in capitals', 'tools/call', ada, standard('tools/call', '=?BASE64?YWRh?=')],
    ['a sentinel cut short', 'tools/call', ada, standard('tools/call', '=?base64?YWRh')],
    ['another prompt', 'prompts/get', ada, standard('prompts/get', 'bob')],
    ['another URI', 'resources/read', { uri: 'a://b' }, standard('resources/read', 'a://c')],
    ['no URI', 'resources/read', { uri: 'a://b' }, standard('resources/read')],
    ['another task', 'tasks/get', { taskId: 't1' }, standard('tasks/get', 't2')],
    ['a newline kind of white space', 'tools/call', ada, standard('tools/call', '\u00a0ada')],
    ['a removed method with another header', 'ping', {}, standard('tools/list')],
  ])('%s is a header mismatch', (_, method, params, headers) => {
    expect(decode(method, params, headers)).toMatchObject({
      kind: 'error',
      status: 400,
      error: { code: -32020 },
      id: 'x',
    })
  })

  test.each<[string, JsonObject, HeaderMap]>([
    ['the plain name', { name: 'ada' }, standard('tools/call', 'ada')],
    ['white space around it', { name: 'ada' }, standard('tools/call', ' \tada ')],
    ['its base64', { name: 'ada' }, standard('tools/call', '=?base64?YWRh?=')],
    ['base64 of what no header can carry', { name: 'é\n' }, standard('tools/call', '=?base64?w6kK?=')],
    [
      'base64 of what looks like base64',
      { name: '=?base64?x?=' },
      standard('tools/call', '=?base64?PT9iYXNlNjQ/eD89?='),
    ],
    ['no name in the body: the method will complain', {}, standard('tools/call', 'ada')],
  ])('%s passes', (_, params, headers) => {
    expect(decode('tools/call', params, headers).kind).toBe('decoded')
  })

  test('methods without a name need no Mcp-Name, and a stray one does not matter', () => {
    expect(decode('tools/list', {}, standard('tools/list')).kind).toBe('decoded')
    expect(decode('tools/list', {}, standard('tools/list', 'stray')).kind).toBe('decoded')
  })
})

test.each([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'tasks/list',
  'x',
  'constructor',
  '__proto__',
])('%s is no method of this era: 404', (method) => {
  expect(decode(method, {}, standard(method))).toMatchObject({ kind: 'error', status: 404, error: { code: -32601 } })
})

test('a request comes out without its envelope, and only what may travel is kept', () => {
  const meta = {
    'io.modelcontextprotocol/clientInfo': { name: 'c', version: '1' },
    'io.modelcontextprotocol/logLevel': 'warning',
    'io.modelcontextprotocol/related-task': { taskId: 't' },
    'dev.mcp/x': 1,
    'com.mcp.tools/x': 1,
    'com.example.mcp/x': 1,
    'example/y': [2],
    plain: true,
    progressToken: 7,
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
    tracestate: 'v=1',
    baggage: 'user=ada',
  }
  const params = { name: 'ada', arguments: { _meta: 'kept' }, cursor: '' }
  expect(decode('tools/call', params, standard('tools/call', 'ada'), meta)).toEqual({
    kind: 'decoded',
    request: {
      id: 'x',
      method: 'tools/call',
      params,
      meta: {
        progressToken: 7,
        logLevel: 'warning',
        traceparent: meta.traceparent,
        tracestate: 'v=1',
        vendor: { 'com.example.mcp/x': 1, 'example/y': [2], plain: true },
      },
    },
    client: { era: '2026', version: V, name: 'c', clientVersion: '1', capabilities: { elicitation: {} } },
  })
})

test('a malformed trace does not travel, nor a state without its trace', () => {
  const decoded = decode('tools/list', {}, standard('tools/list'), { traceparent: 'x\r\ny: z', tracestate: 'v=1' })
  expect(decoded).toMatchObject({ request: { meta: {} } })
  expect(decoded.kind === 'decoded' && Object.keys(decoded.request.meta)).toEqual([])
})

test.each([
  ['io.modelcontextprotocol/x', true],
  ['IO.ModelContextProtocol/x', true],
  ['dev.mcp/', true],
  ['com.mcp.tools/x', true],
  ['com.example.mcp/x', false],
  ['mcp/x', false],
  ['modelcontextprotocol', false],
  ['io.mcpx/x', false],
])('whether the key %s is reserved: %s', (key, expected) => {
  expect(isReservedKey(key)).toBe(expected)
})
