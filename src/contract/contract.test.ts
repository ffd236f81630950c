import { describe, expect, test } from 'vitest'
import { capabilityOverrideInput, overrideClash, overrideFor } from './capability-override.ts'
import { parseBearerCredentials, parseManualOauth, secretDestination } from './credentials.ts'
import { parseDuration } from './duration.ts'
import { portalHostnameSchema, portalIdSchema, serverIdSchema } from './ids.ts'
import { policyCreate } from './policy.ts'
import { rightsOf } from './rights.ts'
import { envSchema, serverHostname } from './server.ts'

const accepts = (schema: { safeParse(input: unknown): { success: boolean } }, input: unknown) =>
  schema.safeParse(input).success

describe('ids', () => {
  test.each(['a', 'health-ledger', 'a_b-c_d', '9', 'x'.repeat(32), 'portal-2', 'portals'])(
    '%s is a server id',
    (id) => {
      expect(accepts(serverIdSchema, id)).toBe(true)
    },
  )
  test.each([
    '',
    'A',
    'a--b',
    '-a',
    'a-',
    'a b',
    'a/b',
    'ä',
    'x'.repeat(33),
    'portal',
    'portal_x',
    '__proto__',
    'constructor',
    'prototype',
  ])('%s is not', (id) => expect(accepts(serverIdSchema, id)).toBe(false))
  test('a portal may be called portal', () => expect(accepts(portalIdSchema, 'portal')).toBe(true))
})

describe('hostnames', () => {
  test.each(['localhost', 'mcp.example.com', 'MCP.Example.com', 'a-b.c1'])('%s names a portal', (name) => {
    expect(accepts(portalHostnameSchema, name)).toBe(true)
  })
  test.each(['', 'https://a.b', 'a.b:80', 'a.b/c', '-a.b', 'a..b', 'a.b.', '127.0.0.1', 'a_b.c'])(
    '%s does not',
    (name) => {
      expect(accepts(portalHostnameSchema, name)).toBe(false)
    },
  )
  test.each(['https://a.b/mcp', 'http://127.0.0.1:9/sse', 'http://[::1]:9/mcp', 'stdio://files'])(
    '%s names a server',
    (url) => {
      expect(accepts(serverHostname, url)).toBe(true)
    },
  )
  test.each([
    'a.b/mcp',
    'ftp://a.b',
    'file:///etc/passwd',
    'https://u:p@a.b/',
    'https://a.b/#x',
    'https://a.b/\nmcp',
    'stdio://../x',
    'unix:/run/docker.sock',
    'http+unix://%2Frun%2Fdocker.sock/mcp',
    'ws://a.b/mcp',
    'gopher://a.b:6379/x',
    'HTTP:a.b',
    'http:/a.b',
    'javascript:alert(1)',
  ])('%s does not', (url) => expect(accepts(serverHostname, url)).toBe(false))
})

