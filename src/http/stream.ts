/**
 * One answer on the wire: JSON unless something streams. The first notification turns it into server-sent events; what
 * a slow reader does not take is bounded, and the stream is cut rather than the memory filled.
 */
import type { ServerResponse } from 'node:http'
import type { Principal } from '../base/principal.ts'
import { LIMITS } from '../config/limits.ts'
import type { HeaderMap } from '../protocol/classify.ts'
import type { Body } from '../protocol/model.ts'
import { SSE_KEEPALIVE, sseFrame } from '../protocol/sse.ts'
import type { Unread } from './streams.ts'

const MOST_UNREAD = LIMITS.unread_per_stream.value
const KEEPALIVE_MS = 15_000
/** Up to here copying is cheaper than a second piece. */
const ONE_WRITE = 16 * 1024

/** What an answer answers. */
export interface Asked {
  response: ServerResponse
  headers: HeaderMap
  cors: readonly string[]
}

/** What all answers of a door share. */
export interface Answering {
  /** Streams that only wait for events, so that a closing listener can end them. */
  waiting: Set<Answer>
  /** Told of each that begins to wait: its credential may have been withdrawn while its request was still being read. */
  standsBy(answer: Answer): void
  unread: Unread
}

export class Answer {
  readonly asked: Asked
  readonly #principal: Principal
  readonly #shared: Answering
  readonly #response: ServerResponse
  readonly #headers: string[]
  readonly #mayStream: boolean
  #keepalive: NodeJS.Timeout | null = null
  #end: (() => void) | null = null

  /**
   * @param to the request, its response, and headers (names and values by turns) for whatever the answer becomes
   * @param mayStream whether the client accepts `text/event-stream`
   * @param principal whose answer it is
   */
  constructor(to: Asked, mayStream: boolean, principal: Principal, shared: Answering) {
    this.asked = to
    this.#principal = principal
    this.#shared = shared
    this.#response = to.response
    this.#headers = to.cors.length === 0 ? [] : [...to.cors]
    this.#mayStream = mayStream
  }

  /** Whether the client accepts messages before the answer. */
  get takesStream(): boolean {
    return this.#mayStream
  }

  get streaming(): boolean {
    return this.#keepalive !== null
  }

  get closed(): boolean {
    return this.#response.destroyed || this.#response.writableEnded
  }

  /** Opens the stream without a message: for streams that may stay silent. */
  open(): void {
    if (this.streaming || this.closed) return
    const streamHeaders = ['content-type', 'text/event-stream', 'cache-control', 'no-store', 'x-accel-buffering', 'no']
    this.#response.writeHead(200, [...streamHeaders, ...this.#headers])
    this.#response.flushHeaders()
    this.#keepalive = setInterval(() => this.#keepAlive(), KEEPALIVE_MS)
    this.#keepalive.unref()
    this.#response.on('close', () => this.#rest())
  }

  /**
   * One message before the answer. A client that cannot take a stream gets the answer alone.
   *
   * @param id what the client sends back as `Last-Event-ID` when it takes up the stream again
   */
  send(message: Buffer | string, id?: string): void {
    if (this.closed || !(this.#mayStream || this.streaming)) return
    this.open()
    this.#write(sseFrame(message, id === undefined ? {} : { id }))
  }

  /** The answer itself; nothing may follow. */
  end(status: number, body: Body): void {
    if (this.closed) return
    if (this.streaming) {
      this.#write(sseFrame(Buffer.isBuffer(body) ? body : Buffer.concat(body)))
      this.finish()
      return
    }
    if (!Buffer.isBuffer(body)) {
      this.#endInPieces(status, body)
      return
    }
    this.#response.writeHead(status, this.#jsonHeaders(body.length))
    // As text of one byte a character, head and body leave in one write; as a Buffer they would be two pieces.
    if (body.length <= ONE_WRITE) this.#response.end(body.toString('latin1'), 'latin1')
    else {
      this.#response.end(body)
      this.#watchReader()
    }
  }

  /** Ends the stream without another message. */
  finish(): void {
    this.#rest()
    this.#response.end()
  }

  /** For what the answer will carry once it is known; before the first byte only. */
  setHeader(name: string, value: string): void {
    this.#headers.push(name, value)
  }

  /** The stream now only waits for events. @param end how to end it in good order when the listener closes */
  standBy(end: () => void): void {
    this.#end = end
    const { waiting } = this.#shared
    // One that waits for one thing after the other is one that waits.
    if (!waiting.has(this)) this.onClose(() => waiting.delete(this))
    waiting.add(this)
    this.#shared.standsBy(this)
  }

  /** The listener closes: a waiting stream ends, an answer under way is left to finish. */
  retire(): void {
    this.#end?.()
  }

  /** The client went away before it had its answer. */
  onAbandoned(listener: () => void): void {
    this.onClose(() => {
      if (!this.#response.writableEnded) listener()
    })
  }

  /** Also for a client that went away before anybody listened: what is given back here must be given back then too. */
  onClose(listener: () => void): void {
    if (this.#response.destroyed) listener()
    else this.#response.on('close', listener)
  }

  #endInPieces(status: number, pieces: readonly Buffer[]): void {
    const length = pieces.reduce((total, piece) => total + piece.length, 0)
    this.#response.writeHead(status, this.#jsonHeaders(length))
    this.#response.cork()
    for (const piece of pieces) this.#response.write(piece)
    this.#response.end()
    if (length > ONE_WRITE) this.#watchReader()
  }

  #jsonHeaders(length: number): string[] {
    const headers = ['content-type', 'application/json', 'content-length', String(length), 'cache-control', 'no-store']
    return this.#headers.length === 0 ? headers : [...headers, ...this.#headers]
  }

  #write(bytes: Buffer | string): void {
    if (this.closed) return
    this.#response.write(bytes)
    if (this.#response.writableLength > MOST_UNREAD) this.#response.destroy()
    else this.#watchReader()
  }

  #watchReader(): void {
    if (this.#response.writableLength > 0) this.#shared.unread.watch(this.#response, this.#principal)
  }

  /** A reader that is behind has enough to read, and a sign of life to it would hide that it gives none. */
  #keepAlive(): void {
    if (this.#response.writableLength === 0) this.#write(SSE_KEEPALIVE)
  }

  #rest(): void {
    if (this.#keepalive !== null) clearInterval(this.#keepalive)
  }
}
