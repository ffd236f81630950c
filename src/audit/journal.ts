/**
 * This process's own journal: what is in it survives the death of the process, and callers are let go only then.
 *
 * All lines of one turn of the event loop are written by one `write` and their callers released together, at the end of
 * that turn and never on a timer. Where a line cannot be written its callers are refused, and so is everyone after them until
 * writing works again: never release a caller whose line is not in the file.
 *
 * A segment in which a write or a sync failed is left for good. A refused line may therefore still be found in it by a
 * reader; a released one is never missing.
 */
import { writeSync } from 'node:fs'
import { Fault } from '../base/fault.ts'
import { HEADER_BYTES, MAX_PAYLOAD, type Position, putFrame } from './frames.ts'
import { makeSegment, type Segment } from './segments.ts'

export interface JournalOptions {
  /** The journal's directory, which exists and is locked by this process. */
  dir: string
  durability: 'process' | 'disk'
  /** Size of a segment, at least 512 KiB. */
  segmentBytes: number
  /** How many segments may wait to be taken in before calls are refused. */
  maxSegments: number
  /** After lines were written. */
  onWritten(position: Position): void
  /** When writing fails, and when it works again (`null`). */
  onTrouble(cause: unknown): void
}

const SYNC_MS = 1000
const RETRY_MS = 250
/** Lines are under 32 Ki characters, so a chunk that grew past this is still within a frame. */
const CHUNK = 32 * 1024

interface Turn {
  chunks: string[]
  text: string
  done: Promise<void>
  release(): void
  refuse(fault: Fault): void
}

function newTurn(): Turn {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Each caller waits on this promise or on one made from it; a refusal that nobody waits for must not end the process.
  promise.catch(() => {})
  return { chunks: [], text: '', done: promise, release: resolve, refuse: reject }
}

export class Journal {
  readonly #options: JournalOptions
  readonly #frame = Buffer.allocUnsafe(HEADER_BYTES + MAX_PAYLOAD)
  readonly #ticker: NodeJS.Timeout
  readonly #flush = (): void => this.flush()
  #turn = newTurn()
  #scheduled = false
  #current: Segment
  #offset = 0
  /** The current segment took a failed write: it is left at the next chance. */
  #spoilt = false
  #next: Segment | null = null
  #making: Promise<void> | null = null
  #retry: NodeJS.Timeout | undefined
  #takenIn = 1
  #trouble: Fault | null = null
  #closed = false
  /** Segments with writes that no sync has covered. */
  #unsynced = new Set<Segment>()
  #awaitingSync: Turn[] = []
  #syncing: Promise<void> | null = null
  /** Changes whenever lines written before may not be found any more by who reads from here on. */
  epoch = 0
  /** How many syncs have covered everything that stood written when they began. */
  syncs = 0

