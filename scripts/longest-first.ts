/**
 * The order of test files on a machine that has not run them yet: those that are known to take long come first, so that none of
 * them runs alone at the end. Where all ran before, vitest knows their times better than this list, and it is not asked.
 */
import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Longest first. A file that is not here comes after them, the larger one first. */
const LONG = [
  'test/journeys/clients.test.ts',
  'test/journeys/keep.test.ts',
  'test/journeys/hostile.test.ts',
  'test/peers/peers.test.ts',
  'test/journeys/doctor.test.ts',
  'src/audit/chain.test.ts',
  'src/upstream/breaker.test.ts',
  'src/audit/crash.test.ts',
  'src/audit/log.test.ts',
  'test/journeys/cli.test.ts',
  'test/journeys/hostile-floods.test.ts',
  'test/journeys/full-disk.test.ts',
  'test/journeys/kill.test.ts',
  'test/journeys/down.test.ts',
  'test/journeys/restarts.test.ts',
]

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    if (files.every((file) => this.ctx.cache.getTestSpecificationResult(file) !== undefined)) return sorted
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONG.indexOf(relative(this.ctx.config.root, moduleId).replaceAll('\\', '/'))
      return at === -1 ? LONG.length : at
    }
    return sorted.sort((a, b) => rank(a) - rank(b))
  }
}
