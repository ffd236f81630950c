import { describe, expect, test } from 'vitest'
import { ada, bot, factsOf, nobody, signedIn } from '../../test/policies.ts'
import { SELECTORS } from '../contract/criteria.ts'
import { prepareCriterion } from './criteria.ts'
import { openGroups } from './groups.ts'
import { prepareList } from './lists.ts'
import type { Criterion, Facts, Truth } from './model.ts'

const lists = new Map(
  [
    { id: 'people', name: 'people', type: 'EMAIL', items: [{ value: 'Ada@Acme.test' }] },
    { id: 'mixed', name: 'mixed', type: 'EMAIL', items: [{ value: 'not an address' }] },
    { id: 'nets', name: 'nets', type: 'IP', items: [{ value: '10.0.0.0/8' }, { value: '2001:db8::/32' }] },
    { id: 'half', name: 'half', type: 'IP', items: [{ value: '10.0.0.0/99' }] },
    { id: 'serials', name: 'serials', type: 'SERIAL', items: [{ value: 'ada@acme.test' }] },
  ].map((list) => [list.id, prepareList(list)]),
)
const groupOf = (id: string, include: Criterion[], exclude: Criterion[] = [], require: Criterion[] = []) => ({
  ...{ id, name: id, include, require, exclude },
})
const isAda = { email: { email: 'ada@acme.test' } }
const fromPortugal = { geo: { country_code: 'PT' } }
const chain = Array.from({ length: 9 }, (_, at) =>
  groupOf(`deep${at + 1}`, [at === 0 ? { everyone: {} } : { group: { id: `deep${at}` } }]),
)
const lookups = openGroups(
  [
    groupOf('ada', [isAda]),
    groupOf('ada-in-portugal', [isAda], [], [fromPortugal]),
    groupOf('not-portugal', [{ everyone: {} }], [fromPortugal]),
    groupOf('ada-or-portugal', [fromPortugal, isAda]),
    groupOf('round', [{ group: { id: 'about' } }, { everyone: {} }]),
    groupOf('about', [{ group: { id: 'round' } }]),
    groupOf('empty', []),
    ...chain,
  ],
  (id) => lists.get(id),
)

const at = (ip: string | null) => factsOf(ada, { origin: { ip, certificate: null } })
const shows = (present: boolean, commonName: string | null) =>
  factsOf(ada, { origin: { ip: null, certificate: { present, commonName } } })
const adaIs = (identity: Parameters<typeof signedIn>[0]) => factsOf(signedIn(identity))
const [person, stranger] = [factsOf(ada), factsOf({ ...ada, email: 'eve@evil.test' })]
const [unvouched, machine, guest] = [factsOf({ ...ada, email: null }), factsOf(bot), factsOf(nobody)]
const idp = { identity_provider_id: 'idp' }
const evaluator = { evaluate_url: 'https://one.test/', keys_url: 'https://keys.test/' }
const answered = (answer: boolean) =>
  factsOf(ada, { external: new Map([['https://one.test/ https://keys.test/', answer]]) })
const elsewhere = adaIs({ provider: 'other', groups: ['staff'], claims: { role: 'eng' } })

type Row = readonly [criterion: Criterion, rows: readonly (readonly [when: string, facts: Facts, then: Truth])[]]

