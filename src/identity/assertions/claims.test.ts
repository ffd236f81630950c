import { describe, expect, test } from 'vitest'
import type { GrantId, ServiceTokenId, UserId } from '../../base/ids.ts'
import type { IdentityFacts, Principal, ServicePrincipal, UserPrincipal } from '../../base/principal.ts'
import { claimsOf } from './claims.ts'

const FACTS: IdentityFacts = {
  ...{ provider: 'p1', issuer: 'https://idp.test', subject: 'sub-1', groups: ['staff'], amr: ['pwd', 'mfa'] },
  claims: { department: 'sales', huge: 'x'.repeat(5000), constructor: 'own' },
}
const ada: UserPrincipal = {
  ...{ kind: 'user', id: 'u-ada' as UserId, email: 'ada@acme.test', label: 'ada@acme.test', grant: 'g' as GrantId },
  identity: FACTS,
}
const bot: ServicePrincipal = {
  ...{ kind: 'service', id: 't1' as ServiceTokenId, name: 'bot', clientId: 'abc.access', grant: 't1' as GrantId },
}
const NOW = 1_800_000_000_500

function tell(principal: Principal | null, wanted: readonly string[] = []) {
  return claimsOf(principal, { issuer: 'https://portal.test', audience: 'srv-1', wanted, now: NOW, nonce: 'n' })
}

describe('what a server is told', () => {
  test('of a person: the user id, the address, for this server alone and for five minutes', () => {
    expect(tell(ada)).toEqual({
      ...{ aud: ['srv-1'], iss: 'https://portal.test', iat: 1_800_000_000, nbf: 1_799_999_940, exp: 1_800_000_300 },
      ...{ type: 'app', identity_nonce: 'n', sub: 'u-ada', email: 'ada@acme.test' },
    })
  })

  test('of a person whose address nobody vouches for: no address', () => {
    expect(tell({ ...ada, email: null })).not.toHaveProperty('email')
  })

  test('of a service token: its client id as common name, no subject, no address', () => {
    const told = tell(bot, ['groups'])
    expect(told).toMatchObject({ sub: '', common_name: 'abc.access' })
    for (const name of ['email', 'groups', 'unknown_claims']) expect(told).not.toHaveProperty(name)
  })

  test('of the portal itself: a name that no service token can have', () => {
    expect(tell(null)).toMatchObject({ sub: '', common_name: 'portico' })
  })

  // [BYPASS-2]
  test('of somebody who has not signed in: that, and never the name of the portal itself', () => {
    const nobody: Principal = { kind: 'anonymous', id: 'a', name: 'anonymous', grant: 'anonymous:a' as GrantId }
    const told = tell(nobody, ['groups'])
    expect(told).toMatchObject({ sub: '', common_name: 'anonymous' })
    for (const name of ['email', 'groups', 'unknown_claims']) expect(told).not.toHaveProperty(name)
  })

  test('groups and claims only where it asks for them', () => {
    expect(tell(ada)).not.toHaveProperty('groups')
    expect(tell(ada, ['groups', 'amr', 'department'])).toMatchObject({
      ...{ groups: ['staff'], amr: ['pwd', 'mfa'], custom: { department: 'sales' } },
    })
  })

  const unknown: [what: string, principal: UserPrincipal, wanted: string][] = [
    ['groups that the provider did not tell', { ...ada, identity: { ...FACTS, groups: null } }, 'groups'],
    ['groups of somebody who never signed in', { ...ada, identity: null }, 'groups'],
    ['a claim that is not there', ada, 'team'],
    ['a name that every object has', ada, 'toString'],
    ['a claim that is too long for a header', ada, 'huge'],
  ]
  test.each(unknown)('%s are named as not known, which is not the same as none', (_, principal, wanted) => {
    const told = tell(principal, [wanted])
    expect(told).toMatchObject({ unknown_claims: [wanted] })
    for (const name of ['groups', 'custom']) expect(told).not.toHaveProperty(name)
  })

  test('no claim of a provider takes the place of one of ours', () => {
    const identity = { ...FACTS, claims: { sub: 'u-eve', email: 'eve@acme.test', aud: 'other' } }
    const told = tell({ ...ada, identity }, ['sub', 'email', 'aud'])
    expect(told).toMatchObject({ sub: 'u-ada', email: 'ada@acme.test', aud: ['srv-1'] })
    expect(told.custom).toEqual({ sub: 'u-eve', email: 'eve@acme.test', aud: 'other' })
  })
})
