import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapeLineEnds } from './one-line.ts'

const ENDS = ['\u0085', '\u2028', '\u2029']

test('whatever the text, no reader finds a line end in it, and it says what it said', () => {
  const text = fc.array(
    fc.oneof(fc.constantFrom(...ENDS, '’', '–', 'Â', '…', '\\', '"', '\n'), fc.string({ unit: 'binary' })),
  )
  fc.assert(
    fc.property(text, (parts) => {
      const value = { [parts.join('')]: parts }
      const line = escapeLineEnds(Buffer.from(JSON.stringify(value))).toString()
      for (const end of [...ENDS, '\n', '\r', '\v', '\f', '\x1c', '\0']) expect(line).not.toContain(end)
      expect(JSON.parse(line)).toEqual(JSON.parse(JSON.stringify(value)))
    }),
  )
})

test('raw controls that are no JSON become escapes, and what needs none is the same buffer', () => {
  expect(escapeLineEnds(Buffer.from('{\n"a":\t"\v\f\x1c\x1e\0b"\r}')).toString()).toBe(
    '{\n"a":\t"\\u000b\\u000c\\u001c\\u001e\\u0000b"\r}',
  )
  const plain = Buffer.from('{"a":"’ é € 𝄞","b":"\\u2028"}')
  expect(escapeLineEnds(plain)).toBe(plain)
})
