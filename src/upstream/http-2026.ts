/**
 * Streamable HTTP of 2026-07-28 and later: one stateless POST a call, nothing remembered between two. The hot path.
 */
import type { JsonObject, Notification, RawReply } from '../protocol/model.ts'
import type { Connection } from './connection.ts'
import { encodeRequest, type Peer, type ServerInfo } from './encode.ts'
import type { Exchange, Outgoing } from './exchange.ts'
import { discover, encodeDiscover, readDiscover } from './handshake.ts'
import { errorCode, type OnMessage, type Post, type PostRequest, post, statusTrouble } from './http-post.ts'
import { type HttpTarget, requestHeaders, statedHeaders } from './http-target.ts'
import { newIds } from './ids.ts'
import { isProgressOf, passesLogLevel, withoutToken } from './notifications.ts'
import { keepListening, listenExchange, listenFilter } from './subscriptions.ts'
import { Trouble } from './trouble.ts'

/** The names and values of `Mcp-Param-*` for one call, made from its tool's definition. */
export type ParamHeaders = (out: Outgoing) => readonly string[]

/** Versions and headers disagree: what we remember of the server is out of date. */
const OUT_OF_DATE = [-32020, -32022]

export class Http2026 implements Connection {
  readonly era = '2026'
  isOpen = true
  inFlight = 0
  answered = 0
  readonly #target: HttpTarget
  readonly #peer: Peer
  readonly #paramHeaders: ParamHeaders
  readonly #nextId = newIds()
  #isListening = false
  // Made once: without closures and an async frame, a request allocates up to 700 bytes less.
  readonly #answered = (done: Post): RawReply => {
    this.inFlight--
    this.answered++
    return replyOf(done)
  }
  readonly #failed = (error: unknown): never => {
    this.inFlight--
    throw error
  }
  /** A modern server asks nothing on a stream, and what it says belongs to the call. */
  readonly #onMessage: OnMessage = (message, { exchange, id }) => {
    if (message.kind === 'notification') this.#hear(message, exchange, id)
  }

  constructor(target: HttpTarget, peer: Peer, paramHeaders: ParamHeaders) {
    this.#target = target
    this.#peer = peer
    this.#paramHeaders = paramHeaders
  }

  get capabilities(): JsonObject {
    return this.#peer.capabilities
  }

  get instructions(): string | null {
    return this.#peer.instructions ?? null
  }

  get info(): ServerInfo | null {
    return this.#peer.info ?? null
  }

  request(exchange: Exchange): Promise<RawReply> {
    if (this.inFlight >= this.#target.limits.inFlight) {
      return Promise.reject(new Trouble('busy', 'too many calls in flight'))
    }
    const posted = this.#post(exchange)
    if (exchange.isEndless) return posted.then(replyOf)
    this.inFlight++
    return posted.then(this.#answered, this.#failed)
  }

  listen(onNotification: (notification: Notification) => void): void {
    const filter = listenFilter(this.capabilities)
    if (this.#isListening || filter === null) return
    this.#isListening = true
    void keepListening({
      clock: this.#target.clock,
      isOpen: () => this.isOpen,
      onNotification,
      run: async () => {
        const { credential } = this.#target
        if (!credential.isFresh) await credential.freshen()
        return (await this.request(listenExchange(filter, onNotification))).outcome === 'result'
      },
    })
  }

  async close(): Promise<void> {
    this.isOpen = false
    await this.#target.pool.destroy(new Trouble('lost', 'the connection was closed'))
  }

  #post(exchange: Exchange): Promise<Post> {
    const { identity } = this.#target
    if (identity === null) return this.#send(exchange, null)
    // Nearly always signed already: then nothing is waited for.
    const value = identity.valueFor(exchange)
    if (typeof value === 'string') return this.#send(exchange, value)
    return value.then((signed) => this.#send(exchange, signed))
  }

  /** @param stated who is calling, for a server that asks */
  #send(exchange: Exchange, stated: string | null): Promise<Post> {
    const { out } = exchange
    const { pool, path, watch, limits, identity } = this.#target
    const id = this.#nextId()
    const message = encodeRequest(this.#peer, id, out)
    const headers = requestHeaders(this.#target, message)
    if (stated !== null && identity !== null) headers.push(identity.name, stated)
    if (out.method === 'tools/call') headers.push(...this.#paramHeaders(out))
    return post({
      pool,
      path,
      headers,
      body: message.body,
      exchange,
      watch,
      answerBytes: limits.answerBytes,
      id,
      onMessage: this.#onMessage,
    })
  }

  #hear(notification: Notification, exchange: Exchange, id: number | null): void {
    const { out } = exchange
    if (notification.method === 'notifications/progress') {
      if (notification.params.progressToken === id && isProgressOf(notification, out))
        exchange.report(withoutToken(notification))
    } else if (notification.method === 'notifications/message') {
      if (passesLogLevel(notification, out)) exchange.report(notification)
    } else if (exchange.isEndless) out.report(notification)
  }
}

function replyOf(done: Post): RawReply {
  const { reply, status } = done
  if (reply !== null && status < 300) return reply
  const rpcCode = reply === null ? done.rpcCode : errorCode(reply)
  const isAnswer = reply !== null && status !== 401 && status !== 403 && !OUT_OF_DATE.includes(rpcCode ?? 0)
  if (isAnswer) return reply
  throw statusTrouble(done, 'no answer')
}

/**
 * Asks a server in the modern form.
 *
 * @returns the peer, or null when the server is no modern one
 * @throws Trouble for what proves nothing: credentials, 5xx, time limits, a server that is away
 */
export async function discoverHttp(target: HttpTarget, exchange: () => Exchange): Promise<Peer | null> {
  const ids = newIds()
  const ask = async (version: string) => {
    const id = ids()
    const message = encodeDiscover(id, target.portal, version)
    const probe = exchange()
    const done = await postProbe({
      pool: target.pool,
      path: target.path,
      headers: await statedHeaders(target, message, probe),
      body: message.body,
      exchange: probe,
      watch: target.watch,
      answerBytes: target.limits.answerBytes,
      id,
      onMessage: null,
    })
    if (done === null) return null
    if (done.status === 401 || done.status === 403 || (done.status >= 300 && done.status < 400) || done.status >= 500) {
      throw statusTrouble(done, 'the probe was not answered')
    }
    return done.reply === null ? null : readDiscover(done.reply, target.portal)
  }
  const verdict = await discover(ask)
  return verdict?.era === '2026' ? verdict.peer : null
}

/** Something that is no answer at all is not the answer of a modern server. */
async function postProbe(request: PostRequest): Promise<Post | null> {
  try {
    return await post(request)
  } catch (error) {
    if (error instanceof Trouble && error.kind === 'bad-answer') return null
    throw error
  }
}