  private constructor(options: JournalOptions, first: Segment) {
    this.#options = options
    this.#current = first
    this.#ticker = setInterval(() => {
      if (this.#unsynced.size > 0 && this.#syncing === null) this.#startSync()
    }, SYNC_MS)
    this.#ticker.unref()
    this.#prepareNext()
  }

  static async open(options: JournalOptions): Promise<Journal> {
    return new Journal(options, await makeSegment(options.dir, 1, options.segmentBytes))
  }

  get writable(): boolean {
    return this.#trouble === null && !this.#closed
  }

  /** Segments that the database has not taken in whole. */
  get segmentsWaiting(): number {
    return this.#current.number - this.#takenIn
  }

  /** Behind the last line that was written. */
  get position(): Position {
    return { segment: this.#current.number, offset: this.#offset }
  }

  /**
   * Adds lines to this turn without waiting for them; they stand before everything that is written later.
   *
   * @param alone nobody else is at work who could share the write: it is not put off to the end of the turn
   */
  add(lines: string, alone = false): void {
    const turn = this.#turn
    turn.text += lines
    if (turn.text.length >= CHUNK) {
      turn.chunks.push(turn.text)
      turn.text = ''
    }
    if (this.#scheduled) return
    this.#scheduled = true
    if (alone) process.nextTick(this.#flush)
    else setImmediate(this.#flush)
  }

  /**
   * @param lines under 32 Ki characters
   * @param alone as for `add`
   * @returns when the lines are as durable as was asked for
   * @throws Fault `audit-unavailable`
   */
  write(lines: string, alone = false): Promise<void> {
    if (this.#trouble !== null) return Promise.reject(this.#trouble)
    if (this.#closed) return Promise.reject(unavailable('the audit is closed'))
    this.add(lines, alone)
    return this.#turn.done
  }

  /** Writes what this turn has collected so far. */
  flush(): void {
    this.#scheduled = false
    const turn = this.#turn
    if (turn.text !== '') {
      turn.chunks.push(turn.text)
      turn.text = ''
    }
    if (turn.chunks.length === 0) return
    for (let chunk = turn.chunks[0]; chunk !== undefined; chunk = turn.chunks[0]) {
      if (!this.#put(chunk)) {
        // The next segment is being made: the turn waits for it, and grows meanwhile.
        if (this.#making === null) this.#fail(unavailable('no journal segment can be made'))
        return
      }
      turn.chunks.shift()
    }
    this.#turn = newTurn()
    this.#options.onWritten(this.position)
    if (this.#options.durability === 'process') {
      turn.release()
      return
    }
    this.#awaitingSync.push(turn)
    if (this.#syncing === null) this.#startSync()
  }

  /** @returns false when there is no segment to write in */
  #put(chunk: string): boolean {
    for (;;) {
      if (!this.#spoilt) {
        const length = putFrame(this.#frame, chunk, this.#offset)
        if (this.#offset + length <= this.#current.size) {
          if (this.#writeFrame(length)) return true
          this.#spoilt = true
        }
      }
      if (!this.#advance()) return false
    }
  }

  #writeFrame(length: number): boolean {
    this.#unsynced.add(this.#current)
    try {
      const written = writeSync(this.#current.file.fd, this.#frame, 0, length, this.#offset)
      if (written !== length) throw new Error(`only ${written} of ${length} bytes could be written`)
      this.#offset += length
      return true
    } catch (error) {
      this.#options.onTrouble(error)
      return false
    }
  }

  #advance(): boolean {
    if (this.#next === null) {
      this.#prepareNext()
      return false
    }
    const old = this.#current
    this.#current = this.#next
    this.#offset = 0
    this.#spoilt = false
    this.#next = null
    this.epoch++
    // The last writes in it may not be synced yet; the sync that covers them closes it.
    if (this.#syncing === null && this.#unsynced.has(old)) this.#startSync()
    else this.#closeLeft(old)
    this.#prepareNext()
    return true
  }

  #prepareNext(): void {
    if (this.#next !== null || this.#making !== null || this.#closed) return
    clearTimeout(this.#retry)
    const number = this.#current.number + 1
    if (number - this.#takenIn >= this.#options.maxSegments) {
      this.#retryLater()
      return
    }
    this.#making = makeSegment(this.#options.dir, number, this.#options.segmentBytes).then(
      (segment) => {
        this.#making = null
        this.#next = segment
        this.#recovered()
      },
      (error: unknown) => {
        this.#making = null
        this.#retryLater()
        // A turn that waits for the segment waits no longer.
        if (this.#turn.chunks.length > 0) this.#fail(unavailable(error))
      },
    )
  }

  #retryLater(): void {
    this.#retry = setTimeout(() => this.#prepareNext(), RETRY_MS)
    this.#retry.unref()
  }

  #recovered(): void {
    if (this.#trouble !== null) {
      this.#trouble = null
      this.#options.onTrouble(null)
    }
    this.flush()
  }

  #fail(fault: Fault): void {
    const turn = this.#turn
    this.#turn = newTurn()
    // Facts about actors that this turn held are not in the file.
    this.epoch++
    if (this.#trouble === null) this.#options.onTrouble(fault.cause)
    this.#trouble = fault
    turn.refuse(fault)
  }

  /** The worker has taken in everything before this place. */
  takenIn(position: Position): void {
    this.#takenIn = position.segment
    if (this.#making === null) this.#prepareNext()
  }

  /** One sync at a time; what is written during one is covered by the next. */
  #startSync(): void {
    const segments = [...this.#unsynced]
    const turns = this.#awaitingSync
    this.#unsynced = new Set()
    this.#awaitingSync = []
    this.#syncing = Promise.all(segments.map((segment) => segment.file.datasync()))
      .then(
        () => {
          this.syncs++
          for (const turn of turns) turn.release()
        },
        (error: unknown) => this.#syncFailed(segments, turns, error),
      )
      .then(() => {
        for (const segment of segments) this.#closeLeft(segment)
        this.#syncing = null
        if (this.#awaitingSync.length > 0) this.#startSync()
      })
  }

  #closeLeft(segment: Segment): void {
    // One that was written again during the sync is closed by the sync that covers it.
    if (segment !== this.#current && !this.#unsynced.has(segment)) closeQuietly(segment)
  }

  /** After a failed sync the system may hold the pages for clean, so trying again would prove nothing. */
  #syncFailed(segments: readonly Segment[], turns: readonly Turn[], error: unknown): void {
    this.#options.onTrouble(error)
    this.epoch++
    if (segments.includes(this.#current)) this.#spoilt = true
    for (const turn of turns) turn.refuse(unavailable(error))
  }

  /** Writes and syncs what is left, and closes the files. What is written afterwards is refused. */
  async close(): Promise<void> {
    this.flush()
    this.#closed = true
    clearInterval(this.#ticker)
    await this.#making
    clearTimeout(this.#retry)
    if (this.#turn.chunks.length > 0) this.#fail(unavailable('the audit is closed'))
    while (this.#syncing !== null) await this.#syncing
    if (this.#unsynced.size > 0) this.#startSync()
    await this.#syncing
    await this.#current.file.close()
    await this.#next?.file.close()
  }
}

function closeQuietly(segment: Segment): void {
  // Everything in it is written and synced, or given up; closing tells nothing more.
  segment.file.close().catch(() => {})
}

export function unavailable(cause: unknown): Fault {
  return new Fault(
    'audit-unavailable',
    'The portal cannot write its audit log and refuses calls until it can. Try again shortly, or tell the administrator.',
    cause,
  )
}
