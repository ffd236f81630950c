/**
 * The audit in PostgreSQL: one table, partitioned by day (UTC) of what happened, shared by every replica.
 *
 * Seqs come from one counter row. An append changes it first and so holds its row lock until it commits: appends of all
 * replicas stand in line, a seq becomes visible only after every smaller one, and who polls with `after` misses nothing.
 * Do not replace the counter by a sequence: sequences give numbers out before the transaction that took them commits.
 */
import pg from 'pg'
import {
  ACTOR_GRACE_MS,
  type Age,
  type AuditStore,
  type Batch,
  type Dialect,
  type JournalState,
  type OpenRow,
  ROW_COLUMNS,
  refuseNewer,
  SCHEMA_VERSION,
  type SignHead,
  type StoredRow,
  selectOpen,
  selectRows,
} from './audit-store.ts'
import { type ChainEnd, chainHash, GENESIS, type Head } from './chain.ts'
import { oldCounts } from './count-tables-store.ts'
import { DAY_MS, type DaySpan, dayOf, oldDays, partition } from './days.ts'
import type { AuditQuery, Ends, Found } from './event.ts'
import type { Figures, Question } from './figures.ts'
import { readFigures } from './figures-store.ts'
import { look } from './look.ts'
import { CHAIN, COUNTS, chainedOnly, SCHEMA } from './postgres-audit-schema.ts'
import { countWithin, figuresReader } from './postgres-count-store.ts'
import { endWithin, hashWithin, markWithin, putHead, putMark, readNumber } from './postgres-head-store.ts'

/** The advisory lock under which tables are made and dropped; any number that nothing else uses. */
const TABLES_LOCK = 7_310_145_002

const mark = (n: number): string => `$${n}`
const DIALECT: Dialect = {
  mark,
  // ILIKE would put each text into lower case by itself, by the rules of all languages, and the pattern with it: that takes five times as
  // long, and a pattern has no letters but ASCII.
  holds: (texts, pattern) => `lower(concat_ws(chr(10), ${texts.join(', ')}) COLLATE "C") LIKE ${pattern()} ESCAPE '!'`,
  place: 'strpos',
}
/** Without statistics of a new day the planner cannot tell a frequent word from a rare one, and reads and sorts all that it may look at. */
const STEP = 10_000
const WIDEST = 1_000_000
/** A new connection reads first what there is of every day, which takes longer than most questions; the console asks every 15 seconds. */
const KEPT_MS = 300_000

const TEXT_COLUMNS = ROW_COLUMNS.slice(4)
const INSERT_ROWS = `INSERT INTO audit_rows (seq, journal, phase, at, hash, ${TEXT_COLUMNS.join(', ')})
SELECT $1::bigint + t.n - 1, $2::bigint, t.phase, t.at, decode(t.hash, 'hex'), ${TEXT_COLUMNS.map((name) => `t.${name}`).join(', ')}
FROM unnest($3::text[], $4::bigint[], $5::text[], ${TEXT_COLUMNS.map((_, i) => `$${i + 6}::text[]`).join(', ')})
  WITH ORDINALITY AS t (phase, at, hash, ${TEXT_COLUMNS.join(', ')}, n)`

const INSERT_ACTORS = `INSERT INTO audit_actors (hash, seen_at, kind, id, label, role, grant_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
ON CONFLICT (hash) DO UPDATE SET seen_at = greatest(audit_actors.seen_at, excluded.seen_at)`

