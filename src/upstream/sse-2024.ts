/**
 * HTTP+SSE of 2024-11-05: one GET stream on which everything arrives, and POSTs to the address that the stream named
 * first. That address must be of the same origin: the credential goes with every POST.
 */
import type { Era, JsonObject, Notification, RawReply } from '../protocol/model.ts'
import type { SseEvent } from '../protocol/sse.ts'
import type { Connection } from './connection.ts'
import { encodeInitialize, encodeInitialized, type Message, type ServerInfo } from './encode.ts'
import { openEventStream } from './event-stream.ts'
import { Exchange } from './exchange.ts'
import { ownRequest, readInitialize } from './handshake.ts'
import { post, statusTrouble } from './http-post.ts'
import { atUrl, type HttpTarget, statedHeaders, streamHeaders } from './http-target.ts'
import { Pipe } from './pipe.ts'
import { Trouble, troubleOf } from './trouble.ts'

/** @throws Trouble; one that `isWrongTransport` says to try another transport */
export async function openSse2024(target: HttpTarget): Promise<Connection> {
  const connection = new Sse2024(target)
  try {
    await connection.start()
    return connection
  } catch (error) {
    connection.endStream()
    throw error
  }
}

class Sse2024 implements Connection {
  isOpen = true
  readonly #target: HttpTarget
  readonly #pipe: Pipe
  #postTarget: HttpTarget | null = null
  #endStream: () => void = () => {}

  constructor(target: HttpTarget) {
    this.#target = target
    this.#pipe = new Pipe({
      end: { send: (message, id, exchange) => void this.#send(message, id, exchange) },
      limits: target.limits,
      watch: target.watch,
      asking: target.asking,
    })
  }

  get era(): Era {
    return this.#pipe.era
  }

  get capabilities(): JsonObject {
    return this.#pipe.capabilities
  }

  get instructions(): string | null {
    return this.#pipe.instructions
  }

  get info(): ServerInfo | null {
    return this.#pipe.info
  }

  get inFlight(): number {
    return this.#pipe.inFlight
  }

  get answered(): number {
    return this.#pipe.answered
  }

  async start(): Promise<void> {
    await this.#connect()
    const exchange = new Exchange(ownRequest('initialize'))
    const { watch, limits, portal, asking } = this.#target
    watch.limit(exchange, limits.openingMs)
    const raw = await this.#pipe.exchange(exchange, (id) => encodeInitialize(id, portal, asking.askable))
    const peer = readInitialize(raw)
    this.#pipe.peer = peer
    await this.#send(encodeInitialized(peer), null)
  }

  request(exchange: Exchange): Promise<RawReply> {
    return this.#pipe.request(exchange)
  }

  listen(onNotification: (notification: Notification) => void): void {
    this.#pipe.listen(onNotification)
  }

  endStream(): void {
    this.isOpen = false
    this.#endStream()
  }

  async close(): Promise<void> {
    this.endStream()
    await this.#target.pool.destroy(new Trouble('lost', 'the connection was closed'))
  }

  /** Resolves when the stream has named the address for POSTs. */
  async #connect(): Promise<void> {
    const { pool, path, limits, watch } = this.#target
    const headers = await streamHeaders(this.#target)
    return new Promise((resolve, reject) => {
      const opening = new Exchange(ownRequest('endpoint'))
      watch.limit(opening, limits.openingMs)
      watch.add(opening)
      const settle = (outcome: () => void) => {
        watch.remove(opening)
        outcome()
      }
      this.#endStream = openEventStream({
        pool,
        path,
        headers,
        eventBytes: limits.answerBytes,
        onOpen: () => {},
        onEvent: (event) => {
          if (event.event === 'endpoint') settle(() => this.#takeEndpoint(event, resolve))
          else if (event.event === 'message') this.#pipe.take(event.data)
        },
        onEnd: (trouble) => {
          this.isOpen = false
          this.#pipe.break(trouble)
          settle(() => reject(trouble))
        },
      })
      opening.onStop({
        stop: (trouble) => {
          settle(() => reject(trouble))
          this.#endStream()
        },
      })
    })
  }

  #takeEndpoint(event: SseEvent, resolve: () => void): void {
    // A second address would let a server move the credential in mid-stream.
    if (this.#postTarget !== null) return
    const { origin, path } = this.#target
    const url = URL.parse(event.data.toString(), origin + path)
    if (url === null || url.origin !== origin) {
      throw new Trouble('bad-answer', 'the endpoint is not of the same origin')
    }
    this.#postTarget = atUrl(this.#target, url)
    resolve()
  }

  /**
   * @param id the request that the message carries, which fails with the POST that carries it
   * @param carried that request, or the one whose question the message answers
   */
  async #send(message: Message, id: number | null, carried?: Exchange): Promise<void> {
    const target = this.#postTarget
    const exchange = new Exchange(ownRequest('message'))
    // A server may take a message only when it has done what it says: then the POST lasts as long as the call.
    if (carried !== undefined && id !== null) exchange.carries(carried)
    try {
      if (target === null) throw new Trouble('unsent', 'no endpoint yet')
      const headers = await statedHeaders(target, message, carried ?? exchange)
      if (carried !== undefined && carried.stopped !== null) return
      const done = await post({
        pool: target.pool,
        path: target.path,
        headers,
        body: message.body,
        exchange,
        watch: target.watch,
        answerBytes: target.limits.answerBytes,
        id: null,
        onMessage: null,
      })
      if (done.status > 299) throw statusTrouble(done, 'the message was not taken')
    } catch (error) {
      const trouble = troubleOf(error)
      if (id === null) return
      this.#pipe.failOne(id, this.#sessionTrouble(trouble))
    }
  }

  /** After the handshake, a server that does not know our POST address has forgotten the stream with it. */
  #sessionTrouble(trouble: Trouble): Trouble {
    if (this.#pipe.peer === null || (trouble.status !== 404 && trouble.status !== 400)) return trouble
    this.endStream()
    return new Trouble('session-gone', 'the stream is not known any more', { cause: trouble })
  }
}
