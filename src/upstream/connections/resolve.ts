/**
 * The one resolver: whose credential a call carries, for every method. There is no way from one owner to another: where the one that is
 * asked for is missing, the call fails.
 *
 * | server | for all | on a person's behalf |
 * |---|---|---|
 * | none | none | none |
 * | fixed | as configured | the person's own pasted token |
 * | browser | the admin's connection | the person's own connection |
 * | machine | the portal's own | refused |
 * | enterprise | per person always | per person always |
 */
import type { ServerId, ServerUid } from '../../base/ids.ts'
import type { Principal, UserPrincipal } from '../../base/principal.ts'
import type { OauthTarget } from '../oauth/model.ts'
import { Trouble } from '../trouble.ts'
import type { ConnectionKind, ConnectionRecord, LiveCredential, Owner } from './model.ts'

/** How a server's credential is come by: what the keeper needs of `ServerSetup`. */
export interface KeptServer {
  record: { uid: ServerUid; id: ServerId; name: string }
  mode: 'none' | 'fixed' | 'browser' | 'machine' | 'enterprise'
  fixed: LiveCredential | Trouble
  target: OauthTarget | null
}

/** What stays the same whoever asks; or the person whose own it is. */
export type Whose = 'fixed' | 'admin' | 'machine' | UserPrincipal

/** @throws Trouble where there can be none: it fails closed */
export function whoseCredential({ mode, target }: KeptServer, who: Principal | null, onBehalf: boolean): Whose {
  switch (mode) {
    case 'none':
      return 'fixed'
    case 'fixed':
      return onBehalf ? personOf(who) : 'fixed'
    case 'browser':
      return onBehalf ? personOf(who) : 'admin'
    case 'machine':
      if (onBehalf) throw closed('{server} takes the portal’s own credential only. Ask an administrator.')
      return 'machine'
    case 'enterprise':
      return vouchedFor(personOf(who), target)
  }
}

/**
 * A sign-in has only what its own provider says: what another sign-in of the same person was given the word for is not carried by this one.
 *
 * @throws Trouble
 */
function vouchedFor(person: UserPrincipal, target: OauthTarget | null): UserPrincipal {
  const wanted = target?.written?.auth_mode === 'enterprise' ? target.written.config?.identity_provider : undefined
  const { identity } = person
  if (identity !== null && (wanted === undefined || identity.provider === wanted)) return person
  const none = closed(NOT_VOUCHED)
  none.credential = missingName('enterprise', 'user')
  throw none
}

function personOf(who: Principal | null): UserPrincipal {
  if (who?.kind === 'user') return who
  throw closed('{server} works with people’s own accounts, and nobody’s stands behind this call.')
}

/** Of a sync, which has an owner and nobody who calls. @throws Trouble */
export function whoseOfOwner({ mode }: KeptServer, owner: Owner): 'fixed' | Owner {
  if (owner !== 'admin' && owner !== 'machine') {
    if (mode === 'fixed' || mode === 'browser' || mode === 'enterprise') return owner
    throw closed('{server} takes nobody’s own account.')
  }
  switch (mode) {
    case 'none':
    case 'fixed':
      return 'fixed'
    case 'browser':
      return 'admin'
    case 'machine':
      return 'machine'
    case 'enterprise':
      throw closed('{server} works with people’s own accounts; there is none that all share.')
  }
}

/** What a connection must be to count: one that was made while the server was set up otherwise is none. */
export function kindOf({ mode }: KeptServer): ConnectionKind | null {
  switch (mode) {
    case 'none':
      return null
    case 'fixed':
      return 'token'
    case 'browser':
      return 'oauth'
    case 'machine':
      return 'machine'
    case 'enterprise':
      return 'enterprise'
  }
}

/** `renewed`: for this call. */
export type CredentialState = 'ready' | 'renewed' | 'needs_reauth' | 'error'

/** As the audit has it. */
export function nameOf(
  { kind, owner, id }: Pick<ConnectionRecord, 'kind' | 'owner' | 'id'>,
  state: CredentialState,
): string {
  switch (kind) {
    case 'oauth':
      return `oauth:${owner === 'admin' ? 'admin' : 'user'}:${id}:${state}`
    case 'token':
      return `token:user:${id}:${state}`
    case 'machine':
      return `machine:${id}:${state}`
    case 'enterprise':
      return `enterprise:user:${id}:${state}`
  }
}

/** Where there is none. */
export function missingName(kind: ConnectionKind, whose: 'admin' | 'machine' | 'user'): string {
  return whose === 'machine' ? 'machine:none:missing' : `${kind}:${whose}:none:missing`
}

/** The same name for a call that a renewal was made for. */
export function renewedName(name: string): string {
  return name.replace(/:ready$/, ':renewed')
}

export const NOT_VOUCHED =
  'Your identity provider does not vouch for you at {server}. Sign in to the portal again, or ask an administrator.'

export function closed(hint: string): Trouble {
  return new Trouble('not-ready', 'no credential may be used', { hint })
}
