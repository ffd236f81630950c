/**
 * The audit in SQLite: `audit.db` in the data directory, a file of its own so that its writes never wait for the store's.
 * It runs in the audit's worker only, because every statement blocks its thread.
 */
import { closeSync, fdatasyncSync, openSync } from 'node:fs'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setImmediate as turn } from 'node:timers/promises'
import {
  ACTOR_GRACE_MS,
  type AuditStore,
  type Batch,
  type JournalState,
  type OpenRow,
  ROW_COLUMNS,
  refuseNewer,
  SCHEMA_VERSION,
  type StoredRow,
  selectOpen,
  selectRows,
  toAuditRow,
  type Window,
} from './audit-store.ts'
import type { AuditQuery, AuditRow } from './event.ts'
import type { JournalRow } from './lines.ts'
import { createOnce } from './lock-store.ts'

/** Rows are searched and deleted in pieces, so that taking the journal in never waits long. */
const SEARCH_WINDOW = 100_000
const PRUNE_PIECE = 5_000

const SCHEMA = `
CREATE TABLE audit_meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO audit_meta (key, value) VALUES ('schema', ${SCHEMA_VERSION}), ('seq', 0);
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

const mark = (): string => '?'

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
    const found = database.prepare("SELECT value FROM audit_meta WHERE key = 'schema'").get()
    refuseNewer(Number(found?.value))
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
  #untidy = false

  constructor(path: string, database: DatabaseSync) {
    this.#path = path
    this.#database = database
    this.#insertRow = database.prepare(
      `INSERT INTO audit_rows (${ROW_COLUMNS.join(', ')}) VALUES (${ROW_COLUMNS.map(mark).join(', ')})`,
    )
    this.#insertActor = database.prepare(
      `INSERT INTO audit_actors (hash, seen_at, kind, id, label, role, grant_id) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (hash) DO UPDATE SET seen_at = max(seen_at, excluded.seen_at)`,
    )
    this.#journalMark = database.prepare('SELECT segment, position FROM audit_journals WHERE id = ?')
    this.#moveMark = database.prepare('UPDATE audit_journals SET segment = ?, position = ?, open_from = ? WHERE id = ?')
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
      let seq = first
      for (const row of batch.rows) this.#insert(seq++, batch.journal, row)
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

  #insert(seq: number, journal: number, row: JournalRow): void {
    const { phase, at, deed, actor, plane, method, portal, server, capability, outcome, decision, facts } = row
    this.#insertRow.run(
      seq,
      journal,
      phase,
      at,
      deed,
      actor,
      plane,
      method,
      portal,
      server,
      capability,
      outcome,
      decision,
      facts,
    )
  }

  async openRows(journal: number, from: number, limit: number): Promise<OpenRow[]> {
    return this.#database.prepare(selectOpen(mark)).all(journal, from, limit) as unknown as OpenRow[]
  }

  async forget(journal: number): Promise<void> {
    this.#database.prepare('DELETE FROM audit_journals WHERE id = ?').run(journal)
  }

  async select(query: AuditQuery): Promise<AuditRow[]> {
    const rows: AuditRow[] = []
    const { from, to } = this.#bounds(query)
    const oldestFirst = query.after !== undefined
    // A deed has few rows and an index; everything else may have to look at very many.
    const step = query.deed === undefined ? SEARCH_WINDOW : Math.max(1, to - from)
    for (let done = 0; from + done < to && rows.length < query.limit; done += step) {
      const window = oldestFirst
        ? { from: from + done, to: Math.min(to, from + done + step) }
        : { from: Math.max(from, to - done - step), to: to - done }
      const { sql, values } = selectRows({ ...query, limit: query.limit - rows.length }, mark, window)
      const found = this.#database.prepare(sql).all(...values) as unknown as StoredRow[]
      rows.push(...found.map(toAuditRow))
      await turn()
    }
    return rows
  }

  #bounds(query: AuditQuery): Window {
    const since = query.since ?? null
    const ends =
      since === null
        ? this.#database.prepare('SELECT min(seq) AS low, max(seq) AS high FROM audit_rows').get()
        : this.#database
            .prepare('SELECT min(seq) AS low, max(seq) AS high FROM audit_rows INDEXED BY audit_rows_at WHERE at >= ?')
            .get(since)
    return {
      from: Math.max(Number(ends?.low ?? 0), (query.after ?? -1) + 1),
      to: Math.min(Number(ends?.high ?? -1) + 1, query.before ?? Number.MAX_SAFE_INTEGER),
    }
  }

  async prune(before: number): Promise<void> {
    const remove = this.#database.prepare(
      'DELETE FROM audit_rows WHERE seq IN (SELECT seq FROM audit_rows INDEXED BY audit_rows_at WHERE at < ? LIMIT ?)',
    )
    while (remove.run(before, PRUNE_PIECE).changes === PRUNE_PIECE) {
      await turn()
      // A shutdown does not wait for this; the next start goes on.
      if (!this.#database.isOpen) return
    }
    this.#database.prepare('DELETE FROM audit_actors WHERE seen_at < ?').run(before - ACTOR_GRACE_MS)
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
