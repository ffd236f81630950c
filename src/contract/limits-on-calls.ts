/**
 * How many calls one caller, or all together, may make: as the API takes and shows it, and as the store keeps it.
 *
 * A limit of a server counts what is asked of that server, in whatever portal; one of a portal counts what is asked through
 * that portal. Without `tools` all of it counts together; with `tools` each of them counts for itself, by its own name.
 */
import { z } from 'zod'
import { parseDuration, showDuration } from './duration.ts'

const SECOND = 1000
export const MOST_WINDOW_MS = 24 * 3_600_000
const DEFAULT_WINDOW = '1m'
const MOST_CALLS = 1_000_000
const MOST_CONCURRENCY = 10_000
const MOST_LIMITS = 20
const MOST_TOOLS = 100

/** As it is stored: durations in milliseconds. */
export interface CallLimit {
  per: 'principal' | 'all'
  /** A server's own tool names, each of which counts for itself; null for whatever is called there, all together. */
  tools: readonly string[] | null
  /** Calls in any stretch of time as long as the window; null where only concurrency matters. */
  calls: number | null
  /** Null exactly where `calls` is. */
  windowMs: number | null
  /** Calls at the same time; null for no such limit. */
  concurrency: number | null
}

const windowSchema = z.string().refine((text) => {
  const ms = parseDuration(text)
  return ms !== undefined && ms >= SECOND && ms <= MOST_WINDOW_MS && ms % SECOND === 0
}, 'give a duration of whole seconds from one second to one day, such as "1m" or "24h"')

const shape = {
  /** `principal`: each caller has this much, whatever clients, sessions and tokens it uses; `all`: all callers together. */
  per: z.enum(['principal', 'all']),
  calls: z.int().min(1).max(MOST_CALLS).nullish(),
  window: windowSchema.nullish(),
  concurrency: z.int().min(1).max(MOST_CONCURRENCY).nullish(),
}

interface Sent {
  per: 'principal' | 'all'
  tools?: string[] | null | undefined
  calls?: number | null | undefined
  window?: string | null | undefined
  concurrency?: number | null | undefined
}

const isSet = (value: unknown): boolean => value !== undefined && value !== null

const limitsSomething = (limit: Sent): boolean => isSet(limit.calls) || isSet(limit.concurrency)
const countsInItsWindow = (limit: Sent): boolean => isSet(limit.calls) || !isSet(limit.window)
const NOTHING = { error: 'give "calls" (with its "window"), "concurrency", or both' }
const NO_CALLS = { error: 'a "window" says in what time "calls" are counted: give both', path: ['window'] }

export const portalLimitInput = z
  .strictObject(shape)
  .refine(limitsSomething, NOTHING)
  .refine(countsInItsWindow, NO_CALLS)
export const serverLimitInput = z
  .strictObject({ ...shape, tools: z.array(z.string().min(1).max(256)).min(1).max(MOST_TOOLS).nullish() })
  .refine(limitsSomething, NOTHING)
  .refine(countsInItsWindow, NO_CALLS)

/** The field `limits` of a portal and of a server. Null and an empty list take all of them away. */
export const portalLimitsInput = z.array(portalLimitInput).max(MOST_LIMITS)
export const serverLimitsInput = z.array(serverLimitInput).max(MOST_LIMITS)

export const limitShown = z.object({
  per: shape.per,
  tools: z.array(z.string()).optional(),
  calls: z.int().optional(),
  window: z.string().optional(),
  concurrency: z.int().optional(),
})
export type LimitShown = z.infer<typeof limitShown>

/** @param sent as one of the two schemas let it through */
export function readLimits(sent: readonly Sent[]): CallLimit[] {
  return sent.map(({ per, tools, calls, window, concurrency }) => ({
    per,
    tools: tools == null ? null : [...new Set(tools)],
    calls: calls ?? null,
    windowMs: calls == null ? null : (parseDuration(window ?? DEFAULT_WINDOW) ?? null),
    concurrency: concurrency ?? null,
  }))
}

/** As a read shows it, and as it may be sent back. */
export function showLimits(limits: readonly CallLimit[]): LimitShown[] {
  return limits.map(({ per, tools, calls, windowMs, concurrency }) => ({
    per,
    ...(tools === null ? {} : { tools: [...tools] }),
    ...(calls === null || windowMs === null ? {} : { calls, window: showDuration(windowMs) }),
    ...(concurrency === null ? {} : { concurrency }),
  }))
}
