/**
 * The audit in SQLite: `audit.db` in the data directory, a file of its own so that its writes never wait for the store's.
 * It runs in the audit's worker only, because every statement blocks its thread.
 */
import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import {
  ACTOR_GRACE_MS,
  type Age,
  AHEAD_MS,
  type AuditStore,
  type Batch,
  type Dialect,
  HEAD_COLUMNS,
  type JournalState,
  type OpenRow,
  ROW_COLUMNS,
  refuseNewer,
  SCHEMA_VERSION,
  type SignHead,
  type StoredRow,
  selectOpen,
  selectRows,
  toHead,
} from './audit-store.ts'
import { type ChainEnd, chainHash, GENESIS, type Head } from './chain.ts'
import { ADD_CALLS, ADD_TIMINGS, countTables, oldCounts } from './count-tables-store.ts'
import type { AuditQuery, Ends, Found } from './event.ts'
import type { Figures, Question } from './figures.ts'
import { readFigures } from './figures-store.ts'
import type { JournalRow } from './lines.ts'
import { createOnce } from './lock-store.ts'
import { look } from './look.ts'
import { countCalls, countTimings } from './tally.ts'

/** Rows are searched and deleted in pieces, so that taking the journal in never waits long. */
const SEARCH_WINDOW = 100_000
const PRUNE_PIECE = 5_000
const DAY_MS = 86_400_000

const SCHEMA = `
CREATE TABLE audit_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO audit_meta (key, value) VALUES ('schema', 1), ('seq', 0);
CREATE TABLE audit_journals (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, segment INTEGER NOT NULL, position INTEGER NOT NULL,
  open_from INTEGER NOT NULL) STRICT;
CREATE TABLE audit_actors (
  hash TEXT PRIMARY KEY, seen_at INTEGER NOT NULL, kind TEXT NOT NULL, id TEXT NOT NULL, label TEXT NOT NULL, role TEXT,
  grant_id TEXT) STRICT, WITHOUT ROWID;
CREATE TABLE audit_rows (
  seq INTEGER PRIMARY KEY, journal INTEGER NOT NULL, phase TEXT NOT NULL, at INTEGER NOT NULL, deed TEXT NOT NULL,
  actor TEXT NOT NULL, plane TEXT NOT NULL, method TEXT NOT NULL, portal TEXT, server TEXT, capability TEXT,
  outcome TEXT, decision TEXT, facts TEXT NOT NULL) STRICT;
CREATE INDEX audit_rows_at ON audit_rows (at);
CREATE INDEX audit_rows_deed ON audit_rows (deed);
CREATE INDEX audit_rows_actor ON audit_rows (actor);
`

/** Rows of before have no hash: the chain begins behind them. */
const CHAIN = `
ALTER TABLE audit_rows ADD COLUMN hash BLOB;
CREATE TABLE audit_chain (id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL, hash BLOB NOT NULL) STRICT;
INSERT INTO audit_chain (id, seq, hash) SELECT 1, value, x'${GENESIS}' FROM audit_meta WHERE key = 'seq';
CREATE TABLE audit_heads (
  kind TEXT NOT NULL, writer TEXT NOT NULL, seq INTEGER NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL, kid TEXT NOT NULL,
  signature TEXT NOT NULL, PRIMARY KEY (kind, writer, seq)) STRICT, WITHOUT ROWID;
INSERT INTO audit_meta (key, value) SELECT 'chain_from', value FROM audit_meta WHERE key = 'seq';
UPDATE audit_meta SET value = 2 WHERE key = 'schema';
`

const COUNTS = countTables(' WITHOUT ROWID')

const mark = (): string => '?'
const DIALECT: Dialect = {
  mark,
  holds: (texts, pattern) => texts.map((text) => `${text} LIKE ${pattern()} ESCAPE '!'`).join(' OR '),
  place: 'instr',
}

/** As hex, or NULL: SQLite's hex of nothing is the empty text. */
const HASH = "nullif(lower(hex(hash)), '') AS hash"

/** @param path of `audit.db`; its directory exists */
export async function openSqliteAuditStore(path: string): Promise<AuditStore> {
  createOnce(path)
  const database = new DatabaseSync(path, { timeout: 5000 })
  try {
    prepareFile(database)
    migrate(database)
    return new SqliteAuditStore(path, database)
  } catch (error) {
    database.close()
    throw error
  }
}

