import { expect, test } from 'vitest'
import { purposeForAudit, readPurposeText } from './demand-purpose.ts'

test('a purpose has something in it, and at most 500 characters', () => {
  expect(readPurposeText('  invoice 12 ')).toBe('invoice 12')
  expect(readPurposeText('x'.repeat(500))).toHaveLength(500)
  for (const nothing of ['x'.repeat(501), '', '   ', '\u200b\u2060', '...', 12, null, undefined])
    expect(readPurposeText(nothing)).toBeNull()
})

test('the audit has it on one line, and shows what cannot be seen', () => {
  expect(purposeForAudit(['a\nb\u202e', 'c'])).toBe('a\\u{a}b\\u{202e} / c')
})
