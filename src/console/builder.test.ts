/** A clone builds its console once, by itself and with the real tools; a package brings it; and what changed is built anew. */
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLog } from '../base/log.ts'
import { Builder } from './builder.ts'
import { builtFolder, findBuilt, stateOfSources } from './sources.ts'

const ROOT = join(import.meta.dirname, '..', '..')
/** All that a build reads. */
const NEEDED = [
  'web',
  'src/contract',
  'src/console',
  'src/base',
  'scripts/build-console.ts',
  'package-lock.json',
  'tsconfig.json',
  'package.json',
]

let clone: string
beforeAll(() => {
  clone = mkdtempSync(join(tmpdir(), 'clone-'))
  for (const name of NEEDED) {
    mkdirSync(join(clone, name, '..'), { recursive: true })
    cpSync(join(ROOT, name), join(clone, name), { recursive: true })
  }
  symlinkSync(join(ROOT, 'node_modules'), join(clone, 'node_modules'))
})
afterAll(() => rmSync(clone, { recursive: true }))

test('a clone without one builds it while others are served, and the next start finds it', async () => {
  const builder = new Builder(clone, silentLog)
  expect(builder.state).toEqual({ is: 'building' })
  await expect.poll(() => builder.state.is, { timeout: 110_000 }).toBe('ready')
  const next = new Builder(clone, silentLog)
  expect(next.state).toEqual(builder.state)
  expect(readFileSync(join(findBuilt(clone) ?? '', 'index.html'), 'utf8')).toContain('/admin/assets/')
})

test('another state of the sources, or of the shapes that they share with the server, is another console', () => {
  const before = stateOfSources(clone)
  writeFileSync(join(clone, 'src', 'contract', 'new.ts'), '/** New. */\n')
  expect(stateOfSources(clone)).not.toBe(before)
  expect(findBuilt(clone)).toBeNull()
})

test('a build that fails says so in the log, and the portal goes on', async () => {
  writeFileSync(join(clone, 'web', 'src', 'main.tsx'), 'import "./nowhere.ts"\n')
  const said: unknown[] = []
  const log = {
    ...silentLog,
    info: () => {},
    error: (...words: unknown[]) => void said.push(words),
  } as typeof silentLog
  const builder = new Builder(clone, log)
  expect(builder.state).toEqual({ is: 'building' })
  await expect.poll(() => builder.state.is, { timeout: 110_000 }).toBe('failed')
  expect(JSON.stringify(said)).toContain('nowhere')
})

test('a package has no sources, and what it brings is served; without that there is none', () => {
  const home = mkdtempSync(join(tmpdir(), 'package-'))
  expect(new Builder(home, silentLog).state).toEqual({ is: 'absent' })
  mkdirSync(join(builtFolder(home), 'abc', 'assets'), { recursive: true })
  writeFileSync(join(builtFolder(home), 'abc', 'index.html'), '')
  expect(readdirSync(builtFolder(home))).toEqual(['abc'])
  expect(new Builder(home, silentLog).state).toEqual({ is: 'ready', folder: join(builtFolder(home), 'abc') })
  rmSync(home, { recursive: true })
})
