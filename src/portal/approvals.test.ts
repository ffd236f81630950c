import { expect, test } from 'vitest'
import type { UserId } from '../base/ids.ts'
import type { Agreement, Requester } from './approval-store.ts'
import { standingOf } from './approvals.ts'

const ADA: Requester = {
  ...{ kind: 'user', id: 'u-ada', label: 'Ada', email: 'ada@acme.test' },
  ...{ issuer: 'https://idp', subject: 'ada' },
}
const needs = [{ needed: 1, emails: ['ada@acme.test', 'boss@acme.test', 'old@acme.test'] }]

function person(user: string, email: string | null, subject = user) {
  const identity = { provider: 'p', issuer: 'https://idp', subject, groups: null, amr: [], claims: {} }
  return { userId: user as UserId, email, identity }
}

const agreed = (user: string, subject = user): Agreement => ({
  ...{ user, issuer: 'https://idp', subject, email: 'boss@acme.test', at: 0 },
})

test.each([
  ['somebody whom the policy names', person('u-boss', 'boss@acme.test'), [], 'approver'],
  ['who asks, by whatever account of theirs', person('u-ada', 'boss@acme.test', 'second'), [], 'requester'],
  ['another user with the account that asks', person('u-other', 'boss@acme.test', 'ada'), [], 'nobody'],
  ['another user with the address that asks', person('u-other', 'ada@acme.test'), [], 'nobody'],
  ['somebody whom the policy does not name', person('u-eve', 'eve@acme.test'), [], 'nobody'],
  ['somebody whose address nobody may speak for', person('u-eve', null), [], 'nobody'],
  ['who agreed before', person('u-boss', 'boss@acme.test'), [agreed('u-boss')], 'agreed'],
  ['who agreed before as another user', person('u-boss', 'old@acme.test', 'b'), [agreed('u-old', 'b')], 'agreed'],
] as const)('%s stands so to a request', (_, session, given, standing) => {
  expect(standingOf({ requester: ADA, needs, given }, session)).toBe(standing)
})

test('who asks by a token that an admin made is known by user and address', () => {
  const requester = { ...ADA, issuer: null, subject: null }
  expect(standingOf({ requester, needs, given: [] }, person('u-ada', 'ada@acme.test'))).toBe('requester')
  expect(standingOf({ requester, needs, given: [] }, person('u-new', 'ada@acme.test'))).toBe('nobody')
})
