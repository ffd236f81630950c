/** The table of limits held against the tests that show them: a limit without a test fails the build. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LIMITS, type Limit } from '../src/config/limits.ts'
import { hasTitle } from './titles.ts'

const ROOT = join(import.meta.dirname, '..')

test.each(Object.entries<Limit>(LIMITS))('the limit "%s" cites a test that exists, by file and title', (_, limit) => {
  const [file, title] = limit.proof
  expect(existsSync(join(ROOT, file)), file).toBe(true)
  expect(hasTitle(readFileSync(join(ROOT, file), 'utf8'), title), `${file}: "${title}"`).toBe(true)
})

test.each(Object.entries<Limit>(LIMITS))('the limit "%s" says what happens, and lies in its own range', (_, limit) => {
  expect(limit.what).not.toBe('')
  expect(limit.reached).not.toBe('')
  expect(limit.value).toBeGreaterThanOrEqual(limit.least ?? 1)
  expect(limit.value).toBeLessThanOrEqual(limit.most ?? Number.MAX_SAFE_INTEGER)
})
