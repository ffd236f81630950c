/** Audit rows as CSV, the same from the REST API and the command line. The first line names the columns. */
import { csvCell } from '../base/visible.ts'

/** Names as in the JSON; a dot is one level. */
export const LOG_COLUMNS = [
  'seq',
  'at',
  'phase',
  'deed',
  'parent',
  'plane',
  'actor.kind',
  'actor.id',
  'actor.label',
  'actor.role',
  'actor.grant',
  'method',
  'portal',
  'server',
  'capability',
  'original',
  'outcome',
  'decision',
  'rule',
  'error',
  'credential',
  'definition_hash',
  'purpose',
  'era',
  'client_name',
  'client_version',
  'session',
  'client_ip',
  'traceparent',
  'upstream_ms',
  'portal_ms',
  'change',
  'refusals.count',
  'refusals.first_at',
  'refusals.last_at',
] as const

export const LOG_CSV_HEAD = LOG_COLUMNS.map(csvCell).join(',')

/** @param row as the REST API shows it */
export function logCsvLine(row: Readonly<Record<string, unknown>>): string {
  return LOG_COLUMNS.map((column) => csvCell(valueAt(row, column))).join(',')
}

function valueAt(row: Readonly<Record<string, unknown>>, path: string): unknown {
  return path
    .split('.')
    .reduce<unknown>(
      (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
      row,
    )
}
