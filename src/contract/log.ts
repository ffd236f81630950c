/** The shapes of the audit log: what may be asked, what a row shows. */
import { z } from 'zod'
import { queryNumber } from './envelope.ts'
import { timeSchema } from './ids.ts'

export const LOG_LIMIT_DEFAULT = 100
export const LOG_LIMIT_MAX = 1000

/** Of one file; more are had in several, each from before the last row of the one before. */
export const LOG_EXPORT_MAX = 1_000_000
export const LOG_EXPORT_DEFAULT = 10_000

const text = z.string().min(1).max(350).optional()
const sequence = queryNumber(0, Number.MAX_SAFE_INTEGER).optional()

const WORDS_MAX = 8
export const LOG_OUTCOMES = ['answered', 'tool-error', 'error', 'refused', 'failed', 'cancelled', 'unknown'] as const
export type LogOutcome = (typeof LOG_OUTCOMES)[number]
const ONE_OUTCOME = `(?:${LOG_OUTCOMES.join('|')})`

const isFewWords = (value: string): boolean => value.trim().split(/\s+/).length <= WORDS_MAX

const logFilters = z.object({
  phase: z.enum(['begun', 'ended']).optional(),
  plane: z.enum(['mcp', 'admin', 'sign-in', 'door']).optional(),
  portal: text,
  server: text,
  capability: text,
  method: text,
  actor: text,
  deed: text,
  /** One or several, with commas between: any of them. */
  outcome: z
    .string()
    .regex(
      new RegExp(`^${ONE_OUTCOME}(?:,${ONE_OUTCOME})*$`),
      `give one or several of ${LOG_OUTCOMES.join(', ')}, with commas between`,
    )
    .optional(),
  decision: z.enum(['allow', 'deny']).optional(),
  /** The whole name that the client gave itself. */
  client: text,
  /** Refusal reason, fault code or JSON-RPC code, in full. */
  error: text,
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  /** Words that must all be in a row, in any of its texts, in upper or lower case. */
  q: z.string().max(256).refine(isFewWords, `give at most ${WORDS_MAX} words`).optional(),
})
export type LogFilters = z.infer<typeof logFilters>

/**
 * `after` reads forward from a row, oldest first; `before` backward, newest first, which is also the default. With `q` or `partial` a page
 * may have fewer rows than were asked for although there are more: its `whole` is false then, and its cursor says where to go on.
 */
export const logQuery = logFilters
  .extend({
    after: sequence,
    before: sequence,
    limit: queryNumber(1, LOG_LIMIT_MAX).optional(),
    /** Accepted for clients that page by it; the cursors are the way. */
    per_page: queryNumber(1, LOG_LIMIT_MAX).optional(),
    partial: z.enum(['true', 'false']).optional(),
    /** `csv` answers the rows alone, without the envelope; page by the `seq` of the last one. */
    format: z.enum(['json', 'csv']).optional(),
  })
  .refine((query) => query.after === undefined || query.before === undefined, {
    error: 'give "after" or "before", not both',
    path: ['before'],
  })
export type LogQuery = z.infer<typeof logQuery>

/** Where the stream begins: behind this row, or the last one that there is now. `Last-Event-ID` goes before it. */
export const logStreamQuery = logFilters.extend({ after: sequence })
export type LogStreamQuery = z.infer<typeof logStreamQuery>
export const logStreamResume = queryNumber(0, Number.MAX_SAFE_INTEGER)

export const logExportQuery = logFilters.extend({
  before: sequence,
  format: z.enum(['csv', 'jsonl']).optional(),
  rows: queryNumber(1, LOG_EXPORT_MAX).optional(),
})
export type LogExportQuery = z.infer<typeof logExportQuery>

const LOG_FIELDS = ['actor', 'portal', 'server', 'capability', 'method', 'client', 'error'] as const
export type LogField = (typeof LOG_FIELDS)[number]

/** Which values the log can be filtered by: those that the newest 25,000 deeds have, the most frequent first. */
export const logValuesQuery = z.object({
  /** Whose values; people and tokens unless given. */
  of: z.enum(LOG_FIELDS).optional(),
  /** Part of the value, in upper or lower case. */
  find: z.string().max(256).optional(),
})
export type LogValuesQuery = z.infer<typeof logValuesQuery>

export const LOG_VALUES_MAX = 50

export const logValue = z.object({
  value: z.string(),
  /** How many deeds have it, of those that were looked at. */
  count: z.int(),
})
export type LogValue = z.infer<typeof logValue>

export const logInfo = z.object({
  count: z.int(),
  per_page: z.int(),
  /** Ask with `after` for what is newer than this answer, with `before` for what is older; null where it is empty. */
  cursors: z.object({ after: z.string().nullable(), before: z.string().nullable() }),
  /** Everything in this direction was looked at. */
  whole: z.boolean(),
  /** The last row there is in the time that was asked for, whatever the filters; a stream from there on misses none. */
  newest: z.string().nullable(),
})
export type LogInfo = z.infer<typeof logInfo>

export const logRow = z.looseObject({
  seq: z.int(),
  deed: z.string(),
  phase: z.enum(['begun', 'ended']),
  at: z.string(),
  plane: z.string(),
  method: z.string(),
  actor: z.looseObject({
    kind: z.string(),
    id: z.string(),
    label: z.string(),
    role: z.string().optional(),
    grant: z.string().optional(),
  }),
  parent: z.string().optional(),
  portal: z.string().optional(),
  server: z.string().optional(),
  capability: z.string().optional(),
  original: z.string().optional(),
  outcome: z.string().optional(),
  decision: z.string().optional(),
  /** Null where no policy spoke. */
  rule: z.string().nullish(),
  error: z.string().optional(),
  credential: z.string().optional(),
  definition_hash: z.string().optional(),
  purpose: z.string().optional(),
  era: z.string().optional(),
  client_name: z.string().optional(),
  client_version: z.string().optional(),
  session: z.string().optional(),
  client_ip: z.string().optional(),
  traceparent: z.string().optional(),
  upstream_ms: z.number().optional(),
  portal_ms: z.number().optional(),
  change: z.looseObject({ object: z.string(), id: z.string(), fields: z.array(z.string()) }).optional(),
  refusals: z.looseObject({ count: z.number(), first_at: z.string(), last_at: z.string() }).optional(),
})
export type LogRow = z.infer<typeof logRow>
