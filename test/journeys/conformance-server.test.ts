/**
 * The protocol's own suite with the portal as a server, in front of a server of every build: by that server's own URL, and among others by
 * bare names. What is open is listed here, and the lists are exact: whatever passes from now on has to leave them.
 */
import { describe, expect, test } from 'vitest'
import { BARE_NAME, KEYS_OF_2026, TASKS_OF_2025 } from '../conformance/by-nature.ts'
import { startFixture } from '../conformance/fixture/http.ts'
import { queue } from '../conformance/queue.ts'
import { AT_ONCE, CELLS, type Cell, judge, nameOf, runCell, scenariosBeside } from '../conformance/server-suite.ts'
import type { Revision } from '../conformance/suite.ts'

const HOW_MANY = { '2026-07-28': [37, 13], '2025-11-25': [30, 3] }

function howMany(revision: Revision, beside: readonly string[]): number[] {
  const [required = 0, unscored = 0] = HOW_MANY[revision]
  return [required, unscored + beside.length]
}

const take = queue(AT_ONCE)

describe.concurrent('the judge is fair', () => {
  test.each([
    ['modern', '2026-07-28'],
    ['legacy', '2025-11-25'],
  ] as const)(
    'the server behind, asked directly, passes all there is: %s',
    { timeout: 400_000 },
    async (build, revision) => {
      await take(async () => {
        const fixture = await startFixture(build)
        try {
          const beside = revision === '2026-07-28' ? scenariosBeside(build) : []
          const { required, open, unscored, openUnscored } = await judge(fixture.url, revision, beside)
          expect([required.length, unscored.length]).toEqual(howMany(revision, beside))
          expect({ ...open, ...openUnscored }).toEqual({})
        } finally {
          await fixture.close()
        }
      })
    },
  )
})

describe.concurrent('the portal passes, as a server, all that is not listed', () => {
  test.each(CELLS.map((cell) => [nameOf(cell), cell] as const))('%s', { timeout: 400_000 }, async (_name, cell) => {
    const verdicts = await take(() => runCell(cell))
    const beside = { '2026-07-28': scenariosBeside(cell.upstream), '2025-11-25': [] }
    for (const revision of ['2026-07-28', '2025-11-25'] as const) {
      const { required, open, unscored, openUnscored } = verdicts[revision]
      expect([required.length, unscored.length]).toEqual(howMany(revision, beside[revision]))
      const openNow = Object.keys({ ...open, ...openUnscored }).sort()
      expect(openNow, JSON.stringify({ ...open, ...openUnscored }, null, 1)).toEqual(knownOpen(cell, revision).sort())
    }
  })
})

function knownOpen({ upstream, door }: Cell, revision: Revision): string[] {
  const byName = door === 'aggregate' ? BARE_NAME.scenarios : []
  if (revision === '2025-11-25' || upstream !== 'legacy') return [...byName]
  return [...KEYS_OF_2026.scenarios, ...TASKS_OF_2025.scenarios, ...byName]
}
