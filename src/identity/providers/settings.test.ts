import { expect, test } from 'vitest'
import type { ProviderConfig, ProviderType } from '../../contract/identity-provider.ts'
import { type ProviderSettings, settingsOf } from './settings.ts'

const of = (type: ProviderType, config: ProviderConfig) =>
  settingsOf({ id: 'p', name: 'P', type, config: { client_id: 'c', ...config }, clientSecret: 's' })

const TENANT = '11111111-2222-3333-4444-555555555555'

test.each<[string, ProviderType, ProviderConfig, Partial<ProviderSettings>]>([
  [
    'OpenID Connect',
    'oidc',
    { issuer: 'https://i.test/realms/a' },
    {
      ...{ issuer: 'https://i.test/realms/a', endpoints: null, scopes: ['openid', 'profile', 'email'] },
      ...{
        algorithms: ['RS256', 'ES256', 'PS256'],
        groups: null,
        emailDomains: [],
        emailClaim: 'email',
        wantsOffline: true,
      },
      ...{ verifiedBy: 'claim', parameters: {}, allowUnknownAddresses: false },
    },
  ],
  [
    'its scopes where they are given, always with openid',
    'oidc',
    { issuer: 'https://i.test', scopes: ['email'] },
    { scopes: ['openid', 'email'], wantsOffline: false },
  ],
  [
    'endpoints alone',
    'oidc',
    { auth_url: 'https://i.test/a', token_url: 'https://i.test/t', certs_url: 'https://i.test/k' },
    {
      issuer: null,
      endpoints: {
        authorization: 'https://i.test/a',
        token: 'https://i.test/t',
        keys: 'https://i.test/k',
        userinfo: null,
      },
    },
  ],
  [
    'Google Workspace: its organisation is asked for, demanded, and its domain',
    'google',
    { apps_domain: 'acme.test' },
    {
      ...{ issuer: 'https://accounts.google.com', hostedDomain: 'acme.test', emailDomains: ['acme.test'] },
      parameters: { hd: 'acme.test', access_type: 'offline' },
    },
  ],
  [
    'Google Workspace with other domains of the same organisation',
    'google',
    { apps_domain: 'acme.test', email_domains: ['acme.example'] },
    { hostedDomain: 'acme.test', emailDomains: ['acme.example'] },
  ],
  [
    'Entra: one tenant, addresses not believed by themselves',
    'azureAD',
    { directory_id: TENANT, support_groups: true },
    {
      ...{ issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`, directoryId: TENANT, verifiedBy: 'tenant' },
      ...{ tenantOwnsDomains: false, emailClaim: 'preferred_username', apiUrl: 'https://graph.microsoft.com' },
      ...{ groups: { path: ['groups'], source: 'claim' }, scopes: ['openid', 'profile', 'email', 'User.Read'] },
    },
  ],
  [
    'Entra in a national cloud',
    'azureAD',
    { directory_id: TENANT, authority: 'https://login.microsoftonline.us/', graph_url: 'https://graph.microsoft.us' },
    { issuer: `https://login.microsoftonline.us/${TENANT}/v2.0`, apiUrl: 'https://graph.microsoft.us', groups: null },
  ],
  [
    'Okta by its organisation’s own server',
    'okta',
    { okta_account: 'dev-1.okta.com' },
    { issuer: 'https://dev-1.okta.com', scopes: ['openid', 'profile', 'email', 'groups'] },
  ],
  [
    'Okta by another authorization server',
    'okta',
    { okta_account: 'https://dev-1.okta.com/', authorization_server_id: 'aus1' },
    { issuer: 'https://dev-1.okta.com/oauth2/aus1', scopes: ['openid', 'profile', 'email'] },
  ],
  [
    'GitHub',
    'github',
    {},
    {
      ...{
        issuer: 'https://github.com/login/oauth',
        apiUrl: 'https://api.github.com',
        authMethod: 'client_secret_post',
      },
      scopes: ['read:user', 'user:email', 'read:org'],
    },
  ],
  [
    'GitHub Enterprise Server, whose numbers are its own',
    'github',
    {
      ...{
        auth_url: 'https://git.acme.test/login/oauth/authorize',
        token_url: 'https://git.acme.test/login/oauth/access_token',
      },
      api_url: 'https://git.acme.test/api/v3',
    },
    { issuer: 'https://git.acme.test/login/oauth', apiUrl: 'https://git.acme.test/api/v3' },
  ],
])('%s', (_, type, config, expected) => {
  expect(of(type, config)).toMatchObject(expected)
})

test('a one-time PIN has no place to be sent to', () => {
  expect(of('onetimepin', {})).toBeNull()
})
