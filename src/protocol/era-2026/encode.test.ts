import { describe, expect, test } from 'vitest'
import type { Body, JsonObject, RawReply, Reply } from '../model.ts'
import { scanReply } from '../scan.ts'
import { encode2026, identity } from './encode.ts'
import { encodeAcknowledged, encodeListenEnd, encodeListenEvent, encodeNotification2026 } from './frames.ts'

const portal = identity({ name: 'portico', version: '1' })
const serverInfo = { 'io.modelcontextprotocol/serverInfo': { name: 'portico', version: '1' } }

function raw(message: object): RawReply {
  const scanned = scanReply(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 'ours-1', ...message })))
  if (scanned === null) throw new Error('not a reply')
  return scanned
}
function encode(reply: Reply, method = 'tools/call', ttlMs?: number) {
  const answer = { reply, id: 7, method, identity: portal, ...(ttlMs === undefined ? {} : { ttlMs }) }
  const { status, body } = encode2026(answer)
  return { status, body: JSON.parse(wholeOf(body)) }
}
const wholeOf = (body: Body) => (Buffer.isBuffer(body) ? body : Buffer.concat(body)).toString()
const result = (value: JsonObject) => ({ jsonrpc: '2.0', id: 7, result: value })
const error = (value: object) => ({ jsonrpc: '2.0', id: 7, error: value })

