import { describe, expect, test } from 'vitest'
import { plainAddress, plainDomain } from '../../contract/identity-provider.ts'
import { type Claims, hasOverage, keepClaims, keyIn, readAddress, readAmr, readGroups, readName } from './facts.ts'
import { type ProviderSettings, pathOf, settingsOf } from './settings.ts'

const settings = (more: Partial<ProviderSettings> = {}): ProviderSettings => {
  const made = settingsOf({
    id: 'p',
    name: 'P',
    type: 'oidc',
    clientSecret: null,
    config: { email_domains: ['acme.test'] },
  })
  if (made === null) throw new Error('no settings')
  return { ...made, ...more }
}
const said = (token: Claims, userinfo: Claims | 'failed' | null = null) => ({ token, userinfo })

describe('groups', () => {
  test.each<[string, string, Claims, readonly string[] | null]>([
    ['a claim by its name', 'groups', { groups: ['a', 'b'] }, ['a', 'b']],
    ['a pointer', '/realm_access/roles', { realm_access: { roles: ['a'] } }, ['a']],
    ['a claim whose name is a URL', 'https://acme.test/groups', { 'https://acme.test/groups': ['a'] }, ['a']],
    ['a pointer to a name with a slash', '/https:~1~1acme.test~1g~0', { 'https://acme.test/g~': ['a'] }, ['a']],
    ['none, said so', 'groups', { groups: [] }, []],
    ['one as text', 'groups', { groups: 'a' }, ['a']],
    ['one twice', 'groups', { groups: ['a', 'a'] }, ['a']],
    ['not said', 'groups', {}, null],
    ['null', 'groups', { groups: null }, null],
    ['another shape', 'groups', { groups: { a: 1 } }, null],
    ['a list with something else in it', 'groups', { groups: ['a', 1] }, null],
    ['a list with an empty name', 'groups', { groups: ['a', ''] }, null],
    ['more than can be kept', 'groups', { groups: Array.from({ length: 10_001 }, (_, i) => `g${i}`) }, null],
    ['what every object has', '/constructor/name', {}, null],
    ['what every object has, by its prototype', '__proto__', {}, null],
    ['an overage beside a list', 'groups', { groups: ['a'], _claim_names: { groups: 'src1' } }, null],
    ['an overage of an implicit token', 'groups', { groups: ['a'], hasgroups: true }, null],
    ['an overage of another claim', 'groups', { groups: ['a'], _claim_names: { other: 'src1' } }, ['a']],
  ])('%s', (_, claim, token, groups) => {
    expect(readGroups({ path: pathOf(claim), source: 'claim' }, said(token))).toEqual(groups)
  })

  test('that are not asked for are not known', () => {
    expect(readGroups(null, said({ groups: ['a'] }))).toBeNull()
  })

  test('come from where they are looked for, and from nowhere else', () => {
    const at = { path: ['groups'], source: 'userinfo' as const }
    expect(readGroups(at, said({ groups: ['token'] }, { groups: ['userinfo'] }))).toEqual(['userinfo'])
    expect(readGroups(at, said({ groups: ['token'] }, 'failed'))).toBeNull()
    expect(readGroups(at, said({ groups: ['token'] }, null))).toBeNull()
    expect(readGroups({ ...at, source: 'claim' }, said({}, { groups: ['userinfo'] }))).toBeNull()
  })

  test('an overage is told by each of its marks', () => {
    expect([{ hasgroups: true }, { hasgroups: 'true' }, { hasgroups: false }, {}].map(hasOverage)).toEqual([
      ...[true, true, false, false],
    ])
  })
})

