/** The shapes of a reusable policy. What this portal cannot enforce is refused, never kept as if it were. */
import { z } from 'zod'
import { durationPattern } from './duration.ts'
import { nameSchema } from './ids.ts'
import { stamps } from './server.ts'

const domain = z
  .string()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/, 'give a domain such as "example.com" (beyond ASCII as "xn--…")')

export const emailSchema = z
  .string()
  .min(3)
  .max(320)
  .regex(
    /^[^\s@\p{Cc}]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/u,
    'give an e-mail address (its domain beyond ASCII as "xn--…")',
  )

const empty = z.strictObject({})

export const SELECTORS = ['everyone', 'email', 'email_domain', 'service_token', 'any_valid_service_token'] as const

/** One key, the selector. */
export const criterion = z.union(
  [
    z.strictObject({ everyone: empty }),
    z.strictObject({ email: z.strictObject({ email: emailSchema }) }),
    z.strictObject({ email_domain: z.strictObject({ domain }) }),
    z.strictObject({ service_token: z.strictObject({ token_id: z.string().min(1).max(64) }) }),
    z.strictObject({ any_valid_service_token: empty }),
  ],
  { error: `give one selector of ${SELECTORS.join(', ')}, such as {"email_domain":{"domain":"example.com"}}` },
)

const criteria = z.array(criterion).max(1000)

export const DECISIONS = ['allow', 'deny', 'non_identity'] as const

const unenforced = 'is not enforced by this portal: leave it out'
const onlyFalse = z.literal(false, { error: unenforced }).nullish()
const onlyEmpty = z.array(z.never({ error: unenforced })).nullish()

const settings = {
  exclude: criteria.nullish(),
  require: criteria.nullish(),
  session_duration: z.string().regex(durationPattern, 'give a duration such as "24h" or "30m"').nullish(),
  approval_required: onlyFalse,
  approval_groups: onlyEmpty,
  purpose_justification_required: onlyFalse,
  purpose_justification_prompt: z.literal('', { error: unenforced }).nullish(),
  isolation_required: onlyFalse,
}

export const policyCreate = z.strictObject({
  name: nameSchema,
  decision: z.enum(DECISIONS),
  include: criteria.min(1),
  ...settings,
})
export type PolicyCreate = z.infer<typeof policyCreate>

/** In the configuration file a policy has the id by which portals and servers name it. */
export const policyDeclared = policyCreate.extend({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'use lower-case letters, digits, "_" and "-"'),
})

export const policyUpdate = z.strictObject({
  name: nameSchema.optional(),
  decision: z.enum(DECISIONS).optional(),
  include: criteria.min(1).optional(),
  ...settings,
  id: z.unknown().optional(),
  account_id: z.unknown().optional(),
  app_count: z.unknown().optional(),
  reusable: z.unknown().optional(),
  origin: z.unknown().optional(),
  created_at: z.unknown().optional(),
  created_by: z.unknown().optional(),
  modified_at: z.unknown().optional(),
  modified_by: z.unknown().optional(),
  updated_at: z.unknown().optional(),
})
export type PolicyUpdate = z.infer<typeof policyUpdate>

const shownCriteria = z.array(z.record(z.string(), z.unknown()))

export const policyShown = z.object({
  id: z.string(),
  name: z.string(),
  decision: z.string(),
  include: shownCriteria,
  exclude: shownCriteria,
  require: shownCriteria,
  session_duration: z.string().optional(),
  reusable: z.literal(true),
  /** How many portals and servers it is attached to. */
  app_count: z.int(),
  updated_at: z.string(),
  ...stamps,
})
export type PolicyShown = z.infer<typeof policyShown>

export const policyDeleted = z.object({ id: z.string() })
