/** The addresses that a provider's settings name, to be judged before anything is asked of them. */
import { parsePlace } from '../../base/destination.ts'
import type { ProviderConfig, ProviderType } from '../../contract/identity-provider.ts'
import { mayBePlain } from './net.ts'
import { oktaOrigin, placeOf } from './settings.ts'

export interface NamedAddress {
  /** The member of `config` that it comes from. */
  field: string
  href: string
  /** Whether it is spoken to as it is written: by https, or on this machine by the owner's word. */
  isSafe: boolean
}

export function addressesOf(type: ProviderType, config: ProviderConfig): readonly NamedAddress[] {
  const { issuer, apiUrl } = placeOf(type, config)
  const allowed = (config.allow_private ?? []).map(parsePlace).filter((place) => place !== null)
  const named: readonly (readonly [string, string | null | undefined])[] = [
    [type === 'okta' ? 'okta_account' : type === 'azureAD' ? 'authority' : 'issuer', issuer],
    [type === 'azureAD' ? 'graph_url' : 'api_url', apiUrl],
    ['auth_url', config.auth_url],
    ['token_url', config.token_url],
    ['certs_url', config.certs_url],
    ['userinfo_url', config.userinfo_url],
  ]
  return named.flatMap(([field, text]) => {
    const url = URL.parse(text ?? '')
    if (url === null) return []
    return [{ field, href: url.href, isSafe: url.protocol === 'https:' || mayBePlain(url, allowed) }]
  })
}

/** Whether it is a host, with or without scheme, and nothing more. */
export function isOktaAccount(account: string): boolean {
  const url = URL.parse(oktaOrigin(account))
  return url !== null && url.pathname === '/' && url.search === '' && url.hash === '' && url.username === ''
}
