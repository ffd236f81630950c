/** `/access/ai-controls/mcp/logs`: the audit, row by row. Paged by row number, so new rows never shift a page. */
import type { AuditQuery, AuditRow, Found } from '../audit/event.ts'
import { wordsIn } from '../audit/words.ts'
import {
  LOG_LIMIT_DEFAULT,
  LOG_VALUES_MAX,
  type LogFilters,
  type LogOutcome,
  type LogQuery,
  type LogValue,
  type LogValuesQuery,
} from '../contract/log.ts'
import { LOG_CSV_HEAD, logCsvLine } from '../contract/log-csv.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'

/** How many rows are looked at for one page: more would keep the audit's database busy for too long. */
export const LOOK_MOST = 100_000

export async function listLogs({ deps, query }: Call<unknown, LogQuery>): Promise<Outcome> {
  const limit = query.limit ?? query.per_page ?? LOG_LIMIT_DEFAULT
  const { after, before } = query
  const filters = toAuditFilters(query)
  // Whoever pages by rows alone takes an empty page for the end, so looking stops early only where it has always been possible.
  const stops = query.partial === 'true' || filters.words !== undefined
  const place = { limit, ...withoutUndefined({ after, before }), ...(stops && { reach: LOOK_MOST }) }
  const found = await deps.audit.search({ ...filters, ...place })
  const shown = found.rows.map(showLogRow)
  if (query.format === 'csv') return { result: null, csv: [LOG_CSV_HEAD, ...shown.map(logCsvLine), ''].join('\r\n') }
  return {
    result: shown,
    info: {
      count: shown.length,
      per_page: limit,
      cursors: cursorsOf(found, query),
      whole: found.whole,
      newest: found.newest === null ? null : String(found.newest),
    },
  }
}

/** Where looking stopped early, the cursor of its direction stands where it stopped. */
function cursorsOf(
  { rows, lookedTo, whole }: Found,
  { after }: LogQuery,
): { after: string | null; before: string | null } {
  const numbers = rows.map((row) => row.seq)
  const text = (value: number | null | undefined): string | null => (value == null ? null : String(value))
  const newest = numbers.length === 0 ? after : Math.max(...numbers)
  const oldest = numbers.length === 0 ? null : Math.min(...numbers)
  if (whole) return { after: text(newest), before: text(oldest) }
  return after === undefined
    ? { after: text(newest), before: text(lookedTo) }
    : { after: text(lookedTo), before: text(oldest) }
}

/** `…/logs/values` */
export async function listLogValues({ deps, query }: Call<unknown, LogValuesQuery>): Promise<Outcome> {
  const { of = 'actor', find = '' } = query
  const sought = find.toWellFormed().trim().toLowerCase()
  const found = await deps.audit.figures({ of: 'values', field: of, find: sought, limit: LOG_VALUES_MAX })
  const result: LogValue[] = found.map(({ value, rows }) => ({ value, count: rows }))
  return { result }
}

/** What rows are asked for; not where to begin, and how many. */
export function toAuditFilters(query: LogFilters): Omit<AuditQuery, 'limit' | 'after' | 'before' | 'reach'> {
  const { phase, plane, portal, server, capability, method, actor, deed, decision, client, error } = query
  const words = wordsIn(query.q ?? '')
  return {
    ...withoutUndefined({ phase, plane, portal, server, capability, method, actor, deed, decision, client, error }),
    // Its schema lets these words through and no other.
    ...(query.outcome !== undefined && { outcome: query.outcome.split(',') as LogOutcome[] }),
    ...(words.length > 0 && { words }),
    ...(query.since !== undefined && { since: Date.parse(query.since) }),
    ...(query.until !== undefined && { until: Date.parse(query.until) }),
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}

export function showLogRow(row: AuditRow): Record<string, unknown> {
  return {
    seq: row.seq,
    deed: row.deed,
    parent: row.parent,
    phase: row.phase,
    at: shownTime(row.at),
    plane: row.plane,
    actor: row.actor,
    method: row.method,
    portal: row.portal,
    server: row.server,
    capability: row.capability,
    era: row.era,
    client_name: row.clientName,
    client_version: row.clientVersion,
    session: row.session,
    client_ip: row.clientIp,
    traceparent: row.traceparent,
    outcome: row.outcome,
    original: row.original,
    decision: row.decision,
    rule: row.rule,
    error: row.error,
    credential: row.credential,
    definition_hash: row.definitionHash,
    purpose: row.purpose,
    upstream_ms: row.upstreamMs,
    portal_ms: row.portalMs,
    change: row.change,
    refusals: row.refusals && {
      count: row.refusals.count,
      first_at: shownTime(row.refusals.firstAt),
      last_at: shownTime(row.refusals.lastAt),
    },
  }
}
