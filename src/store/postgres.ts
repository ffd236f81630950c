/** The pool of PostgreSQL connections. 64-bit integers come back as numbers: times and counters stay far below 2^53. */
import { type Dialect, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Log } from '../base/log.ts'

/** What is not answered from memory is rare, so a replica needs few connections. */
const MAX_CONNECTIONS = 8
const CONNECT_TIMEOUT_MS = 5000
/** How a running portal is told from the commands that work beside it or instead of it. */
export const PORTAL = 'portico'

/** @param name what the server is told that we are: `portico` is a portal that runs */
export function postgresDialect(url: string, log: Log, name = PORTAL): { dialect: Dialect; close(): Promise<void> } {
  const pool = new pg.Pool({
    connectionString: withoutName(url),
    max: MAX_CONNECTIONS,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    application_name: name,
    types: { getTypeParser: parserFor },
  })
  // Without a listener, an idle connection that the server closes would end the process.
  pool.on('error', (error) => log.warn({ err: error }, 'PostgreSQL closed an idle connection'))
  return {
    dialect: new PostgresDialect({ pool }),
    // kysely ends the pool only if it was ever asked something.
    close: async () => {
      if (!pool.ended && !pool.ending) await pool.end()
    },
  }
}

/** A name in the URL would win over ours, and a running portal would not be known as one. */
function withoutName(url: string): string {
  return url.replaceAll(/([?&])application_name=[^&#]*(&?)/g, (_, before: string, after: string) => after && before)
}

function parserFor(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  if (oid === pg.types.builtins.INT8 && format !== 'binary') return Number
  return pg.types.getTypeParser(oid, format ?? 'text')
}
