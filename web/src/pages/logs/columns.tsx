/** How one row of the log is told in one line. */
import { Text } from '@mantine/core'
import type { LogRow } from '../../../../src/contract/log.ts'
import { Foreign } from '../../parts/foreign.tsx'
import { Mark } from '../../parts/mark.tsx'
import type { Column } from '../../parts/rows.tsx'
import { When } from '../../parts/when.tsx'
import { LOGS } from '../../words/logs.ts'

const COLOR: Readonly<Record<string, string>> = {
  answered: 'green',
  'tool-error': 'orange',
  error: 'orange',
  refused: 'yellow',
  failed: 'red',
}

export function OutcomeMark({ row }: { row: LogRow }) {
  const outcome = row.phase === 'begun' ? 'begun' : (row.outcome ?? 'unknown')
  const words: Readonly<Record<string, string>> = LOGS.outcome
  return <Mark color={COLOR[outcome] ?? 'gray'}>{words[outcome] ?? outcome}</Mark>
}

/** What was asked for: a name where there is one, else the method. */
export function whatOf(row: LogRow): string {
  if (row.plane === 'mcp' && row.capability !== undefined) return row.capability
  return row.refusals === undefined ? row.method : `${row.method} × ${row.refusals.count}`
}

function whereOf({ portal, server, change }: LogRow): string {
  if (change !== undefined) return `${change.object} ${change.id}`
  return [portal, server].filter((one) => one !== undefined).join(' → ')
}

/** @returns the milliseconds in all, as text; empty where nobody measured */
export function tookOf({ portal_ms, upstream_ms }: LogRow): string {
  return portal_ms === undefined ? '' : duration(portal_ms + (upstream_ms ?? 0))
}

export function duration(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`
}

export const COLUMNS: readonly Column<LogRow>[] = [
  { title: LOGS.columns.at, width: '9.5rem', cell: ({ at }) => <When at={at} exact /> },
  { title: LOGS.columns.outcome, width: '7.5rem', cell: (row) => <OutcomeMark row={row} /> },
  {
    title: LOGS.columns.who,
    width: 'minmax(7rem, 2fr)',
    cell: ({ actor }) => <Foreign text={actor.label === '' ? actor.id : actor.label} />,
  },
  {
    title: LOGS.columns.what,
    width: 'minmax(9rem, 3fr)',
    isName: true,
    cell: (row) => <Foreign text={whatOf(row)} fw={600} />,
  },
  { title: LOGS.columns.where, width: 'minmax(7rem, 2fr)', cell: (row) => <Foreign text={whereOf(row)} /> },
  { title: LOGS.columns.why, width: 'minmax(5rem, 2fr)', cell: ({ error }) => <Foreign text={error ?? ''} /> },
  {
    title: LOGS.columns.took,
    width: '5rem',
    cell: (row) => (
      <Text inherit ta="right">
        {tookOf(row)}
      </Text>
    ),
  },
]
