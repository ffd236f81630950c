/** The counters, the chain's end and its signed heads in PostgreSQL, each read or written within whatever transaction it is given. */
import type pg from 'pg'
import { HEAD_COLUMNS, toHead } from './audit-store.ts'
import type { ChainEnd, Head } from './chain.ts'

type Asked = Pick<pg.PoolClient, 'query'>

export async function readNumber(client: Asked, key: string): Promise<number> {
  const { rows } = await client.query('SELECT value FROM audit_meta WHERE key = $1', [key])
  return Number(rows[0]?.value)
}

export async function endWithin(client: Asked): Promise<ChainEnd> {
  const { rows } = await client.query("SELECT seq, encode(hash, 'hex') AS hash FROM audit_chain")
  return { seq: Number(rows[0]?.seq), hash: String(rows[0]?.hash) }
}

export async function hashWithin(client: Asked, seq: number): Promise<string | null> {
  const { rows } = await client.query("SELECT encode(hash, 'hex') AS hash FROM audit_rows WHERE seq = $1", [seq])
  return rows[0]?.hash ?? null
}

export async function markWithin(client: Asked): Promise<Head | null> {
  const { rows } = await client.query(`SELECT ${HEAD_COLUMNS} FROM audit_heads WHERE kind <> 'head'`)
  return rows[0] === undefined ? null : toHead(rows[0])
}

export async function putMark(client: Asked, head: Head): Promise<void> {
  await client.query("DELETE FROM audit_heads WHERE kind <> 'head' OR seq < $1", [head.seq])
  await putHead(client, head)
}

export async function putHead(client: Asked, { kind, writer, seq, hash, at, kid, signature }: Head): Promise<void> {
  await client.query(
    `INSERT INTO audit_heads (${HEAD_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (kind, writer, seq) DO UPDATE SET hash = excluded.hash, at = excluded.at, kid = excluded.kid,
       signature = excluded.signature`,
    [kind, writer, seq, hash, at, kid, signature],
  )
}
