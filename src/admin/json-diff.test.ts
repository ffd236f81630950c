import { describe, expect, test } from 'vitest'
import type { Json } from '../protocol/model.ts'
import { diffJson, MOST_DIFFERENCES } from './json-diff.ts'

describe('what differs between two values', () => {
  const cases: [string, Json, Json, object[]][] = [
    ['nothing, in another order', { a: 1, b: [1] }, { b: [1], a: 1 }, []],
    ['a value', { a: { b: 1 } }, { a: { b: 2 } }, [{ pointer: '/a/b', before: 1, after: 2 }]],
    ['a member that is new', {}, { 'a/b~': null }, [{ pointer: '/a~1b~0', after: null }]],
    ['a member that is gone', { a: [] }, {}, [{ pointer: '/a', before: [] }]],
    ['an element', ['x'], ['x', 'y'], [{ pointer: '/1', after: 'y' }]],
    [
      'a list that became an object',
      { a: ['x'] },
      { a: { 0: 'x' } },
      [{ pointer: '/a', before: ['x'], after: { 0: 'x' } }],
    ],
    ['a text that became a list', { a: 'x' }, { a: ['x'] }, [{ pointer: '/a', before: 'x', after: ['x'] }]],
    ['a key of the prototype', {}, JSON.parse('{"__proto__":1}'), [{ pointer: '/__proto__', after: 1 }]],
  ]
  test.each(cases)('%s', (_what, before, after, then) => {
    expect(diffJson(before, after)).toEqual(then)
  })
  test('is cut where nobody would read on', () => {
    const many = Array.from({ length: 1000 }, (_, i) => i)
    expect(diffJson([], many)).toHaveLength(MOST_DIFFERENCES)
  })
})
