/**
 * `/access/ai-controls/mcp/logs/stream`: the audit as it grows, as Server-Sent Events (WHATWG HTML, 9.2). The id of an event is a row number,
 * so whoever comes back with the last one misses no row and gets none twice. A reader who is slow gets the same rows later.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { LogStreamQuery } from '../contract/log.ts'
import { logStreamResume } from '../contract/log.ts'
import type { WhyOver } from './held-answers.ts'
import { showLogRow, toAuditFilters } from './logs.ts'
import { ApiRefusal, parseOr400 } from './refusal.ts'
import type { Call, Outcome } from './route.ts'

/** Only while somebody listens, and for each who does. */
const POLL_MS = 700
const QUIET_MS = 15_000
const PIECE = 500
/** Rows that one look at the audit looks at. */
const REACH = 10_000
/** Who is farther behind is told so and goes on at the end: the list shows what is between. */
export const BEHIND_MOST = 10_000

export async function tailLogs(call: Call<unknown, LogStreamQuery>): Promise<Outcome> {
  const { deps, query, resume } = call
  const given = resume === null ? query.after : parseOr400(logStreamResume, resume, 'Last-Event-ID')
  const filters = toAuditFilters(query)
  const after = given ?? (await deps.audit.search({ limit: 1 })).newest ?? 0
  const body = deps.held.hold(call, (over) => follow(call, filters, { after, over }))
  if (body === null) throw tooMany()
  return { result: null, stream: { body, type: 'text/event-stream' } }
}

export function tooMany(): ApiRefusal {
  return new ApiRefusal(
    'unavailable',
    'Too many live logs or exports are open. Close one that is open elsewhere, then try again.',
  )
}

async function* follow(
  { deps: { audit, clock } }: Call<unknown, LogStreamQuery>,
  filters: ReturnType<typeof toAuditFilters>,
  from: { after: number; over: AbortSignal },
): AsyncGenerator<string, void, void> {
  let { after } = from
  const { over } = from
  let saidAt = clock.elapsed()
  yield `retry: 1000\n${event('mark', after, {})}`
  while (!over.aborted) {
    const { rows, newest, lookedTo, whole } = await audit.search({ ...filters, after, limit: PIECE, reach: REACH })
    if (newest !== null && newest - after > BEHIND_MOST) {
      yield event('gap', newest, { after, until: newest })
      after = newest
      continue
    }
    const moved = Math.max(after, lookedTo) !== after
    after = Math.max(after, lookedTo)
    if (rows.length > 0) yield rows.map((row) => event('row', row.seq, showLogRow(row))).join('')
    else if (clock.elapsed() - saidAt > QUIET_MS) yield moved ? event('mark', after, {}) : ': still here\n\n'
    if (rows.length > 0 || clock.elapsed() - saidAt > QUIET_MS) saidAt = clock.elapsed()
    if (whole) await wait(POLL_MS, undefined, { signal: over }).catch(() => undefined)
  }
  const why = over.reason as WhyOver
  if (why !== 'gone') yield event('end', after, { why })
}

/** JSON holds no line end, so no text of others can begin a line of its own. */
function event(name: 'row' | 'mark' | 'gap' | 'end', id: number, data: object): string {
  return `event: ${name}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`
}