describe('bearer credentials', () => {
  test('a token stays a token, headers are lowered', () => {
    expect(parseBearerCredentials('sk-abc')).toEqual({ kind: 'token', token: 'sk-abc' })
    expect(parseBearerCredentials('{"headers":{"X-Api-Key":"k v"}}')).toEqual({
      kind: 'headers',
      headers: { 'x-api-key': 'k v' },
    })
    expect(parseBearerCredentials('{"headers":{"Authorization":"Basic eA=="}}')).toMatchObject({ kind: 'headers' })
  })
  const headers = (record: Record<string, string>) => JSON.stringify({ headers: record })
  test.each([
    ['a token with a line break', 'sk-abc\r\nx: y'],
    ['a token with a space', 'sk abc'],
    ['no header', headers({})],
    ['Host', headers({ Host: 'evil.test' })],
    ['Content-Length', headers({ 'Content-Length': '0' })],
    ['Transfer-Encoding', headers({ 'transfer-ENCODING': 'chunked' })],
    ...[
      ...[
        'HOST',
        'hOsT',
        'content-length',
        'CONTENT-LENGTH',
        'Transfer-Encoding',
        'TE',
        'Trailer',
        'Upgrade',
        'Expect',
      ],
      ...[
        'connection',
        'Keep-Alive',
        'Proxy-Connection',
        'Proxy-Authorization',
        'Proxy-Authenticate',
        'HTTP2-Settings',
      ],
      ...[
        'Accept',
        'Accept-Encoding',
        'Content-Type',
        'Content-Encoding',
        'Cache-Control',
        'User-Agent',
        'Origin',
        'Via',
      ],
      ...['Cookie', 'Set-Cookie', 'Last-Event-ID', 'MCP-Protocol-Version', 'mcp-method', 'MCP-NAME', 'Mcp-Anything'],
    ].map((name) => [name, headers({ [name]: 'canary-value' })] as [string, string]),
    ['a name with a line break', headers({ 'x-a\r\nhost': 'b' })],
    ['a name with a NUL', headers({ 'x-a\0': 'b' })],
    ['a name beyond ASCII', headers({ 'x-ä': 'b' })],
    ['no name', headers({ '': 'b' })],
    ['LF alone in a value', headers({ 'x-a': 'b\nhost: c' })],
    ['CR alone in a value', headers({ 'x-a': 'b\rhost: c' })],
    ['a blank before a value', headers({ 'x-a': ' b' })],
    ['a tab in a value', headers({ 'x-a': 'b\tc' })],
    ['the same name in three cases', '{"headers":{"X-A":"a","x-A":"b","X-a":"c"}}'],
    ['Connection', headers({ Connection: 'close' })],
    ['Cookie', headers({ cookie: 'a=b' })],
    ['Mcp-Session-Id', headers({ 'Mcp-Session-Id': 'x' })],
    ['Mcp-Param-x', headers({ 'mcp-param-x': 'x' })],
    ['the same name twice', '{"headers":{"Authorization":"a","authorization":"b"}}'],
    ['CR and LF in a value', headers({ 'x-a': 'b\r\nx-c: d' })],
    ['NUL in a value', headers({ 'x-a': 'b\0' })],
    ['a value beyond ASCII', headers({ 'x-a': 'ä' })],
    ['an empty value', headers({ 'x-a': '' })],
    ['a blank in a name', headers({ 'x a': 'b' })],
    ['a colon in a name', headers({ 'x:a': 'b' })],
    ['another member', '{"headers":{"x-a":"b"},"more":1}'],
    ['broken JSON', '{"headers":'],
    ['more than 16 KiB', 'x'.repeat(17_000)],
  ])('%s is refused without repeating the value', (_, text) => {
    const verdict = parseBearerCredentials(text)
    expect(typeof verdict).toBe('string')
    expect(verdict).not.toContain('evil.test')
    expect(verdict).not.toContain('canary-value')
    expect(verdict).not.toContain('sk')
  })
})

describe('manual OAuth', () => {
  const client = {
    auth_mode: 'manual',
    config: { authorization_endpoint: 'https://as.test/authorize', token_endpoint: 'https://as.test/token' },
    registration_info: { client_id: 'c' },
  }
  test('a changed token endpoint or client is another destination for the secret; a changed scope is not', () => {
    const parse = (value: unknown) => {
      const parsed = parseManualOauth(JSON.stringify(value))
      if (typeof parsed === 'string') throw new Error(parsed)
      return secretDestination(parsed)
    }
    const before = parse(client)
    expect(parse({ ...client, config: { ...client.config, token_endpoint: 'https://evil.test/token' } })).not.toBe(
      before,
    )
    expect(parse({ ...client, registration_info: { client_id: 'd' } })).not.toBe(before)
    expect(parse({ ...client, registration_info: { client_id: 'c', scope: 'read' } })).toBe(before)
  })
  test.each([
    ['another mode', { ...client, auth_mode: 'dcr' }],
    ['no client', { ...client, registration_info: {} }],
    ['an endpoint that is no URL', { ...client, config: { ...client.config, token_endpoint: 'as.test' } }],
    ['an endpoint with a password', { ...client, config: { ...client.config, token_endpoint: 'https://u:p@as.test' } }],
  ])('%s is refused', (_, value) => {
    expect(typeof parseManualOauth(JSON.stringify(value))).toBe('string')
  })
})

