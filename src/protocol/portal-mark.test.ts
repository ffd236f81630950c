import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json, RawReply } from './model.ts'
import { fromPortal, isPortalKey, withoutMarks, withoutMarksIn } from './portal-mark.ts'
import { scanReply } from './scan.ts'

function reply(body: string, outcome: 'result' | 'error' = 'result'): RawReply {
  const scanned = scanReply(Buffer.from(`{"jsonrpc":"2.0","id":7,"${outcome}":${body}}`))
  if (scanned === null) throw new Error(`not a reply: ${body}`)
  return scanned
}

/** The body as it leaves, as text. */
function cleaned(body: string, outcome?: 'result' | 'error'): string | null {
  const clean = withoutMarks(reply(body, outcome))
  return clean === null ? null : clean.bytes.toString('utf8', clean.body.from, clean.body.to)
}

const MARK = '"dev.portico/from-portal":true'

describe('what a server answers loses our mark', () => {
  test.each([
    ['alone', `{"_meta":{${MARK}}}`, '{"_meta":{}}'],
    ['first', `{"_meta":{${MARK}, "a":1.00}}`, '{"_meta":{"a":1.00}}'],
    ['last', `{"_meta":{"a":1.00 , ${MARK} }}`, '{"_meta":{"a":1.00 }}'],
    ['between', `{"_meta":{"a":1,${MARK},"b":2}}`, '{"_meta":{"a":1,"b":2}}'],
    ['many times', `{"_meta":{${MARK},${MARK},"a":1,${MARK},${MARK},"b":2,${MARK}}}`, '{"_meta":{"a":1,"b":2}}'],
    ['twice in a row and nothing else', `{"_meta":{${MARK} , ${MARK}}}`, '{"_meta":{}}'],
    ['with an object for a value', '{"_meta":{"dev.portico/x":{"y":["]","}"]},"a":1}}', '{"_meta":{"a":1}}'],
    [
      'in a block of content',
      `{"content":[{"type":"text","_meta":{${MARK}}}]}`,
      '{"content":[{"type":"text","_meta":{}}]}',
    ],
    ['deep in a block', `{"c":[[{"r":{"_meta":{${MARK}}}}]]}`, '{"c":[[{"r":{"_meta":{}}}]]}'],
    ['below another key of a _meta', `{"_meta":{"a":{"b":[{${MARK}}]}}}`, '{"_meta":{"a":{"b":[{}]}}}'],
    ['with a letter escaped', '{"_meta":{"dev.\\u0070ortico/from-portal":true}}', '{"_meta":{}}'],
    ['with the first letter escaped', '{"_meta":{"\\u0064ev.portico/from-portal":true}}', '{"_meta":{}}'],
    ['with the slash escaped', '{"_meta":{"dev.portico\\/from-portal":true}}', '{"_meta":{}}'],
    ['with the dot escaped', '{"_meta":{"dev\\u002Eportico/from-portal":true}}', '{"_meta":{}}'],
    ['under an escaped _meta', `{"\\u005fmeta":{${MARK}}}`, '{"\\u005fmeta":{}}'],
    [
      'under a key of the longest spelling',
      `{"\\u005f\\u006d\\u0065\\u0074\\u0061":{${MARK}}}`,
      '{"\\u005f\\u006d\\u0065\\u0074\\u0061":{}}',
    ],
    ['under a second _meta', `{"_meta":{"a":1},"_meta":{${MARK}}}`, '{"_meta":{"a":1},"_meta":{}}'],
    ['under another key of the prefix', '{"_meta":{"dev.portico/hop":1,"dev.portico/":2}}', '{"_meta":{}}'],
  ])('%s', (_, body, left) => {
    expect(cleaned(body)).toBe(left)
  })

  test('in an error too', () => {
    const error = `{"code":-32042,"message":"m","data":{"elicitations":[{"_meta":{${MARK}}}]}}`
    expect(cleaned(error, 'error')).toBe('{"code":-32042,"message":"m","data":{"elicitations":[{"_meta":{}}]}}')
  })

  test('every letter of it may be escaped', () => {
    const key = [...'dev.portico/from-portal']
      .map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join('')
    expect(cleaned(`{"_meta":{"${key}":true}}`)).toBe('{"_meta":{}}')
  })

  test('a thousand of them at most: who writes more is not shown at all', () => {
    const many = (count: number) => `{"_meta":{${Array.from({ length: count }, () => MARK).join()}}}`
    expect(cleaned(many(1000))).toBe('{"_meta":{}}')
    expect(cleaned(many(1001))).toBeNull()
  })
})

describe('nothing else of an answer changes', () => {
  test.each([
    [
      'text that speaks of it',
      `{"content":[{"type":"text","text":"{\\"_meta\\":{\\"dev.portico/from-portal\\":true}}"}]}`,
    ],
    ['data that has such a key', '{"structuredContent":{"dev.portico/from-portal":true}}'],
    [
      'keys that only look alike',
      '{"_meta":{"dev.portico":1,"dev.porticos/x":2,"com.dev.portico/x":3,"xdev.portico/":4}}',
    ],
    ['letters that are escaped for nothing', '{"content":[{"type":"te\\u0078t","text":"\\u0070\\u006f"}],"n":1.50}'],
  ])('%s', (_, body) => {
    const raw = reply(body)
    expect(withoutMarks(raw)).toBe(raw)
  })

  test('whatever else it holds, what is left reads as it did', () => {
    const key = fc.constantFrom('a', '_meta', 'dev.portico/x', 'portico', 'content')
    const value = fc.letrec((tie) => ({
      node: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom(1, 'x', null, true),
        fc.array(tie('node'), { maxLength: 3 }),
        fc.dictionary(key, tie('node'), { maxKeys: 4 }),
      ),
    })).node
    fc.assert(
      fc.property(
        fc.dictionary(key, value, { minKeys: 1, maxKeys: 4 }),
        fc.constantFrom(undefined, 1),
        (body, indent) => {
          const left = JSON.parse(cleaned(JSON.stringify(body, null, indent)) ?? 'null')
          expect(left).toEqual(withoutMarksIn(body as Json))
          expect(marksIn(left, false)).toBe(0)
        },
      ),
    )
  })
})

/** Counted in the simplest way there is. */
function marksIn(value: Json, isMeta: boolean): number {
  if (typeof value !== 'object' || value === null) return 0
  return Object.entries(value).reduce(
    (count, [key, one]) =>
      count +
      (isMeta && isPortalKey(key) && !Array.isArray(value) ? 1 : marksIn(one as Json, isMeta || key === '_meta')),
    0,
  )
}

test('what was read already loses it as well, and is the very same where it bears none', () => {
  const clean = { a: [{ _meta: { b: 1 } }] }
  expect(withoutMarksIn(clean)).toBe(clean)
  const marked = { a: [{ _meta: { 'dev.portico/from-portal': true, b: 1 } }] }
  expect(withoutMarksIn(marked)).toEqual(clean)
})

test('what the portal says bears it beside what else it says of it', () => {
  expect(fromPortal({ content: [], _meta: { a: 1 } })).toEqual({
    content: [],
    _meta: { a: 1, 'dev.portico/from-portal': true },
  })
})
