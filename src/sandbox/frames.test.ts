import { expect, test } from 'vitest'
import { encodeFrame, type Frame, openFrames } from './frames.ts'

function reader(bodyBytes = 1000) {
  const frames: Frame[] = []
  return {
    frames,
    take: openFrames(
      () => ({ headBytes: 100, bodyBytes }),
      (frame) => frames.push(frame),
    ),
  }
}

const TWO = Buffer.concat([encodeFrame({ kind: 'a' }, 'some text: ä漢'), encodeFrame({ kind: 'b' })])
const READ = [
  { head: { kind: 'a' }, body: 'some text: ä漢' },
  { head: { kind: 'b' }, body: '' },
]

test.each([1, 2, 7, 8, 9, 30, 1000])('frames are the same in pieces of %i bytes', (size) => {
  const { frames, take } = reader()
  for (let i = 0; i < TWO.length; i += size) expect(take(TWO.subarray(i, i + size))).toBe(true)
  expect(frames).toEqual(READ)
})

test('a body of exactly what it may have is read, and one byte more is refused before it comes', () => {
  const { frames, take } = reader(10)
  expect(take(encodeFrame({}, 'x'.repeat(10)))).toBe(true)
  expect(frames).toHaveLength(1)
  expect(take(encodeFrame({}, 'x'.repeat(11)).subarray(0, 8))).toBe(false)
})

test.each(['', '{', 'null', '1', '"a"'])('a head that is %j is refused', (head) => {
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32BE(head.length, 0)
  expect(reader().take(Buffer.concat([prefix, Buffer.from(head)]))).toBe(false)
})

test('a head that is too long is refused before it comes', () => {
  const prefix = Buffer.alloc(8)
  prefix.writeUInt32BE(101, 0)
  expect(reader().take(prefix)).toBe(false)
})
