/**
 * Two parsers, one reading: whatever the gate lets in, the JSON parser of SQLite, which is another program in another language, reads
 * as we do, member for member, and so it reads what is sent on.
 */
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseInbound } from './json-guard.ts'

const read = new DatabaseSync(':memory:').prepare('SELECT type, key, atom FROM json_tree(?)')
read.setReadBigInts(true)

type Leaf = [type: string, key: string | number | null, value: unknown]

/** As SQLite reads it, in the order of the text. @returns null where it is no JSON to it */
function bySqlite(text: string): Leaf[] | null {
  try {
    return read.all(text).map(({ type, key, atom }) => {
      const name = typeof key === 'bigint' ? Number(key) : (key as string | null)
      if (type === 'integer' || type === 'real') return ['number', name, exactly(atom as bigint | number)]
      return [String(type), name, type === 'text' ? atom : null]
    })
  } catch {
    return null
  }
}

/** To the last digit: SQLite holds whole numbers of 64 bits. */
function exactly(value: number | bigint): string {
  return Number.isInteger(value) ? String(BigInt(value)) : String(value)
}

function* byUs(value: unknown, key: string | number | null = null): Generator<Leaf> {
  if (typeof value === 'string') yield ['text', key, value.toWellFormed()]
  else if (typeof value === 'number') yield ['number', key, exactly(value)]
  else if (value === null || typeof value === 'boolean') yield [String(value), key, null]
  else if (Array.isArray(value)) {
    yield ['array', key, null]
    for (const [index, one] of value.entries()) yield* byUs(one, index)
  } else {
    yield ['object', key, null]
    for (const [name, one] of Object.entries(value as object)) yield* byUs(one, name)
  }
}

/** Whether both find the same in it; the order of members says nothing. */
const isReadAlike = (text: string, value: unknown) => {
  const sorted = (leaves: Iterable<Leaf> | null) => [...(leaves ?? [])].map((leaf) => JSON.stringify(leaf)).sort()
  return JSON.stringify(sorted(bySqlite(text))) === JSON.stringify(sorted(byUs(value)))
}

const letIn = (text: string) => {
  const inbound = parseInbound(Buffer.from(text))
  return inbound.kind === 'json' ? inbound : null
}

const NAMES = [
  'method',
  'Method',
  'id',
  'params',
  'name',
  'Name',
  'arguments',
  'a',
  'A',
  '\\u0061',
  'ſ',
  'K',
  '1',
  '',
  'a b',
]
const SCALARS = [
  ...[
    '1',
    '-0',
    '0.1',
    '1e2',
    '1E+2',
    '1e400',
    '-1e400',
    '1e-400',
    '9007199254740991',
    '9007199254740993',
    '12345678901234567890',
  ],
  ...['true', 'false', 'null', '""', '"a"', '"\\u0061"', '"\\ud83d\\ude00"', '"😀"', '"\\n\\t\\"\\\\\\/"', '"\u2028"'],
  ...['0x1', '01', '.5', '1.', '+1', 'NaN', 'Infinity', "'a'", '"\\x41"', '"\\v"', 'undefined', '/**/1'],
]

/** Texts that are JSON, or nearly. */
const { text } = fc.letrec<{ text: string; member: string }>((tie) => ({
  text: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.constantFrom(...SCALARS),
    fc.array(tie('text'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    fc
      .tuple(fc.array(tie('member'), { maxLength: 4 }), fc.constantFrom('', '', '', ','))
      .map(([all, end]) => `{${all.join(',')}${end}}`),
  ),
  member: fc.tuple(fc.constantFrom(...NAMES), tie('text')).map(([name, value]) => `"${name}":${value}`),
}))

test('what is let in has one reading, and so has what is sent on', () => {
  let passed = 0
  fc.assert(
    fc.property(text, (params) => {
      const body = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"x","arguments":${params}}}`
      const inbound = letIn(body)
      if (inbound === null) return
      passed++
      expect(isReadAlike(body, inbound.value)).toBe(true)
      expect(isReadAlike(JSON.stringify(inbound.value), inbound.value)).toBe(true)
    }),
    { numRuns: 5000 },
  )
  expect(passed).toBeGreaterThan(500)
})

test.each([
  ['a key that stands twice', '{"jsonrpc":"2.0","id":1,"method":"tools/call","method":"ping"}'],
  ['the same key, once with an escape', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":1,"\\u0061":2}}'],
  ['a number that no double holds', '{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":9007199254740993}}'],
])('%s has two readings, and is not let in', (_what, body) => {
  expect(bySqlite(body)).not.toBeNull()
  expect(JSON.stringify(bySqlite(body))).not.toBe(JSON.stringify([...byUs(JSON.parse(body))]))
  expect(letIn(body)).toBeNull()
})
