/** What a call lacks whose server lists its target only to clients that can be asked, and who could do something about it. */
import { expect, test } from 'vitest'
import type { AskedKind } from '../protocol/asked.ts'
import type { Era, JsonObject } from '../protocol/model.ts'
import { DEFAULT_RELAY, type Relay } from '../upstream/model.ts'
import { lackingFor } from './lacking.ts'

const CLIENT = { era: '2026' as Era, version: '2026-07-28', name: 'c', clientVersion: null }

function lacking(needs: readonly AskedKind[] | undefined, capabilities: JsonObject, how: Partial<Relay> = {}) {
  const server = { uid: 's', name: 'Files', relay: { ...DEFAULT_RELAY, ...how }, isolation: 'shared', onBehalf: false }
  const definition = { name: 't', json: '{}', hash: 'h', ...(needs && { needs }) }
  return lackingFor({
    target: { kind: 'capability', name: 't', entry: { server, definition } },
    visit: { client: { ...CLIENT, capabilities } },
    errand: { inquire: null },
    rooms: { upstreams: { inventory: () => ({ era: '2025' }) } },
  } as never)
}

// [LOOK-5]
test('nothing is lacking where nothing is needed, or where all of it can be asked', () => {
  expect(lacking(undefined, {})).toBeNull()
  expect(lacking(['url'], { elicitation: { url: {} } })).toBeNull()
})

// [LOOK-5]
test('a client is told what to declare, and of that only what it lacks', () => {
  const refusal = lacking(['form', 'samplingTools'], { elicitation: {} }, { sampling: true })
  expect(refusal).toMatchObject({ reason: 'cannot-be-asked', lacks: { sampling: { tools: {} } } })
  expect(refusal?.told).toContain('Files offers this only to clients that it can ask for an answer of its model')
})

// [LOOK-5]
test.each<[string, readonly AskedKind[], Partial<Relay>]>([
  ['switched off', ['form'], { elicitation: false }],
  ['not told where others share the session', ['roots'], {}],
])('no client is told to declare what is %s: it would not help', (_why, needs, relay) => {
  const refusal = lacking(needs, { elicitation: {}, roots: {} }, relay)
  expect(refusal).not.toHaveProperty('lacks')
  expect(refusal?.told).toContain('this portal does not let it ask that')
})
