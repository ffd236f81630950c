/** `/access/ai-controls/mcp/logs/export`: what a view of the log shows, as a file, newest first, page by page as it is read. */
import type { Found } from '../audit/event.ts'
import { LOG_EXPORT_DEFAULT, type LogExportQuery } from '../contract/log.ts'
import { LOG_CSV_HEAD, logCsvLine } from '../contract/log-csv.ts'
import { LOOK_MOST, showLogRow, toAuditFilters } from './logs.ts'
import type { Call, Outcome } from './route.ts'
import { tooMany } from './tail-logs.ts'

/** Rows that are held at one time, whatever the length of the file. */
const PIECE = 2000
const NAME_MOST = 120

const TYPES = { csv: 'text/csv; charset=utf-8; header=present', jsonl: 'application/jsonl; charset=utf-8' } as const

export async function exportLogs(call: Call<unknown, LogExportQuery>): Promise<Outcome> {
  const { format = 'csv' } = call.query
  const body = call.deps.held.hold(call, (over) => pages(call, over))
  if (body === null) throw tooMany()
  return { result: null, stream: { body, type: TYPES[format], file: `${nameOf(call)}.${format}` } }
}

/** Says what was filtered, for whoever finds the file later; nothing of it can end a header or lead out of a folder. */
function nameOf({ query: { format: _, rows: __, ...filters }, deps }: Call<unknown, LogExportQuery>): string {
  const day = new Date(deps.clock.now()).toISOString().slice(0, 10)
  const parts = Object.entries(filters).flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)]))
  return ['audit', day, ...parts]
    .join('-')
    .replaceAll(/[^A-Za-z0-9@._-]+/g, '_')
    .replaceAll('..', '_')
    .slice(0, NAME_MOST)
}

async function* pages(
  { deps, query }: Call<unknown, LogExportQuery>,
  over: AbortSignal,
): AsyncGenerator<string, void, void> {
  const { format = 'csv', rows: most = LOG_EXPORT_DEFAULT } = query
  const filters = toAuditFilters(query)
  const lineOf =
    format === 'csv' ? (row: Shown) => `${logCsvLine(row)}\r\n` : (row: Shown) => `${JSON.stringify(row)}\n`
  if (format === 'csv') yield `${LOG_CSV_HEAD}\r\n`
  let before = query.before
  // Rows that come while it is made are not of it, so what its time reaches from and to is looked for once.
  let known: Found['ends'] | undefined
  for (let left = most; left > 0; ) {
    const limit = Math.min(left, PIECE)
    const asked = {
      ...filters,
      limit,
      reach: LOOK_MOST,
      ...(before !== undefined && { before }),
      ...(known && { ends: known }),
    }
    const { rows, lookedTo, whole, ends } = await deps.audit.search(asked)
    // Half a file must not look like a whole one.
    if (over.aborted) throw new Error(`the export was ended: ${String(over.reason)}`)
    if (rows.length > 0) yield rows.map((row) => lineOf(showLogRow(row))).join('')
    if (whole) return
    left -= rows.length
    before = lookedTo
    known = ends
  }
}

type Shown = Record<string, unknown>
