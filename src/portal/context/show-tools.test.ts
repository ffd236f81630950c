import { expect, test } from 'vitest'
import { answerOf } from './show-tools.ts'

test('what a search tells is no more than a model should read at once, each tool whole', () => {
  const texts = Array.from({ length: 10 }, (_, at) => `${at}${'x'.repeat(4999)}`)
  const lines = answerOf(texts, 12).split('\n')
  expect(lines[0]).toBe('10 of your 12 tools:')
  expect(lines.slice(1, -1)).toEqual(texts.slice(0, 4))
  expect(lines.at(-1)).toMatch(/^6 more would be too long/)
})

test('one that is longer by itself is told whole, and what fits has no remark', () => {
  const long = 'x'.repeat(60_000)
  expect(answerOf([long, 'short'], 2)).toBe(
    `2 of your 2 tools:\n${long}\n1 more would be too long to read at once. Search more precisely, or for signatures.`,
  )
  expect(answerOf(['a'], 1)).toBe('1 of your 1 tool:\na')
  expect(answerOf([], 3)).toBe('None of your 3 tools matches. Try other or fewer words.')
})
