/** The part of the table that answers "why?" and "what if?": tests of policies, explanations, differences. None of it changes anything. */
import { z } from 'zod'
import { accessOverview, accessOverviewQuery } from '../contract/access-overview.ts'
import { pageInfoSchema } from '../contract/envelope.ts'
import { deedQuery, diffAsk, diffShown, explanationAsk, explanationShown } from '../contract/policy-explanation.ts'
import * as tests from '../contract/policy-test.ts'
import { shownContext, shownContextQuery } from '../contract/shown-context.ts'
import { getAccessOverview } from './access-overview.ts'
import { explainDeed, explainPolicies } from './explanations.ts'
import { diffPolicies } from './policy-diffs.ts'
import { createPolicyTest, getPolicyTest, listPolicyTestUsers } from './policy-tests.ts'
import { type Route, route } from './route.ts'
import { getShownContext } from './shown-context.ts'
import { checkUserPolicies } from './user-policy-checks.ts'

export const EXPLAIN_ROUTES: readonly Route[] = [
  route({
    method: 'POST',
    asks: true,
    path: '/access/policy-tests',
    right: 'policies:read',
    also: ['users:read'],
    summary: 'Try policies on everybody whom the portal knows',
    body: tests.policyTestCreate,
    result: tests.policyTestStarted,
    handler: createPolicyTest,
  }),
  route({
    method: 'GET',
    path: '/access/policy-tests/{id}',
    right: 'policies:read',
    summary: 'Read how many a policy test let in',
    result: tests.policyTestShown,
    handler: getPolicyTest,
  }),
  route({
    method: 'GET',
    path: '/access/policy-tests/{id}/users',
    right: 'policies:read',
    also: ['users:read'],
    summary: 'List whom a policy test let in, and whom not',
    query: tests.policyTestUserQuery,
    info: pageInfoSchema,
    result: z.array(tests.policyTestUserShown),
    handler: listPolicyTestUsers,
  }),
  route({
    method: 'GET',
    path: '/access/apps/{id}/user_policy_checks',
    right: 'policies:read',
    also: ['users:read'],
    summary: 'Test whether one person may use an application; which one is said by "user"',
    query: tests.userPolicyCheckQuery,
    result: tests.userPolicyCheckShown,
    handler: checkUserPolicies,
  }),
  route({
    method: 'POST',
    asks: true,
    path: '/access/policy-explanations',
    right: 'policies:read',
    also: ['users:read'],
    summary: 'Explain why somebody may or may not do something, also by policies that are not saved',
    body: explanationAsk,
    result: explanationShown,
    handler: explainPolicies,
  }),
  route({
    method: 'GET',
    path: '/access/policy-explanations',
    right: 'policies:read',
    also: ['users:read', 'logs:read'],
    summary: 'Explain a deed of the audit by the policies of now',
    query: deedQuery,
    result: explanationShown,
    handler: explainDeed,
  }),
  route({
    method: 'POST',
    asks: true,
    path: '/access/policy-diffs',
    right: 'policies:read',
    also: ['users:read', 'logs:read'],
    summary: 'Tell who would gain or lose what by a change of policies',
    body: diffAsk,
    result: diffShown,
    handler: diffPolicies,
  }),
  route({
    method: 'GET',
    path: '/access/ai-controls/mcp/portals/{id}/access',
    right: 'policies:read',
    also: ['users:read'],
    summary: 'List all tools of a portal with what one caller may do, and which policies say so; who is said by "user"',
    query: accessOverviewQuery,
    info: pageInfoSchema,
    result: accessOverview,
    handler: getAccessOverview,
  }),
  route({
    method: 'GET',
    path: '/access/ai-controls/mcp/portals/{id}/context',
    right: 'portals:read',
    also: ['servers:read', 'users:read'],
    summary:
      'Read what a model is shown of a portal’s tools, in each mode; whose it is, is said by "user" or "service_token"',
    query: shownContextQuery,
    result: shownContext,
    handler: getShownContext,
  }),
]
