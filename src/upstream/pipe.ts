/**
 * Many calls over one undivided stream, which is what stdio and HTTP+SSE are: answers are matched by ids that this file
 * minted, progress by tokens that are those ids. Whatever names no call of ours belongs to nobody in particular: log
 * messages are handed on, and questions put, only while exactly one principal has calls in flight, or one caller would read another's.
 */

import type { ServerAnswer } from '../protocol/asked.ts'
import { LATEST_LEGACY_VERSION } from '../protocol/methods.ts'
import type { Era, JsonObject, JsonRpcId, LogLevel, Notification, RawReply } from '../protocol/model.ts'
import { classifyMessage, readId } from '../protocol/scan.ts'
import { encodeAnswer, encodeCancel, encodeRequest, type Message, type Peer, type ServerInfo } from './encode.ts'
import { Exchange, type Limits, type Outgoing, type Watch } from './exchange.ts'
import { ownRequest } from './handshake.ts'
import { newIds } from './ids.ts'
import { isProgressOf, passesLogLevel, severity, soleCall, waiterFor, withoutToken } from './notifications.ts'
import { ASKS_NOBODY, type Asking, askedBy, NOBODYS, Questions, type ServerRequest } from './questions.ts'
import { Trouble } from './trouble.ts'

/** Where a pipe's messages go out. `exchange` is the request that the message carries, or whose question it answers. */
export interface PipeEnd {
  /** Fails by throwing or by calling `pipe.failOne`. */
  send(message: Message, id: number | null, exchange?: Exchange): void
}

interface Pending {
  exchange: Exchange
  resolve(raw: RawReply): void
  reject(trouble: Trouble): void
}

export interface PipeOptions {
  end: PipeEnd
  limits: Limits
  watch: Watch
  asking: Asking
}

export class Pipe {
  /** Set by the handshake; before it, requests go out as the handshake made them. */
  peer: Peer | null = null
  answered = 0
  readonly #end: PipeEnd
  readonly #limits: Limits
  readonly #watch: Watch
  readonly #questions: Questions
  /** A modern server has no requests, and was told of nobody on the pipe itself. */
  readonly #noQuestions: Questions
  readonly #pending = new Map<number, Pending>()
  readonly #nextId = newIds()
  #listener: ((notification: Notification) => void) | null = null
  #broken: Trouble | null = null
  #endless = 0
  #logLevel: LogLevel | null = null

  constructor(options: PipeOptions) {
    this.#end = options.end
    this.#limits = options.limits
    this.#watch = options.watch
    const answer = this.#answerServer.bind(this)
    this.#questions = new Questions(options.asking, answer)
    this.#noQuestions = new Questions(ASKS_NOBODY, answer)
  }

  get inFlight(): number {
    return this.#pending.size - this.#endless
  }

  get era(): Era {
    return this.peer?.era ?? '2025'
  }

  get capabilities(): JsonObject {
    return this.peer?.capabilities ?? {}
  }

  get instructions(): string | null {
    return this.peer?.instructions ?? null
  }

  get info(): ServerInfo | null {
    return this.peer?.info ?? null
  }

  listen(listener: (notification: Notification) => void): void {
    this.#listener = listener
  }

  request(exchange: Exchange): Promise<RawReply> {
    const peer = this.peer
    if (peer === null) return Promise.reject(new Trouble('unsent', 'no handshake yet'))
    this.#raiseLogLevel(peer, exchange.out)
    return this.exchange(exchange, (id) => encodeRequest(peer, id, exchange.out))
  }

