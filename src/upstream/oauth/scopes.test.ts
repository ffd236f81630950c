/** What is asked for, as a table. */
import { expect, test } from 'vitest'
import { addedScopes, chooseScope, registrationScope, unionScopes, withoutThose } from './scopes.ts'

const cases = [
  {
    when: 'a challenge says what is missing',
    scopes: ['read', 'write'],
    server: [],
    challenged: 'admin',
    then: 'admin',
  },
  {
    when: 'nobody challenges: all that the server lists',
    scopes: ['read', 'write'],
    server: [],
    challenged: null,
    then: 'read write',
  },
  { when: 'nobody says anything', scopes: null, server: [], challenged: null, then: null },
  {
    when: 'a refresh token can be asked for',
    scopes: ['read'],
    server: ['offline_access'],
    challenged: null,
    then: 'read offline_access',
  },
  {
    when: 'there is nothing to ask a refresh token for',
    scopes: null,
    server: ['offline_access'],
    challenged: null,
    then: null,
  },
  {
    when: 'the account can be named',
    scopes: null,
    server: ['openid', 'email', 'phone'],
    challenged: null,
    then: 'openid email',
  },
  {
    when: 'all at once, each once',
    scopes: ['a'],
    server: ['email', 'openid', 'offline_access', 'a'],
    challenged: 'b openid b',
    then: 'b openid offline_access email',
  },
  {
    when: 'a challenge holds what no scope may be',
    scopes: ['read'],
    server: [],
    challenged: 'a"b c\\d  ok\n',
    then: 'read',
  },
]
for (const { when, scopes, server, challenged, then } of cases) {
  test(`what is asked for where ${when}`, () => {
    expect(chooseScope({ scopes, serverScopes: server }, challenged)).toBe(then)
  })
}

test('more rights are those that were there and those that are new, in one line', () => {
  expect(unionScopes('read openid', null, 'write read')).toBe('read openid write')
  expect(addedScopes('read write admin', 'read')).toEqual(['write', 'admin'])
  expect(addedScopes(null, 'read')).toEqual([])
})

test('a scope line is cut at a hundred words, and none is longer than 256 characters', () => {
  const many = Array.from({ length: 200 }, (_, i) => `s${i}`).join(' ')
  expect(unionScopes(many)?.split(' ')).toHaveLength(100)
  expect(unionScopes('x'.repeat(257))).toBeNull()
})

test('a word that holds a secret is none that is shown', () => {
  expect(withoutThose('read at=SECRET-1 write', ['SECRET-1'])).toBe('read write')
  expect([withoutThose('SECRET-1', ['SECRET-1']), withoutThose(null, ['x'])]).toEqual([null, null])
})

test('at registration only scopes are named that the authorization server knows', () => {
  expect(registrationScope({ scopes: ['notes:read', 'b'], serverScopes: ['openid', 'b'] })).toBe('b openid')
  expect(registrationScope({ scopes: ['notes:read'], serverScopes: [] })).toBe('notes:read')
  expect(registrationScope({ scopes: null, serverScopes: [] })).toBeNull()
  expect(registrationScope({ scopes: ['a'], challenged: 'b', serverScopes: [] })).toBe('b a')
})

test('what a server asks of somebody without a credential goes before all that it lists, and what a call found missing before both', () => {
  const known = { scopes: ['a', 'b', 'admin'], challenged: 'a', serverScopes: [] }
  expect([chooseScope(known, null), chooseScope(known, 'b')]).toEqual(['a', 'b'])
})
