/** What a URI may be taken for beside what it says. */
import { expect, test } from 'vitest'
import { spellingsOf } from './spellings.ts'

const cases: { uri: string; same?: string[]; maybe?: string[] }[] = [
  { uri: 'doc://open/one' },
  { uri: 'doc://open/a.b..c/.hidden' },
  { uri: 'doc://open/%73ecret', same: ['doc://open/secret'] },
  { uri: 'DOC://Open/One', same: ['doc://open/One'], maybe: ['doc://open/one'] },
  { uri: 'doc://open/a%20b', maybe: ['doc://open/a b'] },
  { uri: 'doc://open/a%2fb', same: ['doc://open/a%2Fb'], maybe: ['doc://open/a/b'] },
  { uri: 'doc://open/%2573', maybe: ['doc://open/%73', 'doc://open/s'] },
  { uri: 'doc://open/e\u0301', maybe: ['doc://open/\u00e9'] },
  { uri: 'doc://open/%C3%A9', maybe: ['doc://open/\u00e9'] },
  { uri: 'doc://open/%ff%41', same: ['doc://open/%FFA'], maybe: ['doc://open/%ffA', 'doc://open/%ffa'] },
  { uri: 'doc://open//one/', maybe: ['doc://open/one'] },
  { uri: 'doc:////one', maybe: ['doc:///one'] },
  { uri: 'doc:///one\\two', maybe: ['doc:///one/two'] },
  { uri: 'doc:///one?two#three', maybe: ['doc:///one'] },
  { uri: 'doc:///', maybe: [] },
]
test.each(cases)('$uri may also be $same or $maybe', ({ uri, same = [], maybe = [] }) => {
  const spellings = spellingsOf(uri) ?? []
  expect(spellings.filter(({ isSame }) => isSame).map((one) => one.uri)).toEqual(same)
  expect(spellings.filter(({ isSame }) => !isSame).map((one) => one.uri)).toEqual(maybe)
})

test.each([
  'doc://a/../b',
  'doc://a/..',
  'doc://a/./b',
  'doc://a/%2e%2e/b',
  'doc://a/..%2fb',
  'doc://a/%252e%252e%252fb',
  'doc://a/..%5cb',
  'doc://a/%ff%2f%2e%2e%2fb',
  'doc://a%c0%afb',
  'doc://a/%25c0%25ae',
  'doc://a/b%00',
])('%s leads nobody knows where to', (uri) => expect(spellingsOf(uri)).toBeNull())