  /** @param encode makes the message once its id is known */
  exchange(exchange: Exchange, encode: (id: number) => Message): Promise<RawReply> {
    if (this.#broken !== null) return Promise.reject(new Trouble('unsent', this.#broken.message))
    if (this.#pending.size >= this.#limits.inFlight) {
      return Promise.reject(new Trouble('busy', 'too many calls in flight'))
    }
    return new Promise((resolve, reject) => {
      const id = this.#nextId()
      this.#pending.set(id, { exchange, resolve, reject })
      if (exchange.isEndless) this.#endless++
      this.#watch.add(exchange)
      exchange.onStop({ stop: (trouble) => this.#stop(id, trouble) })
      if (!this.#pending.has(id)) return
      try {
        this.#end.send(encode(id), id, exchange)
      } catch (error) {
        this.failOne(
          id,
          error instanceof Trouble ? error : new Trouble('lost', 'could not be written', { cause: error }),
        )
      }
    })
  }

  /**
   * What is no message is dropped: on a pipe it cannot be told whose it was.
   *
   * @returns whether it was one
   */
  take(bytes: Buffer): boolean {
    const message = classifyMessage(bytes)
    if (message === null) return false
    if (message.kind === 'response') this.#answer(message.raw)
    else if (message.kind === 'request') this.#takeRequest(message)
    else this.#hear(message)
    return true
  }

  failOne(id: number, trouble: Trouble): void {
    this.#settle(id)?.reject(trouble)
  }

  /** The stream is gone: everything in flight fails, and nothing more is taken. */
  break(trouble: Trouble): void {
    if (this.#broken !== null) return
    this.#broken = trouble
    for (const id of [...this.#pending.keys()]) this.failOne(id, trouble)
  }

  #answer(raw: RawReply): void {
    const id = readId(raw)
    if (typeof id !== 'number') return
    this.answered++
    this.#settle(id)?.resolve(raw)
  }

  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    if (pending === undefined) return undefined
    this.#pending.delete(id)
    if (pending.exchange.isEndless) this.#endless--
    this.#watch.remove(pending.exchange)
    pending.exchange.onStop(null)
    pending.exchange.endQuestions()
    return pending
  }

  #stop(id: number, trouble: Trouble): void {
    const pending = this.#settle(id)
    if (pending === undefined) return
    pending.reject(trouble)
    try {
      this.#end.send(encodeCancel(this.#anyPeer(), id, trouble.message), null)
    } catch {
      // The stream broke meanwhile, which ends the call on the other side too.
    }
  }

  #takeRequest(request: ServerRequest): void {
    if (this.era === '2026') this.#noQuestions.take(request, NOBODYS)
    else
      this.#questions.take(
        request,
        askedBy(request, () => this.#exchanges()),
      )
  }

  #answerServer(id: JsonRpcId, answer: ServerAnswer, exchange: Exchange | null): void {
    try {
      const message = encodeAnswer(this.#anyPeer(), id, answer)
      if (exchange === null) this.#end.send(message, null)
      else this.#end.send(message, null, exchange)
    } catch {
      // A question whose stream is gone needs no answer.
    }
  }

  #hear(notification: Notification): void {
    if (notification.method === 'notifications/progress') {
      const token = notification.params.progressToken
      const pending = typeof token === 'number' ? this.#pending.get(token) : undefined
      if (pending === undefined) {
        this.#hearOfTask(notification)
        return
      }
      pending.exchange.idle = 0
      if (isProgressOf(notification, pending.exchange.out)) pending.exchange.report(withoutToken(notification))
      return
    }
    if (notification.method === 'notifications/message') {
      const alone = soleCall(this.#exchanges())
      if (alone !== null && passesLogLevel(notification, alone.out)) alone.report(notification)
      return
    }
    if (notification.method === 'notifications/cancelled') this.#questions.withdraw(notification.params.requestId)
    this.#hearOfTask(notification)
    this.#listener?.(notification)
  }

  #hearOfTask(notification: Notification): void {
    waiterFor(notification, this.#exchanges())?.report(notification)
  }

  /** Sets the level to the most talkative that was ever asked for; each call then hears only its own. */
  #raiseLogLevel(peer: Peer, { logLevel }: Outgoing): void {
    if (logLevel === undefined || peer.era !== '2025' || peer.capabilities.logging === undefined) return
    if (this.#logLevel !== null && severity(this.#logLevel) <= severity(logLevel)) return
    this.#logLevel = logLevel
    const exchange = new Exchange(ownRequest('logging/setLevel', { level: logLevel }))
    // A level that cannot be set costs log lines, never the call.
    this.exchange(exchange, (id) => encodeRequest(peer, id, exchange.out)).catch(() => {})
  }

  /** A child may ping us before the handshake is over. */
  #anyPeer(): Peer {
    return this.peer ?? { era: '2025', version: LATEST_LEGACY_VERSION, capabilities: {} }
  }

  *#exchanges(): Iterable<Exchange> {
    for (const { exchange } of this.#pending.values()) if (!exchange.isEndless) yield exchange
  }
}