const TABLE: readonly Row[] = [
  [
    { everyone: {} },
    [
      ['a person', person, true],
      ['a machine', machine, true],
      ['nobody', guest, true],
    ],
  ],
  [
    { email: { email: 'ADA@Acme.Test' } },
    [
      ...([
        ['another case', person, true],
        ['another person', stranger, false],
        ['a machine', machine, false],
      ] as const),
      ...([
        ['no vouched address', unvouched, 'unknown'],
        ['nobody who signed in', guest, 'unknown'],
      ] as const),
      ['a quoted name that looks like it', factsOf({ ...ada, email: '"ada@acme.test"@evil.test' }), false],
    ],
  ],
  // L1: a trailing dot, another composition or a look-alike names nobody whom anybody could be.
  [{ email: { email: 'ada@acme.test.' } }, [['a trailing dot', person, 'unknown']]],
  [{ email: { email: 'ada@ACME\u212a.test' } }, [['a Kelvin sign in the domain', person, 'unknown']]],
  [
    { email: { email: '\u212aate@acme.test' } },
    [['a Kelvin sign', factsOf({ ...ada, email: 'kate@acme.test' }), 'unknown']],
  ],
  [
    { email: { email: 'rene\u0301@acme.test' } },
    [['not composed', factsOf({ ...ada, email: 'ren\u00e9@acme.test' }), 'unknown']],
  ],
  [
    { email_domain: { domain: 'Acme.test' } },
    [
      ...([
        ['a person there', person, true],
        ['a person elsewhere', stranger, false],
      ] as const),
      ['a domain below it', factsOf({ ...ada, email: 'ada@sub.acme.test' }), false],
      ['a domain that ends alike', factsOf({ ...ada, email: 'ada@evil-acme.test' }), false],
      ['the domain in the local part', factsOf({ ...ada, email: '"a@acme.test"@evil.test' }), false],
      ['no vouched address', unvouched, 'unknown'],
    ],
  ],
  [
    { email_list: { id: 'people' } },
    [
      ['in the list', person, true],
      ['not in it', stranger, false],
      ['no vouched address', unvouched, 'unknown'],
    ],
  ],
  [{ email_list: { id: 'mixed' } }, [['a list that holds what is no address', person, 'unknown']]],
  [{ email_list: { id: 'nets' } }, [['a list of another type', person, 'unknown']]],
  [{ email_list: { id: 'serials' } }, [['a list of another type that holds it', person, 'unknown']]],
  [{ email_list: { id: 'gone' } }, [['a list that is not there', person, 'unknown']]],
  [
    { ip: { ip: '10.1.0.0/16' } },
    [
      ...([
        ['inside', at('10.1.2.3'), true],
        ['outside', at('10.2.2.3'), false],
        ['nowhere', at(null), 'unknown'],
      ] as const),
      ...([
        ['mapped', at('::ffff:10.1.2.3'), true],
        ['no address', at('10.1.2.3.4'), 'unknown'],
      ] as const),
    ],
  ],
  [{ ip: { ip: '::ffff:10.1.0.0/112' } }, [['a mapped range, a plain address', at('10.1.2.3'), true]]],
  [
    { ip: { ip: '2001:db8::/32' } },
    [
      ['inside', at('2001:DB8:1::1'), true],
      ['an old address', at('32.1.13.184'), false],
    ],
  ],
  [
    { ip: { ip: '10.0.0.1' } },
    [
      ['the very address', at('10.0.0.1'), true],
      ['the next', at('10.0.0.2'), false],
    ],
  ],
  [{ ip: { ip: '10.0.0.0/33' } }, [['a range that is none', at('10.0.0.0'), 'unknown']]],
  [
    { ip_list: { id: 'nets' } },
    [
      ['inside', at('10.9.9.9'), true],
      ['inside, of six', at('2001:db8::9'), true],
      ['outside', at('192.0.2.1'), false],
    ],
  ],
  [{ ip_list: { id: 'half' } }, [['a list that holds what is no range', at('10.9.9.9'), 'unknown']]],
  [
    { geo: { country_code: 'PT' } },
    [
      ['there', factsOf(ada, { country: 'PT' }), true],
      ['elsewhere', factsOf(ada, { country: 'DE' }), false],
      ['not known', person, 'unknown'],
    ],
  ],
  [
    { group: { id: 'ada' } },
    [
      ['in it', person, true],
      ['not in it', stranger, false],
    ],
  ],
  [
    { group: { id: 'ada-in-portugal' } },
    [
      ['required and not known', person, 'unknown'],
      ['not included, so it does not matter', stranger, false],
    ],
  ],
  [{ group: { id: 'not-portugal' } }, [['excluded perhaps', person, 'unknown']]],
  [
    { group: { id: 'ada-or-portugal' } },
    [
      ['included for sure', person, true],
      ['included perhaps', stranger, 'unknown'],
    ],
  ],
  [{ group: { id: 'round' } }, [['a circle, whatever else it includes', person, 'unknown']]],
  [{ group: { id: 'deep8' } }, [['eight deep', person, true]]],
  [{ group: { id: 'deep9' } }, [['nine deep', person, 'unknown']]],
  [{ group: { id: 'empty' } }, [['a group that includes nothing', person, 'unknown']]],
  [{ group: { id: 'gone' } }, [['a group that is not there', person, 'unknown']]],
  [
    { service_token: { token_id: 's1' } },
    [
      ['the token', machine, true],
      ['a person', person, false],
      ['nobody', guest, false],
    ],
  ],
  [{ service_token: { token_id: 's2' } }, [['another token', machine, false]]],
  [
    { any_valid_service_token: {} },
    [
      ['a token', machine, true],
      ['a person', person, false],
    ],
  ],
  [
    { certificate: {} },
    [
      ['shown', shows(true, null), true],
      ['not shown', shows(false, null), false],
      ['nobody tells', person, 'unknown'],
    ],
  ],
  [
    { common_name: { common_name: 'ci' } },
    [
      ...([
        ['its name', shows(true, 'ci'), true],
        ['another case', shows(true, 'CI'), false],
      ] as const),
      ...([
        ['no name', shows(true, null), false],
        ['not shown', shows(false, 'ci'), false],
      ] as const),
      ['nobody tells', person, 'unknown'],
    ],
  ],
  [
    { login_method: { id: 'idp' } },
    [
      ...([
        ['through it', adaIs({}), true],
        ['through another', elsewhere, false],
        ['never', person, 'unknown'],
      ] as const),
      ...([
        ['a machine', machine, false],
        ['nobody', guest, 'unknown'],
      ] as const),
    ],
  ],
  [{ login_method: { id: 'local' } }, [['with a password here', adaIs({ provider: 'local' }), true]]],
  [
    { auth_method: { auth_method: 'mfa' } },
    [
      ...([
        ['so', adaIs({ amr: ['pwd', 'mfa'] }), true],
        ['otherwise', adaIs({ amr: ['pwd'] }), false],
      ] as const),
      ...([
        ['not said', adaIs({}), 'unknown'],
        ['a machine', machine, false],
      ] as const),
    ],
  ],
  [
    { auth_context: { id: 'x', ac_id: 'c1', ...idp } },
    [
      ...([
        ['in it', adaIs({ claims: { acrs: ['c1'] } }), true],
        ['in another', adaIs({ claims: { acrs: ['c2'] } }), false],
      ] as const),
      ...([
        ['not said', adaIs({}), 'unknown'],
        ['through another provider', elsewhere, false],
      ] as const),
    ],
  ],
  [
    { oidc: { claim_name: 'role', claim_value: 'eng', ...idp } },
    [
      ...([
        ['said', adaIs({ claims: { role: 'eng' } }), true],
        ['among several', adaIs({ claims: { role: ['ops', 'eng'] } }), true],
      ] as const),
      ...([
        ['another', adaIs({ claims: { role: 'ops' } }), false],
        ['not said', adaIs({}), 'unknown'],
      ] as const),
      ...([
        ['no text', adaIs({ claims: { role: { eng: 1 } } }), 'unknown'],
        ['by another', elsewhere, false],
      ] as const),
    ],
  ],
  [
    { oidc: { claim_name: 'constructor', claim_value: 'x', ...idp } },
    [['a member of every object', adaIs({}), 'unknown']],
  ],
  [{ oidc: { claim_name: 'level', claim_value: '7', ...idp } }, [['a number', adaIs({ claims: { level: 7 } }), true]]],
  [
    { azureAD: { id: 'AAAAAAAA-0000-4000-8000-000000000001', ...idp } },
    [
      ['a member, in the other case', adaIs({ groups: ['aaaaaaaa-0000-4000-8000-000000000001'] }), true],
      ...([
        ['a member of none', adaIs({ groups: [] }), false],
        ['an overage', adaIs({ groups: null }), 'unknown'],
      ] as const),
    ],
  ],
  [
    { okta: { name: 'Staff', ...idp } },
    [
      ...([
        ['a member', adaIs({ groups: ['Staff'] }), true],
        ['another case', adaIs({ groups: ['staff'] }), false],
      ] as const),
      ...([
        ['not known', adaIs({ groups: null }), 'unknown'],
        ['through another', elsewhere, false],
      ] as const),
    ],
  ],
  [
    { gsuite: { email: 'Team@Acme.test', ...idp } },
    [
      ['a member', adaIs({ groups: ['team@acme.test'] }), true],
      ['not known', adaIs({ groups: null }), 'unknown'],
    ],
  ],
  [
    { 'github-organization': { name: 'Acme', ...idp } },
    [
      ...([
        ['a member', adaIs({ groups: ['acme'] }), true],
        ['a team alone', adaIs({ groups: ['acme/core'] }), false],
      ] as const),
      ['not known', adaIs({ groups: null }), 'unknown'],
    ],
  ],
  [
    { 'github-organization': { name: 'acme', team: 'Core', ...idp } },
    [
      ['in the team', adaIs({ groups: ['Acme/core'] }), true],
      ['in the organization alone', adaIs({ groups: ['acme'] }), false],
    ],
  ],
  [
    { 'github-organization': { name: 'acme', team: 'The Core', ...idp } },
    [['a team by its title', adaIs({ groups: [] }), 'unknown']],
  ],
  [
    { external_evaluation: evaluator },
    [
      ['yes', answered(true), true],
      ['no', answered(false), false],
      ['no good answer', person, 'unknown'],
    ],
  ],
  [{ saml: { attribute_name: 'a', attribute_value: 'b', ...idp } }, [['no source', adaIs({}), 'unknown']]],
  [{ device_posture: { integration_uid: 'd' } }, [['no source', person, 'unknown']]],
  [{ linked_app_token: { app_uid: 'a' } }, [['no source', machine, 'unknown']]],
  [{ user_risk_score: { user_risk_score: ['low', 'unscored'] } }, [['no source', person, 'unknown']]],
  [{ cloudflare_account_member: {} }, [['no source', person, 'unknown']]],
]