describe('overrides', () => {
  test.each(['a', 'read-file', 'A1_b2-c3', 'x'.repeat(40)])('%s is an alias', (alias) => {
    expect(accepts(capabilityOverrideInput, { name: 'n', alias })).toBe(true)
  })
  test.each(['', '-a', 'a-', 'a--b', 'a b', 'a.b', 'x'.repeat(41)])('%s is not', (alias) => {
    expect(accepts(capabilityOverrideInput, { name: 'n', alias })).toBe(false)
  })
  test('what a read of a portal gave can be sent back', () => {
    const read = { name: 'n', enabled: true, portal_alias: 'p', server_alias: 's', server_description: 'd' }
    expect(overrideFor('portal', capabilityOverrideInput.parse(read))).toEqual({ name: 'n', enabled: true, alias: 'p' })
    expect(overrideFor('server', capabilityOverrideInput.parse(read))).toEqual({
      name: 'n',
      enabled: true,
      alias: 's',
      description: 'd',
    })
  })
  test("names and aliases are unique, the server's own names included", () => {
    const originals = new Set(['echo', 'add'])
    expect(overrideClash([{ name: 'echo', alias: 'say' }, { name: 'add' }], originals)).toBeNull()
    expect(overrideClash([{ name: 'echo' }, { name: 'echo' }], originals)).toMatchObject({ index: 1, field: 'name' })
    expect(
      overrideClash(
        [
          { name: 'echo', alias: 'x' },
          { name: 'add', alias: 'x' },
        ],
        originals,
      ),
    ).toMatchObject({ index: 1, field: 'alias' })
    expect(overrideClash([{ name: 'echo', alias: 'add' }], originals)).toMatchObject({ index: 0, field: 'alias' })
  })
})

describe('policies', () => {
  const policy = { name: 'p', decision: 'allow', include: [{ everyone: {} }] }
  test.each([
    { everyone: {} },
    { email: { email: 'Ada@Acme.test' } },
    { email_domain: { domain: 'acme.test' } },
    { service_token: { token_id: 't' } },
    { any_valid_service_token: {} },
  ])('%j is a selector', (selector) => {
    expect(policyCreate.parse({ ...policy, include: [selector] }).include).toEqual([selector])
  })
  test.each([
    [{ group: { id: 'g' } }],
    [{}],
    [{ everyone: {}, email: { email: 'a@b.c' } }],
    [{ email: { email: 'nobody' } }],
    [{ email: 'a@b.c' }],
    [{ email_domain: { domain: 'bücher.test' } }],
    ['everyone'],
  ])('%j is not', (selector) => {
    expect(accepts(policyCreate, { ...policy, include: [selector] })).toBe(false)
  })
  test('what is not enforced is refused, not kept', () => {
    expect(accepts(policyCreate, { ...policy, decision: 'bypass' })).toBe(false)
    expect(accepts(policyCreate, { ...policy, approval_required: true })).toBe(false)
    expect(accepts(policyCreate, { ...policy, mfa_config: { mfa_disabled: false } })).toBe(false)
    expect(accepts(policyCreate, { ...policy, approval_required: false, approval_groups: [] })).toBe(true)
    expect(accepts(policyCreate, { ...policy, include: [] })).toBe(false)
  })
})

test('durations are read as Go writes them', () => {
  expect(parseDuration('8760h')).toBe(31_536_000_000)
  expect(parseDuration('2h45m')).toBe(9_900_000)
  expect(parseDuration('1.5s')).toBe(1500)
  for (const text of ['', '5', 'h', '-1h', '1d', 'forever', `${'1h'.repeat(9)}`])
    expect(parseDuration(text)).toBeUndefined()
})

test('environment names that no shell would take are refused', () => {
  expect(accepts(envSchema, { API_KEY: 'x' })).toBe(true)
  for (const name of ['A=B', '', '1A', 'a b']) expect(accepts(envSchema, { [name]: 'x' })).toBe(false)
  expect(accepts(envSchema, { A: 'x\0y' })).toBe(false)
})

test('scopes take away and never add', () => {
  expect(rightsOf('auditor', ['portals:write', 'logs:read'])).toEqual(['logs:read'])
  expect(rightsOf('auditor', []).every((right) => right.endsWith(':read'))).toBe(true)
})
