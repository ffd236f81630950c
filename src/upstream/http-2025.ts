/**
 * Streamable HTTP of 2025: a session made by `initialize`, POSTs that answer with JSON or a stream, and a GET stream for
 * what belongs to no call. A session that the server has forgotten is made anew once, whoever notices first, and the
 * requests that found out are sent again: nothing of them was performed.
 */
import type { JsonObject, LogLevel, Notification, RawReply } from '../protocol/model.ts'
import { classifyMessage } from '../protocol/scan.ts'
import type { Connection } from './connection.ts'
import {
  encodeAnswer,
  encodeCancel,
  encodeInitialize,
  encodeInitialized,
  encodeRequest,
  type Message,
  type Peer,
  type ServerInfo,
} from './encode.ts'
import { openEventStream } from './event-stream.ts'
import { Exchange, type Outgoing } from './exchange.ts'
import { ownRequest, readInitialize } from './handshake.ts'
import { type OnMessage, type Post, post, statusTrouble } from './http-post.ts'
import {
  type HttpTarget,
  ownHeaders,
  requestHeaders,
  resumeHeaders,
  statedHeaders,
  streamHeaders,
} from './http-target.ts'
import { newIds } from './ids.ts'
import { isProgressOf, passesLogLevel, severity, soleCall, waiterFor, withoutToken } from './notifications.ts'
import { askedBy, Questions } from './questions.ts'
import { type Mark, RETRY_MS, resume } from './resume.ts'
import { keepListening } from './subscriptions.ts'
import { Trouble, whileOpening } from './trouble.ts'

interface Session {
  id: string | null
  peer: Peer
  /** Sent with every later request. */
  headers: readonly string[]
  /** The level that the server was last asked for. */
  logLevel: LogLevel | null
  questions: Questions
  /** Where its GET stream ended, if that can be told. */
  mark: Mark | null
}

/** The id that was sent, and who takes what comes before the answer to it. */
interface AnswerTo {
  id: number | null
  onMessage: OnMessage | null
}

/** @throws Trouble; one that `isWrongTransport` says to try another transport */
export async function openHttp2025(target: HttpTarget): Promise<Connection> {
  const connection = new Http2025(target)
  await connection.start()
  return connection
}

class Http2025 implements Connection {
  readonly era = '2025'
  isOpen = true
  answered = 0
  readonly #target: HttpTarget
  readonly #nextId = newIds()
  readonly #inFlight = new Map<number, Exchange>()
  #session: Session | null = null
  #renewing: Promise<Session> | null = null
  #listener: ((notification: Notification) => void) | null = null
  #endStream: (() => void) | null = null

  constructor(target: HttpTarget) {
    this.#target = target
  }

  get capabilities(): JsonObject {
    return this.#session?.peer.capabilities ?? {}
  }

  get instructions(): string | null {
    return this.#session?.peer.instructions ?? null
  }

