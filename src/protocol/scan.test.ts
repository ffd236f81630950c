import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { classifyMessage, readId, scanReply } from './scan.ts'
import { replaceId, spliceReply } from './splice.ts'

const scan = (text: string) => scanReply(Buffer.from(text))

const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)

const hostile: [string, string][] = [
  ['two ids', '{"jsonrpc":"2.0","id":1,"result":{},"id":2}'],
  ['a second id spelled with an escape', '{"jsonrpc":"2.0","id":1,"result":{},"\\u0069d":2}'],
  ['a second id in capitals', '{"jsonrpc":"2.0","id":1,"result":{},"ID":2}'],
  ['an id in capitals only', '{"jsonrpc":"2.0","ID":1,"result":{}}'],
  ['a result spelled with a long s', '{"jsonrpc":"2.0","id":1,"result":{},"re\u017fult":{}}'],
  ['two messages', '{"jsonrpc":"2.0","id":1,"result":{}}{"jsonrpc":"2.0","id":2,"result":{}}'],
  ['two messages on two lines', '{"jsonrpc":"2.0","id":1,"result":{}}\n{"jsonrpc":"2.0","id":2,"result":{}}'],
  ['trailing bytes', '{"jsonrpc":"2.0","id":1,"result":{}} x'],
  ['a NUL after the end', '{"jsonrpc":"2.0","id":1,"result":{}}\0'],
  ['result and error', '{"jsonrpc":"2.0","id":1,"result":{},"error":{"code":1,"message":""}}'],
  ['two results', '{"jsonrpc":"2.0","id":1,"result":{},"result":{"a":1}}'],
  ['neither result nor error', '{"jsonrpc":"2.0","id":1}'],
  ['a method', '{"jsonrpc":"2.0","id":1,"method":"tools/call","result":{}}'],
  ['an escaped method', '{"jsonrpc":"2.0","id":1,"m\\u0065thod":"tools/call","result":{}}'],
  ['no id, but one in a string at the end', '{"jsonrpc":"2.0","result":{"t":",\\"id\\":7}"}}'],
  ['no id, but one in the result', '{"jsonrpc":"2.0","result":{"id":7}}'],
  ['an object as id', '{"jsonrpc":"2.0","id":{},"result":{}}'],
  ['a boolean as id', '{"jsonrpc":"2.0","id":true,"result":{}}'],
  ['a string as result', '{"jsonrpc":"2.0","id":1,"result":"{}"}'],
  ['an array as result', '{"jsonrpc":"2.0","id":1,"result":[]}'],
  ['null as result', '{"jsonrpc":"2.0","id":1,"result":null}'],
  ['a string as error', '{"jsonrpc":"2.0","id":1,"error":"no"}'],
  ['no version', '{"id":1,"result":{}}'],
  ['version 1.0', '{"jsonrpc":"1.0","id":1,"result":{}}'],
  ['a number as version', '{"jsonrpc":2.0,"id":1,"result":{}}'],
  ['a batch', '[{"jsonrpc":"2.0","id":1,"result":{}}]'],
  ['brackets that cross', '{"jsonrpc":"2.0","id":1,"result":{"a":[}]}'],
  ['a bracket too few', '{"jsonrpc":"2.0","id":1,"result":{}'],
  ['a bracket too many', '{"jsonrpc":"2.0","id":1,"result":{}}}'],
  ['a trailing comma', '{"jsonrpc":"2.0","id":1,"result":{},}'],
  ['a missing comma', '{"jsonrpc":"2.0","id":1 "result":{}}'],
  ['a string without end', '{"jsonrpc":"2.0","id":1,"result":{"a":"}}'],
  ['a quote that only looks escaped', '{"jsonrpc":"2.0","id":1,"result":{"a":"\\\\"x"}}'],
  ['a comment', '{"jsonrpc":"2.0","id":1,/*,*/"result":{}}'],
  ['single quotes', "{'jsonrpc':'2.0','id':1,'result':{}}"],
  ['a number with a leading zero', '{"jsonrpc":"2.0","id":01,"result":{}}'],
  ['NaN', '{"jsonrpc":"2.0","id":1,"result":{"a":NaN}}'],
  ['a byte order mark', '\ufeff{"jsonrpc":"2.0","id":1,"result":{}}'],
  ['65 levels', `{"jsonrpc":"2.0","id":1,"result":{"a":${deep(63)}}}`],
  ['200,000 levels', `{"jsonrpc":"2.0","id":1,"result":{"a":${deep(200_000)}}}`],
  ['200,000 levels outside the result', `{"jsonrpc":"2.0","id":1,"x":${deep(200_000)},"result":{}}`],
  ['two result types', '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","resultType":"input_required"}}'],
  [
    'a second, escaped result type',
    '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","result\\u0054ype":"task"}}',
  ],
  ['a result type in other case', '{"jsonrpc":"2.0","id":1,"result":{"resulttype":"input_required"}}'],
  ['a number as result type', '{"jsonrpc":"2.0","id":1,"result":{"resultType":1}}'],
  ['nothing', ''],
  ['only space', ' \n'],
]