describe('results of servers', () => {
  test('an older server’s result gets the members that this era demands', () => {
    expect(encode(raw({ result: { content: [] } })).body).toEqual(result({ resultType: 'complete', content: [] }))
    expect(encode(raw({ result: {} }), 'resources/read').body).toEqual(
      result({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' }),
    )
  })

  test('a modern server’s result keeps its own, but is never public: it was let through for this caller alone', () => {
    const theirs = { resultType: 'complete', contents: [], ttlMs: 5000, cacheScope: 'public', _meta: { a: 1 } }
    expect(encode(raw({ result: theirs }), 'resources/read').body).toEqual(result({ ...theirs, cacheScope: 'private' }))
    const first = { cacheScope: 'public', contents: [] }
    expect(encode(raw({ result: first }), 'resources/read').body).toEqual(
      result({ resultType: 'complete', ttlMs: 0, cacheScope: 'private', contents: [] }),
    )
  })

  test.each([
    ['a day', 86_400_000, 3_600_000],
    ['more than any number', '1e400', 3_600_000],
    ['an hour', 3_600_000, 3_600_000],
    ['a fraction', 1500.9, 1500],
    ['less than nothing', -5, 0],
    ['less than one', 0.5, 0],
    ['a text', '"60000"', 0],
    ['null', 'null', 0],
    ['a list', '[60000]', 0],
    ['a text without an end to its sense', '"\\ud800"', 0],
  ])('a server says %s of how long it may be kept (%j), and the client is told %j', (_, told, then) => {
    const text = `{"jsonrpc":"2.0","id":"ours-1","result":{"cacheScope":"public","contents":[],"ttlMs":${told}}}`
    const reply = scanReply(Buffer.from(text))
    if (reply === null) throw new Error('not a reply')
    for (const [keepers, kept] of [
      [{}, { cacheScope: 'private', ttlMs: then }],
      [{ keepers: 'everybody' }, { cacheScope: 'public', ttlMs: then }],
      [{ keepers: 'nobody' }, { cacheScope: 'private', ttlMs: 0 }],
    ] as const)
      expect(encode({ ...reply, ...keepers }, 'resources/read').body).toEqual(
        result({ resultType: 'complete', contents: [], ...kept }),
      )
  })

  test.each(['private', 'PUBLIC', 7, null, ['public'], { public: true }])(
    'where everybody might keep it, only a plain “public” of its server says so (%j)',
    (cacheScope) => {
      const reply: RawReply = { ...raw({ result: { ttlMs: 1, cacheScope } }), keepers: 'everybody' }
      expect(encode(reply, 'resources/read').body.result.cacheScope).toBe('private')
    },
  )

  test('a tool result may have members of these names without a meaning', () => {
    const theirs = { resultType: 'complete', content: [], cacheScope: 'public' }
    expect(encode(raw({ result: theirs })).body).toEqual(result(theirs))
  })

  test.each(['input_required', 'task', 'other'])(
    '%s is never relayed as it came: it holds state of the server’s own',
    (resultType) => {
      const { status, body } = encode(raw({ result: { resultType, requestState: 'secret', taskId: 'secret' } }))
      expect(status).toBe(200)
      expect(body.error.code).toBe(-32603)
      expect(JSON.stringify(body)).not.toContain('secret')
    },
  )
})

describe('errors of servers', () => {
  test.each([
    [-32602, -32602, 200],
    [-32601, -32601, 200],
    [-32000, -32000, 200],
    [42, 42, 200],
    [-32002, -32602, 200],
    [-32021, -32021, 400],
    [-32042, -32603, 200],
    [-32050, -32603, 200],
    [-32020, -32603, 200],
    [-32022, -32603, 200],
  ])('%i becomes %i with status %i', (code, becomes, status) => {
    expect(encode(raw({ error: { code, message: 'm' } }))).toEqual({
      status,
      body: error({ code: becomes, message: 'm' }),
    })
  })

  test('a missing resource keeps its URI', () => {
    const { body } = encode(raw({ error: { code: -32002, message: 'm', data: { uri: 'a://b' } } }), 'resources/read')
    expect(body).toEqual(error({ code: -32602, message: 'm', data: { uri: 'a://b' } }))
  })

  test.each([{ code: 'x', message: 'm' }, { code: 1.5, message: 'm' }, { code: 1 }, {}])(
    'an error that is none: %j',
    (bad) => {
      expect(encode(raw({ error: bad })).body.error.code).toBe(-32603)
    },
  )
})

describe('answers of the portal’s own', () => {
  test('a result says who answers, and keeps its other metadata', () => {
    expect(encode({ kind: 'result', result: { content: [], _meta: { a: 1 } } }).body).toEqual(
      result({ resultType: 'complete', content: [], _meta: { a: 1, ...serverInfo } }),
    )
  })

  // [ERA-9]
  test('a cacheable result is private and for as long as the portal says', () => {
    expect(encode({ kind: 'result', result: {} }, 'server/discover', 1000).body).toEqual(
      result({ resultType: 'complete', ttlMs: 1000, cacheScope: 'private', _meta: serverInfo }),
    )
  })

  test('a question to the caller has no cache members', () => {
    const asked = { resultType: 'input_required', requestState: 's' }
    expect(encode({ kind: 'result', result: asked }, 'resources/read').body).toEqual(
      result({ ...asked, _meta: serverInfo }),
    )
  })

  test('ready-made JSON is framed as it is', () => {
    const whole = { resultType: 'complete', ttlMs: 9, cacheScope: 'private', _meta: serverInfo }
    expect(encode({ kind: 'bytes', bytes: Buffer.from('{"tools":[{"name":"é"}]}') }, 'tools/list', 9).body).toEqual(
      result({ ...whole, tools: [{ name: 'é' }] }),
    )
  })

  test.each([
    [-32601, 404],
    [-32602, 200],
    [-32603, 200],
    [-32020, 400],
    [-32021, 400],
    [-32022, 400],
    [-32600, 400],
    [-32700, 400],
  ])('error %i has status %i', (code, status) => {
    expect(encode({ kind: 'error', error: { code, message: 'm' } }).status).toBe(status)
  })

  test('no code of another era leaves the portal', () => {
    expect(encode({ kind: 'error', error: { code: -32002, message: 'm' } }).body.error.code).toBe(-32602)
    expect(encode({ kind: 'error', error: { code: -32042, message: 'm' } }).body.error.code).toBe(-32603)
  })
})

describe('messages beside the answer', () => {
  const read = (bytes: Buffer | null) => bytes && JSON.parse(bytes.toString())

  // [ERA-7]
  test('progress carries the caller’s own token, and is not sent to a caller who gave none', () => {
    const progress = { method: 'notifications/progress', params: { progress: 1, total: 2 } }
    expect(read(encodeNotification2026(progress, 0))).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progress: 1, total: 2, progressToken: 0 },
    })
    expect(encodeNotification2026(progress, null)).toBeNull()
    const log = { method: 'notifications/message', params: { level: 'info', data: 'x' } }
    expect(read(encodeNotification2026(log, null))).toEqual({ jsonrpc: '2.0', ...log })
  })

  test('each frame of a subscription names it, in the type of its id', () => {
    const id = 'io.modelcontextprotocol/subscriptionId'
    expect(read(encodeAcknowledged({ toolsListChanged: true }, 5))).toEqual({
      jsonrpc: '2.0',
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true }, _meta: { [id]: 5 } },
    })
    const changed = { method: 'notifications/tools/list_changed', params: { _meta: { a: 1 } } }
    expect(read(encodeListenEvent(changed, '5')).params).toEqual({ _meta: { a: 1, [id]: '5' } })
    expect(read(encodeListenEnd(5, portal))).toEqual({
      jsonrpc: '2.0',
      id: 5,
      result: { resultType: 'complete', _meta: { [id]: 5, ...serverInfo } },
    })
  })
})
