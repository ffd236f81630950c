/**
 * What a policy may say of the capabilities that it reaches: the field `capabilities`, ours. Patterns and expressions are only
 * bounded here; whether they compile is asked where they are written, by the room that runs them.
 */
import { z } from 'zod'
import { parseDuration } from './duration.ts'

/** What a tool may do with what it reads; an admin says so, of a server or a tool. */
export const LABELS = ['reads_private', 'reads_untrusted', 'sends_out'] as const
export type Label = (typeof LABELS)[number]

export const labelsInput = z
  .array(z.enum(LABELS, { error: `choose from ${LABELS.join(', ')}` }))
  .max(LABELS.length)
  .refine((labels) => new Set(labels).size === labels.length, 'names a label twice')

export const CAPABILITY_KINDS = ['tool', 'prompt', 'resource', 'template'] as const

export const MOST_PATTERN = 500
export const MOST_EXPRESSION = 2000
const MOST_JSON = 4096
export const MOST_WINDOW_MS = 720 * 3_600_000

const pattern = z.string().min(1).max(MOST_PATTERN)

/** RFC 6901, as text. */
const pointer = z
  .string()
  .max(500)
  .regex(/^(?:\/(?:[^~/]|~[01])*)*$/, 'give a JSON pointer, such as "/path" or "/filter/0/name"')

const json = z.unknown().refine((value) => JSON.stringify(value ?? null).length <= MOST_JSON, 'is too long')

const OPERATORS = ['equals', 'one_of', 'matches', 'under', 'range', 'present', 'absent'] as const

const range = z
  .strictObject({ min: z.number().optional(), max: z.number().optional() })
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'give "min", "max" or both')
  .refine(({ min, max }) => min === undefined || max === undefined || min <= max, '"min" is above "max"')

/** One place in the arguments of a call, and one thing said of it. */
export const argumentCondition = z
  .strictObject({
    pointer,
    /** Equal as JSON, types included. */
    equals: json.optional(),
    one_of: z.array(json).min(1).max(100).optional(),
    /** RE2, over the whole of a text. */
    matches: pattern.optional(),
    /** A path in or below this directory, whatever is tried with dots, slashes and encodings. */
    under: z
      .string()
      .max(500)
      .regex(/^\/(?:[^/\\%\0]+\/?)*$/, 'give an absolute path, such as "/safe"')
      .optional(),
    range: range.optional(),
    present: z.literal(true).optional(),
    absent: z.literal(true).optional(),
  })
  .refine((given) => OPERATORS.filter((name) => Object.hasOwn(given, name)).length === 1, {
    error: `give one of ${OPERATORS.join(', ')}`,
  })

const windowText = z.string().refine((text) => {
  const ms = parseDuration(text)
  return ms !== undefined && ms >= 1000 && ms <= MOST_WINDOW_MS
}, 'give a duration from one second to thirty days, such as "1h"')

const ANNOTATIONS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const
const annotations = z
  .strictObject(
    Object.fromEntries(ANNOTATIONS.map((name) => [name, z.boolean().optional()])) as Record<
      (typeof ANNOTATIONS)[number],
      z.ZodOptional<z.ZodBoolean>
    >,
  )
  .refine((given) => Object.keys(given).length > 0, `give one of ${ANNOTATIONS.join(', ')}`)

const reachEntry = {
  /** Ids of servers. */
  servers: z.array(z.string().min(1).max(32)).min(1).max(1000).optional(),
  kinds: z
    .array(z.enum(CAPABILITY_KINDS, { error: `choose from ${CAPABILITY_KINDS.join(', ')}` }))
    .min(1)
    .max(CAPABILITY_KINDS.length)
    .optional(),
  /** The server's own names, never an alias; of a resource its URI, of a template its `uriTemplate`. */
  names: z.array(z.string().min(1).max(2048)).min(1).max(1000).optional(),
  /** RE2, over the whole of a name. */
  patterns: z.array(pattern).min(1).max(100).optional(),
  /** As an admin approved them; a hint that is not given counts as the more dangerous one. */
  annotations: annotations.optional(),
  /** All of these. */
  labels: labelsInput.min(1).optional(),
  arguments: z.array(argumentCondition).min(1).max(50).optional(),
  /** CEL over `args`, `tool` and `principal`. */
  expression: z.string().min(1).max(MOST_EXPRESSION).optional(),
  /** The call that would be the third of the three labels within the window. */
  flow: z.strictObject({ window: windowText }).optional(),
}

/** Any entry; within an entry all that is said must hold. */
export const capabilitiesInput = z
  .array(
    z
      .strictObject(reachEntry)
      .refine((given) => Object.keys(given).length > 0, `give one of ${Object.keys(reachEntry).join(', ')}`),
  )
  .min(1, 'covers nothing; leave the field out, or send null, for a policy of everything')
  .max(100)
export type ReachInput = z.infer<typeof capabilitiesInput>[number]

const method = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'give a method as RFC 8176 names it, such as "mfa" or "hwk"')

/** How and how lately the person must have signed in. */
export const stepUpInput = z
  .strictObject({
    auth_method: z.union([method, z.array(method).min(1).max(20)]).optional(),
    max_age: z
      .string()
      .refine((text) => {
        const ms = parseDuration(text)
        return ms !== undefined && ms >= 60_000 && ms <= MOST_WINDOW_MS
      }, 'give a duration from one minute to thirty days, such as "15m"')
      .optional(),
  })
  .refine((given) => Object.keys(given).length > 0, 'give "auth_method", "max_age" or both')
