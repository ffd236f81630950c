import { describe, expect, test } from 'vitest'
import { CLIENT_DOCUMENTS } from '../../../../test/support/client-documents/index.ts'
import { Provider } from '../library.ts'
import { NOT_ALLOWED_AT_REGISTRATION } from './policy.ts'
import { isSameRedirect } from './redirect-uri.ts'
import {
  AUTH_METHODS,
  type ClientMetadata,
  DEVICE_GRANT,
  normaliseRegistration,
  SIGNING_ALGORITHMS,
} from './registration.ts'

const CALLBACK = 'https://a.example/cb'
const one = { redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' }

/** oidc-provider's own schema, as the portal configures it. */
const provider = new Provider('https://portal.example', {
  clientAuthMethods: [...AUTH_METHODS],
  enabledJWA: { clientAuthSigningAlgValues: [...SIGNING_ALGORITHMS] },
  responseTypes: ['code'],
  scopes: ['mcp', 'offline_access'],
  features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
}) as unknown as { Client: { validate(metadata: object): Promise<void> } }

/** Throws where the library would not take it. */
async function take(metadata: ClientMetadata): Promise<void> {
  const secret = metadata.token_endpoint_auth_method.startsWith('client_secret')
    ? { client_secret: 'x'.repeat(64) }
    : {}
  await provider.Client.validate({ client_id: 'x', ...metadata, ...secret })
}

function metadataOf(
  body: unknown,
  ...rest: [policy?: null, source?: 'registered' | 'document' | 'admin']
): ClientMetadata {
  const normalised = normaliseRegistration(body, rest[0] ?? null, rest[1])
  if ('error' in normalised) throw new Error(normalised.error_description)
  return normalised.metadata
}

describe('real clients are taken as they are', () => {
  for (const { client, how, body, asks } of CLIENT_DOCUMENTS) {
    test(`${client} (${how})`, async () => {
      const metadata = metadataOf(body, null, how === 'document' ? 'document' : 'registered')
      await take(metadata)
      expect(metadata.grant_types).toContain('authorization_code')
      expect(metadata.client_name).toBe(body.client_name)
      expect(metadata.token_endpoint_auth_method).toBe(body.token_endpoint_auth_method ?? 'client_secret_basic')
      for (const asked of asks) {
        expect(metadata.redirect_uris.some((registered) => isSameRedirect(registered, asked))).toBe(true)
      }
    })
  }
})

test('the library alone would refuse real clients, which is why they are normalised', async () => {
  const raw = CLIENT_DOCUMENTS.map(({ body }) =>
    provider.Client.validate({ client_id: 'x', client_secret: 'x'.repeat(64), ...body }).then(
      () => 'taken',
      () => 'refused',
    ),
  )
  expect((await Promise.all(raw)).filter((outcome) => outcome === 'refused').length).toBeGreaterThan(5)
})

test('only what the portal needs survives, and nothing that would make it fetch or show something', async () => {
  const url = 'https://canary.example/x'
  const metadata = metadataOf({
    ...one,
    client_name: 'Agent',
    ...{ jwks_uri: url, sector_identifier_uri: url, logo_uri: url, client_uri: url, policy_uri: url, tos_uri: url },
    ...{ initiate_login_uri: url, backchannel_logout_uri: url, backchannel_client_notification_endpoint: url },
    ...{ request_uris: [url], post_logout_redirect_uris: [url], contacts: ['a@b.example'], subject_type: 'pairwise' },
    ...{ id_token_signed_response_alg: 'HS256', default_acr_values: ['x'], require_auth_time: true },
    ...{ software_statement: 'ey', client_id: 'mine', client_secret: 'mine', client_id_issued_at: 1, scope: 'openid' },
    ...{ 'client_name#de': 'Böse', jwks: { keys: [] }, registration_access_token: 'mine', toString: 'x' },
  })
  expect(metadata).toEqual({
    redirect_uris: [CALLBACK],
    application_type: 'web',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
    client_name: 'Agent',
  })
  await take(metadata)
})

describe('the application type follows from where the client is sent', () => {
  const lists: readonly (readonly [uris: readonly string[], type: 'native' | 'web' | null])[] = [
    [[CALLBACK], 'web'],
    [['http://localhost/cb'], 'native'],
    [['http://127.0.0.1:3000/cb', CALLBACK], 'native'],
    [['com.example.app:/cb'], 'native'],
    [['cursor://anysphere.cursor-mcp/cb', CALLBACK, 'http://localhost:8787/cb'], 'native'],
    [['https://localhost:8443/cb'], 'web'],
    [['https://localhost:8443/cb', 'http://localhost:8080/cb'], 'web'],
    [['https://127.0.0.1/cb', 'com.example.app:/cb'], null],
  ]
  for (const [uris, type] of lists) {
    test(`${uris.join(' ')}: ${type ?? 'refused'}`, async () => {
      const normalised = normaliseRegistration({ ...one, redirect_uris: uris, application_type: 'web' }, null)
      if ('error' in normalised) expect([type, normalised.error]).toEqual([null, 'invalid_redirect_uri'])
      else {
        expect(normalised.metadata.application_type).toBe(type)
        await take(normalised.metadata)
      }
    })
  }
})

describe('grant types, response types and ways to authenticate', () => {
  const code = ['authorization_code']
  const cases: readonly (readonly [body: object, grants: readonly string[] | string, source?: 'document' | 'admin'])[] =
    [
      [{}, [...code, 'refresh_token']],
      [{ grant_types: code }, code],
      [
        { grant_types: [...code, 'refresh_token', 'client_credentials', 'implicit', 'password'] },
        [...code, 'refresh_token'],
      ],
      [{ grant_types: [DEVICE_GRANT, 'refresh_token'], redirect_uris: undefined }, ['refresh_token', DEVICE_GRANT]],
      [{ grant_types: ['client_credentials'] }, 'grant_types must include'],
      [{ grant_types: ['refresh_token'] }, 'grant_types must include'],
      [{ grant_types: 'authorization_code' }, 'grant_types must be an array'],
      [{ grant_types: [1] }, 'grant_types must be an array'],
      [{ response_types: ['code', 'code token', 'token'] }, [...code, 'refresh_token']],
      [{ response_types: [] }, [...code, 'refresh_token']],
      [{ response_types: ['token'] }, 'response_types must include "code"'],
      [{ redirect_uris: undefined }, 'redirect_uris must hold at least one URI'],
      [{ redirect_uris: [] }, 'redirect_uris must hold at least one URI'],
      [{ redirect_uris: CALLBACK }, 'redirect_uris must be an array'],
      [{ redirect_uris: [CALLBACK, null] }, 'redirect_uris must be an array'],
      [{ redirect_uris: Array.from({ length: 21 }, (_, i) => `${CALLBACK}/${i}`) }, 'at most 20'],
      [{ token_endpoint_auth_method: 'client_secret_jwt' }, 'token_endpoint_auth_method must be one of'],
      [{ token_endpoint_auth_method: 'tls_client_auth' }, 'token_endpoint_auth_method must be one of'],
      [{ token_endpoint_auth_method: 'client_secret_post' }, 'must be one of none, private_key_jwt', 'document'],
      [{ token_endpoint_auth_method: 'private_key_jwt' }, 'private_key_jwt needs'],
      [
        { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'http://a.example/k' },
        'jwks_uri must be an https URL',
      ],
      [{ token_endpoint_auth_method: 'private_key_jwt', jwks_uri: 'https://a.example/k' }, [...code, 'refresh_token']],
    ]
  for (const [body, then, source] of cases) {
    test(`${JSON.stringify(body).slice(0, 90)}${source === undefined ? '' : `, ${source}`}`, async () => {
      const normalised = normaliseRegistration({ ...one, ...body }, null, source)
      if ('error' in normalised) expect(normalised.error_description).toContain(then)
      else {
        expect(normalised.metadata.grant_types).toEqual(then)
        await take(normalised.metadata)
      }
    })
  }

  test('who names no way keeps a secret when it registers, and none in a document', () => {
    const { token_endpoint_auth_method: _none, ...body } = one
    expect(metadataOf(body).token_endpoint_auth_method).toBe('client_secret_basic')
    expect(metadataOf(body, null, 'document').token_endpoint_auth_method).toBe('none')
  })
})

test('a body that is no object is refused', () => {
  for (const body of [null, 1, 'x', [], [one]]) {
    expect(normaliseRegistration(body, null)).toMatchObject({ error: 'invalid_client_metadata' })
  }
})

test('a refusal names the place of the redirect URI and never repeats it', () => {
  const evil = 'javascript:alert("<b>\u202e")'
  const refused = normaliseRegistration({ ...one, redirect_uris: [CALLBACK, 'ftp://evil.example/x'] }, null)
  expect(refused).toEqual({
    error: 'invalid_redirect_uri',
    error_description: 'redirect_uris[1] has a scheme that a browser would run or read itself',
  })
  expect(JSON.stringify(normaliseRegistration({ ...one, redirect_uris: [evil] }, null))).not.toContain('alert')
})

test("SEC-O5: the organisation's rules hold when a client registers, and for an admin's client only the rules of redirect URIs do", () => {
  const policy = { dynamic_client_registration: { allowed_uris: ['https://b.example/*', 'acme://in/cb'] } }
  expect(normaliseRegistration(one, policy)).toEqual({
    error: 'invalid_client_metadata',
    error_description: NOT_ALLOWED_AT_REGISTRATION,
  })
  const acme = { ...one, redirect_uris: ['acme://in/cb'] }
  expect(normaliseRegistration(acme, policy)).toHaveProperty('metadata')
  expect(normaliseRegistration(acme, null)).toMatchObject({ error: 'invalid_redirect_uri' })
  expect(normaliseRegistration(acme, null, 'admin')).toHaveProperty('metadata')
  expect(normaliseRegistration({ ...one, redirect_uris: ['javascript:/x'] }, null, 'admin')).toMatchObject({
    error: 'invalid_redirect_uri',
  })
  expect(normaliseRegistration(one, { dynamic_client_registration: { enabled: false } })).toMatchObject({
    error: 'access_denied',
  })
})
