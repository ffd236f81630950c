/** The reader that the fuzzer judges by must see what a careless one could, or it would find nothing. */
import { expect, test } from 'vitest'
import { keyOf, read } from './tree.ts'

test.each(['{"a":1,"a":2}', ' {"a" : [ 1 , {"b":null} ] } ', '"\u2028"', '-0.5e+3'])('%s has a structure', (text) => {
  expect(read(text)).not.toBeNull()
})

test.each(['{"a":1}{', '{"a":1,}', '[1 2]', '01', '"', '{a:1}', '{"a":1} x', ''])('%s has none', (text) => {
  expect(read(text)).toBeNull()
})

test('a member that stands twice is there twice, in the order in which it stands', () => {
  const tree = read('{"\\u0069d":1,"id":2}')?.tree
  expect(tree?.kind === 'object' && tree.members.map(([key]) => keyOf(key))).toEqual(['id', 'id'])
})

test('what is nested beyond all use has no structure, and ends nobody', () => {
  expect(read('['.repeat(200_000))).toBeNull()
  expect(read(`${'['.repeat(100)}${']'.repeat(100)}`)?.depth).toBe(99)
})
