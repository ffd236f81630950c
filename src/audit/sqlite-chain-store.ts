/** Reads the chain from `audit.db`, also while a portal writes to it. Opened for reading only: nothing can be changed by it. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { CHAIN_COLUMNS, HEAD_COLUMNS, toHead } from './audit-store.ts'
import { type ChainReader, toChainRow } from './chain-reader.ts'

export async function openSqliteChain(path: string): Promise<ChainReader> {
  if (!existsSync(path)) throw new Error(`There is no ${path}.`)
  const database = new DatabaseSync(path, { readOnly: true, timeout: 5000 })
  // One view for the whole check: a portal may prune and append meanwhile.
  database.exec('BEGIN')
  return {
    async end() {
      const known = database.prepare("SELECT 1 FROM sqlite_master WHERE name = 'audit_chain'").get()
      if (known === undefined) return null
      const row = database.prepare('SELECT seq, lower(hex(hash)) AS hash FROM audit_chain').get()
      return { seq: Number(row?.seq), hash: String(row?.hash) }
    },
    async heads() {
      return database.prepare(`SELECT ${HEAD_COLUMNS} FROM audit_heads ORDER BY seq`).all().map(toHead)
    },
    async countUpTo(seq) {
      const row = database.prepare('SELECT count(*) AS count FROM audit_rows WHERE seq <= ?').get(seq)
      return Number(row?.count)
    },
    async firstSince(at) {
      const row = database.prepare('SELECT min(seq) AS seq FROM audit_rows WHERE at >= ?').get(at)
      return typeof row?.seq === 'number' ? row.seq : null
    },
    async *rows(behind) {
      const rows = database
        .prepare(
          `SELECT ${CHAIN_COLUMNS}, nullif(lower(hex(r.hash)), '') AS hash FROM audit_rows r
           LEFT JOIN audit_actors a ON a.hash = r.actor WHERE r.seq > ? ORDER BY r.seq`,
        )
        .iterate(behind)
      for (const row of rows) yield toChainRow(row)
    },
    async close() {
      database.close()
    },
  }
}
