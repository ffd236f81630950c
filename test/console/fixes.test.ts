/** From an explanation to what an admin can do about it: which policy is opened, with whom added to which part. */
import { describe, expect, test } from 'vitest'
import type { ExplanationShown } from '../../src/contract/policy-explanation.ts'
import { isWhole, openAsked, searchOf } from '../../web/src/rules/asked.ts'
import { fixesOf } from '../../web/src/rules/fixes.ts'

type Level = ExplanationShown['levels'][number]
type Rule = Level['rules'][number]
type Traced = Rule['criteria'][number]

const traced = (part: Traced['part'], counts: boolean): Traced => ({
  ...{ part, counts, why: '', criterion: { everyone: {} } },
  truth: counts ? 'true' : 'false',
})
const rule = (more: Partial<Rule>): Rule => ({
  ...{
    policy: 'p1',
    name: 'Staff',
    app_id: null,
    decision: 'allow',
    verdict: 'missed',
    reached: 'yes',
    in_force: 'yes',
    says: '',
  },
  criteria: [traced('include', false)],
  ...more,
})
const level = (rules: readonly Rule[], more: Partial<Level> = {}): Level => ({
  ...{ level: 'portal', id: 'default', about: null, verdict: 'denied', rule: null, nearest_miss: null },
  rules: [...rules],
  ...more,
})
const explained = (levels: readonly Level[], more: Partial<ExplanationShown> = {}): ExplanationShown => ({
  ...{ verdict: 'denied', says: '', terms: [], obstacles: [], would_change: [], unknown: [] },
  who: { kind: 'user', id: 'u1', label: 'grace@acme.test', identity: null, ip: null, country: null },
  asked: {
    ...{ portal: 'default', capability: 'a_b', by: 'public', kind: 'tool', server: 'a', original: 'b' },
    ...{ public_name: 'a_b', did_you_mean: [] },
  },
  levels: [...levels],
  ...more,
})

const deny = rule({ policy: 'd1', name: 'No echo', decision: 'deny', verdict: 'matched' })
const email = 'grace@acme.test'
const staff = { policy: 'p1', name: 'Staff', app: null }
const nobody = { kind: 'anonymous', id: 'x', label: '', identity: null, ip: null, country: null } as const

describe('what an admin can do about it', () => {
  test.each([
    ['nothing, where it is allowed', explained([level([rule({})])], { verdict: 'allowed' }), []],
    [
      'a deny that decided: an exception, or its own page',
      explained([level([deny, rule({})], { rule: 'd1' })]),
      [
        { kind: 'except', policy: 'd1', name: 'No echo', app: null, email },
        { kind: 'open', policy: 'd1', name: 'No echo', app: null },
      ],
    ],
    [
      'an allow that misses them alone: they are added',
      explained([level([rule({})])]),
      [{ kind: 'include', ...staff, email }],
    ],
    [
      'an allow whose require is not met: its page, since one more row would not help',
      explained([level([rule({ criteria: [traced('include', false), traced('require', false)] })])]),
      [{ kind: 'open', ...staff }],
    ],
    [
      'an allow whose exclude strikes them: its page',
      explained([level([rule({ criteria: [traced('include', true), traced('exclude', true)] })])]),
      [{ kind: 'open', ...staff }],
    ],
    [
      'an allow that does not speak of this, or is over: its page',
      explained([level([rule({ reached: 'no' }), rule({ policy: 'p2', name: 'Old', in_force: 'over' })])]),
      [
        { kind: 'open', ...staff },
        { kind: 'open', policy: 'p2', name: 'Old', app: null },
      ],
    ],
    [
      'a policy of an application’s own: below that application',
      explained([level([rule({ app_id: 'a1' })])]),
      [{ kind: 'include', ...staff, app: 'a1', email }],
    ],
    [
      'somebody without an address cannot be named in a rule',
      explained([level([deny], { rule: 'd1' })], { who: nobody }),
      [{ kind: 'open', policy: 'd1', name: 'No echo', app: null }],
    ],
    ['no policy at all at the portal: one is written', explained([level([])]), [{ kind: 'write' }]],
    [
      'no policy left at a server: the server',
      explained([level([], { level: 'server', id: 'a' })]),
      [{ kind: 'server', server: 'a', tab: 'settings' }],
    ],
    [
      'a definition that is held: where it is approved',
      explained([], { obstacles: [{ what: 'held', says: '', blocks: true }] }),
      [{ kind: 'server', server: 'a', tab: 'held' }],
    ],
    [
      'what is worth knowing and no obstacle: nothing',
      explained([], { obstacles: [{ what: 'down', says: '', blocks: false }] }),
      [],
    ],
  ])('%s', (_, given, fixes) => {
    expect(fixesOf(given)).toEqual(fixes)
  })
})

test('a question goes into the address and comes back the same', () => {
  const search = { user: email, portal: 'default', name: 'a_b', arguments: '{"a":1}', ip: '192.0.2.7' }
  expect(searchOf(openAsked(search))).toEqual(search)
  expect(searchOf(openAsked({ anonymous: 'true' }))).toEqual({ anonymous: 'true' })
  expect([isWhole(openAsked(search)), isWhole(openAsked({ portal: 'default' }))]).toEqual([true, false])
})
