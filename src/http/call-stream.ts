/**
 * What one call says to its client of 2025-11-25, over whichever connection the client has for it. As long as nothing streams it is
 * the answer of one request and costs nothing more. Once something streams, each event has an id, and what was said is kept for a
 * while: a client whose connection broke takes the stream up by another, gets what it missed, and then the answer. A connection that
 * breaks is no cancellation; the call goes on meanwhile.
 *
 * Everything here belongs to one call of one session; nothing of another stream can come to be said on it.
 */
import { LIMITS } from '../config/limits.ts'
import type { Body } from '../protocol/model.ts'
import { eventId } from './event-id.ts'
import type { KeptStream, KeptStreams, StreamingCall } from './kept-streams.ts'
import type { Answer, Outlet } from './stream.ts'

interface Message {
  /** Its place in the stream. */
  at: number | 'end'
  bytes: Buffer
  /** Progress and log lines: where too much is kept, the oldest of them go first. */
  isNote: boolean
}

/** The revision whose clients understand an event without a message (SEP-1699). */
export const RESUMABLE = '2025-11-25'
/** When a client whose connection broke is to come back, in milliseconds. */
export const RETRY_MS = 1000
const MOST_KEPT = LIMITS.kept_stream_bytes.value
/** Never written to. */
const NOTHING: never[] = []

export class CallStream implements Outlet, KeptStream {
  readonly id: number
  readonly call: StreamingCall
  readonly #streams: KeptStreams
  #answer: Answer
  #hasBegun = false
  /** What begins each of its ids; null where nothing is kept of it. */
  #seal: string | null = null
  #messages: Message[] = NOTHING
  #bytes = 0
  #last = 0
  #isOver = false
  #isFollowed = false
  #waiting: (() => void) | null = null
  #gone: (() => void)[] = NOTHING

  constructor(answer: Answer, call: StreamingCall, streams: KeptStreams) {
    this.id = streams.nextId()
    this.#answer = answer
    this.call = call
    this.#streams = streams
  }

  get takesStream(): boolean {
    return this.#answer.takesStream
  }

  /** Nobody reads, and nobody can come back to read. */
  get closed(): boolean {
    return this.#seal === null && this.#answer.closed
  }

  /** The answer has been given, read or not. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Bytes that are kept of it. */
  get bytes(): number {
    return this.#bytes
  }

  /** A message that its client must have, such as a question. */
  send(message: Buffer | string): void {
    this.#say(message, false)
  }

  /** A message that its client can be without. */
  note(message: Buffer): void {
    this.#say(message, true)
  }

  end(status: number, body: Body): void {
    const seal = this.#seal
    this.#isOver = true
    if (seal === null) {
      this.#answer.end(status, body)
      return
    }
    const bytes = Buffer.isBuffer(body) ? body : Buffer.concat(body)
    this.#keep({ at: 'end', bytes, isNote: false })
    this.#answer.end(status, bytes, eventId(seal, 'end'))
    this.#streams.left(this)
  }

  standBy(end: () => void): void {
    this.#waiting = end
    if (!this.#answer.closed) this.#answer.standBy(end)
    else if (this.#streams.isRetired) end()
  }

  onAbandoned(listener: () => void): void {
    if (this.#gone === NOTHING) this.#gone = []
    this.#gone.push(listener)
    if (this.closed) this.#giveUp()
    else this.#follow()
  }

  /** The listener closes: what waits unread is given up; what is under way is left to finish. */
  retire(): void {
    if (this.#answer.closed) this.#waiting?.()
  }

  /**
   * Goes on over another connection of the same client. The one before is cut: it may look open for minutes after its client is gone,
   * and a message is never on two.
   *
   * @param after the last event that the client has
   */
  takeUp(answer: Answer, after: number): void {
    const seal = this.#seal
    if (seal === null) throw new Error('a stream of which nothing is kept cannot be taken up')
    const before = this.#answer
    this.#answer = answer
    before.cut()
    answer.open()
    for (const { at, bytes } of this.#messages) {
      if (at === 'end') answer.end(200, bytes, eventId(seal, at))
      else if (at > after) answer.send(bytes, eventId(seal, at))
    }
    this.#isFollowed = false
    if (this.#isOver) return
    this.#follow()
    if (this.#waiting !== null) answer.standBy(this.#waiting)
  }

  /** Nothing is kept of it from now on. */
  forget(): void {
    this.#seal = null
    this.#messages = NOTHING
    this.#bytes = 0
    if (this.#answer.closed) this.#giveUp()
  }

  #say(message: Buffer | string, isNote: boolean): void {
    if (!this.#hasBegun) this.#begin()
    if (this.#seal === null) {
      this.#answer.send(message)
      return
    }
    const id = eventId(this.#seal, ++this.#last)
    this.#keep({ at: this.#last, bytes: Buffer.isBuffer(message) ? message : Buffer.from(message), isNote })
    this.#answer.send(message, id)
  }

  #begin(): void {
    this.#hasBegun = true
    if (!this.takesStream || this.#answer.closed) return
    this.#seal = this.#streams.begin(this)
    if (this.#seal === null) return
    this.#messages = []
    this.#answer.prime(eventId(this.#seal, 0), RETRY_MS)
    this.#follow()
  }

  #keep(message: Message): void {
    const before = this.#bytes
    this.#messages.push(message)
    this.#bytes += message.bytes.length
    for (let at = 0; this.#bytes > MOST_KEPT && at < this.#messages.length; ) {
      const old = this.#messages[at]
      if (old === undefined || !old.isNote) at++
      else {
        this.#messages.splice(at, 1)
        this.#bytes -= old.bytes.length
      }
    }
    const hasRoom = this.#streams.charge(this.#bytes - before)
    if (!hasRoom || this.#bytes > MOST_KEPT) this.#streams.forget(this)
  }

  #follow(): void {
    if (this.#isFollowed) return
    this.#isFollowed = true
    const answer = this.#answer
    answer.onAbandoned(() => {
      if (answer === this.#answer) this.#leave()
    })
  }

  #leave(): void {
    if (this.#seal === null) this.#giveUp()
    else this.#streams.left(this)
  }

  #giveUp(): void {
    for (const listener of this.#gone.splice(0)) listener()
  }
}
