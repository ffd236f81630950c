/**
 * A vitest reporter that counts for `scripts/test.ts`, file by file. What was skipped, could not be loaded or broke outside a test counts
 * as failed, so that no green line hides it.
 */
import { writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'

export interface FileTally {
  file: string
  passed: number
  /** What did not pass, by title. */
  failed: string[]
}

export interface Tally {
  files: FileTally[]
  /** Errors that belong to no file. */
  unhandled: number
}

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    const tally: Tally = { files: modules.map(tallyOf), unhandled: unhandled.length }
    const file = process.env.PORTICO_TEST_TALLY
    if (file !== undefined) writeFileSync(file, JSON.stringify(tally))
  }
}

function tallyOf(module: TestModule): FileTally {
  const failed: string[] = []
  let passed = 0
  for (const test of module.children.allTests()) {
    const { state } = test.result()
    if (state === 'passed') passed++
    else failed.push(state === 'failed' ? test.fullName : `${test.fullName} (skipped)`)
  }
  // A suite's own error, such as a failing beforeAll, is reported on no test; neither is a file that did not load.
  for (const suite of module.children.allSuites())
    failed.push(...suite.errors().map(() => `${suite.fullName} (the suite itself)`))
  failed.push(...module.errors().map(({ message }) => `the file itself: ${message.split('\n')[0]}`))
  if (passed + failed.length === 0) failed.push('the file itself: it holds no test')
  return { file: relative(process.cwd(), module.moduleId), passed, failed }
}
