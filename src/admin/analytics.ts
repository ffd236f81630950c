/**
 * `…/analytics/…/tool-calls/timeseries`: how many tools were called on each day or in each month, in all, at one portal or at one server.
 * Calls of every outcome are counted, also those that were refused.
 */
import type { DayCount } from '../audit/figures.ts'
import type { CountScope } from '../audit/tally.ts'
import { type CallSeriesQuery, type CallSeriesShown, minutesEast } from '../contract/analytics.ts'
import { readPortal } from '../portal/portal-store.ts'
import { readServer } from '../upstream/server-store.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'

type SeriesCall = Call<unknown, CallSeriesQuery>

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000
const DAYS_DEFAULT = 7
const MONTHS = 12

export function allCallSeries(call: SeriesCall): Promise<Outcome> {
  return seriesOf(call, 'all', '')
}

export async function serverCallSeries(call: SeriesCall): Promise<Outcome> {
  const id = call.params.server_id ?? ''
  if ((await readServer(call.deps.store.db, id)) === undefined) throw notFound('server', id)
  return seriesOf(call, 'server', id)
}

export async function portalCallSeries(call: SeriesCall): Promise<Outcome> {
  const id = call.params.portal_id ?? ''
  if ((await readPortal(call.deps.store.db, id)) === undefined) throw notFound('portal', id)
  return seriesOf(call, 'portal', id)
}

async function seriesOf({ deps, query }: SeriesCall, scope: CountScope, id: string): Promise<Outcome> {
  const { granularity = 'daily', aggregate = 'sum', tz = 'utc' } = query
  const offsetMs = (minutesEast(tz) ?? 0) * MINUTE_MS
  const today = Math.floor((deps.clock.now() + offsetMs) / DAY_MS)
  const stretch = granularity === 'daily' ? lastDays(today, query.days ?? DAYS_DEFAULT) : lastMonths(today)
  const start = stretch.from * DAY_MS - offsetMs
  const end = stretch.to * DAY_MS - offsetMs
  const counts = await deps.audit.figures({ of: 'days', scope, id, from: start, to: end, offsetMs })
  const series = filled(stretch, counts)
  const total = series.reduce((sum, { count }) => sum + count, 0)
  return { result: { granularity, aggregate, tz, start, end, series, total } satisfies CallSeriesShown }
}

/** Days since 1970 in the zone that was asked for: `from` is inside, `to` is not, and a part begins on each of `begins`. */
interface Stretch {
  from: number
  to: number
  begins: readonly number[]
}

function lastDays(today: number, count: number): Stretch {
  const from = today - count + 1
  return { from, to: today + 1, begins: Array.from({ length: count }, (_, at) => from + at) }
}

function lastMonths(today: number): Stretch {
  const now = new Date(today * DAY_MS)
  const first = (ago: number): number => Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - ago, 1) / DAY_MS
  const begins = Array.from({ length: MONTHS }, (_, at) => first(MONTHS - 1 - at))
  return { from: first(MONTHS - 1), to: first(-1), begins }
}

/** Both are in the order of time. */
function filled({ begins, to }: Stretch, counts: readonly DayCount[]): CallSeriesShown['series'] {
  return begins.map((begin, at) => {
    const end = begins[at + 1] ?? to
    const within = counts.filter(({ day }) => day >= begin && day < end)
    const day = new Date(begin * DAY_MS).toISOString().slice(0, 10)
    return { day, count: within.reduce((sum, { calls }) => sum + calls, 0) }
  })
}
