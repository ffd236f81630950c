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

export default defineConfig({
  plugins: [withBundledWorker()],
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    globalSetup: [
      'scripts/test-disk.ts',
      'scripts/test-program.ts',
      'scripts/build-console.ts',
      'scripts/test-postgres.ts',
    ],
    pool: 'forks',
    // Twice as many as the least machine has cores: many tests wait, for a clock or a process, and another file runs meanwhile.
    maxWorkers: Math.min(8, Math.max(4, availableParallelism())),
    sequence: { sequencer: LongestFirst },
    // A limit tells a hang, not a speed: a browser that looks at twenty pages on a loaded machine is not one.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Whoever waits for a thing waits as long as a loaded machine needs.
    expect: { poll: { timeout: 60_000 } },
    // A skipped or empty suite is a defect, not a pass.
    passWithNoTests: false,
    allowOnly: false,
  },
})
