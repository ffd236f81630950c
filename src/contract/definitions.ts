/** The shapes of a server's definitions as an admin decides on them. */
import { z } from 'zod'
import { pageQuery } from './envelope.ts'

export const DEFINITION_KINDS = ['tool', 'prompt', 'resource', 'template'] as const
export const DEFINITION_STATES = ['approved', 'held', 'rejected'] as const

export const definitionQuery = pageQuery.extend({
  state: z.enum(DEFINITION_STATES).optional(),
  kind: z.enum(DEFINITION_KINDS).optional(),
  /** Exactly this one; a resource's is its URI. */
  name: z.string().max(2048).optional(),
})
export type DefinitionQuery = z.infer<typeof definitionQuery>

/** Exactly the definition that was seen: another hash is another definition. */
const choice = z.strictObject({
  kind: z.enum(DEFINITION_KINDS),
  name: z.string().min(1).max(2048),
  hash: z.string().regex(/^[0-9a-f]{64}$/, 'give the hash that the list shows'),
})

export const definitionChoices = z.array(choice).min(1, 'name at least one definition').max(10_000)
export type DefinitionChoices = z.infer<typeof definitionChoices>

const anything = z.record(z.string(), z.unknown())

/** One difference. A member that is absent has no `before` or no `after`. */
export const differenceShown = z.object({
  /** JSON pointer (RFC 6901). */
  pointer: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
})

export const FINDING_KINDS = ['hidden-characters', 'instructions', 'other-server'] as const

export const findingShown = z.object({
  kind: z.enum(FINDING_KINDS),
  /** JSON pointer to the string. */
  pointer: z.string(),
  message: z.string(),
  /** Such as `U+200B`. */
  code_points: z.array(z.string()).optional(),
})
export type FindingShown = z.infer<typeof findingShown>

export const definitionShown = z.object({
  kind: z.enum(DEFINITION_KINDS),
  name: z.string(),
  state: z.enum(DEFINITION_STATES),
  /** SHA-256 over the canonical JSON of the whole definition, as the audit's `definition_hash`. */
  hash: z.string(),
  /** As the server lists it now. */
  definition: anything,
  /** What was approved under this name, and by whom; `sync` where the rules of the server allowed it. */
  approved: z.object({ hash: z.string(), definition: anything.optional(), at: z.string(), by: z.string() }).optional(),
  /** From the approved one to this one; at most 200. */
  diff: z.array(differenceShown).optional(),
  /** Since when it waits, and how many different ones came since then. */
  held: z.object({ since: z.string(), changes: z.int() }).optional(),
  findings: z.array(findingShown),
})
export type DefinitionShown = z.infer<typeof definitionShown>

export const definitionDecided = z.object({
  kind: z.enum(DEFINITION_KINDS),
  name: z.string(),
  hash: z.string(),
  state: z.enum(DEFINITION_STATES),
})
export type DefinitionDecided = z.infer<typeof definitionDecided>
