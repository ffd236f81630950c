import { describe, expect, test } from 'vitest'
import { capabilityOverrideInput, overrideClash, overrideFor } from './capability-override.ts'
import {
  connectionGround,
  isAutomaticOauth,
  parseBearerCredentials,
  parseManualOauth,
  parseWrittenOauth,
  secretDestination,
} from './credentials.ts'
import { SELECTORS } from './criteria.ts'
import { parseDuration } from './duration.ts'
import { plainListValue } from './gateway-list.ts'
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

describe('where secrets and connections belong', () => {
  const machine = {
    auth_mode: 'client_credentials',
    config: { token_endpoint: 'https://as.test/token', issuer: 'https://as.test' },
    registration_info: { client_id: 'c', token_endpoint_auth_method: 'client_secret_post' },
  }
  const enterprise = { ...machine, auth_mode: 'enterprise', config: { ...machine.config, identity_provider: 'a' } }
  const parse = (value: unknown) => {
    const parsed = parseWrittenOauth(JSON.stringify(value))
    if (typeof parsed === 'string') throw new Error(parsed)
    return parsed
  }
  const moved = [
    ['token endpoint', { ...machine, config: { ...machine.config, token_endpoint: 'https://evil.test/token' } }],
    ['issuer', { ...machine, config: { ...machine.config, issuer: 'https://evil.test' } }],
    ['issuer left out', { ...machine, config: { token_endpoint: 'https://as.test/token' } }],
    ['token endpoint left out', { ...machine, config: { issuer: 'https://as.test' } }],
    ['nothing but the client', { ...machine, config: undefined }],
    ['client', { ...machine, registration_info: { ...machine.registration_info, client_id: 'd' } }],
    ['mode', { ...machine, auth_mode: 'enterprise' }],
    [
      'key for a password',
      { ...machine, registration_info: { client_id: 'c', token_endpoint_auth_method: 'private_key_jwt' } },
    ],
  ] as const
  test.each(moved)('another %s is another destination', (_, after) => {
    expect(secretDestination(parse(after))).not.toBe(secretDestination(parse(machine)))
    expect(connectionGround(parse(after))).not.toBe(connectionGround(parse(machine)))
  })
  test('another identity provider is another destination, and none at all is the ground of nothing written', () => {
    const other = { ...enterprise, config: { ...enterprise.config, identity_provider: 'b' } }
    expect(secretDestination(parse(other))).not.toBe(secretDestination(parse(enterprise)))
    expect(connectionGround(null)).not.toBe(connectionGround(parse(machine)))
  })
  test('a scope, and a way to prove the same secret, change nothing; a resource ends connections alone', () => {
    const same = { ...machine, registration_info: { client_id: 'c', scope: 'read' } }
    expect(connectionGround(parse(same))).toBe(connectionGround(parse(machine)))
    const other = parse({ ...machine, config: { ...machine.config, resource: 'https://other.test' } })
    expect(secretDestination(other)).toBe(secretDestination(parse(machine)))
    expect(connectionGround(other)).not.toBe(connectionGround(parse(machine)))
  })
  test.each([
    ['{"auth_mode":"dcr"}', true],
    ['{"auth_mode":"dcr","config":{}}', false],
    ['dcr', false],
    ['{"auth_mode":"manual"}', false],
  ])('%s says that nothing is written down: %s', (text, is) => {
    expect(isAutomaticOauth(text)).toBe(is)
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
  const idp = { identity_provider_id: 'i' }
  const every: Record<(typeof SELECTORS)[number], unknown> = {
    email: { email: 'Ada@Acme.test' },
    email_domain: { domain: 'acme.test' },
    email_list: { id: 'l' },
    everyone: {},
    ip: { ip: '2001:db8::/32' },
    ip_list: { id: 'l' },
    geo: { country_code: 'PT' },
    group: { id: 'g' },
    service_token: { token_id: 't' },
    any_valid_service_token: {},
    linked_app_token: { app_uid: 'a' },
    certificate: {},
    common_name: { common_name: 'ada' },
    device_posture: { integration_uid: 'd', account_id: 'a' },
    login_method: { id: 'i' },
    auth_method: { auth_method: 'mfa' },
    auth_context: { id: 'c', ac_id: 'c1', ...idp },
    oidc: { claim_name: 'dept', claim_value: 'finance', ...idp },
    saml: { attribute_name: 'group', attribute_value: 'admins', ...idp },
    azureAD: { id: 'g', ...idp },
    okta: { name: 'admins', ...idp },
    gsuite: { email: 'admins@acme.test', ...idp },
    'github-organization': { name: 'acme', team: 'core', ...idp },
    external_evaluation: { evaluate_url: 'https://e.test/evaluate', keys_url: 'https://e.test/keys' },
    user_risk_score: { user_risk_score: ['low', 'unscored'] },
    cloudflare_account_member: {},
  }
  test.each(SELECTORS)('%s is a selector, in its one shape', (selector) => {
    const good = { [selector]: every[selector] }
    expect(policyCreate.parse({ ...policy, include: [good] }).include).toEqual([good])
    const more = { [selector]: { ...(every[selector] as object), more: 'x' } }
    expect(accepts(policyCreate, { ...policy, include: [more] })).toBe(false)
    expect(accepts(policyCreate, { ...policy, require: [{ ...good, mood: {} }] })).toBe(false)
  })
  test.each([
    [{}],
    [{ everyone: {}, email: { email: 'a@b.c' } }],
    [{ email: { email: 'nobody' } }],
    [{ email: 'a@b.c' }],
    [{ email_domain: { domain: 'bücher.test' } }],
    [{ geo: { country_code: 'pt' } }],
    [{ ip: { ip: '10.0.0.0/33' } }],
    [{ ip: { ip: '010.0.0.1' } }],
    [{ ip: { ip: '10.0.0.1/8/8' } }],
    [{ ip: { ip: 'acme.test' } }],
    [{ okta: { name: 'admins' } }],
    [{ external_evaluation: { evaluate_url: 'file:///etc/passwd', keys_url: 'https://e.test/keys' } }],
    [{ external_evaluation: { evaluate_url: 'https://me:pw@e.test', keys_url: 'https://e.test/keys' } }],
    [{ user_risk_score: { user_risk_score: [] } }],
    [{ toString: {} }],
    ['everyone'],
  ])('%j is not', (selector) => {
    expect(accepts(policyCreate, { ...policy, include: [selector] })).toBe(false)
  })
  test('a selector that is not known is refused with the names of those that are', () => {
    const { error } = policyCreate.safeParse({ ...policy, include: [{ moon_phase: { phase: 'full' } }] })
    expect(error?.issues.map(({ message }) => message).join()).toContain('email, email_domain, email_list')
  })
  test('what is not enforced is refused, not kept', () => {
    const bad = [
      { decision: 'quarantine' },
      { isolation_required: true },
      { connection_rules: { ssh: { usernames: ['root'] } } },
      { mfa_config: { allowed_authenticators: ['piv_key'] } },
      { mfa_config: { session_duration: '721h' } },
      { approval_groups: [{ approvals_needed: 0, email_addresses: ['a@b.c'] }] },
      { approval_groups: [{ approvals_needed: 2, email_addresses: ['a@b.c', 'A@B.c'] }] },
      { approval_groups: [{ approvals_needed: 1 }] },
      { valid_until: 'tomorrow' },
      { include: [] },
    ]
    for (const one of bad) expect(accepts(policyCreate, { ...policy, ...one }), JSON.stringify(one)).toBe(false)
    const good = [
      { decision: 'bypass' },
      { approval_required: false, approval_groups: [], connection_rules: {}, isolation_required: false },
      { connection_rules: { rdp: { allowed_clipboard_local_to_remote_formats: ['text'] } } },
      { mfa_config: { allowed_authenticators: ['totp', 'biometrics', 'security_key'], session_duration: '0m' } },
      { approval_groups: [{ approvals_needed: 3, email_list_uuid: 'l' }] },
      { valid_from: '2026-01-01T00:00:00Z', valid_until: '2026-02-01T00:00:00+01:00' },
    ]
    for (const one of good) expect(accepts(policyCreate, { ...policy, ...one }), JSON.stringify(one)).toBe(true)
  })
  test('what a policy reaches is one entry or more, each of which says something', () => {
    const reach = (capabilities: unknown) => accepts(policyCreate, { ...policy, capabilities })
    const at = (condition: object) => reach([{ arguments: [{ pointer: '/path', ...condition }] }])
    const all = {
      servers: ['github'],
      kinds: ['tool'],
      names: ['create_issue'],
      patterns: ['delete_.*'],
      annotations: { readOnlyHint: true },
      labels: ['sends_out'],
      arguments: [{ pointer: '', present: true }],
      expression: 'args.n > 1',
      flow: { window: '1h' },
    }
    expect(reach([all])).toBe(true)
    for (const [name, value] of Object.entries(all)) expect(reach([{ [name]: value }]), name).toBe(true)
    for (const bad of [[], [{}], {}, [{ tools: ['x'] }], [{ names: [] }], [{ kinds: ['app'] }], [{ labels: ['x'] }]]) {
      expect(reach(bad), JSON.stringify(bad)).toBe(false)
    }
    for (const bad of [[{ flow: { window: '0s' } }], [{ patterns: ['x'.repeat(501)] }], [{ annotations: {} }]]) {
      expect(reach(bad)).toBe(false)
    }
    for (const good of [
      { equals: null },
      { one_of: [1, 'a'] },
      { matches: 'x' },
      { under: '/safe' },
      { range: { min: 1 } },
    ]) {
      expect(at(good), JSON.stringify(good)).toBe(true)
    }
    for (const bad of [
      {},
      { equals: 1, present: true },
      { present: false },
      { range: {} },
      { range: { min: 2, max: 1 } },
    ]) {
      expect(at(bad), JSON.stringify(bad)).toBe(false)
    }
    for (const pointer of ['path', '/~2', '/a/~'])
      expect(reach([{ arguments: [{ pointer, absent: true }] }])).toBe(false)
  })
})

test('a value of a list is kept in one spelling, and only where the list can hold it', () => {
  expect(plainListValue('EMAIL', 'Ada@Acme.Test')).toBe('ada@acme.test')
  expect(plainListValue('EMAIL', 'ada')).toBeNull()
  expect(plainListValue('IP', '2001:DB8::/32')).toBe('2001:db8::/32')
  expect(plainListValue('IP', '10.0.0.0/40')).toBeNull()
  expect(plainListValue('SERIAL', '8GE8721REF')).toBe('8GE8721REF')
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
