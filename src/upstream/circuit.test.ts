import { expect, test } from 'vitest'
import { type Circuit, type CircuitEvent, CLOSED, restOf, step, suspicionOf } from './circuit.ts'
import { Trouble, type TroubleKind } from './trouble.ts'

const OPEN: Circuit = { state: 'open', failures: 3, since: 1000, nextProbe: 2000, probes: 1 }
const ASKED: Circuit = { ...OPEN, state: 'half_open', nextProbe: null }

const steps: { when: string; from: Circuit; event: CircuitEvent; to: Partial<Circuit> }[] = [
  { when: 'a call fails', from: CLOSED, event: { kind: 'failed' }, to: { state: 'closed', failures: 1, since: null } },
  {
    when: 'a hundred calls failed and one more does',
    from: { ...CLOSED, failures: 100 },
    event: { kind: 'failed' },
    to: { state: 'closed', failures: 101 },
  },
  { when: 'it is asked while calls still go there', from: CLOSED, event: { kind: 'asked' }, to: CLOSED },
  {
    when: 'it does not answer the question',
    from: { ...CLOSED, failures: 1 },
    event: { kind: 'silent', now: 1000, restMs: 500 },
    to: { state: 'open', failures: 2, since: 1000, nextProbe: 1500, probes: 1 },
  },
  { when: 'it is asked again', from: OPEN, event: { kind: 'asked' }, to: ASKED },
  {
    when: 'it does not answer again',
    from: ASKED,
    event: { kind: 'silent', now: 5000, restMs: 4000 },
    to: { state: 'open', failures: 4, since: 1000, nextProbe: 9000, probes: 2 },
  },
  {
    when: 'it does not answer a question that a caller caused',
    from: ASKED,
    event: { kind: 'still-silent', nextProbe: 2000 },
    to: { state: 'open', failures: 4, since: 1000, nextProbe: 2000, probes: 1 },
  },
  { when: 'a late call fails', from: OPEN, event: { kind: 'failed' }, to: { ...OPEN, failures: 4 } },
  { when: 'it answers the question', from: ASKED, event: { kind: 'answered' }, to: CLOSED },
  { when: 'a call from before is answered', from: OPEN, event: { kind: 'answered' }, to: CLOSED },
  { when: 'a call is answered', from: { ...CLOSED, failures: 2 }, event: { kind: 'answered' }, to: CLOSED },
]
test.each(steps)('circuit: $when', ({ from, event, to }) => {
  expect(step(from, event)).toMatchObject(to)
})

test('rests double up to sixty times the first', () => {
  expect([0, 1, 2, 3, 4, 5, 6, 7, 100].map((probes) => restOf(probes, 1000))).toEqual([
    1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000,
  ])
})

const opening = (kind: TroubleKind, status?: number) => {
  const trouble = new Trouble(kind, '', status === undefined ? {} : { status })
  trouble.isOpening = true
  return trouble
}
const suspicions: [string, Trouble, string][] = [
  ['a connection that was refused for too long', new Trouble('unsent', ''), 'strong'],
  ['silence', new Trouble('timeout', ''), 'strong'],
  ['silence in the opening', opening('timeout'), 'strong'],
  ['a connection that broke', new Trouble('lost', ''), 'some'],
  ['a 500 without an answer', new Trouble('status', '', { status: 500 }), 'some'],
  ['a 503 in the opening', opening('status', 503), 'some'],
  ['nonsense in the opening', opening('bad-answer'), 'some'],
  ['nonsense in one answer', new Trouble('bad-answer', ''), 'none'],
  ['a 404', new Trouble('status', '', { status: 404 }), 'none'],
  ['a refused credential', new Trouble('status', '', { status: 401 }), 'none'],
  ['a caller that cancelled', new Trouble('cancelled', ''), 'none'],
  ['too much at once', new Trouble('busy', ''), 'none'],
  ['a session that ended', new Trouble('session-gone', ''), 'none'],
  ['a missing credential', new Trouble('not-ready', ''), 'none'],
  ['a call that was not tried', new Trouble('left-alone', ''), 'none'],
]
test.each(suspicions)('%s', (_what, trouble, suspicion) => {
  expect(suspicionOf(trouble)).toBe(suspicion)
})