for (const [criterion, rows] of TABLE) {
  const condition = prepareCriterion(criterion, lookups)
  describe(JSON.stringify(criterion), () => {
    for (const [when, facts, then] of rows) {
      test(`${when}: ${then}`, () => {
        expect(condition.judge(facts)).toBe(then)
        expect(condition.why(facts)).not.toBe('')
      })
    }
  })
}

test('the table has every selector of the field', () => {
  const seen = new Set(TABLE.map(([criterion]) => Object.keys(criterion)[0]))
  expect([...seen].sort()).toEqual([...SELECTORS].sort())
})

describe('what this program cannot read is unknown of everybody, and says so', () => {
  const unreadable: readonly unknown[] = [
    ...[
      {},
      null,
      [],
      'everyone',
      7,
      { everyone: {}, certificate: {} },
      { moon_phase: {} },
      { everyone: { but: 'eve' } },
    ],
    ...[
      { email: 'ada@acme.test' },
      { email: { email: 7 } },
      { email: {} },
      { geo: { country_code: 'PT', city: 'Porto' } },
    ],
    ...[{ constructor: {} }, { toString: {} }, JSON.parse('{"__proto__":{}}'), { hasOwnProperty: {} }],
    ...[{ oidc: { claim_name: 'role', claim_value: 'eng' } }, { user_risk_score: { user_risk_score: ['none'] } }],
  ]
  for (const json of unreadable) {
    test(JSON.stringify(json), () => {
      const condition = prepareCriterion(json as Criterion, lookups)
      for (const facts of [person, machine, guest]) expect(condition.judge(facts)).toBe('unknown')
      expect(condition.why(person)).not.toBe('')
    })
  }
})

test('a criterion says what it needs beside the caller, through groups too', () => {
  expect(prepareCriterion(fromPortugal).needs.origin).toBe(true)
  expect(prepareCriterion({ group: { id: 'ada-in-portugal' } }, lookups).needs.origin).toBe(true)
  expect(prepareCriterion(isAda).needs).toEqual({ origin: false, external: [] })
  expect(prepareCriterion({ external_evaluation: evaluator }).needs.external).toEqual([
    { key: 'https://one.test/ https://keys.test/', evaluateUrl: 'https://one.test/', keysUrl: 'https://keys.test/' },
  ])
})
