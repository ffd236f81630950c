/**
 * The streams of calls that their clients can take up again, with what is kept of them: bounded by call, by caller, in all, and in
 * time. Where there is no room, a call streams as ever and only cannot be taken up. Who has finished gives way first.
 */
import type { Sealer } from '../base/secret.ts'
import { LIMITS } from '../config/limits.ts'
import type { Session } from '../portal/sessions.ts'
import type { JsonRpcId } from '../protocol/model.ts'
import { type EventPlace, readEventId, sealStream } from './event-id.ts'
import type { Answer } from './stream.ts'

/** Whose call it is, and what it is owed an answer to. */
export interface StreamingCall {
  session: Session
  id: JsonRpcId
  method: string
}

/** What one call said, as far as it is kept. */
export interface KeptStream {
  /** Of this process alone, and never used twice. */
  readonly id: number
  readonly call: StreamingCall
  /** The answer has been given, read or not. */
  readonly isOver: boolean
  /** Bytes of its messages that are kept. */
  readonly bytes: number
  /** Goes on over another connection. @param after the last event that its client has */
  takeUp(answer: Answer, after: number): void
  /** Nothing is kept of it from now on. */
  forget(): void
  /** The listener closes. */
  retire(): void
}

export interface KeptStreamsDeps {
  /** Of purpose `stream`. */
  sealer: Sealer
  /** Names this process among its replicas. */
  node: string
  /** Whether there may be other processes: a call that is not here may be there. */
  hasReplicas: boolean
  /** Milliseconds; else as the table of limits says. */
  keptMs?: number
}

interface Kept {
  stream: KeptStream
  /** Runs while nobody reads. */
  timer: NodeJS.Timeout | null
}

const MOST_OF_CALLER = LIMITS.kept_streams_per_principal.value
const MOST_BYTES = LIMITS.kept_streams_bytes.value
/** What a stream costs beside its messages, roughly. */
const OWN_BYTES = 1024

export class KeptStreams {
  readonly node: string
  readonly #deps: KeptStreamsDeps
  readonly #streams = new Map<number, Kept>()
  readonly #byPrincipal = new Map<string, Set<KeptStream>>()
  /** Those whose answer was given, the oldest first. */
  readonly #over = new Set<KeptStream>()
  #lastId = 0
  #bytes = 0
  #isRetired = false

  constructor(deps: KeptStreamsDeps) {
    this.#deps = deps
    this.node = deps.node
  }

  /** The listener closes. */
  get isRetired(): boolean {
    return this.#isRetired
  }

  /** How many are kept, for those who watch that nothing stays behind. */
  get size(): number {
    return this.#streams.size
  }

  nextId(): number {
    return ++this.#lastId
  }

  /** @returns what begins each id of the stream, or null where nothing can be kept of it */
  begin(stream: KeptStream): string | null {
    const { id, call } = stream
    const { principal } = call.session
    const own = this.#byPrincipal.get(principal) ?? new Set<KeptStream>()
    if (own.size >= MOST_OF_CALLER && !this.#forgetOneOf(own)) return null
    const name = { node: this.node, stream: id, request: call.id, method: call.method }
    const seal = sealStream(this.#deps.sealer, call.session, name)
    if (seal === null) return null
    if (!this.charge(OWN_BYTES)) {
      this.#bytes -= OWN_BYTES
      return null
    }
    this.#streams.set(id, { stream, timer: null })
    this.#byPrincipal.set(principal, own.add(stream))
    return seal
  }

  /** Takes room for so many bytes more, or gives room back. @returns false where there is none */
  charge(bytes: number): boolean {
    this.#bytes += bytes
    for (const stream of this.#over) {
      if (this.#bytes <= MOST_BYTES) break
      this.forget(stream)
    }
    return this.#bytes <= MOST_BYTES
  }

  /** Nobody reads it any more: it is kept for a while from now on. */
  left(stream: KeptStream): void {
    const kept = this.#streams.get(stream.id)
    if (kept === undefined) return
    if (stream.isOver) this.#over.add(stream)
    if (kept.timer !== null) clearTimeout(kept.timer)
    kept.timer = setTimeout(() => this.forget(stream), this.#deps.keptMs ?? LIMITS.kept_stream_time.value).unref()
  }

  forget(stream: KeptStream): void {
    const kept = this.#streams.get(stream.id)
    if (kept === undefined) return
    if (kept.timer !== null) clearTimeout(kept.timer)
    this.#streams.delete(stream.id)
    this.#over.delete(stream)
    this.#bytes -= stream.bytes + OWN_BYTES
    const { principal } = stream.call.session
    const own = this.#byPrincipal.get(principal)
    own?.delete(stream)
    if (own?.size === 0) this.#byPrincipal.delete(principal)
    stream.forget()
  }

  /** @returns null for what is no id of a call's stream of this session: it may be one of news */
  placeOf(session: Session, lastEventId: string): EventPlace | null {
    return readEventId(this.#deps.sealer, session, lastEventId)
  }

  /**
   * What is kept for a client that comes back; whoever gets it reads it from now on.
   *
   * @returns `elsewhere` where another process may have it, `lost` where none has
   */
  take({ node, stream, tries }: EventPlace): KeptStream | 'elsewhere' | 'lost' {
    const kept = this.#streams.get(stream)
    if (kept !== undefined) {
      if (kept.timer !== null && !kept.stream.isOver) clearTimeout(kept.timer)
      return kept.stream
    }
    const mayBeElsewhere = this.#deps.hasReplicas && node !== this.node
    return mayBeElsewhere && tries < LIMITS.stream_tries.value ? 'elsewhere' : 'lost'
  }

  /** The listener closes: no question waits for somebody who is not there. */
  retire(): void {
    this.#isRetired = true
    for (const { stream } of [...this.#streams.values()]) stream.retire()
  }

  #forgetOneOf(own: ReadonlySet<KeptStream>): boolean {
    for (const stream of own) {
      if (!stream.isOver) continue
      this.forget(stream)
      return true
    }
    return false
  }
}
