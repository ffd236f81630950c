import { expect, test } from 'vitest'
import { readChallenge } from './challenge.ts'

const NOTHING = { error: null, scope: null, resourceMetadata: null }

test.each([
  ['nothing', null, NOTHING],
  ['a bare scheme', 'Bearer', NOTHING],
  [
    'all that MCP knows',
    'Bearer error="insufficient_scope", scope="files:read files:write", resource_metadata="https://a.example/.well-known/x", error_description="no, \\"really\\""',
    {
      error: 'insufficient_scope',
      scope: 'files:read files:write',
      resourceMetadata: 'https://a.example/.well-known/x',
    },
  ],
  [
    'no quotes, no blanks, other case',
    'bEARER SCOPE=a,Error=invalid_token',
    { ...NOTHING, scope: 'a', error: 'invalid_token' },
  ],
  ['another scheme first', 'Basic realm="x", scope="no", Bearer scope="yes"', { ...NOTHING, scope: 'yes' }],
  ['another scheme behind', 'Bearer scope="yes", Basic scope="no", error="no"', { ...NOTHING, scope: 'yes' }],
  ['another scheme alone', 'DPoP scope="no"', NOTHING],
  ['a parameter twice: the first counts', 'Bearer scope="one", scope="two"', { ...NOTHING, scope: 'one' }],
  ['a scope with a line break', 'Bearer scope="a\r\nb"', NOTHING],
  ['a scope with quotes inside', 'Bearer scope="a \\"b"', NOTHING],
  ['an open quote', 'Bearer scope="a', NOTHING],
  ['more than anybody reads', `Bearer scope="${'a'.repeat(9000)}"`, NOTHING],
])('a challenge with %s is read as it is meant', (_, header, read) => {
  expect(readChallenge(401, header)).toEqual({ status: 401, ...read })
})

test('a hostile challenge is read to its end, and asks for nothing', () => {
  for (const piece of ['"', '\\', ',', '=', 'a=', 'Bearer ', '"\\', 'a="'])
    expect(readChallenge(403, piece.repeat(Math.floor(8192 / piece.length)))).toEqual({ status: 403, ...NOTHING })
})