// [CALLER-3]
describe('a reply that is not exactly one JSON-RPC response is refused', () => {
  test.each(hostile)('%s', (_, text) => {
    expect(scan(text)).toBeNull()
  })

  test('invalid UTF-8 that could swallow a quote', () => {
    const text = Buffer.from('{"jsonrpc":"2.0","id":1,"result":{"a":"x"}}')
    text[text.indexOf('x')] = 0xc3
    expect(scanReply(text)).toBeNull()
  })
})

describe('what a scanned reply says', () => {
  test('spans point at the values of id and result, in either order and with space around them', () => {
    const text = ' {"result" : {"a":[1]} , "id" : "x" ,"jsonrpc":"2.0"}\r\n'
    const raw = scan(text)
    expect(raw && text.slice(raw.id.from, raw.id.to)).toBe('"x"')
    expect(raw && text.slice(raw.body.from, raw.body.to)).toBe('{"a":[1]}')
    expect(raw && readId(raw)).toBe('x')
  })

  test('64 levels are accepted', () => {
    expect(scan(`{"jsonrpc":"2.0","id":1,"result":{"a":${deep(62)}}}`)).not.toBeNull()
  })

  test('the result members that codecs ask about are noted', () => {
    const raw = scan(
      '{"jsonrpc":"2.0","id":1,"result":{"resultType":"input_required","ttlMs":5,"cacheScope":"public","isError":true}}',
    )
    expect(raw?.has).toEqual({
      resultType: 'input_required',
      isError: true,
      any: true,
      ttl: { from: 72, to: 73 },
      scope: { from: 87, to: 95 },
      structured: null,
    })
    expect(scan('{"jsonrpc":"2.0","id":1,"result":{ }}')?.has).toEqual({
      resultType: null,
      ttl: null,
      scope: null,
      structured: null,
      isError: false,
      any: false,
    })
    expect(scan('{"jsonrpc":"2.0","id":1,"result":{"isError":false}}')?.has.isError).toBe(false)
  })

  test('members of nested objects do not count as members of the result', () => {
    const raw = scan('{"jsonrpc":"2.0","id":1,"result":{"structuredContent":{"resultType":"task","isError":true}}}')
    expect(raw?.has).toMatchObject({ resultType: null, isError: false, any: true })
  })

  test('escaped spellings of the expected keys are understood', () => {
    const raw = scan('{"jsonrpc":"2.0","\\u0069d":5,"r\\u0065sult":{"\\u0069sError":true}}')
    expect(raw && readId(raw)).toBe(5)
    expect(raw?.has.isError).toBe(true)
  })

  test.each([
    ['null', null],
    ['1.5', null],
    ['1e400', null],
    ['12345678901234567890', null],
    ['-3', -3],
    ['"a\\nb"', 'a\nb'],
  ])('an id of %s reads as %s', (text, id) => {
    const raw = scan(`{"jsonrpc":"2.0","id":${text},"error":{"code":1,"message":"m"}}`)
    expect(raw).not.toBeNull()
    expect(raw && readId(raw)).toBe(id)
  })
})

describe('messages on a stream', () => {
  const classify = (text: string) => classifyMessage(Buffer.from(text))

  test('responses stay bytes, requests and notifications come parsed', () => {
    expect(classify('{"jsonrpc":"2.0","id":1,"result":{}}')?.kind).toBe('response')
    expect(classify('{"jsonrpc":"2.0","id":"q","method":"ping"}')).toEqual({
      kind: 'request',
      id: 'q',
      method: 'ping',
      params: {},
    })
    expect(classify('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progress":1}}')).toEqual({
      kind: 'notification',
      method: 'notifications/progress',
      params: { progress: 1 },
    })
  })

  test.each([
    '{"jsonrpc":"2.0","id":null,"method":"ping"}',
    '{"jsonrpc":"2.0","id":1,"method":7}',
    '{"jsonrpc":"2.0","id":1,"method":"a","params":[]}',
    '{"jsonrpc":"2.0","id":1,"method":"a","method":"b"}',
    '{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}',
    '{"jsonrpc":"2.0","id":1,"method":"a","result":{}}',
    '{"id":1,"method":"a"}',
    'garbage',
  ])('%s is no message', (text) => {
    expect(classify(text)).toBeNull()
  })
})