  get info(): ServerInfo | null {
    return this.#session?.peer.info ?? null
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  async start(): Promise<void> {
    this.#session = await this.#initialize()
  }

  async request(exchange: Exchange): Promise<RawReply> {
    if (this.#inFlight.size >= this.#target.limits.inFlight) throw new Trouble('busy', 'too many calls in flight')
    const session = this.#session ?? (await this.#renew(null))
    try {
      return await this.#send(session, exchange)
    } catch (error) {
      if (!(error instanceof Trouble) || error.kind !== 'session-gone') throw error
      return this.#send(await this.#renew(session), exchange)
    }
  }

  listen(onNotification: (notification: Notification) => void): void {
    if (this.#listener !== null) return
    this.#listener = onNotification
    void keepListening({
      clock: this.#target.clock,
      isOpen: () => this.isOpen,
      onNotification,
      run: () => this.#stream(),
      resumesIn: () => {
        const mark = this.#session?.mark ?? null
        return mark === null || mark.lastId === null ? null : (mark.retryMs ?? RETRY_MS)
      },
    })
  }

  async close(): Promise<void> {
    this.isOpen = false
    this.#endStream?.()
    const session = this.#session
    this.#session = null
    if (session !== null && session.id !== null && this.#inFlight.size === 0) await this.#end(session)
    await this.#target.pool.destroy(new Trouble('lost', 'the connection was closed'))
  }

  /** One new session for all who found the old one gone. */
  #renew(gone: Session | null): Promise<Session> {
    if (this.#session !== null && this.#session !== gone) return Promise.resolve(this.#session)
    this.#renewing ??= this.#initialize()
      .then((session) => {
        this.#session = session
        // The GET stream belongs to the old session; its end opens a new one.
        this.#endStream?.()
        return session
      })
      .catch((error) => {
        // Of the requests that wait for the session, nothing was sent.
        throw whileOpening(error)
      })
      .finally(() => {
        this.#renewing = null
      })
    return this.#renewing
  }

  async #initialize(): Promise<Session> {
    const id = this.#nextId()
    const exchange = this.#shortLived(ownRequest('initialize'))
    const { portal, asking } = this.#target
    const message = encodeInitialize(id, portal, asking.askable)
    const done = await this.#post([], message, exchange, { id, onMessage: null })
    if (done.reply === null || done.status > 299) throw statusTrouble(done, 'no answer')
    const peer = readInitialize(done.reply)
    const headers = done.sessionId === null ? [] : ['mcp-session-id', visible(done.sessionId)]
    const questions = new Questions(asking, (asked, answer, call) => {
      void this.#tell(session, encodeAnswer(peer, asked, answer), call).catch(() => {})
    })
    const session: Session = { id: done.sessionId, peer, headers, logLevel: null, questions, mark: null }
    await this.#tell(session, encodeInitialized(peer))
    return session
  }

  async #send(session: Session, exchange: Exchange): Promise<RawReply> {
    const { out } = exchange
    await this.#raiseLogLevel(session, out)
    const id = this.#nextId()
    const onMessage: OnMessage = (message) => {
      if (message.kind === 'request') session.questions.take(message, { exchange, neighbours: [] })
      else this.#hear(session, message, { exchange, id })
    }
    this.#inFlight.set(id, exchange)
    try {
      const done = await this.#ask(session, encodeRequest(session.peer, id, out), exchange, { id, onMessage })
      this.answered++
      if (done.reply !== null && done.status < 300) return done.reply
      if (session.id !== null && speaksOfNoSession(done)) throw new Trouble('session-gone', 'the session is gone')
      if (done.reply !== null && done.status !== 401 && done.status !== 403 && done.status !== 404) return done.reply
      throw statusTrouble(done, 'no answer')
    } catch (error) {
      // Here a closed stream is not a cancellation: the server has to be told.
      if (exchange.stopped !== null) {
        void this.#tell(session, encodeCancel(session.peer, id, exchange.stopped.message)).catch(() => {})
      }
      throw error
    } finally {
      this.#inFlight.delete(id)
      exchange.endQuestions()
    }
  }

  /** One request, on as many streams as the server makes of it. */
  async #ask(session: Session, message: Message, exchange: Exchange, answer: AnswerTo): Promise<Post> {
    const { pool, path, watch, limits } = this.#target
    const mark: Mark = { lastId: null, retryMs: null }
    try {
      return await this.#post(session.headers, message, exchange, { ...answer, mark })
    } catch (error) {
      if (mark.lastId === null) throw error
      const again = async () => {
        const own = await resumeHeaders(this.#target, exchange)
        const headers = [...own, ...namedSession(session), 'last-event-id', mark.lastId ?? '']
        const common = { pool, path, watch, exchange, answerBytes: limits.answerBytes }
        const done = await post({ ...common, ...answer, headers, body: null, mark })
        return done.reply === null ? null : done
      }
      return resume({ error, mark, exchange, watch, again })
    }
  }

  /** Sets the session's level to the most talkative that was ever asked for; each call then hears only its own. */
  async #raiseLogLevel(session: Session, out: Outgoing): Promise<void> {
    const { logLevel } = out
    if (logLevel === undefined || session.peer.capabilities.logging === undefined) return
    if (session.logLevel !== null && severity(session.logLevel) <= severity(logLevel)) return
    session.logLevel = logLevel
    const id = this.#nextId()
    const request = ownRequest('logging/setLevel', { level: logLevel })
    const body = encodeRequest(session.peer, id, request)
    // A level that cannot be set costs log lines, never the call.
    await this.#post(session.headers, body, this.#shortLived(request), { id, onMessage: null }).catch(() => {})
  }

  /** @param speaksFor whose question the message answers */
  async #tell(session: Session, message: Message, speaksFor: Exchange | null = null): Promise<void> {
    const exchange = this.#shortLived(ownRequest('notification'))
    const answer = { id: null, onMessage: null }
    const done = await this.#post(session.headers, message, exchange, answer, speaksFor ?? exchange)
    if (done.status > 299) throw statusTrouble(done, 'no answer')
  }

