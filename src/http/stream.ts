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

/** No cache on the way keeps what one caller was given, whatever hints a result has for the client itself. */
export const NOT_KEPT = 'private, no-store'

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

/** Where one request says what it has to say: over one connection, or (2025) on a stream that another connection may take up. */
export interface Outlet {
  /** Whether the client accepts messages before the answer. */
  readonly takesStream: boolean
  /** Nobody can read any more what is said. */
  readonly closed: boolean
  /** One message before the answer, which the client must have, such as a question. */
  send(message: Buffer | string): void
  /** One that it can be without, such as progress. */
  note(message: Buffer): void
  /** The answer itself; nothing may follow. */
  end(status: number, body: Body): void
  /** It only waits for events now. @param end how to end that in good order when the listener closes */
  standBy(end: () => void): void
  /** The client went away before it had its answer, and cannot come back for it. */
  onAbandoned(listener: () => void): void
}

export class Answer implements Outlet {
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
    const streamHeaders = ['content-type', 'text/event-stream', 'cache-control', NOT_KEPT, 'x-accel-buffering', 'no']
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

  note(message: Buffer): void {
    this.send(message)
  }

  /** Begins a stream that can be taken up again. @param retryMs when its client is to come back for the rest */
  prime(id: string, retryMs: number): void {
    if (this.closed) return
    this.open()
    this.#write(sseFrame('', { id, retry: retryMs }))
  }

  /** The answer itself; nothing may follow. @param id of its event, where it streams */
  end(status: number, body: Body, id?: string): void {
    if (this.closed) return
    if (this.streaming) {
      // Not held to what a stream may leave unread: an answer may be longer than that, and is the last of it.
      this.#response.write(sseFrame(Buffer.isBuffer(body) ? body : Buffer.concat(body), id === undefined ? {} : { id }))
      this.finish()
      this.#watchReader()
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

  /** Ends the connection in the midst: whoever still listens there is to hear nothing more. */
  cut(): void {
    if (!this.#response.destroyed) this.#response.destroy()
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
    const isNew = !waiting.has(this)
    waiting.add(this)
    // Last: for who is gone already it is called at once.
    if (isNew) this.onClose(() => waiting.delete(this))
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
    const headers = ['content-type', 'application/json', 'content-length', String(length), 'cache-control', NOT_KEPT]
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
