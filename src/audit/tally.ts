/**
 * What is counted of the rows of a batch as they are taken in: calls of tools that ended, and how long they took. The counts go into the
 * database in the transaction of the rows, so one is there exactly when the other is. Pure.
 */
import { binOf } from './latency-bins.ts'
import type { JournalRow } from './lines.ts'

/** What calls are counted for: all of them, one portal's, one server's. */
export type CountScope = 'all' | 'portal' | 'server'

export interface CallCount {
  scope: CountScope
  /** Empty for all. */
  id: string
  /** Begin of the bucket, in milliseconds since 1970. */
  at: number
  outcome: string
  calls: number
}

export interface TimingCount {
  /** Where the time was spent. */
  place: 'portal' | 'upstream'
  at: number
  bin: number
  calls: number
}

/** Fine enough for a chart of one hour. */
export const FINE_MS = 300_000
/** Offsets of time zones are multiples of it, so days of any zone are made of whole buckets. */
export const COARSE_MS = 900_000

/** @returns whether a row is the end of one call of a tool */
function isCall({ phase, plane, method }: JournalRow): boolean {
  return phase === 'ended' && plane === 'mcp' && method === 'tools/call'
}

export function countCalls(rows: readonly JournalRow[]): CallCount[] {
  const counts = new Map<string, CallCount>()
  const add = (scope: CountScope, id: string, { at, outcome }: JournalRow) => {
    const size = scope === 'all' ? FINE_MS : COARSE_MS
    const one = { scope, id, at: Math.floor(at / size) * size, outcome: outcome ?? 'unknown', calls: 0 }
    const key = JSON.stringify(one)
    const found = counts.get(key)
    if (found === undefined) counts.set(key, { ...one, calls: 1 })
    else found.calls++
  }
  for (const row of rows) {
    if (!isCall(row)) continue
    add('all', '', row)
    if (row.portal !== null) add('portal', row.portal, row)
    if (row.server !== null) add('server', row.server, row)
  }
  return [...counts.values()]
}

/** Of calls that were answered, well or with a tool's own error: what a refusal takes says nothing of how quick a portal is. */
export function countTimings(rows: readonly JournalRow[]): TimingCount[] {
  const counts = new Map<string, TimingCount>()
  const add = (place: TimingCount['place'], at: number, ms: unknown) => {
    if (typeof ms !== 'number') return
    const one = { place, at: Math.floor(at / FINE_MS) * FINE_MS, bin: binOf(ms), calls: 0 }
    const key = `${place} ${one.at} ${one.bin}`
    const found = counts.get(key)
    if (found === undefined) counts.set(key, { ...one, calls: 1 })
    else found.calls++
  }
  for (const row of rows) {
    if (!isCall(row) || (row.outcome !== 'answered' && row.outcome !== 'tool-error')) continue
    const { portalMs, upstreamMs } = JSON.parse(row.facts) as { portalMs?: unknown; upstreamMs?: unknown }
    add('portal', row.at, portalMs)
    add('upstream', row.at, upstreamMs)
  }
  return [...counts.values()]
}
