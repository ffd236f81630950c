import { expect, test } from 'vitest'
import type { ActorSnapshot } from './event.ts'
import { isSameActor, quote } from './lines.ts'

test.each([
  { text: 'plain', cap: 10, then: '"plain"' },
  { text: 'cut here', cap: 3, then: '"cut"' },
  { text: '"\\', cap: 10, then: '"\\"\\\\"' },
  { text: '\n\t\0', cap: 10, then: '"\\n\\t\\u0000"' },
  { text: '\u2028\u2029', cap: 10, then: '"\\u2028\\u2029"' },
  { text: 'a😀', cap: 2, then: '"a"' },
  { text: 'é', cap: 2, then: '"é"' },
  { text: '\ud800', cap: 2, then: '"\\ud800"' },
])('$text is quoted as $then', ({ text, cap, then }) => {
  expect(quote(text, cap)).toBe(then)
})

test('two different actors are never taken for one, whatever their texts hold', () => {
  const actors: ActorSnapshot[] = [
    { kind: 'user', id: 'a', label: 'bc' },
    { kind: 'user', id: 'ab', label: 'c' },
    { kind: 'service', id: 'ab', label: 'c' },
    { kind: 'user', id: 'ab', label: 'c', role: 'd' },
    { kind: 'user', id: 'ab', label: 'c', grant: 'd' },
    { kind: 'user', id: 'ab', label: 'cd' },
    { kind: 'user', id: 'ab', label: 'c', grant: 'undefined' },
    { kind: 'user', id: 'ab', label: 'c', role: 'undefined' },
    { kind: 'user', id: 'ab', label: 'c', role: 'd', grant: 'e' },
    { kind: 'user', id: 'ab', label: 'c', role: 'de' },
  ]
  for (const [i, one] of actors.entries()) {
    expect(actors.map((other) => isSameActor(one, { ...other }))).toEqual(actors.map((_, j) => i === j))
  }
})
