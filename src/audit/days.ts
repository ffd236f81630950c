/** The days (UTC) that the audit in PostgreSQL is partitioned by, and which of them may go. Pure. */
import { type Age, AHEAD_MS } from './audit-store.ts'

export const DAY_MS = 86_400_000

const PARTITION = /^audit_rows_(\d+)_(\d{4})(\d\d)(\d\d)$/

/** `audit_rows_<day since 1970>_<yyyymmdd>`: the first is for the program, the second for people. */
export function partition(day: number): string {
  const date = new Date(day * DAY_MS).toISOString().slice(0, 10).replaceAll('-', '')
  return `audit_rows_${day}_${date}`
}

export function dayOf(name: string): number | undefined {
  const match = PARTITION.exec(name)
  return match === null ? undefined : Number(match[1])
}

/** The rows of one day, by seq; null where it has none. */
export interface DaySpan {
  day: number
  first: number | null
  last: number | null
}

/**
 * The days that are over and hold no row behind one that is kept: rows go from the beginning of the chain on, never out of
 * its middle. A day whose last rows came late, from the journal of a dead process, goes a little later than the others.
 */
export function oldDays(spans: readonly DaySpan[], { now, keepSince }: Age): DaySpan[] {
  // Days ahead without rows are waiting for theirs.
  const isOld = ({ day, last }: DaySpan): boolean =>
    (day + 1) * DAY_MS <= keepSince || (last !== null && day * DAY_MS > now + AHEAD_MS)
  let old = spans.filter(isOld)
  for (;;) {
    const left = spans.filter((span) => !old.includes(span) && span.first !== null)
    const bound = Math.min(...left.map(({ first }) => first ?? 0))
    const next = old.filter(({ last }) => (last ?? 0) < bound)
    if (next.length === old.length) return old
    old = next
  }
}
