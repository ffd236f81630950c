import { expect, test } from 'vitest'
import { type ClientKind, type ClientPolicy, faultOfEntry, mayIntroduceThemselves, mayRedirect } from './policy.ts'

type Rules = NonNullable<ClientPolicy['dynamic_client_registration']>

const listed: Rules = {
  allowed_uris: ['https://claude.ai/api/*', 'https://a.example/cb', 'http://127.0.0.1/mine/*', 'acme://in/cb'],
}

const CASES: readonly (readonly [when: string, rules: Rules | null, uri: string, may: boolean, kind?: ClientKind])[] = [
  ['nobody made rules', null, 'https://anything.example/cb', true],
  ['nobody made rules', null, 'http://localhost:1/cb', true],
  ['nobody made rules, and it is no redirect URI', null, 'http://example.com/cb', false],
  ['the rules only say that it is on', { enabled: true }, 'https://anything.example/cb', true],
  ['it is off', { enabled: false }, 'https://anything.example/cb', false],
  ['it is off, for a document', { enabled: false }, 'https://anything.example/cb', false, 'metadata-url'],
  ['it is off, and an admin wrote the client down', { enabled: false }, 'https://anything.example/cb', true, 'admin'],
  ['localhost is open', { allow_any_on_localhost: true }, 'http://localhost:9/x', true],
  ['localhost is open', { allow_any_on_localhost: true }, 'http://127.0.0.1:9/x', false],
  ['loopback is open', { allow_any_on_loopback: true }, 'http://127.0.0.1:9/x', true],
  ['loopback is open', { allow_any_on_loopback: true }, 'http://[::1]:9/x', true],
  ['loopback is open', { allow_any_on_loopback: true }, 'http://localhost:9/x', false],
  ['loopback is open', { allow_any_on_loopback: true }, 'https://a.example/cb', false],
  ['both are closed', { allow_any_on_localhost: false, allow_any_on_loopback: false }, 'http://localhost/x', false],
  ['the list is empty', { allowed_uris: [] }, 'https://a.example/cb', false],
  ['it is on the list', listed, 'https://a.example/cb', true],
  ['it is not the whole text', listed, 'https://a.example/cb/more', false],
  ['it is below an open path', listed, 'https://claude.ai/api/mcp/auth_callback', true],
  ['it is beside an open path', listed, 'https://claude.ai/apis/cb', false],
  ['it climbs out of an open path', listed, 'https://claude.ai/api/../cb', false],
  ['another host has the open path', listed, 'https://claude.ai.evil.example/api/cb', false],
  ['another port has the open path', listed, 'https://claude.ai:8443/api/cb', false],
  ['a user stands before the open host', listed, 'https://claude.ai@evil.example/api/cb', false],
  ['it is below an open loopback path, at a free port', listed, 'http://127.0.0.1:4711/mine/cb', true],
  ['it is https and the list says http', listed, 'https://127.0.0.1/mine/cb', false],
  ['it is a scheme that the list allows', listed, 'acme://in/cb', true],
  ['it is another path of that scheme', listed, 'acme://in/cb/more', false],
]

for (const [when, rules, uri, may, kind] of CASES) {
  test(`mayRedirect: ${when}: ${uri}`, () => {
    const policy = rules === null ? null : { dynamic_client_registration: rules }
    expect(mayRedirect(policy, uri, kind)).toBe(may)
  })
}

test('clients may introduce themselves unless somebody said no', () => {
  expect([null, {}, { dynamic_client_registration: {} }].map(mayIntroduceThemselves)).toEqual([true, true, true])
  expect(mayIntroduceThemselves({ dynamic_client_registration: { enabled: false } })).toBe(false)
})

test('an entry of the list that could never match, or would match more than it shows, is named', () => {
  const good = [
    'https://a.example/*',
    'https://a.example/cb',
    'http://localhost/*',
    'acme://in/cb',
    'com.example.app:/cb',
  ]
  expect(good.map(faultOfEntry)).toEqual(good.map(() => null))
  const wrong = [
    'http://a.example/*',
    'https://*.example/cb',
    'https://a.example/*/cb',
    'acme://in/*',
    'javascript:/x',
    '*',
  ]
  expect(wrong.map((entry) => faultOfEntry(entry) === null)).toEqual(wrong.map(() => false))
})
