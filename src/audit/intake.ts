/**
 * Takes one journal into the audit's database. Rows and the mark that says how far the journal was taken in are one
 * transaction, so whatever dies in the middle, no row is lost and none comes twice.
 *
 * A segment is deleted only when everything in it is in the database and would survive the loss of power.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { AuditStore, OpenRow } from './audit-store.ts'
import { isBefore, type Position, segmentName } from './frames.ts'
import { JournalReader, listSegments, type Piece } from './journal-reader.ts'
import type { JournalRow } from './lines.ts'

const PAGE = 1000

export class Intake {
  readonly #store: AuditStore
  readonly #dir: string
  readonly #name: string
  readonly #reader: JournalReader
  #journal = -1
  #at: Position = { segment: 1, offset: 0 }
  /** Deeds that began and have not ended, by the seq of their `begun` row, oldest first. */
  #open = new Map<string, number>()
  #openFrom = 0
  /** Whether what is known here agrees with the database. */
  #attached = false
  #firstKept = 1

  constructor(store: AuditStore, dir: string, name: string) {
    this.#store = store
    this.#dir = dir
    this.#name = name
    this.#reader = new JournalReader(dir)
  }

  get position(): Position {
    return this.#at
  }

  /**
   * Takes in one piece.
   *
   * @param last the segment that is written now, or the last there is; what is before it is complete
   * @returns false when there is nothing more
   */
  async step(last: number): Promise<boolean> {
    if (!this.#attached) await this.#attach()
    const piece = this.#reader.read(this.#at)
    if (piece !== undefined) {
      await this.#append(piece)
      return true
    }
    if (this.#at.segment >= last) return false
    // What follows the last complete frame of an earlier segment is zeros, or a write that failed and was refused.
    await this.#moveTo(this.#at.segment + 1)
    return true
  }

  /** After a failure it is unknown what was committed, so it is read again. */
  async #attach(): Promise<void> {
    const state = await this.#store.attach(this.#name)
    this.#journal = state.journal
    this.#at = { segment: state.segment, offset: state.offset }
    this.#openFrom = state.openFrom
    this.#open = new Map()
    for await (const row of this.#openRows()) this.#open.set(row.deed, row.seq)
    this.#attached = true
  }

  async *#openRows(): AsyncGenerator<OpenRow> {
    let from = this.#openFrom
    for (;;) {
      const rows = await this.#store.openRows(this.#journal, from, PAGE)
      yield* rows
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) return
      from = last.seq + 1
    }
  }

  async #append(piece: Pick<Piece, 'rows' | 'actors' | 'to'>): Promise<void> {
    const from = this.#at
    this.#attached = false
    const first = await this.#store.append({ journal: this.#journal, openFrom: this.#openFrom, from, ...piece })
    // The mark stood elsewhere: an earlier try was committed although its answer was lost. The next step attaches again.
    if (first === null) return
    this.#attached = true
    this.#at = piece.to
    this.#follow(piece.rows, first)
  }

  #follow(rows: readonly JournalRow[], first: number): void {
    let seq = first
    for (const row of rows) {
      if (row.phase === 'begun') this.#open.set(row.deed, seq)
      else this.#open.delete(row.deed)
      seq++
    }
    this.#openFrom = this.#open.values().next().value ?? Math.max(seq, this.#openFrom)
  }

  /** Moves the mark to a new segment at once, so that the ones before it can go. */
  async #moveTo(segment: number): Promise<void> {
    await this.#append({ rows: [], actors: [], to: { segment, offset: 0 } })
    if (!this.#attached) return
    await this.#store.harden()
    for (; this.#firstKept < segment; this.#firstKept++)
      rmSync(join(this.#dir, segmentName(this.#firstKept)), { force: true })
  }

  /**
   * Takes in all that stands before `tail`.
   *
   * @throws Error when the journal cannot be read up to there
   */
  async catchUp(tail: Position): Promise<void> {
    while (await this.step(tail.segment));
    if (isBefore(this.#at, tail))
      throw new Error(`the journal cannot be read at ${this.#at.segment}:${this.#at.offset}`)
  }

  /**
   * Ends a journal that nobody writes any more: what it left open is closed as `unknown`, and its segments are deleted.
   *
   * @param now milliseconds since 1970
   * @returns how many deeds were left open
   */
  async finish(now: number): Promise<number> {
    const segments = listSegments(this.#dir)
    await this.#takeAll(segments)
    let left = 0
    for (;;) {
      if (!this.#attached) await this.#attach()
      const rows = await this.#store.openRows(this.#journal, this.#openFrom, PAGE)
      if (rows.length === 0) break
      await this.#append({ rows: rows.map((row) => unknownEnd(row, now)), actors: [], to: this.#at })
      left += rows.length
    }
    await this.#store.harden()
    this.#reader.close()
    for (const segment of segments) rmSync(join(this.#dir, segmentName(segment)), { force: true })
    await this.#store.forget(this.#journal)
    return left
  }

  async #takeAll(segments: readonly number[]): Promise<void> {
    if (!this.#attached) await this.#attach()
    const first = segments[0]
    const last = segments.at(-1)
    // Nothing is left where a process died while it deleted what was taken in.
    if (first === undefined || last === undefined || this.#at.segment > last) return
    // A database that never saw this journal begins with what there is.
    if (this.#at.segment < first) await this.#moveTo(first)
    while (await this.step(last));
  }

  close(): void {
    this.#reader.close()
  }
}

/** A deed whose process died: it may have reached the upstream, and no one was answered. */
function unknownEnd(begun: OpenRow, now: number): JournalRow {
  return { ...begun, phase: 'ended', at: now, outcome: 'unknown' }
}