function prepareFile(database: DatabaseSync): void {
  database.exec('PRAGMA journal_mode = WAL')
  // What NORMAL leaves unsynced is still in the journal: a segment goes only after harden().
  database.exec('PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -16000')
  // tidy() moves the log into the file; no append pays for it.
  database.exec('PRAGMA wal_autocheckpoint = 0')
}

function migrate(database: DatabaseSync): void {
  within(database, () => {
    const known = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'audit_meta'").get()
    if (known === undefined) database.exec(SCHEMA)
    const found = Number(database.prepare("SELECT value FROM audit_meta WHERE key = 'schema'").get()?.value)
    refuseNewer(found)
    if (found < 2) database.exec(CHAIN)
    if (found < SCHEMA_VERSION) database.exec(COUNTS)
  })
}

/** One transaction, with the write lock from its beginning. */
function within<T>(database: DatabaseSync, work: () => T): T {
  database.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    database.exec('COMMIT')
    return result
  } catch (error) {
    // After some errors SQLite has rolled back by itself.
    if (database.isTransaction) database.exec('ROLLBACK')
    throw error
  }
}

class SqliteAuditStore implements AuditStore {
  readonly #path: string
  readonly #database: DatabaseSync
  readonly #insertRow: StatementSync
  readonly #insertActor: StatementSync
  readonly #journalMark: StatementSync
  readonly #moveMark: StatementSync
  readonly #chainEnd: StatementSync
  readonly #moveChainEnd: StatementSync
  readonly #addCalls: StatementSync
  readonly #addTimings: StatementSync
  #untidy = false
  /** When old counts went; hourly would be a look at all of them each time. */
  #countsPruned = Number.NEGATIVE_INFINITY