/** @param onIdleError is told when the server closes a connection that nobody uses */
export async function openPostgresAuditStore(url: string, onIdleError: (error: Error) => void): Promise<AuditStore> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 3,
    idleTimeoutMillis: KEPT_MS,
    connectionTimeoutMillis: 5000,
    statement_timeout: 30_000,
    query_timeout: 35_000,
    keepAlive: true,
    application_name: 'portico audit',
  })
  pool.on('error', onIdleError)
  const store = new PostgresAuditStore(pool)
  try {
    await store.migrate()
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

class PostgresAuditStore implements AuditStore {
  readonly #pool: pg.Pool
  /** Days since 1970 whose partition was seen. */
  readonly #days = new Set<number>()

  constructor(pool: pg.Pool) {
    this.#pool = pool
  }

  /** One transaction on one connection; a connection that failed is not used again. */
  async #within<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect()
    try {
      await client.query('BEGIN')
      const result = await work(client)
      await client.query('COMMIT')
      client.release()
      return result
    } catch (error) {
      // Closing the connection rolls back, also where a ROLLBACK could not be sent.
      client.release(true)
      throw error
    }
  }

  async migrate(): Promise<void> {
    await this.#within(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [TABLES_LOCK])
      const { rows } = await client.query("SELECT to_regclass('audit_meta') AS known")
      if (rows[0]?.known === null) await client.query(SCHEMA)
      const found = await readNumber(client, 'schema')
      refuseNewer(found)
      if (found === SCHEMA_VERSION) return
      // Nobody appends between the look at the counter and the new column.
      await client.query('LOCK TABLE audit_meta, audit_rows IN ACCESS EXCLUSIVE MODE')
      if (found < 2) {
        await client.query(CHAIN)
        await client.query(chainedOnly(await readNumber(client, 'chain_from')))
      }
      await client.query(COUNTS)
    })
  }

  async attach(name: string): Promise<JournalState> {
    await this.#pool.query(
      `INSERT INTO audit_journals (name, segment, position, open_from)
       SELECT $1, 1, 0, value + 1 FROM audit_meta WHERE key = 'seq' ON CONFLICT (name) DO NOTHING`,
      [name],
    )
    const { rows } = await this.#pool.query(
      'SELECT id, segment, position, open_from FROM audit_journals WHERE name = $1',
      [name],
    )
    const row = rows[0]
    return {
      journal: Number(row?.id),
      segment: Number(row?.segment),
      offset: Number(row?.position),
      openFrom: Number(row?.open_from),
    }
  }

  async append(batch: Batch): Promise<number | null> {
    await this.#makeDays(batch.rows.map((row) => Math.floor(row.at / DAY_MS)))
    try {
      return await this.#within((client) => appendWithin(client, batch))
    } catch (error) {
      // Another replica may have dropped a partition that was seen here: look again before the next try.
      this.#days.clear()
      throw error
    }
  }

  async #makeDays(days: readonly number[]): Promise<void> {
    const unseen = [...new Set(days)].filter((day) => !this.#days.has(day))
    if (unseen.length === 0) return
    // Made ahead where the portal's role may only append.
    const { rows } = await this.#pool.query<{ name: string }>(
      'SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL',
      [unseen.map(partition)],
    )
    const there = new Set(rows.map(({ name }) => name))
    const missing = unseen.filter((day) => !there.has(partition(day)))
    for (const day of unseen) if (there.has(partition(day))) this.#days.add(day)
    if (missing.length === 0) return
    await this.#within(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [TABLES_LOCK])
      for (const day of missing) {
        const bounds = `FROM (${day * DAY_MS}) TO (${(day + 1) * DAY_MS})`
        await client.query(`CREATE TABLE IF NOT EXISTS ${partition(day)} PARTITION OF audit_rows FOR VALUES ${bounds}`)
      }
    })
    for (const day of missing) this.#days.add(day)
  }

  async openRows(journal: number, from: number, limit: number): Promise<OpenRow[]> {
    const { rows } = await this.#pool.query(selectOpen(mark), [journal, from, limit])
    return rows.map((row) => ({ ...row, seq: Number(row.seq), at: Number(row.at) }))
  }

  async forget(journal: number): Promise<void> {
    await this.#pool.query('DELETE FROM audit_journals WHERE id = $1', [journal])
  }

  async select(query: AuditQuery): Promise<Found> {
    const ends = query.ends ?? (await this.#ends(query))
    const bounds = {
      from: Math.max(ends.low, (query.after ?? -1) + 1),
      to: Math.min(ends.high + 1, query.before ?? Number.MAX_SAFE_INTEGER),
    }
    const found = await look(query, {
      ...{
        bounds,
        newest: ends.high < 0 ? null : ends.high,
        ...(query.deed === undefined ? { step: STEP, widest: WIDEST } : { step: Number.MAX_SAFE_INTEGER }),
      },
      ask: async (asked, window) => {
        const { sql, values } = selectRows(asked, DIALECT, window)
        return (await this.#pool.query<StoredRow>(sql, values)).rows
      },
    })
    return { ...found, ends }
  }

  /** Each is one look into the index of every day that is asked about. */
  async #ends({ since, until }: AuditQuery): Promise<Ends> {
    const times = [...(since === undefined ? [] : [since]), ...(until === undefined ? [] : [until])]
    const within = [
      ...(since === undefined ? [] : ['at >= $1']),
      ...(until === undefined ? [] : [`at <= $${times.length}`]),
    ]
    const where = within.length === 0 ? '' : ` WHERE ${within.join(' AND ')}`
    const { rows } = await this.#pool.query(
      `SELECT (SELECT min(seq) FROM audit_rows${where}) AS low, (SELECT max(seq) FROM audit_rows${where}) AS high`,
      times,
    )
    return { low: Number(rows[0]?.low ?? 0), high: Number(rows[0]?.high ?? -1) }
  }

  async figures(question: Question): Promise<Figures> {
    return readFigures(figuresReader(this.#pool), question)
  }

  async prune(age: Age, sign: SignHead): Promise<void> {
    if (!(await this.#isOwner())) return
    const days = oldDays(await this.#spans(this.#pool), age)
    if (days.length > 0) await this.#dropDays(age, sign)
    await this.#pool.query('DELETE FROM audit_actors WHERE seen_at < $1', [age.keepSince - ACTOR_GRACE_MS])
    const old = oldCounts(age)
    await this.#pool.query('DELETE FROM audit_calls WHERE at < $1', [old.calls])
    await this.#pool.query('DELETE FROM audit_timings WHERE at < $1', [old.timings])
  }

  /** A role that may only append leaves making and dropping days to the one that owns them. */
  async #isOwner(): Promise<boolean> {
    const { rows } = await this.#pool.query<{ owns: boolean }>(
      "SELECT pg_has_role(relowner, 'USAGE') AS owns FROM pg_class WHERE oid = 'audit_rows'::regclass",
    )
    return rows[0]?.owns === true
  }

  async #spans(client: Pick<pg.PoolClient, 'query'>): Promise<DaySpan[]> {
    const { rows } = await client.query<{ name: string }>(
      "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = 'audit_rows'::regclass",
    )
    const spans: DaySpan[] = []
    for (const { name } of rows) {
      const day = dayOf(name)
      if (day === undefined) continue
      const span = await client.query(`SELECT min(seq) AS first, max(seq) AS last FROM ${partition(day)}`)
      const { first, last } = span.rows[0] ?? {}
      spans.push({ day, first: first === null ? null : Number(first), last: last === null ? null : Number(last) })
    }
    return spans
  }

  async #dropDays(age: Age, sign: SignHead): Promise<void> {
    await this.#within(async (client) => {
      // Dropping needs the whole table for a moment; behind a long query it gives up and the next hour tries again.
      await client.query("SET LOCAL lock_timeout = '5s'")
      await client.query('SELECT pg_advisory_xact_lock($1)', [TABLES_LOCK])
      await client.query('LOCK TABLE audit_rows IN ACCESS EXCLUSIVE MODE')
      const days = oldDays(await this.#spans(client), age)
      const seq = Math.max(0, ...days.map(({ last }) => last ?? 0))
      const hash = await hashWithin(client, seq)
      for (const { day } of days) {
        this.#days.delete(day)
        await client.query(`DROP TABLE IF EXISTS ${partition(day)}`)
      }
      // What is older than the chain needs no mark.
      if (hash !== null) await putMark(client, sign({ kind: 'pruned', writer: '', seq, hash, at: age.now }))
    })
  }

  async beginChain(signer: Parameters<AuditStore['beginChain']>[0]): Promise<void> {
    await this.#within(async (client) => {
      await client.query('SELECT pg_advisory_xact_lock($1)', [TABLES_LOCK])
      const mark = await markWithin(client)
      if (mark !== null && (mark.kid === signer.kid || signer.check(mark) !== 'good')) return
      const seq = await readNumber(client, 'chain_from')
      await putMark(client, signer.sign(mark ?? { kind: 'start', writer: '', seq, hash: GENESIS, at: 0 }))
    })
  }

  async chainEnd(): Promise<ChainEnd> {
    return endWithin(this.#pool)
  }

  async chainMark(): Promise<Head | null> {
    return markWithin(this.#pool)
  }

  async hashAt(seq: number): Promise<string | null> {
    return hashWithin(this.#pool, seq)
  }

  async keepHead(head: Head, replaces: number | null): Promise<void> {
    await this.#within(async (client) => {
      await putHead(client, head)
      if (replaces !== null)
        await client.query("DELETE FROM audit_heads WHERE kind = 'head' AND writer = $1 AND seq = $2", [
          head.writer,
          replaces,
        ])
    })
  }

  /** Commits are synced by the server. */
  async harden(): Promise<void> {}

  /** Makes tomorrow's partition today, so that midnight costs nothing. */
  async tidy(now: number): Promise<void> {
    const today = Math.floor(now / DAY_MS)
    await this.#makeDays([today, today + 1])
  }

  async close(): Promise<void> {
    await this.#pool.end()
  }
}

