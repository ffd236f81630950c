import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/longest-first.ts'
import { useMemory } from './scripts/test-disk.ts'
import { withBundledWorker } from './scripts/test-program.ts'

// The programs and workers that tests start are compiled once, not each time: half of what a start costs. Node takes up the variable in
// each process that inherits it, and what stands in the cache for a file only while that file is as it was.
process.env.NODE_COMPILE_CACHE ??= join(import.meta.dirname, 'node_modules', '.cache', 'compiled')

useMemory()

/** Beside the tests of rooms, those that find nothing of what another file left in their process. */
const SHARING = ['test/console/*.test.ts']

/** What holds for every file. */
const COMMON = {
  pool: 'forks',
  // A limit tells a hang, not a speed: a browser that looks at twenty pages on a loaded machine is not one.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // Whoever waits for a thing waits as long as a loaded machine needs.
  expect: { poll: { timeout: 60_000 } },
} as const

export default defineConfig({
  test: {
    globalSetup: [
      'scripts/test-disk.ts',
      'scripts/test-program.ts',
      'scripts/build-console.ts',
      'scripts/test-postgres.ts',
    ],
    // Twice as many as the least machine has cores: many tests wait, for a clock or a process, and another file runs meanwhile.
    maxWorkers: Math.min(8, Math.max(4, availableParallelism())),
    sequence: { sequencer: LongestFirst },
    // A skipped or empty suite is a defect, not a pass.
    passWithNoTests: false,
    allowOnly: false,
    projects: [
      {
        plugins: [withBundledWorker()],
        test: { ...COMMON, name: 'journeys', include: ['test/**/*.test.ts'], exclude: SHARING },
      },
      {
        plugins: [withBundledWorker()],
        // A process takes one file after the other and reads the program once, which is a fourth of what most of them cost: no room keeps
        // anything outside of what it opened, and each test closes what it opened.
        test: { ...COMMON, name: 'rooms', include: ['src/**/*.test.ts', ...SHARING], isolate: false },
      },
    ],
  },
})
