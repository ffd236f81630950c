/** The shapes of "why?": who asks for what, and which rule of which level said what about it. */
import { z } from 'zod'
import { portalIdSchema, timeSchema } from './ids.ts'
import { policyDeclared, policyEcho } from './policy.ts'

const KINDS = ['tool', 'prompt', 'resource', 'template'] as const
const TRUTHS = ['true', 'false', 'unknown'] as const

const { id: _, ...echo } = policyEcho
/** Policies as they would be, also as they are shown: laid over the stored ones of the same id, and new where there is none. */
export const policyEdits = z.array(policyDeclared.extend(echo)).max(1000)
export type PolicyEdits = z.infer<typeof policyEdits>

const order = z.object({ id: z.string().min(1).max(64), policies: z.array(z.string().min(1).max(64)).max(1000) })
/** What would be attached where, in order; what is not named stays. */
export const attachmentEdits = z.object({
  portals: z.array(order).max(1000).optional(),
  servers: z
    .array(order.extend({ own_policies: z.boolean().optional() }))
    .max(1000)
    .optional(),
})
export type AttachmentEdits = z.infer<typeof attachmentEdits>

/** Somebody who need not exist: what a provider would say of them. */
const claimed = z.strictObject({
  email: z.string().min(3).max(320).optional(),
  groups: z.array(z.string().max(350)).max(1000).optional(),
  /** An identity provider's id. */
  login_method: z.string().max(64).optional(),
  /** RFC 8176 */
  amr: z.array(z.string().max(64)).max(32).optional(),
  oidc: z.record(z.string(), z.unknown()).optional(),
})
export type ClaimedPerson = z.infer<typeof claimed>

export const explanationAsk = z
  .strictObject({
    /** A person by id or address. */
    user: z.string().min(1).max(350).optional(),
    /** A service token by id, client id or name. */
    service_token: z.string().min(1).max(350).optional(),
    claims: claimed.optional(),
    /** Nobody who signed in. */
    anonymous: z.literal(true).optional(),
    /** The default portal unless given. */
    portal: portalIdSchema.optional(),
    /** A public, alias or bare name, or a URI; without it, the question is whether they may enter. */
    capability: z.string().min(1).max(2048).optional(),
    kind: z.enum(KINDS).optional(),
    /** Only this server's: then `capability` may be its own name. */
    server: z.string().min(1).max(32).optional(),
    arguments: z.record(z.string(), z.json()).optional(),
    ip: z.union([z.ipv4(), z.ipv6()], { error: 'give an IPv4 or IPv6 address' }).optional(),
    /** As of then; now unless given. */
    at: timeSchema.optional(),
    /** Whether external evaluators are told of this caller, as if they had come; what they would say is not known unless given. */
    ask_evaluators: z.boolean().optional(),
    policies: policyEdits.optional(),
    attachments: attachmentEdits.optional(),
  })
  .refine(
    ({ user, service_token, claims, anonymous }) =>
      [user, service_token, claims, anonymous].filter((who) => who !== undefined).length === 1,
    { error: 'is required, or "service_token", "claims" or "anonymous"; exactly one of them', path: ['user'] },
  )
export type ExplanationAsk = z.infer<typeof explanationAsk>

export const deedQuery = z.object({ deed: z.string().min(1).max(128) })
export type DeedQuery = z.infer<typeof deedQuery>

export const criterionTraced = z.object({
  part: z.enum(['include', 'require', 'exclude']),
  criterion: z.record(z.string(), z.unknown()),
  truth: z.enum(TRUTHS),
  why: z.string(),
  /** Whether it counts as met, doubt counted against the caller; of an `exclude`, whether it strikes. */
  counts: z.boolean(),
})

export const ruleTraced = z.object({
  policy: z.string(),
  name: z.string(),
  /** The application whose own policy it is, below which it is read and changed; null where it is reusable, or not saved. */
  app_id: z.string().nullable(),
  decision: z.string(),
  /** `skipped`: it was not come to, or does not speak of this. */
  verdict: z.enum(['matched', 'missed', 'skipped']),
  /** Whether it speaks of what is asked: `call`, it depends on the call; `passed`, not of this call; `unasked`, it was not come to. */
  reached: z.enum(['yes', 'no', 'call', 'passed', 'unknown', 'unasked']),
  in_force: z.enum(['yes', 'not-yet', 'over']),
  /** Empty where it was skipped. */
  criteria: z.array(criterionTraced),
  says: z.string(),
})
export type RuleTraced = z.infer<typeof ruleTraced>

export const VERDICTS = ['allowed', 'denied', 'depends'] as const

const missTraced = z.object({
  policy: z.string(),
  name: z.string(),
  /** What stands in the way, nothing else. */
  missing: z.array(criterionTraced),
  /** What stands in the way beside criteria, in words. */
  also: z.array(z.string()),
})

export const levelTraced = z.object({
  level: z.enum(['portal', 'server']),
  id: z.string(),
  /** What was asked about: `tool create_issue`; null where it is being let in. */
  about: z.string().nullable(),
  verdict: z.enum(VERDICTS),
  /** The policy that decided; null where none spoke. */
  rule: z.string().nullable(),
  rules: z.array(ruleTraced),
  nearest_miss: missTraced.nullable(),
})
export type LevelTraced = z.infer<typeof levelTraced>

