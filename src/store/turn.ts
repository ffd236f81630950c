/** One at a time, for what one atomic statement cannot say: who reads, decides and writes what another may write as well. */
import { sql } from 'kysely'
import type { Store, Trx } from './open.ts'

/**
 * Waits until nobody else has this name's turn, and has it until the transaction ends. What is read afterwards includes
 * all that earlier turns wrote (READ COMMITTED takes a snapshot for each statement). Names that share a hash wait for
 * one another, and nothing worse. With SQLite there is one connection, and every transaction is a turn.
 *
 * @param name what the turn is about, with its room's own prefix; one a transaction, or two could wait for each other
 */
export async function takeTurn(store: Store, trx: Trx, name: string): Promise<void> {
  if (store.dialect === 'sqlite') return
  await sql`select pg_advisory_xact_lock(hashtextextended(${name}, 0))`.execute(trx)
}
