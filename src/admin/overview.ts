/** `…/mcp/overview`: what the console's first page shows, in one answer that costs the same whatever the size of everything. */
import type { Question, Traffic, Trouble } from '../audit/figures.ts'
import { quantile } from '../audit/latency-bins.ts'
import { FINE_MS } from '../audit/tally.ts'
import { OVERVIEW_HOURS_DEFAULT, type OverviewQuery, type OverviewShown } from '../contract/overview.ts'
import { checklistOf } from './checklist.ts'
import type { AdminDeps } from './deps.ts'
import {
  type BriefServer,
  countHeld,
  countOpenApprovals,
  type Ending,
  readBriefServers,
  readEnding,
} from './overview-store.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime, shownTimeOrNull } from './times.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A chart with more of them is no clearer. */
const MOST_SLOTS = 61
const SLOTS_MS = [1, 3, 6, 12, 24, 48, 72, 144, 288].map((many) => many * FINE_MS)
const AHEAD_MS = 14 * DAY_MS
const BEHIND_MS = 7 * DAY_MS
const MOST_ENDING = 50
const MOST_UNWELL = 20

export async function showOverview({ deps, query }: Call<unknown, OverviewQuery>): Promise<Outcome> {
  const now = deps.clock.now()
  const span = spanOf(now, query.hours ?? OVERVIEW_HOURS_DEFAULT)
  const { db } = deps.store
  const [traffic, servers, held, waiting, ending] = await Promise.all([
    deps.audit.figures(span.question),
    readBriefServers(db),
    countHeld(db),
    countOpenApprovals(db, now),
    readEnding(db, { from: now - BEHIND_MS, to: now + AHEAD_MS }, MOST_ENDING),
  ])
  const result: OverviewShown = {
    ...{ since: shownTime(span.question.from), until: shownTime(now), slot_seconds: span.question.slotMs / 1000 },
    ...showTraffic(traffic, span),
    servers: showServers(deps, servers, held),
    approvals_waiting: waiting,
    expiring: ending.map(showEnding),
    checklist: await checklistOf(deps, { servers: servers.length, traffic }),
  }
  return { result }
}

interface Span {
  question: Extract<Question, { of: 'traffic' }>
  slots: number
}

/** The slots begin at round times of UTC, the first of them up to one slot before what was asked for. */
function spanOf(now: number, hours: number): Span {
  const length = hours * HOUR_MS
  const slotMs = SLOTS_MS.find((size) => length / size + 1 <= MOST_SLOTS) ?? DAY_MS
  const from = Math.floor((now - length) / slotMs) * slotMs
  return { question: { of: 'traffic', from, slotMs }, slots: Math.floor((now - from) / slotMs) + 1 }
}

type Outcomes = OverviewShown['slots'][number]
type Latency = OverviewShown['latency']

/** Which figure of the console each outcome counts in. */
const COLUMN: Readonly<Record<string, 'answered' | 'tool_error' | 'refused'>> = {
  answered: 'answered',
  'tool-error': 'tool_error',
  refused: 'refused',
}

function showTraffic(
  { outcomes, timings, newest }: Traffic,
  { question: { from, slotMs }, slots }: Span,
): Pick<OverviewShown, 'calls' | 'latency' | 'slots' | 'newest'> {
  const bySlot = Map.groupBy(outcomes, ({ slot }) => slot)
  const timesBySlot = Map.groupBy(timings, ({ slot }) => slot)
  const counted = addUp(outcomes)
  return {
    calls: { ...counted, total: outcomes.reduce((sum, { calls }) => sum + calls, 0) },
    latency: latencyOf(timings),
    slots: Array.from({ length: slots }, (_, slot) => ({
      at: shownTime(from + slot * slotMs),
      ...addUp(bySlot.get(slot) ?? []),
      ...latencyOf(timesBySlot.get(slot) ?? []),
    })),
    newest: {
      since: shownTime(newest.since),
      sampled: newest.since > from,
      tools: newest.tools.map(({ server, name, calls, failed }) => ({
        server,
        capability: name,
        count: calls,
        failed,
      })),
      users: newest.actors.map(({ kind, id, label, calls, refused }) => ({ kind, id, label, count: calls, refused })),
      denials: newest.denials.map(showTrouble),
      errors: newest.failures.map(showTrouble),
    },
  }
}

function addUp(outcomes: Traffic['outcomes']): Pick<Outcomes, 'answered' | 'tool_error' | 'refused' | 'failed'> {
  const sums = { answered: 0, tool_error: 0, refused: 0, failed: 0 }
  for (const { outcome, calls } of outcomes) sums[COLUMN[outcome] ?? 'failed'] += calls
  return sums
}

function latencyOf(timings: Traffic['timings']): Latency {
  const at = (place: 'portal' | 'upstream') => {
    const bins = new Map<number, number>()
    for (const one of timings) if (one.place === place) bins.set(one.bin, (bins.get(one.bin) ?? 0) + one.calls)
    return { p50: quantile(bins, 0.5), p95: quantile(bins, 0.95) }
  }
  return { portal: at('portal'), upstream: at('upstream') }
}

function showTrouble({
  outcome,
  error,
  server,
  name,
  calls,
  at,
  deed,
}: Trouble): OverviewShown['newest']['errors'][number] {
  return { outcome, reason: error, server, capability: name, count: calls, last_at: shownTime(at), deed }
}

function showServers(
  { upstreams }: Pick<AdminDeps, 'upstreams'>,
  servers: readonly BriefServer[],
  held: ReadonlyMap<string, number>,
): OverviewShown['servers'] {
  const byStatus = { ready: 0, waiting: 0, stale: 0, error: 0 }
  const unwell: OverviewShown['servers']['unwell'] = []
  for (const { uid, id, name } of servers) {
    const { status, error, circuit, lastSuccessfulSync } = upstreams.health(uid)
    byStatus[status]++
    if (status !== 'ready' || circuit.state === 'open')
      unwell.push({
        ...{ id, name, status, circuit: circuit.state, error },
        last_successful_sync: shownTimeOrNull(lastSuccessfulSync),
      })
  }
  const holding = servers.flatMap(({ uid, id, name }) => {
    const count = held.get(uid)
    return count === undefined ? [] : [{ id, name, held: count }]
  })
  return {
    ...{ total: servers.length, by_status: byStatus, unwell: unwell.slice(0, MOST_UNWELL) },
    held_definitions: holding.reduce((sum, one) => sum + one.held, 0),
    holding: holding.slice(0, MOST_UNWELL),
  }
}

function showEnding({ kind, id, name, expiresAt, server }: Ending): OverviewShown['expiring'][number] {
  return { kind, id, name, expires_at: shownTime(expiresAt), path: pathOf(kind, server) }
}

function pathOf(kind: Ending['kind'], server: string | null): string {
  switch (kind) {
    case 'connection':
      return `/servers/${encodeURIComponent(server ?? '')}`
    case 'service_token':
      return '/clients?tab=service'
    case 'api_token':
      return '/settings/tokens'
  }
}
