/**
 * How long one page of the audit takes, by each filter, when there are very many rows: `node bench/audit-pages.ts [rows] [postgres]`,
 * 1,000,000 rows unless given, in SQLite, in a directory that is removed afterwards, or on PostgreSQL, in a database that is dropped
 * afterwards, at the server of `PORTICO_TEST_DATABASE_URL`, else the local one. Each figure is the slowest of three.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditStore } from '../src/audit/audit-store.ts'
import type { AuditQuery } from '../src/audit/event.ts'
import { openPostgresAuditStore } from '../src/audit/postgres-audit-store.ts'
import { openSqliteAuditStore } from '../src/audit/sqlite-audit-store.ts'
import { systemClock } from '../src/base/clock.ts'
import { freshPostgres } from '../test/databases.ts'
import { fillAudit, STEP_MS } from './audit-rows.ts'

const ROWS = Number(process.argv[2] ?? 1_000_000)
const FIRST = Date.UTC(2026, 0, 1)
const REACH = 100_000
const TIMES = 3

const newest = FIRST + ROWS * STEP_MS
const QUERIES: Readonly<Record<string, Omit<AuditQuery, 'limit'>>> = {
  'newest first': {},
  'the middle': { before: Math.floor(ROWS / 2) },
  'phase ended': { phase: 'ended' },
  'a portal': { portal: 'portal-3' },
  'a server': { server: 'server-42' },
  'a tool': { capability: 'server-42_tool_0' },
  'an actor': { actor: 'person7@acme.test' },
  'an actor nobody knows': { actor: 'nobody' },
  refused: { outcome: 'refused' },
  'one of three outcomes': { outcome: ['failed', 'error', 'unknown'] },
  'a client': { client: 'bench client' },
  'a client nobody has': { client: 'nobody' },
  'a reason nobody had': { error: 'nothing' },
  denied: { decision: 'deny' },
  'a method that came once, long ago': { method: 'tools/rare' },
  'a deed': { deed: 'deed-11' },
  'the last hour': { since: newest - 3_600_000 },
  'one hour, long ago': { since: FIRST, until: FIRST + 3_600_000 },
  'a frequent word': { words: ['answered'] },
  'two words': { words: ['server-42', 'person'] },
  'a word that came once, long ago': { words: ['needle'] },
  'a word in no letters of ours': { words: ['é'] },
  'only the name of a field': { words: ['portalms'] },
}

const { store, end: remove } = process.argv[3] === 'postgres' ? await onPostgres() : await onSqlite()
try {
  const begunAt = systemClock.elapsed()
  await fillAudit(store, ROWS, FIRST)
  process.stdout.write(`${ROWS} rows written in ${Math.round(systemClock.elapsed() - begunAt)} ms\n`)
  const base = await measure({})
  for (const [name, query] of Object.entries(QUERIES)) {
    const { ms, rows, whole } = await measure(query)
    const bounded = whole ? '' : ', more to look at'
    process.stdout.write(
      `${name.padEnd(36)} ${ms.toFixed(1).padStart(8)} ms  x${(ms / base.ms).toFixed(1)}  ${rows} rows${bounded}\n`,
    )
    const unbounded = query.words === undefined ? await measure(query, Number.POSITIVE_INFINITY) : null
    if (unbounded !== null && !whole && unbounded.ms > 2 * ms)
      process.stdout.write(
        `${'  looked through to the end'.padEnd(36)} ${unbounded.ms.toFixed(1).padStart(8)} ms  ${unbounded.rows} rows\n`,
      )
  }
} finally {
  await store.close()
  await remove()
}

interface Place {
  store: AuditStore
  end(): Promise<void>
}

async function onSqlite(): Promise<Place> {
  const dir = mkdtempSync(join(tmpdir(), 'portico-bench-'))
  return {
    store: await openSqliteAuditStore(join(dir, 'audit.db')),
    end: async () => rmSync(dir, { recursive: true, force: true }),
  }
}

async function onPostgres(): Promise<Place> {
  const database = await freshPostgres(undefined, 'portico_bench')
  return { store: await openPostgresAuditStore(database.url, () => {}), end: database.drop }
}

async function measure(
  query: Omit<AuditQuery, 'limit'>,
  reach = REACH,
): Promise<{ ms: number; rows: number; whole: boolean }> {
  let ms = 0
  let last = { rows: 0, whole: true }
  for (let time = 0; time < TIMES; time++) {
    const begunAt = systemClock.elapsed()
    const { rows, whole } = await store.select({ ...query, limit: 100, ...(Number.isFinite(reach) && { reach }) })
    ms = Math.max(ms, systemClock.elapsed() - begunAt)
    last = { rows: rows.length, whole }
  }
  return { ms, ...last }
}
