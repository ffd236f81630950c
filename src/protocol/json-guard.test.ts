import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { guardJson, MAX_MEMBERS, parseInbound } from './json-guard.ts'

const guard = (text: string) => guardJson(Buffer.from(text))
const call = (args: string) =>
  `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a","arguments":${args}}}`

describe('bodies that two readers could read in two ways are refused', () => {
  test.each([
    ['a method twice', '{"method":"a","method":"b"}'],
    ['a method in another case', '{"method":"a","Method":"b"}'],
    ['params with a long s', '{"params":{},"param\u017f":{}}'],
    ['an escaped second method', '{"method":"a","m\\u0065thod":"b"}'],
    ['a name twice', '{"params":{"name":"a","name":"b"}}'],
    ['a name in another case', '{"params":{"name":"a","NAME":"b"}}'],
    ['arguments twice', '{"params":{"arguments":{},"arguments":{}}}'],
    ['an argument twice', call('{"path":"/a","path":"/b"}')],
    ['an argument twice, deep down', call('{"a":[{"b":{"c":1,"c":2}}]}')],
    ['an argument twice, once escaped', call('{"path":"/a","\\u0070ath":"/b"}')],
    ['a non-ASCII argument twice, once escaped', call('{"é":1,"\\u00e9":2}')],
    ['a key twice among many', call(`{${Array.from({ length: 40 }, (_, i) => `"k${i}":0`).join()},"k3":1}`)],
    ['an integer beyond 2^53', call('{"id":9007199254740993}')],
    ['a number beyond all doubles', call('{"n":1e400}')],
  ])('%s', (_, text) => {
    expect(guard(text)).not.toBeNull()
    expect(parseInbound(Buffer.from(text))).toMatchObject({ kind: 'error', status: 400, error: { code: -32600 } })
  })

  test('invalid UTF-8', () => {
    expect(guardJson(Buffer.from([0x22, 0xc3, 0x22]))).toContain('UTF-8')
  })
})

describe('bodies that are shaped to do harm are refused', () => {
  test.each([
    ['65 levels', `${'['.repeat(65)}${']'.repeat(65)}`],
    ['200,000 levels', '{"a":'.repeat(200_000)],
    ['too many members', `{${Array.from({ length: MAX_MEMBERS + 1 }, (_, i) => `"k${i}":0`).join()}}`],
    ['__proto__', call('{"__proto__":{"polluted":1}}')],
    ['constructor', call('{"a":{"constructor":{"prototype":1}}}')],
    ['prototype', '{"params":{"_meta":{"prototype":1}}}'],
    ['an escaped __proto__', call('{"__\\u0070roto__":1}')],
    [
      'a wholly escaped prototype',
      call(`{"${Array.from('prototype', (c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('')}":1}`),
    ],
  ])('%s', (_, text) => {
    expect(guard(text)).not.toBeNull()
  })
})

describe('ordinary bodies pass', () => {
  test.each([
    ['keys of arguments that differ by case', call('{"a":1,"A":2}')],
    ['the same key in different objects', call('[{"a":1},{"a":2,"b":{"a":3}}]')],
    ['64 levels', `${'['.repeat(64)}${']'.repeat(64)}`],
    ['the most members', `{${Array.from({ length: MAX_MEMBERS }, (_, i) => `"k${i}":0`).join()}}`],
    ['the largest exact integers', call('[9007199254740991,-9007199254740991,1e300,0.1234567890123456789,-0.0]')],
    ['forbidden words as values', call('["__proto__","constructor"]')],
    ['keys that contain forbidden words', call('{"constructors":1,"my__proto__":2}')],
  ])('%s', (_, text) => {
    expect(guard(text)).toBeNull()
    expect(parseInbound(Buffer.from(text))).toEqual({ kind: 'json', value: JSON.parse(text) })
  })

  test('what is no JSON is a parse error', () => {
    for (const text of ['', '{', '{"a":}', '{"a":1}x', 'nul', '{"a":"\n"}', '{"a":01}']) {
      expect(parseInbound(Buffer.from(text))).toMatchObject({ kind: 'error', error: { code: -32700 } })
    }
  })

  test('whatever JSON.stringify writes passes, and comes out as it was', () => {
    const key = fc.string().filter((text) => !['__proto__', 'constructor', 'prototype'].includes(text))
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 5 },
        fc.string(),
        fc.boolean(),
        fc.maxSafeInteger(),
        fc.double({ noNaN: true, noDefaultInfinity: true, max: 1e15, min: -1e15 }),
        tie('list'),
        tie('record'),
      ),
      list: fc.array(tie('any'), { maxLength: 5 }),
      record: fc.dictionary(key, tie('any'), { maxKeys: 20 }),
    })).any
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 2), (value, space) => {
        const text = JSON.stringify({ a: { b: { value } } }, null, space)
        expect(parseInbound(Buffer.from(text))).toEqual({ kind: 'json', value: JSON.parse(text) })
      }),
      { numRuns: 500 },
    )
  })

  test('of any text, what comes through has each key once', () => {
    const piece = fc.constantFrom('{', '}', '"a":', '"A":', '"\\u0061":', '"b":', '1', ',', '[', ']', '"x"', 'null')
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
        const text = pieces.join('')
        const inbound = parseInbound(Buffer.from(text))
        if (inbound.kind === 'json') expect(countKeys(inbound.value)).toBe(text.match(/"\s*:/g)?.length ?? 0)
      }),
      { numRuns: 3000 },
    )
  })
})

function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  const own = Array.isArray(value) ? 0 : Object.keys(value).length
  return Object.values(value).reduce((sum: number, inner) => sum + countKeys(inner), own)
}