describe('addresses', () => {
  test.each<[string, Claims, string | null, boolean]>([
    ['verified and own', { email: 'A@Acme.Test', email_verified: true }, 'a@acme.test', true],
    ['verified, as text', { email: 'a@acme.test', email_verified: 'true' }, 'a@acme.test', true],
    ['not verified', { email: 'a@acme.test', email_verified: false }, 'a@acme.test', false],
    ['not said to be', { email: 'a@acme.test' }, 'a@acme.test', false],
    ['said to be by something else than yes', { email: 'a@acme.test', email_verified: 1 }, 'a@acme.test', false],
    ['of a domain below', { email: 'a@x.acme.test', email_verified: true }, 'a@x.acme.test', false],
    ['of a domain that ends alike', { email: 'a@notacme.test', email_verified: true }, 'a@notacme.test', false],
    ['with two at signs', { email: 'a@acme.test@evil.test', email_verified: true }, null, false],
    ['with a dot behind', { email: 'a@acme.test.', email_verified: true }, null, false],
    ['no address', { email: 'acme.test', email_verified: true }, null, false],
    ['no text', { email: ['a@acme.test'], email_verified: true }, null, false],
    ['with a line in it', { email: 'a\n@acme.test', email_verified: true }, null, false],
    ['with a path behind', { email: 'a@acme.test/x', email_verified: true }, null, false],
  ])('%s', (_, token, email, counts) => {
    expect(readAddress(settings(), said(token))).toEqual({ email, counts })
  })

  test('that one source gives are not verified by the other', () => {
    const parts = said({ email_verified: true, email: 'a@acme.test-not' }, { email: 'ceo@acme.test' })
    expect(readAddress(settings(), parts).counts).toBe(false)
    expect(readAddress(settings(), said({}, { email: 'a@acme.test', email_verified: true })).counts).toBe(true)
  })

  test('of Entra count where the tenant is said to own its domains, or the token says so of this very claim', () => {
    const entra = { verifiedBy: 'tenant', emailClaim: 'preferred_username' } as const
    const token = { preferred_username: 'a@acme.test', email: 'a@acme.test' }
    expect(readAddress(settings(entra), said(token)).counts).toBe(false)
    expect(readAddress(settings({ ...entra, tenantOwnsDomains: true }), said(token)).counts).toBe(true)
    expect(readAddress(settings(entra), said({ ...token, xms_edov: true })).counts).toBe(false)
    const byEmail = settings({ ...entra, emailClaim: 'email' })
    expect(readAddress(byEmail, said({ ...token, xms_edov: true })).counts).toBe(true)
    expect(readAddress(byEmail, said({ ...token, xms_edov: '0' })).counts).toBe(false)
  })

  test.each([
    ['BÜCHER.test', 'xn--bcher-kva.test'],
    ['acme.test', 'acme.test'],
    ['acme', null],
    ['127.0.0.1', null],
    ['1.2.3', null],
    ['acme.test:80', null],
    ['a@acme.test', null],
    ['acme.test/x', null],
    ['acme.test?x', null],
    ['[::1]', null],
    ['', null],
  ])('the domain %s is %s', (text, domain) => {
    expect(plainDomain(text)).toBe(domain)
  })

  test('an address beyond ASCII has its domain as A-label', () => {
    expect(plainAddress('Erna.Weiß@BÜCHER.test')).toBe('erna.weiß@xn--bcher-kva.test')
    // The sign of Kelvin becomes a letter in lower case.
    expect(plainAddress('\u212aate@acme.test')).toBeNull()
  })
})

describe('who it is', () => {
  const entra = settings({ directoryId: 'tenant' })
  test.each<[string, ProviderSettings, Claims, string | null]>([
    ['the subject', settings(), { sub: 's' }, 's'],
    ['an empty one', settings(), { sub: '' }, null],
    ['one that is longer than the standard has it', settings(), { sub: 'x'.repeat(256) }, null],
    ['a number', settings(), { sub: 5 }, null],
    ['one with a NUL, which no database keeps', settings(), { sub: 'a\0b' }, null],
    ['one with a line break, which would be two lines of a log', settings(), { sub: 'a\nb' }, null],
    ['of Entra, with a NUL', entra, { sub: 's', tid: 'tenant', oid: '\0' }, null],
    ['of Entra, tenant and object', entra, { sub: 's', tid: 'tenant', oid: 'o' }, 'tenant/o'],
    ['of Entra, of another tenant', entra, { sub: 's', tid: 'other', oid: 'o' }, null],
    ['of Entra, without an object', entra, { sub: 's', tid: 'tenant' }, null],
    ['of Google, of the organisation', settings({ hostedDomain: 'acme.test' }), { sub: 's', hd: 'acme.test' }, 's'],
    ['of Google, of another', settings({ hostedDomain: 'acme.test' }), { sub: 's', hd: 'evil.test' }, null],
    ['of Google, of none', settings({ hostedDomain: 'acme.test' }), { sub: 's' }, null],
  ])('%s', (_, by, token, subject) => {
    expect(keyIn(by, said(token), 'https://i.test')).toEqual(
      subject === null ? null : { issuer: 'https://i.test', subject },
    )
  })
})

describe('what else is kept', () => {
  const paths = (...names: string[]) => names.map((name) => [name, pathOf(name)] as const)

  test('are the claims that were asked for, the ID token’s before userinfo’s', () => {
    const { kept } = keepClaims(paths('a', 'b', '/c/d', 'no'), said({ a: 1, c: { d: [2] } }, { a: 9, b: 3, e: 4 }))
    expect(kept).toEqual({ a: 1, b: 3, '/c/d': [2] })
  })

  test('is at most 16 KiB of claims, and what is dropped is told', () => {
    const { kept, dropped } = keepClaims(paths('long', 'short'), said({ long: 'x'.repeat(20_000), short: 'y' }))
    expect({ kept, dropped }).toEqual({ kept: { short: 'y' }, dropped: ['long'] })
  })

  test('are no members that objects have of themselves', () => {
    expect(keepClaims(paths('constructor', '__proto__', 'toString'), said({})).kept).toEqual({})
  })

  test('is how the person proved who they are', () => {
    expect([{ amr: ['pwd', 'otp'] }, { amr: 'pwd' }, {}, { amr: [1] }].map((token) => readAmr(said(token)))).toEqual([
      ...[['pwd', 'otp'], ['pwd'], [], []],
    ])
  })

  test('is a name without what a terminal or a page could obey', () => {
    expect(readName(said({ name: 'Al\u202Eice\u001b[31m\n' }), null)).toBe('Al ice [31m')
    expect(readName(said({ name: ' ' }, { name: 'B' }), null)).toBe('B')
    expect(readName(said({}), 'a@other.test')).toBe('a@other.test')
    expect(readName(said({ name: 'x'.repeat(999) }), null)).toHaveLength(256)
  })
})
