/** The shape of what the console's first page shows: traffic, health, what waits for somebody, and what is still to set up. */
import { z } from 'zod'
import { queryNumber } from './envelope.ts'

export const OVERVIEW_HOURS_DEFAULT = 24
const HOURS_MAX = 720

export const overviewQuery = z.object({ hours: queryNumber(1, HOURS_MAX).optional() })
export type OverviewQuery = z.infer<typeof overviewQuery>

const quantiles = z.object({ p50: z.number().nullable(), p95: z.number().nullable() })

const trouble = z.object({
  outcome: z.string(),
  /** Refusal reason, fault code or JSON-RPC code. */
  reason: z.string(),
  server: z.string().nullable(),
  capability: z.string().nullable(),
  count: z.int(),
  last_at: z.string(),
  /** The last one, for the log. */
  deed: z.string(),
})

const outcomes = z.object({
  answered: z.int(),
  tool_error: z.int(),
  refused: z.int(),
  /** Those that a server or the portal failed, were cancelled, or whose end nobody saw. */
  failed: z.int(),
})

export const CHECKLIST_STEPS = ['server', 'policy', 'sign_in', 'public_url', 'client'] as const

export const overviewShown = z.object({
  /** Begin of the first slot. */
  since: z.string(),
  until: z.string(),
  slot_seconds: z.int(),
  calls: outcomes.extend({ total: z.int() }),
  /** Milliseconds, of answered calls; a tenth off at most. */
  latency: z.object({ portal: quantiles, upstream: quantiles }),
  slots: z.array(outcomes.extend({ at: z.string(), portal: quantiles, upstream: quantiles })),
  /** What follows is of the newest calls alone; `since` says from when on they are all there. */
  newest: z.object({
    since: z.string(),
    sampled: z.boolean(),
    tools: z.array(
      z.object({
        server: z.string().nullable(),
        capability: z.string(),
        count: z.int(),
        failed: z.int(),
      }),
    ),
    users: z.array(z.object({ kind: z.string(), id: z.string(), label: z.string(), count: z.int(), refused: z.int() })),
    denials: z.array(trouble),
    errors: z.array(trouble),
  }),
  servers: z.object({
    total: z.int(),
    by_status: z.object({ ready: z.int(), waiting: z.int(), stale: z.int(), error: z.int() }),
    /** Those that are not ready or whose circuit is open, at most twenty. */
    unwell: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        status: z.string(),
        circuit: z.string(),
        error: z.string().nullable(),
        last_successful_sync: z.string().nullable(),
      }),
    ),
    held_definitions: z.int(),
    /** The first of those that have some, at most twenty. */
    holding: z.array(z.object({ id: z.string(), name: z.string(), held: z.int() })),
  }),
  approvals_waiting: z.int(),
  /** The next to end within a fortnight, or ended within the last week, at most fifty. */
  expiring: z.array(
    z.object({
      kind: z.enum(['connection', 'service_token', 'api_token']),
      id: z.string(),
      name: z.string(),
      expires_at: z.string(),
      /** The page of the console where something can be done about it. */
      path: z.string(),
    }),
  ),
  checklist: z.array(z.object({ step: z.enum(CHECKLIST_STEPS), done: z.boolean(), path: z.string() })),
})
export type OverviewShown = z.infer<typeof overviewShown>
