/** Tries a provider as far as that goes without a person, and says in words what is wrong. */
import type { Egress } from '../../base/egress.ts'
import { fetchJson } from '../../base/safe-fetch.ts'
import type { IdentityProviderTested } from '../../contract/identity-provider.ts'
import { discover, type ProviderMetadata } from './discover.ts'
import { type Net, openNet } from './net.ts'
import { problemOf } from './problem.ts'
import type { ProviderSettings } from './settings.ts'

type Check = IdentityProviderTested['checks'][number]

const good = (check: string, message: string): Check => ({ check, ok: true, message })
const bad = (check: string, message: string): Check => ({ check, ok: false, message })

/** Never throws for what the provider does. Nothing that it answers is repeated, only what follows from it. */
export async function testProvider(settings: ProviderSettings, egress: Egress): Promise<readonly Check[]> {
  const net = openNet(egress, settings.allowed)
  const found = await discover(settings, net).catch(problemOf)
  if (found instanceof Error)
    return [bad('discovery', `${sentenceOf(found.message)} ${whatToDo(settings)}`), ...secretOf(settings)]
  return [
    good('discovery', settings.type === 'github' ? 'There is nothing to discover.' : `The issuer is ${found.issuer}.`),
    ...(settings.type === 'github' ? [] : [...standardsOf(settings, found), await keysOf(found, net)]),
    ...secretOf(settings),
    ...addressesOf(settings),
  ]
}

function sentenceOf(detail: string): string {
  const text = detail
    .replace(/^upstream-unreachable/, 'nobody answers there')
    .replace(/^upstream-timeout/, 'nobody answered in time')
  const plain = text.replace(/^upstream-bad-answer/, 'the answer is no discovery document')
  return `${plain.charAt(0).toUpperCase()}${plain.slice(1)}.`
}

function whatToDo({ type }: ProviderSettings): string {
  switch (type) {
    case 'okta':
      return 'Check okta_account and authorization_server_id, and that the portal may reach them.'
    case 'azureAD':
      return 'Check directory_id, and that the portal may reach it.'
    default:
      return 'Check the issuer, and that the portal may reach it: an inner address must stand in allow_private.'
  }
}

function standardsOf({ algorithms }: ProviderSettings, found: ProviderMetadata): Check[] {
  const offered = found.id_token_signing_alg_values_supported
  const both = algorithms.filter((one) => offered === undefined || offered.includes(one))
  const methods = found.code_challenge_methods_supported
  return [
    both.length > 0
      ? good('algorithms', `ID tokens may be signed with ${both.join(', ')}.`)
      : bad(
          'algorithms',
          `The provider signs with none of ${algorithms.join(', ')}. Set algorithms to what it does sign with.`,
        ),
    methods === undefined || methods.includes('S256')
      ? good('pkce', methods === undefined ? 'The provider does not say whether it knows PKCE.' : 'PKCE with S256.')
      : bad('pkce', 'The provider knows PKCE, but not S256, which is always used.'),
    found.userinfo_endpoint === undefined
      ? good('userinfo', 'There is no userinfo endpoint: all must stand in the ID token.')
      : good('userinfo', 'What the ID token does not say is asked at the userinfo endpoint.'),
  ]
}

async function keysOf({ jwks_uri }: ProviderMetadata, { send }: Net): Promise<Check> {
  const keys = await fetchJson(send, jwks_uri).catch(() => null)
  const list = typeof keys === 'object' && keys !== null && 'keys' in keys && Array.isArray(keys.keys) ? keys.keys : []
  return list.length > 0
    ? good('keys', `There are ${list.length} keys.`)
    : bad(
        'keys',
        'The keys cannot be read, so no ID token can be checked. Check certs_url, and that the portal may reach it.',
      )
}

function secretOf({ clientSecret, type }: ProviderSettings): Check[] {
  if (clientSecret !== null)
    return [good('client_secret', 'There is one. Whether it is right shows at the first sign-in.')]
  const mayLack = type === 'oidc'
  return [
    mayLack
      ? good('client_secret', 'There is none: the provider must know this client as a public one.')
      : bad('client_secret', 'There is none, or it was forgotten when the provider changed. Send client_secret again.'),
  ]
}

function addressesOf({ emailDomains, verifiedBy, tenantOwnsDomains }: ProviderSettings): Check[] {
  if (emailDomains.length === 0) {
    return [
      good(
        'email_domains',
        'None are set: no address counts, so policies about addresses match nobody who signs in here.',
      ),
    ]
  }
  const isBlind = verifiedBy === 'tenant' && !tenantOwnsDomains
  return [
    good(
      'email_domains',
      isBlind
        ? 'Addresses count only of the claim email (email_claim_name) where xms_edov says so, or set tenant_owns_domains.'
        : `Addresses count where they are verified and of ${emailDomains.slice(0, 5).join(', ')}${emailDomains.length > 5 ? ', …' : ''}.`,
    ),
  ]
}
