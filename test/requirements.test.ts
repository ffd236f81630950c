/** Every promise has a test that cites it, and every citation is of a promise. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REQUIREMENTS } from './requirements.ts'

const ROOT = join(import.meta.dirname, '..')
const CITED = /\[([A-Z]{2,}-\d+)\]/g
/** The first line of a test or of a group of tests. */
const OPENS = /^\s*(?:test|describe)(?:\.each)?[.(]/

/** Citations by id, with the file that holds them. */
function citations(): Map<string, string[]> {
  const found = new Map<string, string[]>()
  for (const folder of ['src', 'test']) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.test.ts')) continue
      const lines = readFileSync(join(ROOT, folder, name), 'utf8').split('\n')
      lines.forEach((line, at) => {
        const isComment = /^\s*\/\/ \[/.test(line) && OPENS.test(lines[at + 1] ?? '')
        if (!isComment && !OPENS.test(line)) return
        for (const [, id = ''] of line.matchAll(CITED)) found.set(id, [...(found.get(id) ?? []), `${folder}/${name}`])
      })
    }
  }
  return found
}

test('every promise is cited by a test', () => {
  const cited = citations()
  expect(REQUIREMENTS.map(({ id }) => id).filter((id) => !cited.has(id))).toEqual([])
})

test('every citation is of a promise', () => {
  const ids = new Set(REQUIREMENTS.map(({ id }) => id))
  expect([...citations()].filter(([id]) => !ids.has(id))).toEqual([])
})

test('each promise has an id of its own, a source and a sentence', () => {
  expect(new Set(REQUIREMENTS.map(({ id }) => id)).size).toBe(REQUIREMENTS.length)
  for (const { id, source, promise } of REQUIREMENTS) {
    expect(id).toMatch(/^[A-Z]{2,}-\d+$/)
    expect(source).not.toBe('')
    expect(promise).toMatch(/^[A-Z].*\.$/)
  }
})
