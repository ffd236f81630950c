/** What a browser has to take before the console is there, and what must never be in it. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { buildConsole } from '../../scripts/build-console.ts'
import { type ConsoleSize, MOST_BYTES, measureConsole } from '../../scripts/console-size.ts'

let folder: string
let size: ConsoleSize
beforeAll(async () => {
  folder = await buildConsole()
  size = await measureConsole(folder)
})

test('a first visit takes no more than it may, whichever page it is', () => {
  expect(size.pages.length).toBeGreaterThan(10)
  expect(size.frame).toBeGreaterThan(50 * 1024)
  expect(size.first).toBeLessThanOrEqual(MOST_BYTES)
})

test('what draws charts is in files of its own, that no page waits for', () => {
  const charts = size.later.filter(({ name }) => name.startsWith('charts-'))
  expect(charts.map(({ name }) => name.split('.').at(-1)).sort()).toEqual(['css', 'js'])
  const drawn = charts.reduce((sum, { bytes }) => sum + bytes, 0)
  expect(drawn).toBeGreaterThan(30 * 1024)
})

test('the schemas of the REST API are not in it: the server checks what it is sent', () => {
  const assets = join(folder, 'assets')
  const scripts = readdirSync(assets).filter((name) => name.endsWith('.js'))
  expect(scripts.length).toBeGreaterThan(10)
  expect(scripts.filter((name) => /ZodError|\b_zod\b/.test(readFileSync(join(assets, name), 'utf8')))).toEqual([])
})
