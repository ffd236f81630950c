/**
 * Looks through the audit in windows of row numbers, in either direction, until there is enough or it has looked far enough, and says how
 * far it came. No single question may keep the database busy for long, however few rows it is about.
 */
import { setImmediate as turn } from 'node:timers/promises'
import { type StoredRow, toAuditRow, type Window } from './audit-store.ts'
import type { AuditQuery, AuditRow, Found } from './event.ts'
import { holdsWords } from './words.ts'

export interface Place {
  /** Where rows that may answer the query stand. */
  bounds: Window
  /** The last row there is, or null where there is none. */
  newest: number | null
  /** How many rows one statement may have to look at. */
  step: number
  /** A statement that found too few is followed by one over four times as many rows, up to this; left out, `step` stays. */
  widest?: number
  ask(query: AuditQuery, window: Window): Promise<StoredRow[]>
}

/** Comparing texts costs more than comparing ids, so such statements look at fewer rows. */
const WORDS_STEP = 20_000
const WIDER = 4
/** Rows that the database thinks hold the words are looked at anew, in pieces of at least so many. */
const CHECKED = 500
/** Each of them costs as much as so many that the database alone looks at. */
const CHECK_COST = 10

export async function look(
  query: AuditQuery,
  { bounds, newest, step, widest = step, ask }: Place,
): Promise<Omit<Found, 'ends'>> {
  const rows: AuditRow[] = []
  const oldestFirst = query.after !== undefined
  let most = query.words === undefined ? step : Math.min(step, WORDS_STEP)
  let { from, to } = bounds
  // A deed has few rows and an index.
  let left = query.deed === undefined ? (query.reach ?? Number.POSITIVE_INFINITY) : Number.POSITIVE_INFINITY
  while (from < to && rows.length < query.limit && left > 0) {
    const size = Math.min(most, left, to - from)
    const window = oldestFirst ? { from, to: from + size } : { from: to - size, to }
    const wanted = query.limit - rows.length
    const limit = query.words === undefined ? wanted : Math.max(wanted, CHECKED)
    const stored = await ask({ ...query, limit }, window)
    const fitting = stored.map(toAuditRow).filter((row) => query.words === undefined || holdsWords(row, query.words))
    if (query.words !== undefined) left -= stored.length * CHECK_COST
    rows.push(...fitting.slice(0, wanted))
    const last = fitting.length >= wanted ? rows.at(-1)?.seq : stored.length === limit ? stored.at(-1)?.seq : undefined
    if (oldestFirst) {
      const next = last === undefined ? window.to : Number(last) + 1
      left -= next - from
      from = next
    } else {
      const next = last === undefined ? window.from : Number(last)
      left -= to - next
      to = next
    }
    if (query.words === undefined) most = Math.min(most * WIDER, widest)
    await turn()
  }
  return { rows, newest, lookedTo: oldestFirst ? from - 1 : to, whole: from >= to }
}
