import { expect, test } from 'vitest'
import { readServiceToken } from './read-service-token.ts'

const GOOD = { 'cf-access-client-id': 'a.access', 'cf-access-client-secret': 's' }
const text = (value: unknown) => JSON.stringify(value)

test('a whole service token is an object of its two strings, in either order', () => {
  expect(readServiceToken(text(GOOD))).toEqual({ clientId: 'a.access', clientSecret: 's' })
  const turned = '{ "cf-access-client-secret" : "s", "cf-access-client-id": "a.access" }'
  expect(readServiceToken(turned)).toEqual({ clientId: 'a.access', clientSecret: 's' })
})

const BAD: [what: string, text: string][] = [
  ['nothing', ''],
  ['no JSON', '{"cf-access-client-id"'],
  ['a list', text([GOOD])],
  ['a string', text('a.access')],
  ['null', 'null'],
  ['only the id', text({ 'cf-access-client-id': 'a.access' })],
  ['only the secret', text({ 'cf-access-client-secret': 's' })],
  ['a member too many', text({ ...GOOD, more: 1 })],
  ['a number for a secret', text({ ...GOOD, 'cf-access-client-secret': 1 })],
  ['names in other case', text({ 'CF-Access-Client-Id': 'a.access', 'CF-Access-Client-Secret': 's' })],
  ['an id twice', '{"cf-access-client-id":"a","cf-access-client-id":"b","cf-access-client-secret":"s"}'],
  [
    'an id twice, once in escapes',
    '{"cf-access-client-id":"a","cf-access-client-i\\u0064":"b","cf-access-client-secret":"s"}',
  ],
  ['a prototype', '{"__proto__":{},"cf-access-client-id":"a","cf-access-client-secret":"s"}'],
  ['two values', `${text(GOOD)} ${text(GOOD)}`],
  ['too long', text({ ...GOOD, 'cf-access-client-secret': 's'.repeat(500) })],
  ['deep', `{"cf-access-client-id":${'['.repeat(200)}`],
]
test.each(BAD)('no service token: %s', (_, bad) => expect(readServiceToken(bad)).toBeNull())