const json = fc.jsonValue({ maxDepth: 5 }) as fc.Arbitrary<object>
const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ minLength: 60, maxLength: 900 }), awkward())

/** Strings that are full of what could fool a state machine. */
function awkward(): fc.Arbitrary<string> {
  const pieces = fc.constantFrom('\\', '"', '",', '}', '{', '"id":1', '\\"', ']', 'x'.repeat(70), '\n', 'é', '😀')
  return fc.array(pieces, { maxLength: 120 }).map((parts) => parts.join(''))
}
const id = fc.oneof(fc.integer(), text)
const result = fc.dictionary(
  text.filter((key) => key !== '__proto__'),
  fc.oneof(json, text),
)
const indent = fc.constantFrom(undefined, 1, '\t')

function response(): fc.Arbitrary<string> {
  return fc.tuple(id, result, indent, fc.boolean()).map(([id, result, space, idFirst]) => {
    const message = idFirst ? { jsonrpc: '2.0', id, result } : { result, id, jsonrpc: '2.0' }
    return JSON.stringify(message, null, space)
  })
}

describe('splicing', () => {
  test('any valid response with another id spliced in is what parse, set and stringify would give', () => {
    fc.assert(
      fc.property(response(), id, (message, newId) => {
        const raw = scan(message)
        if (raw === null) throw new Error('refused')
        const expected = JSON.parse(message)
        expect(readId(raw)).toEqual(asWire(expected.id))
        expected.id = newId
        expect(JSON.parse(replaceId(raw, newId).toString())).toEqual(asWire(expected))

        const spliced = JSON.parse(spliceReply(raw, newId, '"resultTypeX":"complete","ttlMsX":0').toString())
        expected.result = { resultTypeX: 'complete', ttlMsX: 0, ...expected.result }
        expect(spliced).toEqual(asWire(expected))
      }),
      { numRuns: 500 },
    )
  })

  test('members go into an empty result without a comma', () => {
    const raw = scan('{"jsonrpc":"2.0","id":1,"result":{}}')
    expect(raw && spliceReply(raw, 'é', '"a":1').toString()).toBe('{"jsonrpc":"2.0","id":"é","result":{"a":1}}')
  })

  test('any mutation of bytes is refused, or means to JSON.parse what the scan says', () => {
    const mutation = fc.tuple(
      response(),
      fc.nat(),
      fc.oneof(fc.nat(255), fc.constantFrom(...Buffer.from('"\\{}[],:0'))),
    )
    fc.assert(
      fc.property(mutation, fc.boolean(), ([message, at, byte], insert) => {
        const bytes = Buffer.from(message)
        const i = at % bytes.length
        const tail = bytes.subarray(insert ? i : i + 1)
        const mutated = Buffer.concat([bytes.subarray(0, i), Buffer.from([byte]), tail])
        const raw = scanReply(mutated)
        if (raw !== null) expectAgreement(mutated, raw.body)
      }),
      { numRuns: 3000 },
    )
  })
})

function asWire(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value))
}

/** The insides of strings may be spoiled (raw control characters, bad escapes), the structure never. */
function expectAgreement(bytes: Buffer, body: { from: number; to: number }): void {
  const source = bytes.toString('latin1').replace(/\\[\s\S]/g, (pair) => (/\\["\\/bfnrt]/.test(pair) ? pair : 'aa'))
  // Without touching lengths: what remains of `\uXXXX` is plain text once its first two characters are.
  const blanked = Array.from(source, (c) => (c < ' ' ? ' ' : c)).join('')
  const parsed = JSON.parse(blanked)
  expect(typeof parsed).toBe('object')
  const inner = JSON.parse(blanked.slice(body.from, body.to))
  const bodies = Object.values(parsed).filter((value) => JSON.stringify(value) === JSON.stringify(inner))
  expect(bodies.length).toBeGreaterThan(0)
  try {
    const strict = JSON.parse(bytes.toString())
    expect('result' in strict !== 'error' in strict).toBe(true)
    expect('method' in strict).toBe(false)
    expect(JSON.parse(bytes.toString('utf8', body.from, body.to))).toEqual(strict.result ?? strict.error)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
}
