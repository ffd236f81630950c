/**
 * Which values the newest rows have in one of their fields, the most frequent first, so that whoever filters the log can choose from what
 * is there. Bounded as all figures are: what only older rows have is found by typing it in full.
 */
import type { ValueField, ValuesQuestion, ValueUse } from './figures.ts'
import type { FiguresReader } from './figures-store.ts'
import { patternFor } from './words.ts'

/** Two rows a deed: the newest 25,000 deeds. */
const LOOKED_AT = 50_000

interface Place {
  /** What is grouped by. */
  text: string
  join: string
  /** It stands there as JSON. */
  isJson: boolean
}

function placeOf(field: ValueField, { member }: FiguresReader): Place {
  switch (field) {
    case 'actor':
      return {
        text: "CASE WHEN a.label = '' THEN a.id ELSE a.label END",
        join: ' JOIN audit_actors a ON a.hash = r.actor',
        isJson: false,
      }
    case 'client':
      return { text: member('clientName'), join: '', isJson: true }
    case 'error':
      return { text: member('error'), join: '', isJson: true }
    default:
      return { text: `r.${field}`, join: '', isJson: false }
  }
}

export async function readValues(reader: FiguresReader, question: ValuesQuestion): Promise<ValueUse[]> {
  const { ask, rows } = reader
  const { field, find, limit } = question
  const { text, join, isJson } = placeOf(field, reader)
  const [end] = await ask("SELECT value FROM audit_meta WHERE key = 'seq'", [])
  const after = Math.max(0, Number(end?.value ?? 0) - LOOKED_AT)
  const holds = find === '' ? '' : ` AND lower(${text}) LIKE ? ESCAPE '!'`
  const found = await ask(
    `SELECT ${text} AS value, count(*) AS uses FROM ${rows}${join}
     WHERE r.seq > ? AND r.phase = 'ended' AND ${text} IS NOT NULL${holds}
     GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${Math.floor(limit)}`,
    find === '' ? [after] : [after, patternFor(find)],
  )
  return found
    .map(({ value, uses }) => ({
      value: isJson ? String(JSON.parse(String(value))) : String(value),
      rows: Number(uses),
    }))
    .filter(({ value }) => value !== '' && value.toLowerCase().includes(find))
}
