/**
 * What a provider is, from its row: presets and the generic form become one set of settings, so that the code which signs people in
 * knows no brand but where a brand departs from the standard.
 */
import { type Place, parsePlace } from '../../base/destination.ts'
import type { ProviderConfig, ProviderType } from '../../contract/identity-provider.ts'

export interface GroupsAt {
  /** The members to walk through, from the outermost. */
  path: readonly string[]
  source: 'claim' | 'userinfo'
}

export interface ExplicitEndpoints {
  authorization: string
  token: string
  keys: string
  userinfo: string | null
}

export interface ProviderSettings {
  id: string
  name: string
  type: Exclude<ProviderType, 'onetimepin'>
  clientId: string
  clientSecret: string | null
  /** Null where only endpoints are known; it is looked for beside them. */
  issuer: string | null
  endpoints: ExplicitEndpoints | null
  scopes: readonly string[]
  /** Asked for where the provider knows it, for a refresh token. */
  wantsOffline: boolean
  /** Sent along to the authorization endpoint. */
  parameters: Readonly<Record<string, string>>
  algorithms: readonly string[]
  allowed: readonly Place[]
  authMethod: 'client_secret_basic' | 'client_secret_post' | null
  emailClaim: string
  /** What makes an address verified: the claim `email_verified`, or that the tenant gives its addresses itself. */
  verifiedBy: 'claim' | 'tenant'
  tenantOwnsDomains: boolean
  emailDomains: readonly string[]
  allowUnknownAddresses: boolean
  groups: GroupsAt | null
  claims: readonly string[]
  /** Entra: the one tenant whose people may enter. */
  directoryId: string | null
  /** Google: the one organisation whose people may enter. */
  hostedDomain: string | null
  /** Where Entra and GitHub are asked for what their tokens do not say; null for others. */
  apiUrl: string | null
}

export interface ProviderParts {
  id: string
  name: string
  type: ProviderType
  config: ProviderConfig
  clientSecret: string | null
}

export const DEFAULT_ALGORITHMS = ['RS256', 'ES256', 'PS256'] as const
const GITHUB = 'https://github.com/login/oauth'

/** @returns null for a type at which nobody signs in elsewhere */
export function settingsOf({ id, name, type, config, clientSecret }: ProviderParts): ProviderSettings | null {
  if (type === 'onetimepin') return null
  return {
    ...{ id, name, type, clientSecret, clientId: config.client_id ?? '' },
    ...placeOf(type, config),
    ...askedOf(type, config),
    algorithms: config.algorithms ?? DEFAULT_ALGORITHMS,
    allowed: (config.allow_private ?? []).map(parsePlace).filter((place) => place !== null),
    authMethod: type === 'github' ? 'client_secret_post' : (config.token_endpoint_auth_method ?? null),
    emailClaim: config.email_claim_name ?? (type === 'azureAD' ? 'preferred_username' : 'email'),
    verifiedBy: type === 'azureAD' ? 'tenant' : 'claim',
    tenantOwnsDomains: config.tenant_owns_domains ?? false,
    emailDomains: config.email_domains ?? (config.apps_domain === undefined ? [] : [config.apps_domain]),
    allowUnknownAddresses: config.allow_unknown_addresses ?? false,
    groups: groupsOf(type, config),
    claims: config.claims ?? [],
    directoryId: type === 'azureAD' ? (config.directory_id ?? '') : null,
    hostedDomain: type === 'google' ? (config.apps_domain ?? null) : null,
  }
}

/**
 * Whether what a provider said of people would be said otherwise, or not at all, by its changed settings: a domain is not its own any more,
 * or an address, a group or a person does not count that did.
 */
export function vouchesForLess(before: ProviderSettings, after: ProviderSettings): boolean {
  return (
    before.emailDomains.some((domain) => !after.emailDomains.includes(domain)) ||
    before.emailClaim !== after.emailClaim ||
    before.hostedDomain !== after.hostedDomain ||
    (before.tenantOwnsDomains && !after.tenantOwnsDomains) ||
    (before.allowUnknownAddresses && !after.allowUnknownAddresses) ||
    (before.groups !== null && JSON.stringify(before.groups) !== JSON.stringify(after.groups))
  )
}

type Where = Pick<ProviderSettings, 'issuer' | 'endpoints' | 'apiUrl'>

