import { expect, test } from 'vitest'
import type { PortalUid } from '../../base/ids.ts'
import { normaliseAuthorize, normaliseToken } from './requests.ts'

const PORTALS: Readonly<Record<string, string>> = {
  'http://127.0.0.1:8787/mcp': 'main',
  'http://127.0.0.1:8787': 'main',
  'http://127.0.0.1:8787/p/second/mcp': 'second',
}
const names = {
  portalOf: (resource: string) => (PORTALS[resource] === undefined ? null : { uid: PORTALS[resource] as PortalUid }),
  defaultResource: (host: string) => `http://${host}/mcp`,
}
const authorize = (query: string) =>
  new URLSearchParams(normaliseAuthorize(`/oauth/authorize?${query}`, '127.0.0.1:8787', names).split('?')[1])

test('an authorization without a resource means the portal of the host that was asked', () => {
  expect(authorize('client_id=c').getAll('resource')).toEqual(['http://127.0.0.1:8787/mcp'])
  expect(authorize('client_id=c&resource=').getAll('resource')).toEqual(['http://127.0.0.1:8787/mcp'])
})

test('a resource that is named stays as it was named, and two stay two', () => {
  expect(authorize('resource=http%3A%2F%2F127.0.0.1%3A8787').getAll('resource')).toEqual(['http://127.0.0.1:8787'])
  expect(authorize('resource=a&resource=b').getAll('resource')).toEqual(['a', 'b'])
})

test('scopes that the portal does not have are left out, and the one that it has is asked for', () => {
  expect(authorize('scope=openid+profile+offline_access').get('scope')).toBe('mcp')
  expect(authorize('client_id=c').get('scope')).toBe('mcp')
})

test('what else a client sends arrives unchanged', () => {
  const query = authorize('state=a%26b%2Bc&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb%3Fx%3D1&code_challenge=-_')
  expect([query.get('state'), query.get('redirect_uri'), query.get('code_challenge')]).toEqual([
    'a&b+c',
    'http://127.0.0.1:1/cb?x=1',
    '-_',
  ])
})

const token = (form: string, granted: string | null) =>
  normaliseToken(new URLSearchParams(form), granted, names).getAll('resource')

test('a token request that spells the same portal in another way means what was granted', () => {
  expect(token('resource=http%3A%2F%2F127.0.0.1%3A8787', 'http://127.0.0.1:8787/mcp')).toEqual([
    'http://127.0.0.1:8787/mcp',
  ])
})

test('a token request for another portal keeps its resource, so that it is refused', () => {
  const other = 'http://127.0.0.1:8787/p/second/mcp'
  expect(token(`resource=${encodeURIComponent(other)}`, 'http://127.0.0.1:8787/mcp')).toEqual([other])
  expect(token('resource=https%3A%2F%2Fevil.example', 'http://127.0.0.1:8787/mcp')).toEqual(['https://evil.example'])
  expect(token(`resource=${encodeURIComponent(other)}`, null)).toEqual([other])
})
