/** What one server may ask one caller. */
import { expect, test } from 'vitest'
import type { Principal } from '../base/principal.ts'
import type { Era } from '../protocol/model.ts'
import type { Isolation } from '../upstream/model.ts'
import { askableAt, lackOf } from './relay-askable.ts'
import type { ServerSpec } from './spec.ts'

const RELAY = { elicitation: true, sampling: true, samplingMaxTokens: 100, roots: true, answerSeconds: 600 }
const CLIENT = { era: '2026' as Era, version: '2026-07-28', name: 'c', capabilities: { roots: {}, sampling: {} } }

function askable(era: Era | null, isolation: Isolation, onBehalf = false, relay: ServerSpec['relay'] = RELAY) {
  const visit = { client: CLIENT, principal: { kind: 'user', id: 'ann' } as Principal }
  return askableAt({ relay, isolation, onBehalf } as ServerSpec, { visit, errand: { inquire: null }, era } as never)
}

// [RELAY-2]
test.each<[Era | null, Isolation, boolean, boolean]>([
  ['2025', 'shared', false, false],
  ['2025', 'per_credential', false, false],
  [null, 'per_credential', false, false],
  ['2025', 'per_user', false, true],
  ['2025', 'per_session', false, true],
  ['2025', 'per_credential', true, true],
  ['2026', 'shared', false, true],
])('folders are told only where nobody else is in the session (%s, %s, on behalf: %s)', (era, isolation, own, is) => {
  expect(askable(era, isolation, own)).toMatchObject({ roots: is, sampling: true })
})

// [RELAY-3]
test('what is switched off for a server is not to be declared by any client: it would not help', () => {
  const off = { ...RELAY, sampling: false }
  expect(askable('2026', 'shared', false, off)).toMatchObject({ sampling: false, roots: true })
  const wanted = [
    { method: 'sampling/createMessage', params: {} },
    { method: 'elicitation/create', params: { mode: 'url' } },
  ] as const
  expect(lackOf(wanted, { relay: off })?.data).toEqual({ requiredCapabilities: { elicitation: { url: {} } } })
  expect(lackOf(wanted.slice(0, 1), { relay: off })).toBeNull()
})
