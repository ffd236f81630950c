/** Who has an account at the provider, and what it says of them. */

export type Claims = Record<string, unknown>

export interface Account {
  /** In the ID token and at userinfo, unless the provider is thin. */
  claims: Claims
  /** In the ID token only. */
  token?: Claims
  /** What the Graph says are the groups of this account; null where it refuses. */
  graph?: readonly string[] | null
}

const at = (name: string, more: Claims = {}): Claims => ({
  email: `${name}@acme.test`,
  email_verified: true,
  name: name.charAt(0).toUpperCase() + name.slice(1),
  groups: ['staff'],
  realm_access: { roles: ['reader'] },
  department: 'health',
  ...more,
})

const TENANT = '11111111-2222-3333-4444-555555555555'
const overage = {
  _claim_names: { groups: 'src1' },
  _claim_sources: { src1: { endpoint: 'http://127.0.0.1:1/steal' } },
}

export const ACCOUNTS: Readonly<Record<string, Account>> = {
  alice: { claims: at('alice', { groups: ['staff', 'admins'] }), token: { amr: ['pwd', 'otp'] } },
  bob: { claims: at('bob', { groups: ['staff', 'contractors'] }), token: { amr: ['pwd'] } },
  carol: { claims: at('carol', { groups: [] }) },
  /** Says nothing of groups. */
  dave: { claims: { email: 'dave@acme.test', email_verified: true, name: 'Dave' } },
  /** An address in other letters and another script. */
  erna: { claims: at('erna', { email: 'Erna.Weiß@BÜCHER.test' }) },
  unverified: { claims: at('unverified', { email_verified: false }) },
  unsaid: { claims: { email: 'unsaid@acme.test', name: 'Unsaid', groups: [] } },
  /** Verified, and of a domain that is not this provider's. */
  mallory: { claims: at('mallory', { email: 'ceo@other.test' }) },
  below: { claims: at('below', { email: 'x@evil.acme.test' }) },
  nobody: { claims: { name: 'Nobody', groups: [] } },
  /** Of Entra: groups elsewhere. */
  olga: { claims: entra('olga'), token: overage, graph: null },
  otto: { claims: entra('otto'), token: overage, graph: ['g-1', 'g-2'] },
  hasgroups: { claims: entra('hasgroups'), token: { hasgroups: true }, graph: null },
  entra: { claims: entra('entra', { groups: ['g-9'] }) },
  guest: { claims: entra('guest', { tid: '99999999-2222-3333-4444-555555555555' }) },
  lots: { claims: at('lots', { essay: 'x'.repeat(20_000), short: 'yes' }) },
}

function entra(name: string, more: Claims = {}): Claims {
  return { tid: TENANT, oid: `oid-${name}`, preferred_username: `${name}@acme.test`, name, ...more }
}

/** Every claim that somebody has, so that the provider knows it may say it. */
export const CLAIM_NAMES: readonly string[] = [
  ...new Set(Object.values(ACCOUNTS).flatMap(({ claims }) => Object.keys(claims))),
  'hd',
]
