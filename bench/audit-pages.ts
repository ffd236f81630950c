/**
 * How long one page of the audit takes, by each filter, when there are very many rows: `node bench/audit-pages.ts [rows]`, 1,000,000 unless
 * given, in SQLite, in a directory that is removed afterwards. Each figure is the slowest of three.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AuditQuery } from '../src/audit/event.ts'
import type { JournalRow } from '../src/audit/lines.ts'
import { openSqliteAuditStore } from '../src/audit/sqlite-audit-store.ts'
import { systemClock } from '../src/base/clock.ts'

const ROWS = Number(process.argv[2] ?? 1_000_000)
const PIECE = 5000
const FIRST = Date.UTC(2026, 0, 1)
const STEP_MS = 5000
const REACH = 100_000
const TIMES = 3

/** One in so many is the one that is looked for: at the far end there is one alone. */
function rowAt(at: number): JournalRow {
  const tool = at % 997
  const facts = {
    portalMs: 1.25,
    era: '2026-07-28',
    clientName: 'bench client',
    clientIp: '192.0.2.7',
    rule: 'everybody',
  }
  return {
    ...{
      phase: at % 2 === 0 ? 'begun' : 'ended',
      at: FIRST + at * STEP_MS,
      deed: `deed-${at >> 1}`,
      actor: `a${at % 500}`,
    },
    ...{
      plane: 'mcp',
      method: at === 7 ? 'tools/rare' : 'tools/call',
      portal: `portal-${at % 7}`,
      server: `server-${at % 200}`,
    },
    ...{
      capability: `server-${at % 200}_tool_${tool}`,
      outcome: at % 100 === 1 ? 'refused' : 'answered',
      decision: 'allow',
    },
    facts: JSON.stringify(at === 9 ? { ...facts, purpose: 'a needle in the hay' } : facts),
  }
}

const actors = Array.from({ length: 500 }, (_, at) => ({
  ...{
    hash: `a${at}`,
    seenAt: FIRST,
    kind: 'user',
    id: `u${at}`,
    label: `person${at}@acme.test`,
    role: null,
    grant: null,
  },
}))

const end = FIRST + ROWS * STEP_MS
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
  denied: { decision: 'deny' },
  'a method that came once, long ago': { method: 'tools/rare' },
  'a deed': { deed: 'deed-11' },
  'the last hour': { since: end - 3_600_000 },
  'one hour, long ago': { since: FIRST, until: FIRST + 3_600_000 },
  'a frequent word': { words: ['answered'] },
  'two words': { words: ['server-42', 'person'] },
  'a word that came once, long ago': { words: ['needle'] },
  'a word in no letters of ours': { words: ['é'] },
  'only the name of a field': { words: ['portalms'] },
}

const dir = mkdtempSync(join(tmpdir(), 'portico-bench-'))
const store = await openSqliteAuditStore(join(dir, 'audit.db'))
try {
  const { journal, segment, offset } = await store.attach('bench')
  const at = { segment, offset }
  const begunAt = systemClock.elapsed()
  for (let from = 0; from < ROWS; from += PIECE) {
    const rows = Array.from({ length: Math.min(PIECE, ROWS - from) }, (_, more) => rowAt(from + more))
    await store.append({ journal, openFrom: 0, from: at, to: at, rows, actors: from === 0 ? actors : [] })
    if (from % 100_000 === 0) await store.tidy(0)
  }
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
  rmSync(dir, { recursive: true, force: true })
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
