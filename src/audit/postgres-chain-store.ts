/** Reads the chain from PostgreSQL in one read-only transaction, a cursor's worth at a time. */
import pg from 'pg'
import { CHAIN_COLUMNS, HEAD_COLUMNS, toHead } from './audit-store.ts'
import { type ChainReader, toChainRow } from './chain-reader.ts'

const FETCH = 2000

export async function openPostgresChain(url: string): Promise<ChainReader> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 5000,
    application_name: 'portico audit verify',
  })
  await client.connect()
  // One view for the whole check: portals may prune and append meanwhile.
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  return {
    async end() {
      const known = await client.query("SELECT to_regclass('audit_chain') AS known")
      if (known.rows[0]?.known === null) return null
      const { rows } = await client.query("SELECT seq, encode(hash, 'hex') AS hash FROM audit_chain")
      return { seq: Number(rows[0]?.seq), hash: String(rows[0]?.hash) }
    },
    async heads() {
      const { rows } = await client.query(`SELECT ${HEAD_COLUMNS} FROM audit_heads ORDER BY seq`)
      return rows.map(toHead)
    },
    async countUpTo(seq) {
      const { rows } = await client.query('SELECT count(*) AS count FROM audit_rows WHERE seq <= $1', [seq])
      return Number(rows[0]?.count)
    },
    async firstSince(at) {
      const { rows } = await client.query('SELECT min(seq) AS seq FROM audit_rows WHERE at >= $1', [at])
      return rows[0]?.seq === null ? null : Number(rows[0]?.seq)
    },
    async *rows(behind) {
      await client.query(
        `DECLARE chain NO SCROLL CURSOR FOR SELECT ${CHAIN_COLUMNS}, encode(r.hash, 'hex') AS hash FROM audit_rows r
         LEFT JOIN audit_actors a ON a.hash = r.actor WHERE r.seq > $1 ORDER BY r.seq, r.at`,
        [behind],
      )
      for (;;) {
        const { rows } = await client.query(`FETCH ${FETCH} FROM chain`)
        for (const row of rows) yield toChainRow(row)
        if (rows.length < FETCH) break
      }
      await client.query('CLOSE chain')
    },
    async close() {
      await client.end()
    },
  }
}
