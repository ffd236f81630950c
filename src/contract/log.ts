/** The shapes of the audit log: what may be asked, what a row shows. */
import { z } from 'zod'
import { queryNumber } from './envelope.ts'
import { timeSchema } from './ids.ts'

export const LOG_LIMIT_DEFAULT = 100
export const LOG_LIMIT_MAX = 1000

const text = z.string().min(1).max(350).optional()
const sequence = queryNumber(0, Number.MAX_SAFE_INTEGER).optional()

/** `after` reads forward from a row, oldest first; `before` backward, newest first, which is also the default. */
export const logQuery = z
  .object({
    after: sequence,
    before: sequence,
    limit: queryNumber(1, LOG_LIMIT_MAX).optional(),
    /** Accepted for clients that page by it; the cursors are the way. */
    per_page: queryNumber(1, LOG_LIMIT_MAX).optional(),
    phase: z.enum(['begun', 'ended']).optional(),
    plane: z.enum(['mcp', 'admin', 'sign-in', 'door']).optional(),
    portal: text,
    server: text,
    capability: text,
    method: text,
    actor: text,
    deed: text,
    outcome: z.enum(['answered', 'tool-error', 'error', 'refused', 'failed', 'cancelled', 'unknown']).optional(),
    decision: z.enum(['allow', 'deny']).optional(),
    since: timeSchema.optional(),
    until: timeSchema.optional(),
    /** `csv` answers the rows alone, without the envelope; page by the `seq` of the last one. */
    format: z.enum(['json', 'csv']).optional(),
  })
  .refine((query) => query.after === undefined || query.before === undefined, {
    error: 'give "after" or "before", not both',
    path: ['before'],
  })
export type LogQuery = z.infer<typeof logQuery>

export const logInfo = z.object({
  count: z.int(),
  per_page: z.int(),
  /** Ask with `after` for what is newer than this answer, with `before` for what is older; null where it is empty. */
  cursors: z.object({ after: z.string().nullable(), before: z.string().nullable() }),
})

export const logRow = z.looseObject({
  seq: z.int(),
  deed: z.string(),
  phase: z.enum(['begun', 'ended']),
  at: z.string(),
  plane: z.string(),
  method: z.string(),
  actor: z.looseObject({ kind: z.string(), id: z.string(), label: z.string() }),
})