  /** For what the portal itself says: nobody waits for it as long as for a tool. */
  #shortLived(out: Outgoing): Exchange {
    const exchange = new Exchange(out)
    this.#target.watch.limit(exchange, this.#target.limits.openingMs)
    return exchange
  }

  #post(
    session: readonly string[],
    message: Message,
    exchange: Exchange,
    answer: AnswerTo & { mark?: Mark },
    speaksFor = exchange,
  ): Promise<Post> {
    const { pool, path, watch, limits, identity } = this.#target
    const send = (headers: string[]) => {
      headers.push(...session)
      const { body } = message
      return post({ pool, path, headers, body, exchange, watch, answerBytes: limits.answerBytes, ...answer })
    }
    if (identity === null) return send(requestHeaders(this.#target, message))
    return statedHeaders(this.#target, message, speaksFor).then(send)
  }

  /** What came on the stream of one call. */
  #hear(session: Session, notification: Notification, { exchange, id }: { exchange: Exchange; id: number }): void {
    const { out } = exchange
    if (notification.method === 'notifications/progress') {
      if (notification.params.progressToken !== id) this.#hearOfTask(notification)
      else if (isProgressOf(notification, out)) exchange.report(withoutToken(notification))
    } else if (notification.method === 'notifications/message') {
      if (passesLogLevel(notification, out)) exchange.report(notification)
    } else this.#hearAnywhere(session, notification)
  }

  /** What came on the GET stream: progress finds its call by token, log messages only where nobody else could be meant. */
  #hearUnsolicited(session: Session, notification: Notification): void {
    if (notification.method === 'notifications/progress') {
      const token = notification.params.progressToken
      const exchange = typeof token === 'number' ? this.#inFlight.get(token) : undefined
      if (exchange === undefined) this.#hearOfTask(notification)
      else {
        exchange.idle = 0
        this.#hear(session, notification, { exchange, id: token as number })
      }
    } else if (notification.method === 'notifications/message') {
      const alone = soleCall(this.#inFlight.values())
      if (alone !== null && passesLogLevel(notification, alone.out)) alone.report(notification)
    } else this.#hearAnywhere(session, notification)
  }

  #hearAnywhere({ questions }: Session, notification: Notification): void {
    if (notification.method === 'notifications/cancelled') questions.withdraw(notification.params.requestId)
    this.#hearOfTask(notification)
    this.#listener?.(notification)
  }

  #hearOfTask(notification: Notification): void {
    waiterFor(notification, this.#inFlight.values())?.report(notification)
  }

  /** @returns false where the server offers no GET stream */
  async #stream(): Promise<boolean> {
    const session = this.#session
    if (session === null) return true
    const { pool, path, limits } = this.#target
    const headers = [...(await streamHeaders(this.#target)), ...namedSession(session)]
    if (!this.isOpen) return true
    const from = session.mark
    session.mark = null
    return new Promise((resolve) => {
      this.#endStream = openEventStream({
        pool,
        path,
        headers,
        from,
        eventBytes: limits.answerBytes,
        onOpen: () => {},
        onEvent: ({ data }) => {
          const message = classifyMessage(data)
          if (message?.kind === 'notification') this.#hearUnsolicited(session, message)
          else if (message?.kind === 'request')
            session.questions.take(
              message,
              askedBy(message, () => this.#inFlight.values()),
            )
        },
        onEnd: (trouble, mark) => {
          session.mark = mark
          // An id that the server knows no more is no sign that it offers no stream.
          resolve(mayComeBack(trouble) || from !== null)
        },
      })
    })
  }

  /** Sessions cost their server memory, so an ended one is given back; 405 is allowed and nobody waits for it. */
  async #end(session: Session): Promise<void> {
    const { pool, path } = this.#target
    const own = await ownHeaders(this.#target).catch(() => null)
    // What cannot be signed is not sent; the server forgets the session by itself.
    if (own === null) return
    const headers = [...own, ...namedSession(session)]
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 500)
      const done = () => {
        clearTimeout(timer)
        resolve()
      }
      pool.dispatch(
        { path, method: 'DELETE', headers, headersTimeout: 500, bodyTimeout: 500 },
        {
          onRequestStart: () => {},
          onResponseStart: () => {},
          onResponseData: () => {},
          onResponseEnd: done,
          onResponseError: done,
        },
      )
    })
  }
}

/** Whether a GET stream that ended, or was refused, is worth another try: 405 says that there is none, 401 that a token has ended. */
function mayComeBack({ status }: Trouble): boolean {
  return status === null || status === 401 || status === 404 || status >= 500
}

/** For requests without a message. */
function namedSession({ peer, headers }: Session): string[] {
  return ['mcp-protocol-version', peer.version, ...headers]
}

/** 404 by the specification; servers that lost their sessions also say 400 and put it in words. */
function speaksOfNoSession(done: Post): boolean {
  if (done.status === 404) return true
  if (done.status !== 400) return false
  const text = done.reply === null ? done.text : done.reply.bytes.toString('utf8', 0, 4096)
  return /session|not initialized/i.test(text)
}

function visible(sessionId: string): string {
  if (!/^[\x21-\x7e]{1,1024}$/.test(sessionId)) throw new Trouble('bad-answer', 'the session id is not visible ASCII')
  return sessionId
}
