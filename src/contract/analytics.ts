/** The shapes of counts of calls by day and month, as the field has them. */
import { z } from 'zod'
import { queryNumber } from './envelope.ts'

const DAYS_MAX = 179

/** UTC, or a fixed offset from it between −12:00 and +14:00. */
export const ZONE = /^(?:utc|z|[+-](?:0\d|1[0-4]):[0-5]\d)$/i

const MOST_EAST = 14 * 60
const MOST_WEST = -12 * 60

/** @returns minutes east of UTC, or null where it is no such offset */
export function minutesEast(zone: string): number | null {
  if (!ZONE.test(zone)) return null
  if (/^(?:utc|z)$/i.test(zone)) return 0
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number)
  const east = (hours * 60 + minutes) * (zone.startsWith('-') ? -1 : 1)
  return east > MOST_EAST || east < MOST_WEST || east % 15 !== 0 ? null : east
}

export const callSeriesQuery = z.object({
  granularity: z.enum(['daily', 'monthly']).optional(),
  /** Calls are added up; there is nothing else to do with them. */
  aggregate: z.enum(['sum']).optional(),
  tz: z
    .string()
    // What a query string makes of a plus that was not encoded.
    .transform((zone) => zone.replace(/^ /, '+'))
    .refine((zone) => minutesEast(zone) !== null, {
      error: 'give "utc", "Z" or an offset from -12:00 to +14:00 in quarters of an hour, such as "+05:30"',
    })
    .optional(),
  /** Today is one of them. Not used where months are asked for: those are always twelve. */
  days: queryNumber(1, DAYS_MAX).optional(),
})
export type CallSeriesQuery = z.infer<typeof callSeriesQuery>

export const callSeriesShown = z.object({
  granularity: z.enum(['daily', 'monthly']),
  aggregate: z.string(),
  tz: z.string(),
  /** Milliseconds since 1970; the end is outside. */
  start: z.int(),
  end: z.int(),
  /** Every day of the stretch; of a month, its first. */
  series: z.array(z.object({ day: z.string(), count: z.int() })),
  total: z.int(),
})
export type CallSeriesShown = z.infer<typeof callSeriesShown>
