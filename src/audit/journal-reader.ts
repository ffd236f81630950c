/** Reads a journal in its directory, frame by frame. It never writes, and takes nothing that is torn. */
import { closeSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { HEADER_BYTES, MAX_PAYLOAD, type Position, segmentName, segmentNumber, takeFrame } from './frames.ts'
import { type JournalActor, type JournalRow, readLines } from './lines.ts'

/** What stands in a journal between two places. */
export interface Piece {
  rows: JournalRow[]
  actors: JournalActor[]
  to: Position
}

/** One read takes several frames and always at least one whole one. */
const READ_BYTES = 4 * (HEADER_BYTES + MAX_PAYLOAD)

export class JournalReader {
  readonly #dir: string
  readonly #bytes = Buffer.allocUnsafe(READ_BYTES)
  #fd: number | null = null
  #segment = 0

  constructor(dir: string) {
    this.#dir = dir
  }

  /**
   * @returns what stands complete from `from` on, about a megabyte of it, or undefined where nothing does (yet)
   * @throws Error when the segment is not there: taking that for an empty one would lose its rows
   */
  read(from: Position): Piece | undefined {
    const fd = this.#open(from.segment)
    const bytes = this.#bytes.subarray(0, readSync(fd, this.#bytes, 0, READ_BYTES, from.offset))
    const rows: JournalRow[] = []
    const actors = new Map<string, JournalActor>()
    let at = 0
    for (;;) {
      const payload = takeFrame(bytes, at, from.offset + at)
      if (payload === undefined) break
      readLines(payload.toString('utf8'), rows, actors)
      at += HEADER_BYTES + payload.length
    }
    if (at === 0) return undefined
    return { rows, actors: [...actors.values()], to: { segment: from.segment, offset: from.offset + at } }
  }

  #open(segment: number): number {
    if (this.#fd !== null && this.#segment === segment) return this.#fd
    this.close()
    this.#fd = openSync(join(this.#dir, segmentName(segment)), 'r')
    this.#segment = segment
    return this.#fd
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd)
    this.#fd = null
  }
}

/** The numbers of the segments in a journal's directory, in order. */
export function listSegments(dir: string): number[] {
  return readdirSync(dir)
    .flatMap((name) => segmentNumber(name) ?? [])
    .sort((a, b) => a - b)
}
