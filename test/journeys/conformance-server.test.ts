/**
 * The protocol's own suite with the portal as a server, in front of a server of every build: by that server's own URL, and among others by
 * bare names. What is open is listed here, and the lists are exact: whatever passes from now on has to leave them.
 */
import { describe, expect, test } from 'vitest'
import { startFixture } from '../conformance/fixture/http.ts'
import { queue } from '../conformance/queue.ts'
import { AT_ONCE, CELLS, type Cell, judge, nameOf, runCell } from '../conformance/server-suite.ts'
import type { Revision } from '../conformance/suite.ts'

const HOW_MANY = { '2026-07-28': [37, 13], '2025-11-25': [30, 3] }

/** What a server would ask of the client, or of the person who uses it, is not handed on to either. */
const QUESTIONS: Record<Revision, readonly string[]> = {
  '2026-07-28': [
    ...['basic-elicitation', 'basic-list-roots', 'basic-sampling', 'capability-check', 'missing-input-response'],
    ...['multi-round', 'multiple-input-requests', 'non-tool-request', 'request-state', 'result-type', 'tampered-state'],
  ].map((name) => `input-required-result-${name}`),
  '2025-11-25': [
    ...['elicitation-sep1034-defaults', 'elicitation-sep1330-enums'],
    ...['tools-call-elicitation', 'tools-call-sampling'],
  ],
}
/** One of 2025 takes what nobody asked for; one of 2026 refuses, for it may not ask. */
const UNASKED = {
  legacy: 'input-required-result-validate-input',
  modern: 'input-required-result-ignore-extra-params',
}
const SUBSCRIPTIONS = ['resources-subscribe', 'resources-unsubscribe']
/** It also names versions in a refusal that `server/discover` does not. */
const STATELESS = 'server-stateless'
/** A server of 2025 knows none of the kind that the suite looks for. */
const TASKS = [
  ...['capability-negotiation', 'dispatch-and-envelope', 'lifecycle', 'mrtr-composition', 'mrtr-input'],
  ...['request-headers', 'request-state-removal', 'wire-fields'],
].map((name) => `tasks-${name}`)
/** There is no task that a server of 2025 would insist on. */
const TASKS_OF_2025 = 'tasks-required-task-error'
/** It looks for a tool in the list by its bare name, and is shown the public one. */
const BARE_NAME = 'json-schema-2020-12'

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
          const { required, open, unscored, openUnscored } = await judge(fixture.url, revision)
          expect([required.length, unscored.length]).toEqual(HOW_MANY[revision])
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
    for (const revision of ['2026-07-28', '2025-11-25'] as const) {
      const { required, open, unscored, openUnscored } = verdicts[revision]
      expect([required.length, unscored.length]).toEqual(HOW_MANY[revision])
      const openNow = Object.keys({ ...open, ...openUnscored }).sort()
      expect(openNow, JSON.stringify({ ...open, ...openUnscored }, null, 1)).toEqual(knownOpen(cell, revision).sort())
    }
  })
})

function knownOpen({ upstream, door }: Cell, revision: Revision): string[] {
  const byName = door === 'aggregate' ? [BARE_NAME] : []
  if (revision === '2025-11-25') return [...QUESTIONS[revision], ...SUBSCRIPTIONS, ...byName]
  const isLegacy = upstream === 'legacy'
  const tasks = isLegacy ? [...TASKS, TASKS_OF_2025] : []
  const unasked = isLegacy ? UNASKED.legacy : UNASKED.modern
  return [...QUESTIONS[revision], STATELESS, unasked, ...tasks, ...byName]
}