  constructor(path: string, database: DatabaseSync) {
    this.#path = path
    this.#database = database
    this.#insertRow = database.prepare(
      `INSERT INTO audit_rows (${ROW_COLUMNS.join(', ')}, hash) VALUES (${ROW_COLUMNS.map(mark).join(', ')}, unhex(?))`,
    )
    this.#insertActor = database.prepare(
      `INSERT INTO audit_actors (hash, seen_at, kind, id, label, role, grant_id) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (hash) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)`,
    )
    this.#journalMark = database.prepare('SELECT segment, position FROM audit_journals WHERE id = ?')
    this.#moveMark = database.prepare('UPDATE audit_journals SET segment = ?, position = ?, open_from = ? WHERE id = ?')
    this.#chainEnd = database.prepare('SELECT seq, lower(hex(hash)) AS hash FROM audit_chain')
    this.#addCalls = database.prepare(
      `INSERT INTO audit_calls (scope, id, at, outcome, calls) VALUES (?, ?, ?, ?, ?) ${ADD_CALLS}`,
    )
    this.#addTimings = database.prepare(
      `INSERT INTO audit_timings (at, place, bin, calls) VALUES (?, ?, ?, ?) ${ADD_TIMINGS}`,
    )
    this.#moveChainEnd = database.prepare('UPDATE audit_chain SET seq = ?, hash = unhex(?)')
  }

  async attach(name: string): Promise<JournalState> {
    return within(this.#database, () => {
      this.#database
        .prepare(
          `INSERT OR IGNORE INTO audit_journals (name, segment, position, open_from)
           SELECT ?, 1, 0, value + 1 FROM audit_meta WHERE key = 'seq'`,
        )
        .run(name)
      const row = this.#database
        .prepare('SELECT id, segment, position, open_from FROM audit_journals WHERE name = ?')
        .get(name)
      return {
        journal: Number(row?.id),
        segment: Number(row?.segment),
        offset: Number(row?.position),
        openFrom: Number(row?.open_from),
      }
    })
  }

  async append(batch: Batch): Promise<number | null> {
    this.#untidy = true
    return within(this.#database, () => {
      const stands = this.#journalMark.get(batch.journal)
      if (stands?.segment !== batch.from.segment || stands.position !== batch.from.offset) return null
      const first = this.#takeSeqs(batch.rows.length)
      for (const { hash, seenAt, kind, id, label, role, grant } of batch.actors)
        this.#insertActor.run(hash, seenAt, kind, id, label, role, grant)
      this.#insertRows(first, batch)
      this.#count(batch.rows)
      this.#moveMark.run(batch.to.segment, batch.to.offset, batch.openFrom, batch.journal)
      return first
    })
  }

  #takeSeqs(count: number): number {
    const row = this.#database
      .prepare("UPDATE audit_meta SET value = value + ? WHERE key = 'seq' RETURNING value")
      .get(count)
    return Number(row?.value) - count + 1
  }

  #insertRows(first: number, { journal, rows }: Batch): void {
    let { hash } = this.#readChainEnd()
    let seq = first
    for (const row of rows) {
      const { phase, at, deed, actor, plane, method, portal, server, capability, outcome, decision, facts } = row
      hash = chainHash(hash, seq, journal, row)
      this.#insertRow.run(
        ...[seq, journal, phase, at, deed, actor, plane, method, portal, server, capability, outcome, decision, facts],
        hash,
      )
      seq++
    }
    if (rows.length > 0) this.#moveChainEnd.run(seq - 1, hash)
  }

  #count(rows: readonly JournalRow[]): void {
    for (const { scope, id, at, outcome, calls } of countCalls(rows)) this.#addCalls.run(scope, id, at, outcome, calls)
    for (const { at, place, bin, calls } of countTimings(rows)) this.#addTimings.run(at, place, bin, calls)
  }

  #readChainEnd(): ChainEnd {
    const row = this.#chainEnd.get()
    return { seq: Number(row?.seq), hash: String(row?.hash) }
  }

  async chainEnd(): Promise<ChainEnd> {
    return this.#readChainEnd()
  }

  async chainMark(): Promise<Head | null> {
    const row = this.#database.prepare(`SELECT ${HEAD_COLUMNS} FROM audit_heads WHERE kind <> 'head'`).get()
    return row === undefined ? null : toHead(row)
  }

  async hashAt(seq: number): Promise<string | null> {
    const row = this.#database.prepare(`SELECT ${HASH} FROM audit_rows WHERE seq = ?`).get(seq)
    return typeof row?.hash === 'string' ? row.hash : null
  }

  async beginChain(signer: Parameters<AuditStore['beginChain']>[0]): Promise<void> {
    const mark = await this.chainMark()
    if (mark !== null && (mark.kid === signer.kid || signer.check(mark) !== 'good')) return
    within(this.#database, () => {
      const from = this.#database.prepare("SELECT value FROM audit_meta WHERE key = 'chain_from'").get()
      const start = { kind: 'start', writer: '', seq: Number(from?.value), hash: GENESIS, at: 0 } as const
      this.#putMark(signer.sign(mark ?? start))
    })
  }

  #putMark(head: Head): void {
    this.#database.exec("DELETE FROM audit_heads WHERE kind <> 'head'")
    this.#putHead(head)
    this.#database.prepare("DELETE FROM audit_heads WHERE kind = 'head' AND seq < ?").run(head.seq)
  }

  #putHead({ kind, writer, seq, hash, at, kid, signature }: Head): void {
    this.#database
      .prepare(`INSERT OR REPLACE INTO audit_heads (${HEAD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`)
      .run(kind, writer, seq, hash, at, kid, signature)
  }

  async keepHead(head: Head, replaces: number | null): Promise<void> {
    within(this.#database, () => {
      this.#putHead(head)
      if (replaces !== null)
        this.#database
          .prepare("DELETE FROM audit_heads WHERE kind = 'head' AND writer = ? AND seq = ?")
          .run(head.writer, replaces)
    })
  }

  async openRows(journal: number, from: number, limit: number): Promise<OpenRow[]> {
    return this.#database.prepare(selectOpen(mark)).all(journal, from, limit) as unknown as OpenRow[]
  }

  async forget(journal: number): Promise<void> {
    this.#database.prepare('DELETE FROM audit_journals WHERE id = ?').run(journal)
  }

  async select(query: AuditQuery): Promise<Found> {
    const ends = query.ends ?? this.#ends(query)
    const bounds = {
      from: Math.max(ends.low, (query.after ?? -1) + 1),
      to: Math.min(ends.high + 1, query.before ?? Number.MAX_SAFE_INTEGER),
    }
    // A deed has few rows and an index; everything else may have to look at very many.
    const step = query.deed === undefined ? SEARCH_WINDOW : Number.MAX_SAFE_INTEGER
    const newest = ends.high < 0 ? null : ends.high
    const found = await look(query, {
      ...{ bounds, newest, step },
      ask: async (asked, window) => {
        const { sql, values } = selectRows(asked, DIALECT, window)
        return this.#database.prepare(sql).all(...values) as unknown as StoredRow[]
      },
    })
    return { ...found, ends }
  }

  async figures(question: Question): Promise<Figures> {
    const ask = async (sql: string, values: readonly (string | number)[]) => {
      // Each statement blocks the thread that takes the journal in.
      await turn()
      return this.#database.prepare(sql).all(...values)
    }
    const member = (name: string) => `(r.facts -> '$.${name}')`
    return readFigures({ ask, rows: 'audit_rows AS r NOT INDEXED', member }, question)
  }

  /** The first and the last row of the time that is asked about; their numbers need not stand in the order of times. */
  #ends({ since, until }: AuditQuery): Ends {
    // Each alone is one look at the end of the table; both in one SELECT would read all of it.
    const isTimed = since !== undefined || until !== undefined
    const from = isTimed ? 'audit_rows INDEXED BY audit_rows_at WHERE at >= ?1 AND at <= ?2' : 'audit_rows'
    const row = this.#database
      .prepare(`SELECT (SELECT min(seq) FROM ${from}) AS low, (SELECT max(seq) FROM ${from}) AS high`)
      .get(...(isTimed ? [since ?? 0, until ?? Number.MAX_SAFE_INTEGER] : []))
    return { low: Number(row?.low ?? 0), high: Number(row?.high ?? -1) }
  }

  async prune(age: Age, sign: SignHead): Promise<void> {
    while (within(this.#database, () => this.#prunePiece(age, sign))) {
      await turn()
      // A shutdown does not wait for this; the next start goes on.
      if (!this.#database.isOpen) return
    }
    this.#database.prepare('DELETE FROM audit_actors WHERE seen_at < ?').run(age.keepSince - ACTOR_GRACE_MS)
    this.#pruneCounts(age)
  }

  #pruneCounts(age: Age): void {
    if (age.now - this.#countsPruned < DAY_MS) return
    this.#countsPruned = age.now
    const { calls, timings } = oldCounts(age)
    this.#database.prepare('DELETE FROM audit_calls WHERE at < ?').run(calls)
    this.#database.prepare('DELETE FROM audit_timings WHERE at < ?').run(timings)
  }

  /** @returns whether there may be more */
  #prunePiece({ now, keepSince }: Age, sign: SignHead): boolean {
    const oldest = this.#database
      .prepare(`SELECT seq, at, ${HASH} FROM audit_rows ORDER BY seq LIMIT ?`)
      .all(PRUNE_PIECE)
    const kept = oldest.findIndex(({ at }) => Number(at) >= keepSince && Number(at) <= now + AHEAD_MS)
    const last = oldest.at(kept < 0 ? -1 : kept - 1)
    if (last === undefined || kept === 0) return false
    this.#database.prepare('DELETE FROM audit_rows WHERE seq <= ?').run(Number(last.seq))
    // What is older than the chain needs no mark.
    if (last.hash !== null)
      this.#putMark(sign({ kind: 'pruned', writer: '', seq: Number(last.seq), hash: String(last.hash), at: now }))
    return oldest.length === PRUNE_PIECE && kept < 0
  }

  async harden(): Promise<void> {
    // The write-ahead log holds every commit that no checkpoint has moved yet, and a checkpoint syncs what it moves.
    const log = openSync(`${this.#path}-wal`, 'r+')
    try {
      fdatasyncSync(log)
    } finally {
      closeSync(log)
    }
  }

  async tidy(): Promise<void> {
    if (!this.#untidy) return
    this.#untidy = false
    // PASSIVE waits for nobody.
    this.#database.exec('PRAGMA wal_checkpoint(PASSIVE)')
  }

  async close(): Promise<void> {
    this.#database.close()
  }
}
