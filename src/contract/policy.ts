/** The shapes of a policy. What this portal cannot enforce is refused, never kept as if it were. */
import { z } from 'zod'
import { criteria, shownCriteria } from './criteria.ts'
import { durationPattern, parseDuration } from './duration.ts'
import { emailSchema } from './email.ts'
import { nameSchema, timeSchema } from './ids.ts'
import { capabilitiesInput, stepUpInput } from './reach.ts'
import { stamps } from './server.ts'
import { stampsEcho } from './stamps-echo.ts'

export const DECISIONS = ['allow', 'deny', 'non_identity', 'bypass'] as const

const unenforced = 'is not enforced by this portal: leave it out'
const onlyFalse = z.literal(false, { error: unenforced }).nullish()

const clipboard = z
  .array(z.enum(['text', 'file']))
  .max(2)
  .optional()

/**
 * What a remote desktop may copy. A portal has none, so there is nothing that these could be broken by: they are kept as they are
 * written. Rules for shells would say under which names people come in, and are refused.
 */
const connectionRules = z.strictObject(
  {
    rdp: z
      .strictObject({
        allowed_clipboard_local_to_remote_formats: clipboard,
        allowed_clipboard_remote_to_local_formats: clipboard,
      })
      .optional(),
  },
  { error: unenforced },
)

const approvalGroup = z
  .strictObject({
    approvals_needed: z.int().min(1).max(100),
    email_addresses: z.array(emailSchema).max(1000).optional(),
    /** A list of type EMAIL. */
    email_list_uuid: z.string().min(1).max(64).optional(),
  })
  .refine((group) => (group.email_addresses?.length ?? 0) > 0 || group.email_list_uuid !== undefined, {
    error: 'give who may approve: "email_addresses", "email_list_uuid" or both',
  })
  .refine(
    ({ approvals_needed: needed, email_addresses: emails = [], email_list_uuid: list }) =>
      list !== undefined || new Set(emails.map((email) => email.toLowerCase())).size >= needed,
    { error: 'asks for more approvals than there are people to give them', path: ['approvals_needed'] },
  )
export type ApprovalGroupInput = z.infer<typeof approvalGroup>

const mfaConfig = z.strictObject({
  allowed_authenticators: z
    .array(z.enum(['totp', 'biometrics', 'security_key']))
    .max(3)
    .optional(),
  mfa_disabled: z.boolean().optional(),
  session_duration: z
    .string()
    .refine((text) => {
      const ms = parseDuration(text)
      return ms !== undefined && ms <= 720 * 3_600_000
    }, 'give a duration of at most "720h"')
    .optional(),
})

/** The fields that are stored as they are sent; null takes one away. */
export const POLICY_EXTRAS = {
  session_duration: z.string().regex(durationPattern, 'give a duration such as "24h" or "30m"').nullish(),
  /** Others must agree before a call goes on. */
  approval_required: z.boolean().nullish(),
  approval_groups: z.array(approvalGroup).max(20).nullish(),
  /** The caller must say why. */
  purpose_justification_required: z.boolean().nullish(),
  purpose_justification_prompt: z.string().max(1000).nullish(),
  isolation_required: onlyFalse,
  mfa_config: mfaConfig.nullish(),
  connection_rules: connectionRules.nullish(),
  /** What it speaks of; without it, of everything where it is attached. */
  capabilities: capabilitiesInput.nullish(),
  step_up: stepUpInput.nullish(),
  valid_from: timeSchema.nullish(),
  valid_until: timeSchema.nullish(),
} as const

export type PolicyExtra = keyof typeof POLICY_EXTRAS
export const POLICY_EXTRA_NAMES = Object.keys(POLICY_EXTRAS) as PolicyExtra[]

const settings = { exclude: criteria.nullish(), require: criteria.nullish(), ...POLICY_EXTRAS }

export const policyCreate = z.strictObject({
  name: nameSchema,
  decision: z.enum(DECISIONS),
  include: criteria.min(1),
  ...settings,
})
export type PolicyCreate = z.infer<typeof policyCreate>

/** In the configuration file a policy has the id by which portals and servers name it. */
export const declaredId = z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, 'use lower-case letters, digits, "_" and "-"')

export const policyDeclared = policyCreate.extend({ id: declaredId })

/** What a read shows and only the portal sets: it may come back and says nothing. */
export const policyEcho = {
  id: z.unknown().optional(),
  account_id: z.unknown().optional(),
  app_count: z.unknown().optional(),
  reusable: z.unknown().optional(),
  ...stampsEcho,
}

export const policyUpdate = z.strictObject({
  name: nameSchema.optional(),
  decision: z.enum(DECISIONS).optional(),
  include: criteria.min(1).optional(),
  ...settings,
  ...policyEcho,
})
export type PolicyUpdate = z.infer<typeof policyUpdate>

/** Its place in an application's list: smaller comes first. */
export const precedenceSchema = z.int().min(0).max(1_000_000)

const shownExtras = Object.fromEntries(
  POLICY_EXTRA_NAMES.map((name) => [name, POLICY_EXTRAS[name].unwrap().unwrap().optional()]),
) as unknown as { [E in PolicyExtra]: z.ZodOptional<z.ZodUnknown> }

export const policyShown = z.object({
  id: z.string(),
  name: z.string(),
  decision: z.string(),
  include: shownCriteria,
  exclude: shownCriteria,
  require: shownCriteria,
  ...shownExtras,
  /** False for an application's own. */
  reusable: z.boolean(),
  /** How many portals and servers it is attached to. */
  app_count: z.int(),
  updated_at: z.string(),
  ...stamps,
})
export type PolicyShown = z.infer<typeof policyShown>

/** As one application has it. */
export const appPolicyShown = policyShown.extend({ precedence: z.int() })
export type AppPolicyShown = z.infer<typeof appPolicyShown>

export const appPolicyCreate = policyCreate.extend({ precedence: precedenceSchema.optional() })
export type AppPolicyCreate = z.infer<typeof appPolicyCreate>

export const appPolicyUpdate = policyUpdate.extend({ precedence: precedenceSchema.optional() })
export type AppPolicyUpdate = z.infer<typeof appPolicyUpdate>

export const policyDeleted = z.object({ id: z.string() })
