/**
 * All tests, or those that the arguments name; arguments are vitest's. A few files that fail are run once more, alone: a machine that
 * runs four browsers at a time is late now and then, and one such test in ten thousand must not hide whether the rest holds. What
 * passes only then is named, and is a defect of the test or of the program. What fails twice has failed. Ends with `N passed, N failed`.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileTally, Tally } from './tally.ts'

/** More than that is no accident. */
const FEW = 8

const ROOT = join(import.meta.dirname, '..')
const dir = mkdtempSync(join(tmpdir(), 'portico-tally-'))
const tallyFile = join(dir, 'tally.json')

/** @returns the counts, or null where vitest did not come so far */
function run(args: readonly string[]): Tally | null {
  rmSync(tallyFile, { force: true })
  const vitest = join(ROOT, 'node_modules', 'vitest', 'vitest.mjs')
  const reporters = ['--reporter=default', '--reporter=./scripts/tally.ts']
  const env = { ...process.env, PORTICO_TEST_TALLY: tallyFile }
  spawnSync(process.execPath, [vitest, 'run', ...reporters, ...args], { cwd: ROOT, stdio: 'inherit', env })
  try {
    return JSON.parse(readFileSync(tallyFile, 'utf8'))
  } catch {
    return null
  }
}

/** @returns the exit code */
function main(): number {
  const first = run(process.argv.slice(2))
  if (first === null) return 1
  const broken = first.files.filter(({ failed }) => failed.length > 0)
  if (broken.length === 0 || broken.length > FEW || first.unhandled > 0) return told(first.files, first.unhandled)
  const names = broken.map(({ file }) => file)
  console.log(`\n${names.join(', ')}: once more, alone\n`)
  const second = run(['--maxWorkers=1', ...names])
  if (second === null) return told(first.files, first.unhandled)
  const again = new Map(second.files.map((tally) => [tally.file, tally]))
  for (const { file, failed } of broken) {
    if (again.get(file)?.failed.length === 0)
      for (const title of failed) console.log(`only when run again: ${file}: ${title}`)
  }
  return told(
    first.files.map((tally) => again.get(tally.file) ?? tally),
    second.unhandled,
  )
}

function told(files: readonly FileTally[], unhandled: number): number {
  const passed = files.reduce((sum, tally) => sum + tally.passed, 0)
  const failed = files.reduce((sum, tally) => sum + tally.failed.length, unhandled)
  for (const tally of files) for (const title of tally.failed) console.log(`failed: ${tally.file}: ${title}`)
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

try {
  process.exitCode = main()
} finally {
  rmSync(dir, { recursive: true, force: true })
}
