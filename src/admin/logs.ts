/** `/access/ai-controls/mcp/logs`: the audit, row by row. Paged by row number, so new rows never shift a page. */
import type { AuditQuery, AuditRow } from '../audit/event.ts'
import { LOG_LIMIT_DEFAULT, type LogQuery } from '../contract/log.ts'
import { LOG_CSV_HEAD, logCsvLine } from '../contract/log-csv.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'

export async function listLogs({ deps, query }: Call<unknown, LogQuery>): Promise<Outcome> {
  const limit = query.limit ?? query.per_page ?? LOG_LIMIT_DEFAULT
  const rows = await deps.audit.query(toAuditQuery(query, limit))
  const shown = rows.map(show)
  if (query.format === 'csv') return { result: null, csv: [LOG_CSV_HEAD, ...shown.map(logCsvLine), ''].join('\r\n') }
  const numbers = rows.map((row) => row.seq)
  const newest = numbers.length === 0 ? (query.after ?? null) : Math.max(...numbers)
  const oldest = numbers.length === 0 ? null : Math.min(...numbers)
  return {
    result: shown,
    info: {
      count: rows.length,
      per_page: limit,
      cursors: { after: newest === null ? null : String(newest), before: oldest === null ? null : String(oldest) },
    },
  }
}

function toAuditQuery(query: LogQuery, limit: number): AuditQuery {
  const { since, until, per_page: _, format: _format, ...same } = query
  return {
    ...withoutUndefined(same),
    limit,
    ...(since === undefined ? {} : { since: Date.parse(since) }),
    ...(until === undefined ? {} : { until: Date.parse(until) }),
  }
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> }

function withoutUndefined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>
}

function show(row: AuditRow): Record<string, unknown> {
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
