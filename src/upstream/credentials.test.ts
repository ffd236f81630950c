import { expect, test } from 'vitest'
import { bearerCredential } from './credentials.ts'
import type { Trouble } from './trouble.ts'

const stored = (headers: Record<string, unknown>) => JSON.stringify({ headers })

test('headers go out in lower case, each once, as they were stored', () => {
  const { headers } = bearerCredential(stored({ 'X-Api-Key': 'k v', AUTHORIZATION: 'Basic eA==' }))
  expect(headers).toEqual(['x-api-key', 'k v', 'authorization', 'Basic eA=='])
  expect(bearerCredential('sk-abc').headers).toEqual(['authorization', 'Bearer sk-abc'])
})

test.each([
  ['a name of the frame', stored({ 'Content-Length': '0' })],
  ['a name of the route', stored({ hOST: 'evil.example' })],
  ['a name of the protocol', stored({ 'MCP-Session-Id': 'x' })],
  ['a name that the portal sends itself', stored({ 'User-Agent': 'x' })],
  ['one name in two cases', '{"headers":{"X-A":"1","x-a":"2"}}'],
  ['a name with a line break', stored({ 'x-a\r\nhost': 'b' })],
  ['a value with a line break', stored({ 'x-a': 'b\r\nhost: c' })],
  ['a value beyond ASCII', stored({ 'x-a': 'ä' })],
  ['a value that is no text', stored({ 'x-a': ['b', 'c'] })],
  ['a token with a line break', 'sk\r\nhost: c'],
  ['JSON of another form', '{"header":{}}'],
])('a stored credential with %s is not sent, however it came into the store', (_, secret) => {
  expect(() => bearerCredential(secret)).toThrow(
    expect.objectContaining({ kind: 'not-ready' } satisfies Partial<Trouble>),
  )
})
