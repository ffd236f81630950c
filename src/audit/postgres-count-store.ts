/** Counts of calls, on their way into PostgreSQL, in the transaction of the rows that they count, and out of it. */
import type pg from 'pg'
import { ADD_CALLS, ADD_TIMINGS } from './count-tables-store.ts'
import type { FiguresReader } from './figures-store.ts'
import type { JournalRow } from './lines.ts'
import { countCalls, countTimings } from './tally.ts'

export async function countWithin(client: pg.PoolClient, rows: readonly JournalRow[]): Promise<void> {
  const counts = countCalls(rows)
  if (counts.length > 0)
    await client.query(
      `INSERT INTO audit_calls (scope, id, at, outcome, calls)
       SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::bigint[]) ${ADD_CALLS}`,
      [
        counts.map(({ scope }) => scope),
        counts.map(({ id }) => id),
        counts.map(({ at }) => at),
        counts.map(({ outcome }) => outcome),
        counts.map(({ calls }) => calls),
      ],
    )
  const timings = countTimings(rows)
  if (timings.length > 0)
    await client.query(
      `INSERT INTO audit_timings (at, place, bin, calls)
       SELECT * FROM unnest($1::bigint[], $2::text[], $3::int[], $4::bigint[]) ${ADD_TIMINGS}`,
      [
        timings.map(({ at }) => at),
        timings.map(({ place }) => place),
        timings.map(({ bin }) => bin),
        timings.map(({ calls }) => calls),
      ],
    )
}

export function figuresReader(pool: Pick<pg.Pool, 'query'>): FiguresReader {
  return {
    rows: 'audit_rows AS r',
    // As text: what is JSON for us may be none for PostgreSQL, such as half a surrogate pair.
    member: (name) => `substring(r.facts from '"${name}":("([^"\\\\]|\\\\.)*")')`,
    async ask(sql, values) {
      let n = 0
      const { rows } = await pool.query(
        sql.replaceAll('?', () => `$${++n}`),
        [...values],
      )
      return rows
    },
  }
}
