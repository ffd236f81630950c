/** The shapes of policy tests: whom a set of policies would let in, of all the people that the portal knows. */
import { z } from 'zod'
import { pageQuery } from './envelope.ts'
import { policyIdSchema } from './ids.ts'
import { policyCreate } from './policy.ts'

export const POLICY_TEST_MOST = 100

/** Policies by their ids, or written out as they would be made; in the order in which they would stand. */
export const policyTestCreate = z.strictObject({
  policies: z
    .array(
      z.union([policyIdSchema, policyCreate], {
        error: 'give the id of a policy, or a policy as POST /access/policies takes it',
      }),
    )
    .min(1)
    .max(POLICY_TEST_MOST),
})
export type PolicyTestCreate = z.infer<typeof policyTestCreate>

export const policyTestStarted = z.object({ id: z.string(), status: z.literal('success') })

/** `error` counts those of whom it cannot be told: it depends on what only a request has, such as an address. */
export const policyTestShown = z.object({
  id: z.string(),
  status: z.enum(['blocked', 'processing', 'exceeded time', 'complete']),
  total_users: z.int(),
  users_approved: z.int(),
  users_blocked: z.int(),
  users_errored: z.int(),
  percent_approved: z.number(),
  percent_blocked: z.number(),
  percent_errored: z.number(),
  percent_users_processed: z.number(),
})
export type PolicyTestShown = z.infer<typeof policyTestShown>

export const policyTestUserQuery = pageQuery.extend({ status: z.enum(['success', 'fail', 'error']).optional() })
export type PolicyTestUserQuery = z.infer<typeof policyTestUserQuery>

export const policyTestUserShown = z.object({
  id: z.string(),
  email: z.string(),
  name: z.string(),
  status: z.enum(['approved', 'blocked', 'error']),
})
export type PolicyTestUserShown = z.infer<typeof policyTestUserShown>

/** Cloudflare's clients name nobody: then it is about the person who asks. */
export const userPolicyCheckQuery = z.object({ user: z.string().min(1).max(350).optional() })
export type UserPolicyCheckQuery = z.infer<typeof userPolicyCheckQuery>

/** What one person may do with one application. */
export const userPolicyCheckShown = z.object({
  app_state: z.object({
    app_uid: z.string(),
    aud: z.string(),
    hostname: z.string(),
    name: z.string(),
    status: z.enum(['approved', 'blocked', 'error']),
    policies: z.array(z.unknown()),
  }),
  user_identity: z.object({
    id: z.string(),
    account_id: z.string(),
    user_uuid: z.string(),
    email: z.string(),
    name: z.string(),
    iat: z.int(),
    geo: z.object({ country: z.string() }).optional(),
    device_sessions: z.object({}),
    is_gateway: z.literal(false),
    is_warp: z.literal(false),
    version: z.int(),
  }),
})
