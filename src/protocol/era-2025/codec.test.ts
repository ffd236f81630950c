import { describe, expect, test } from 'vitest'
import type { Body, Json, JsonObject, RawReply, Reply } from '../model.ts'
import { scanReply } from '../scan.ts'
import { decode2025, decodeInitialize } from './decode.ts'
import { encode2025, encodeNotification2025 } from './encode.ts'

function raw(message: object): RawReply {
  const scanned = scanReply(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 'ours-1', ...message })))
  if (scanned === null) throw new Error('not a reply')
  return scanned
}
const wholeOf = (body: Body) => (Buffer.isBuffer(body) ? body : Buffer.concat(body)).toString()
const encode = (reply: Reply, method = 'tools/call', version = '2025-06-18') =>
  JSON.parse(wholeOf(encode2025({ reply, id: 'x', method, version })))

describe('the handshake', () => {
  const hello = (params: JsonObject) => decodeInitialize({ id: 1, method: 'initialize', params })

  test.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-06-18', '2025-06-18'],
    ['2025-11-25', '2025-11-25'],
    ['2024-10-07', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['nonsense', '2025-11-25'],
  ])('a client that asks for %s gets %s', (asked, negotiated) => {
    const params = { protocolVersion: asked, capabilities: { roots: {} }, clientInfo: { name: 'c', version: '1' } }
    expect(hello(params)).toMatchObject({
      kind: 'initialize',
      client: { era: '2025', version: negotiated, name: 'c', clientVersion: '1', capabilities: { roots: {} } },
    })
  })

  test('keeps the trace that it came with', () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const params = { protocolVersion: '2025-06-18', capabilities: {}, _meta: { traceparent } }
    expect(hello(params)).toMatchObject({ kind: 'initialize', request: { meta: { traceparent } } })
  })

  test.each([{}, { protocolVersion: 7, capabilities: {} }, { protocolVersion: '2025-06-18' }])(
    '%j is no handshake',
    (params) => {
      expect(hello(params as JsonObject)).toMatchObject({ kind: 'error', status: 200, error: { code: -32602 }, id: 1 })
    },
  )
})

test('a request comes out with its token and trace, without reserved keys', () => {
  const _meta = {
    progressToken: 'p',
    'io.modelcontextprotocol/logLevel': 'info',
    'io.modelcontextprotocol/x': 1,
    mine: 2,
  }
  expect(decode2025({ id: 1, method: 'tools/call', params: { name: 'a', _meta } })).toEqual({
    kind: 'decoded',
    request: { id: 1, method: 'tools/call', params: { name: 'a' }, meta: { progressToken: 'p', vendor: { mine: 2 } } },
  })
})

test.each(['server/discover', 'subscriptions/listen', 'tasks/update', 'x', 'toString'])(
  '%s is no method of this era',
  (method) => {
    expect(decode2025({ id: 1, method, params: {} })).toMatchObject({
      kind: 'error',
      status: 200,
      error: { code: -32601 },
    })
  },
)

describe('answers', () => {
  test('results travel with the caller’s id, whatever 2026 put into them', () => {
    const theirs = { resultType: 'complete', content: [], ttlMs: 1 }
    expect(encode(raw({ result: theirs }))).toEqual({ jsonrpc: '2.0', id: 'x', result: theirs })
    expect(encode({ kind: 'result', result: {} })).toEqual({ jsonrpc: '2.0', id: 'x', result: {} })
    expect(encode({ kind: 'bytes', bytes: Buffer.from('{"tools":[]}') })).toEqual({
      jsonrpc: '2.0',
      id: 'x',
      result: { tools: [] },
    })
  })

  test('a question of a 2026 server is never shown to a client that cannot read it', () => {
    const asked = raw({ result: { resultType: 'input_required', requestState: 'secret' } })
    expect(JSON.stringify(encode(asked))).not.toContain('secret')
    expect(encode(asked).error.code).toBe(-32603)
  })

  test.each<[number, Json | undefined, string, string, number]>([
    [-32602, { uri: 'a://b' }, 'resources/read', '2025-06-18', -32002],
    [-32602, undefined, 'resources/read', '2025-06-18', -32602],
    [-32602, { uri: 'a://b' }, 'tools/call', '2025-06-18', -32602],
    [-32002, { uri: 'a://b' }, 'resources/read', '2024-11-05', -32002],
    [-32042, { elicitations: [] }, 'tools/call', '2025-11-25', -32042],
    [-32042, { elicitations: [] }, 'tools/call', '2025-06-18', -32603],
    [-32020, undefined, 'tools/call', '2025-11-25', -32603],
    [-32021, undefined, 'tools/call', '2025-11-25', -32603],
    [-32000, undefined, 'tools/call', '2025-11-25', -32000],
  ])('error %i with data %j of %s in %s becomes %i', (code, data, method, version, becomes) => {
    const error = data === undefined ? { code, message: 'm' } : { code, message: 'm', data }
    expect(encode(raw({ error }), method, version).error).toEqual({ ...error, code: becomes })
    expect(encode({ kind: 'error', error }, method, version).error).toEqual({ ...error, code: becomes })
  })

  // [ERA-7]
  test('progress carries the caller’s own token', () => {
    const progress = { method: 'notifications/progress', params: { progress: 1 } }
    expect(JSON.parse(String(encodeNotification2025(progress, 'p'))).params).toEqual({
      progress: 1,
      progressToken: 'p',
    })
    expect(encodeNotification2025(progress, null)).toBeNull()
  })
})
