import { expect, test } from 'vitest'
import type { RunEnd } from '../../sandbox/model.ts'
import { replyOfRun } from './say-end.ts'

function textOf(end: Partial<RunEnd>): string {
  const reply = replyOfRun({ kind: 'returned', value: null, console: [], calls: 0, ...end } as RunEnd)
  const { result } = reply as unknown as { result: { content: { text: string }[] } }
  return result.content.map(({ text }) => text).join('')
}

test('what is longer than a model should read is cut, and says so', () => {
  expect(textOf({ kind: 'returned', value: 'x'.repeat(24_000) })).toBe('x'.repeat(24_000))
  const cut = textOf({ kind: 'returned', value: 'x'.repeat(48_000) })
  expect(cut.slice(0, 24_000)).toBe('x'.repeat(24_000))
  expect(cut).toContain('Response was ~12000 tokens (limit: 6000)')
  expect(cut.length).toBeLessThan(24_200)
})

test('it is cut before a character, and not within one', () => {
  const cut = textOf({ kind: 'returned', value: `x${'\u{1f600}'.repeat(20_000)}` })
  expect(cut.isWellFormed()).toBe(true)
})

test('what was printed stands below what was returned or thrown, warnings marked as such', () => {
  const printed = [
    { level: 'log' as const, text: 'one' },
    { level: 'warn' as const, text: 'two' },
  ]
  expect(textOf({ kind: 'returned', value: [1], console: printed })).toBe('[1]\n\nConsole:\none\n[warn] two')
  expect(textOf({ kind: 'threw', message: 'no', console: [] })).toBe('Error: no')
})