/** Where a provider is: who answers there speaks for its people. */
export function placeOf(type: ProviderType, config: ProviderConfig): Where {
  const none = { endpoints: null, apiUrl: null }
  switch (type) {
    case 'onetimepin':
      return { ...none, issuer: null }
    case 'google':
      return { ...none, issuer: 'https://accounts.google.com' }
    case 'azureAD': {
      const authority = withoutSlash(config.authority ?? 'https://login.microsoftonline.com')
      const apiUrl = withoutSlash(config.graph_url ?? 'https://graph.microsoft.com')
      return { ...none, issuer: `${authority}/${config.directory_id ?? ''}/v2.0`, apiUrl }
    }
    case 'okta': {
      const account = withoutSlash(oktaOrigin(config.okta_account ?? ''))
      const server = config.authorization_server_id
      return { ...none, issuer: server === undefined ? account : `${account}/oauth2/${server}` }
    }
    case 'github': {
      const authorization = config.auth_url ?? `${GITHUB}/authorize`
      const token = config.token_url ?? `${GITHUB}/access_token`
      const apiUrl = withoutSlash(config.api_url ?? 'https://api.github.com')
      // A number says who somebody is only together with the place that counts.
      const issuer = config.auth_url === undefined ? GITHUB : withoutSlash(config.auth_url).replace(/\/authorize$/, '')
      return { issuer, endpoints: { authorization, token, keys: '', userinfo: null }, apiUrl }
    }
    case 'oidc':
      return { ...none, issuer: config.issuer ?? null, endpoints: explicitEndpoints(config) }
  }
}

function explicitEndpoints(config: ProviderConfig): ExplicitEndpoints | null {
  const { auth_url: authorization, token_url: token, certs_url: keys, userinfo_url: userinfo } = config
  if (authorization === undefined || token === undefined || keys === undefined) return null
  return { authorization, token, keys, userinfo: userinfo ?? null }
}

/** `dev-1.okta.com` and `https://dev-1.okta.com` are both what people write. */
export function oktaOrigin(account: string): string {
  return /^https?:\/\//i.test(account) ? account : `https://${account}`
}

function withoutSlash(text: string): string {
  return text.replace(/\/+$/, '')
}

type Asked = Pick<ProviderSettings, 'scopes' | 'wantsOffline' | 'parameters'>

function askedOf(type: ProviderType, config: ProviderConfig): Asked {
  const prompt: Record<string, string> = config.prompt === undefined ? {} : { prompt: config.prompt }
  const given = config.scopes
  if (type === 'github') {
    return { scopes: given ?? ['read:user', 'user:email', 'read:org'], wantsOffline: false, parameters: prompt }
  }
  const scopes = [...new Set(['openid', ...(given ?? ['profile', 'email', ...scopesOf(type, config)])])]
  const hosted: Record<string, string> = config.apps_domain === undefined ? {} : { hd: config.apps_domain }
  // Google has its own word for it (Using OAuth 2.0 for Web Server Applications, "access_type").
  const offline: Record<string, string> = type === 'google' ? { access_type: 'offline' } : {}
  return {
    scopes,
    wantsOffline: given === undefined && type !== 'google',
    parameters: { ...prompt, ...hosted, ...offline },
  }
}

function scopesOf(type: ProviderType, config: ProviderConfig): readonly string[] {
  // Entra's access token is for its Graph only if a scope of it is asked for; there the groups of an overage are read.
  if (type === 'azureAD' && (config.support_groups ?? false)) return ['User.Read']
  return type === 'okta' && config.authorization_server_id === undefined ? ['groups'] : []
}

function groupsOf(type: ProviderType, config: ProviderConfig): GroupsAt | null {
  if (config.groups) return { path: pathOf(config.groups.claim), source: config.groups.source ?? 'claim' }
  if (type === 'azureAD' && (config.support_groups ?? false)) return { path: ['groups'], source: 'claim' }
  // Okta's own server says them in the ID token only of such apps as have a groups claim; silent ones stay unknown.
  return type === 'okta' ? { path: ['groups'], source: 'claim' } : null
}

/** A JSON pointer (RFC 6901) where it begins with `/`, else the name of a claim, which may be a URL. */
export function pathOf(claim: string): readonly string[] {
  if (!claim.startsWith('/')) return [claim]
  return claim
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
}
