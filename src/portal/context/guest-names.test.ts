import fc from 'fast-check'
import { expect, test } from 'vitest'
import { guestName, guestNames } from './guest-names.ts'

const cases = [
  ['github_create_issue', 'github_create_issue'],
  ['list-pull.requests', 'list_pull_requests'],
  ['3d-render', '_3d_render'],
  ['delete', 'delete_'],
  ['', '_'],
  ['日本', '_'],
  ['then', 'then_'],
  ['toJSON', 'toJSON_'],
  ['__proto__', '__proto___'],
  ['constructor', 'constructor_'],
  ['hasOwnProperty', 'hasOwnProperty_'],
  ['await', 'await_'],
  ['a b', 'a_b'],
  ['a"b`c', 'abc'],
] as const

for (const [name, given] of cases) {
  test(`${JSON.stringify(name)} is ${given} in code`, () => {
    expect(guestName(name)).toBe(given)
  })
}

test('whatever tools are called, each has an identifier of its own that the language keeps for nothing else', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.oneof(fc.string(), fc.constantFrom('a-b', 'a_b', 'a.b', 'then', '__proto__'))),
      (names) => {
        const found = [...guestNames(names).values()]
        expect(found).toHaveLength(names.length)
        expect(new Set(found).size).toBe(names.length)
        for (const name of found) {
          expect(name).toMatch(/^[A-Za-z_$][A-Za-z0-9_$]*$/)
          expect(name in {}).toBe(false)
          new Function(`'use strict'; let ${name} = 1; return ${name}`)
        }
      },
    ),
  )
})

test('two tools that would be called the same both bear a mark, so that neither is ever taken for the other', () => {
  const names = guestNames(['s_a-b', 's_a.b', 's_c'])
  expect(names.get('s_c')).toBe('s_c')
  expect(names.get('s_a-b')).toMatch(/^s_a_b_[0-9a-f]{8}$/)
  expect(names.get('s_a.b')).toMatch(/^s_a_b_[0-9a-f]{8}$/)
  expect(guestNames(['s_a.b', 's_a-b']).get('s_a.b')).toBe(names.get('s_a.b'))
})
