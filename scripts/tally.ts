/**
 * A vitest reporter that ends the run with one line for people and machines: `N passed, N failed`. What was skipped,
 * could not be loaded or broke outside a test counts as failed, so that no green line hides it.
 */
import type { Reporter, TestModule } from 'vitest/node'

export default class Tally implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    let passed = 0
    let skipped = 0
    let failed = unhandled.length
    for (const module of modules) {
      let seen = 0
      for (const test of module.children.allTests()) {
        seen++
        const { state } = test.result()
        if (state === 'passed') passed++
        else if (state === 'failed') failed++
        else skipped++
      }
      // A suite's own error, such as a failing beforeAll, is reported on no test; neither is a file that did not load.
      failed += module.errors().length
      for (const suite of module.children.allSuites()) failed += suite.errors().length
      if (seen === 0 && module.errors().length === 0) failed++
    }
    if (skipped > 0) process.exitCode = 1
    console.log(skipped === 0 ? '' : `\n${skipped} skipped, counted as failed`)
    console.log(`${passed} passed, ${failed + skipped} failed`)
  }
}
