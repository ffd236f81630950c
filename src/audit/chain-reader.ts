/** What a check of the chain reads: one unmoving view of the audit's database, which nothing here changes. */
import type { ChainEnd, Head } from './chain.ts'
import type { ActorSnapshot } from './event.ts'
import type { JournalRow } from './lines.ts'

export interface ChainRow extends JournalRow {
  seq: number
  journal: number
  /** As hex; null where it has none. */
  hash: string | null
  /** The facts that `actor` is the hash of, or null where they are gone. */
  who: ActorSnapshot | null
}

export interface ChainReader {
  /** Null in a database that no version with a chain has opened yet. */
  end(): Promise<ChainEnd | null>
  /** Marks too, by seq. */
  heads(): Promise<Head[]>
  /** How many rows there are up to a seq, this one included. */
  countUpTo(seq: number): Promise<number>
  /** The seq of the first row that is not older, or null where there is none. */
  firstSince(at: number): Promise<number | null>
  /** Rows behind a seq, in order, as they are read. */
  rows(behind: number): AsyncIterable<ChainRow>
  close(): Promise<void>
}

/** A row as either database gives it; numbers may come as text. */
export function toChainRow(row: { [column: string]: unknown }): ChainRow {
  const text = (column: string): string | null => (row[column] === null ? null : String(row[column]))
  return {
    seq: Number(row.seq),
    journal: Number(row.journal),
    phase: row.phase as JournalRow['phase'],
    at: Number(row.at),
    deed: String(row.deed),
    actor: String(row.actor),
    plane: String(row.plane),
    method: String(row.method),
    portal: text('portal'),
    server: text('server'),
    capability: text('capability'),
    outcome: text('outcome'),
    decision: text('decision'),
    facts: String(row.facts),
    hash: text('hash'),
    who:
      row.actor_kind === null
        ? null
        : {
            kind: row.actor_kind as ActorSnapshot['kind'],
            id: String(row.actor_id),
            label: String(row.actor_label),
            ...(row.actor_role !== null && { role: String(row.actor_role) }),
            ...(row.actor_grant !== null && { grant: String(row.actor_grant) }),
          },
  }
}
