import { describe, expect, test } from 'vitest'
import { ada, bot, factsOf, NOW, nobody, prepared, stored } from '../../test/policies.ts'
import type { PolicyId } from '../base/ids.ts'
import { decide } from './decide.ts'
import type { Policy, Terms } from './model.ts'
import { loadRuleBook, makeRuleBook } from './rule-book.ts'

const everyone = [{ everyone: {} }]
const open = stored('open', 'allow', { include: everyone })
const book = {
  groups: [],
  lists: [{ id: 'bosses', name: 'bosses', type: 'EMAIL', items: [{ value: 'Boss@acme.test' }] }],
}
const only = (extra: Record<string, unknown>, decision = 'allow'): Policy =>
  prepared([stored('p', decision, { include: everyone, extra })], book)[0] as Policy
const passes = (policy: Policy, principal: typeof ada | typeof bot | typeof nobody = ada) =>
  decide([policy, ...prepared([open])], factsOf(principal)).allow

describe('what a policy asks for', () => {
  const nothing = { approval: null, purpose: null, stepUp: null, sessionMs: 86_400_000 }
  const rows: readonly (readonly [extra: Record<string, unknown>, then: Terms | null])[] = [
    [{}, null],
    [{ session_duration: '24h' }, null],
    [{ approval_required: false, approval_groups: [] }, null],
    [{ mfa_config: { mfa_disabled: true, allowed_authenticators: ['totp'] } }, null],
    [
      { purpose_justification_required: true, purpose_justification_prompt: '' },
      { ...nothing, purpose: { prompt: null } },
    ],
    [
      { purpose_justification_required: true, purpose_justification_prompt: 'Why?', session_duration: '1h' },
      { ...nothing, purpose: { prompt: 'Why?' }, sessionMs: 3_600_000 },
    ],
    [
      {
        approval_required: true,
        approval_groups: [{ approvals_needed: 2, email_addresses: ['Eve@acme.test'], email_list_uuid: 'bosses' }],
      },
      { ...nothing, approval: { groups: [{ needed: 2, emails: new Set(['eve@acme.test', 'boss@acme.test']) }] } },
    ],
    [
      { step_up: { auth_method: 'mfa', max_age: '15m' } },
      { ...nothing, stepUp: { methods: ['mfa'], maxAge: 900_000 } },
    ],
    [{ step_up: { max_age: '15m' } }, { ...nothing, stepUp: { methods: [], maxAge: 900_000 } }],
    [
      { mfa_config: { allowed_authenticators: ['totp', 'security_key'], session_duration: '0m' } },
      { ...nothing, stepUp: { methods: ['otp', 'hwk', 'swk'], maxAge: 60_000 } },
    ],
    [
      {
        step_up: { auth_method: ['otp', 'mfa'], max_age: '1h' },
        mfa_config: { allowed_authenticators: ['totp'], session_duration: '30m' },
      },
      { ...nothing, stepUp: { methods: ['otp'], maxAge: 1_800_000 } },
    ],
  ]
  for (const [extra, then] of rows)
    test(JSON.stringify(extra), () => {
      const policy = only(extra)
      expect(policy.terms).toEqual(then)
      expect(policy.decision).toBe('allow')
    })
})

describe('what cannot be read, or enforced, closes though another policy would let in', () => {
  const rows: readonly Record<string, unknown>[] = [
    ...[
      { isolation_required: true },
      { approval_required: 'yes' },
      { approval_required: true },
      { approval_required: true, approval_groups: [] },
    ],
    ...[{ approval_required: true, approval_groups: [{ approvals_needed: 1, email_list_uuid: 'gone' }] }],
    ...[{ approval_required: true, approval_groups: [{ approvals_needed: 2, email_list_uuid: 'bosses' }] }],
    ...[{ approval_required: true, approval_groups: [{ approvals_needed: 0, email_addresses: ['eve@acme.test'] }] }],
    ...[
      { step_up: {} },
      { step_up: { auth_method: 7 } },
      { step_up: { max_age: 'soon' } },
      { mfa_config: { allowed_authenticators: ['sms'] } },
    ],
    ...[
      { step_up: { auth_method: 'hwk' }, mfa_config: { allowed_authenticators: ['totp'] } },
      { session_duration: 'long' },
    ],
    ...[{ purpose_justification_required: 1 }, { a_field_of_a_newer_program: { strict: true } }],
  ]
  for (const extra of rows)
    test(JSON.stringify(extra), () => {
      const policy = only(extra)
      expect(passes(policy)).toBe(false)
      expect(policy.problems).not.toEqual([])
      // A deny denies, whatever else is written beside.
      expect(passes(only(extra, 'deny'))).toBe(false)
      expect(passes(only(extra, 'bypass'), nobody)).toBe(false)
    })
})

describe('time', () => {
  const at = (ms: number) => new Date(ms).toISOString()
  const rows: readonly (readonly [extra: Record<string, unknown>, isInForce: boolean])[] = [
    [{ valid_from: at(NOW) }, true],
    [{ valid_from: at(NOW + 1) }, false],
    [{ valid_until: at(NOW + 1) }, true],
    [{ valid_until: at(NOW) }, false],
    [{ valid_from: '2026-06-01T02:00:00+02:00' }, true],
  ]
  for (const [extra, isInForce] of rows)
    test(`${JSON.stringify(extra)}: ${isInForce ? 'in force' : 'not in force'}`, () => {
      expect(decide([only(extra)], factsOf(ada)).allow).toBe(isInForce)
      expect(passes(only(extra, 'deny'))).toBe(!isInForce)
    })
  for (const valid_until of ['tomorrow', 7, '2026-06-01', '2026-06-01T00:00:00', {}])
    test(`what is no time (${JSON.stringify(valid_until)}) is never for an allow and always for a deny`, () => {
      expect(decide([only({ valid_until })], factsOf(ada)).allow).toBe(false)
      expect(passes(only({ valid_until }, 'deny'))).toBe(false)
    })
})

test('a list of criteria that is none closes in an allow and in a deny', () => {
  for (const broken of [null, 'everyone', {}, 7] as unknown[]) {
    const source = (decision: string) => ({ ...stored('p', decision, { include: everyone }), exclude: broken as never })
    const [allow, deny] = [prepared([source('allow')]), prepared([source('deny')])]
    expect(decide(allow, factsOf(ada)).allow).toBe(false)
    expect(decide([...deny, ...prepared([open])], factsOf(ada)).allow).toBe(false)
  }
  const [deny] = prepared([stored('p', 'deny', { include: [] })])
  expect(decide([deny as Policy, ...prepared([open])], factsOf(ada)).allow).toBe(false)
})

test('an id that leads nowhere is a deny of everybody', () => {
  const missing = makeRuleBook({ policies: [], groups: [], lists: [] }).policy('gone' as PolicyId)
  for (const principal of [ada, bot, nobody]) expect(passes(missing, principal)).toBe(false)
})

test('the evaluator of expressions is loaded where a policy has one', async () => {
  const source = stored('p', 'allow', { include: everyone, extra: { capabilities: [{ expression: 'args.a == 1' }] } })
  const ready = await loadRuleBook({ policies: [source], groups: [], lists: [] })
  expect(ready.policy('p' as PolicyId).problems).toEqual([])
  expect(makeRuleBook({ policies: [source], groups: [], lists: [] }).policy('p' as PolicyId).problems).not.toEqual([])
})