async function appendWithin(client: pg.PoolClient, batch: Batch): Promise<number | null> {
  const { journal, from, to, rows, actors } = batch
  const counter = await client.query("UPDATE audit_meta SET value = value + $1 WHERE key = 'seq' RETURNING value", [
    rows.length,
  ])
  const first = Number(counter.rows[0]?.value) - rows.length + 1
  const moved = await client.query(
    `UPDATE audit_journals SET segment = $1, position = $2, open_from = $3
     WHERE id = $4 AND segment = $5 AND position = $6`,
    [to.segment, to.offset, batch.openFrom, journal, from.segment, from.offset],
  )
  if (moved.rowCount !== 1) return null
  if (actors.length > 0)
    await client.query(INSERT_ACTORS, [
      actors.map((actor) => actor.hash),
      actors.map((actor) => actor.seenAt),
      actors.map((actor) => actor.kind),
      actors.map((actor) => actor.id),
      actors.map((actor) => actor.label),
      actors.map((actor) => actor.role),
      actors.map((actor) => actor.grant),
    ])
  if (rows.length > 0) {
    let { hash } = await endWithin(client)
    const hashes = rows.map((row, i) => {
      hash = chainHash(hash, first + i, journal, row)
      return hash
    })
    await client.query(INSERT_ROWS, [
      first,
      journal,
      rows.map((row) => row.phase),
      rows.map((row) => row.at),
      hashes,
      rows.map((row) => row.deed),
      rows.map((row) => row.actor),
      rows.map((row) => row.plane),
      rows.map((row) => row.method),
      rows.map((row) => row.portal),
      rows.map((row) => row.server),
      rows.map((row) => row.capability),
      rows.map((row) => row.outcome),
      rows.map((row) => row.decision),
      rows.map((row) => row.facts),
    ])
    await client.query("UPDATE audit_chain SET seq = $1, hash = decode($2, 'hex')", [first + rows.length - 1, hash])
  }
  await countWithin(client, rows)
  return first
}
