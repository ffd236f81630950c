import { describe, expect, test } from 'vitest'
import { HEADER_BYTES, MAX_PAYLOAD, putFrame, segmentName, segmentNumber, takeFrame } from './frames.ts'

function framed(text: string, offset = 0): Buffer {
  const target = Buffer.alloc(HEADER_BYTES + MAX_PAYLOAD)
  return Buffer.from(target.subarray(0, putFrame(target, text, offset)))
}

describe('a frame', () => {
  test.each(['x', 'é', '\u2028 and 😀', 'y'.repeat(MAX_PAYLOAD / 3 - 1)])('comes back as it was put: %.20s', (text) => {
    expect(takeFrame(framed(text, 4096), 0, 4096)?.toString('utf8')).toBe(text)
  })

  test('is nothing as long as one of its bytes is missing or wrong', () => {
    const whole = framed('deed', 64)
    for (let length = 0; length < whole.length; length++) {
      expect(takeFrame(whole.subarray(0, length), 0, 64)).toBeUndefined()
      const zeroed = Buffer.concat([whole.subarray(0, length), Buffer.alloc(whole.length - length + 100)])
      expect(takeFrame(zeroed, 0, 64)).toBeUndefined()
    }
    for (let at = 0; at < whole.length; at++) {
      const wrong = Buffer.from(whole)
      wrong.writeUInt8(wrong.readUInt8(at) ^ 1, at)
      expect(takeFrame(wrong, 0, 64)).toBeUndefined()
    }
  })

  test('is nothing where it was not written', () => {
    expect(takeFrame(framed('deed', 64), 0, 65)).toBeUndefined()
  })

  test('that could not be read back is never put', () => {
    expect(() => framed('x'.repeat(MAX_PAYLOAD / 2))).toThrow('too long')
  })
})

test('segment names sort as numbers and are not those of SQLite', () => {
  expect(segmentName(7)).toBe('00000007.rows')
  expect(segmentNumber(segmentName(123456789))).toBe(123456789)
  expect(['lock', 'x.rows', '1.db-journal', '00000001.rows.tmp'].map(segmentNumber)).toEqual(Array(4).fill(undefined))
})