const askedFor = z.object({
  policy: z.string(),
  approval: z
    .object({ groups: z.array(z.object({ approvals_needed: z.int(), email_addresses: z.array(z.string()) })) })
    .optional(),
  purpose: z.object({ prompt: z.string().nullable() }).optional(),
  step_up: z.object({ auth_method: z.array(z.string()), max_age_seconds: z.number().nullable() }).optional(),
})

/** Beyond policy: why it is not offered although a rule may allow it. `blocks` false: worth knowing, and no obstacle. */
export const OBSTACLES = {
  'no-portal': 'there is no such portal',
  'no-such-name': 'nothing in this portal has that name',
  'name-is-taken': 'two servers have a template for this address, so it belongs to neither',
  disabled: 'the person is disabled, or the service token is disabled or over',
  'switched-off-by-admin': 'an admin does not offer this capability here',
  held: 'the definition waits for an admin: it is not as it was approved',
  'switched-off': 'the caller switched this server off in a client',
  'not-theirs': 'only other accounts list it',
  personal: 'the server works with people’s own accounts, and a service token has none',
  'no-connection': 'the server works with people’s own accounts, and this person has none connected',
  down: 'the server did not answer at its last sync',
  arguments: 'a rule reads the arguments, and these do not fit the schema of the tool',
} as const
export type Obstacle = keyof typeof OBSTACLES

export const obstacleShown = z.object({
  what: z.enum(Object.keys(OBSTACLES) as [Obstacle, ...Obstacle[]]),
  says: z.string(),
  blocks: z.boolean(),
})
export type ObstacleShown = z.infer<typeof obstacleShown>

export const explanationShown = z.object({
  verdict: z.enum(VERDICTS),
  /** One sentence. */
  says: z.string(),
  who: z.object({
    kind: z.enum(['user', 'service', 'anonymous']),
    id: z.string(),
    label: z.string(),
    /** Null where the person never signed in through a provider. */
    identity: z
      .object({
        provider: z.string(),
        groups: z.array(z.string()).nullable(),
        amr: z.array(z.string()),
        signed_in_at: z.string().nullable(),
      })
      .nullable(),
    ip: z.string().nullable(),
    country: z.string().nullable(),
  }),
  asked: z.object({
    portal: z.string(),
    capability: z.string().nullable(),
    /** By which kind of name it was found. */
    by: z.enum(['public', 'alias', 'bare', 'server', 'uri', 'template', 'builtin', 'nothing', 'portal']),
    kind: z.string().nullable(),
    server: z.string().nullable(),
    /** The server's own name. */
    original: z.string().nullable(),
    public_name: z.string().nullable(),
    did_you_mean: z.array(z.string()),
  }),
  levels: z.array(levelTraced),
  terms: z.array(askedFor),
  obstacles: z.array(obstacleShown),
  /** What would make it another answer, in words. */
  would_change: z.array(z.string()),
  /** What the answer does not know. */
  unknown: z.array(z.string()),
  /** What the audit says of the deed that is explained; absent where none is. */
  deed: z
    .object({
      deed: z.string(),
      at: z.string(),
      decision: z.string().nullable(),
      rule: z.string().nullable(),
      error: z.string().nullable(),
      outcome: z.string().nullable(),
      /** Whether the answer of now is that of then. */
      agrees: z.boolean(),
    })
    .optional(),
})
export type ExplanationShown = z.infer<typeof explanationShown>

export const DIFF_DAYS = 7
export const DIFF_DAYS_MOST = 90

export const diffAsk = z.strictObject({
  policies: policyEdits.optional(),
  attachments: attachmentEdits.optional(),
  days: z.int().min(1).max(DIFF_DAYS_MOST).optional(),
})
export type DiffAsk = z.infer<typeof diffAsk>

const ruleNamed = z.object({ id: z.string(), name: z.string() })

const usedShown = z.object({
  actor: z.string(),
  portal: z.string(),
  server: z.string(),
  kind: z.string(),
  capability: z.string(),
  change: z.enum(['gains', 'loses', 'cannot_tell']),
  before: z.enum(VERDICTS),
  after: z.enum(VERDICTS),
  /** The policies that decide, before and after; null where silence does. */
  rules: z.tuple([ruleNamed.nullable(), ruleNamed.nullable()]),
  times: z.int(),
  last_at: z.string(),
  /** Why it cannot be told, or what to know beside it. */
  note: z.string().nullable(),
})
export type UsedShown = z.infer<typeof usedShown>

const holdsShown = z.object({
  actor: z.string(),
  portal: z.string(),
  gains: z.int(),
  loses: z.int(),
  cannot_tell: z.int(),
  /** Some public names of each, marked `+`, `-` and `?`. */
  examples: z.array(z.string()),
})
export type HoldsShown = z.infer<typeof holdsShown>

export const diffShown = z.object({
  since: z.string(),
  /** The facts of whom are those of now, whatever they were then. */
  facts_of: z.literal('now'),
  deeds: z.object({ read: z.int(), replayed: z.int(), unchanged: z.int(), truncated: z.boolean() }),
  used: z.array(usedShown),
  /** Deeds of which nothing can be said, by reason. */
  cannot_tell: z.array(z.object({ why: z.string(), times: z.int(), examples: z.array(z.string()) })),
  everybody: z.object({
    people: z.int(),
    service_tokens: z.int(),
    capabilities: z.int(),
    gains: z.int(),
    loses: z.int(),
    cannot_tell: z.int(),
    holders: z.array(holdsShown),
    truncated: z.boolean(),
  }),
  changed: z.array(z.string()),
})
export type DiffShown = z.infer<typeof diffShown>
