/**
 * One POST of one JSON-RPC message, by undici's dispatch, with an answer as JSON or as an event stream. This is the hot
 * path: one handler object a call, no fetch, no signal, no timer of its own. It never follows a redirect, never asks for
 * a coding and refuses every coded answer: a 32 MiB cap on bytes means nothing once they inflate.
 */
import type { Dispatcher, Pool } from 'undici'
import type { RawReply } from '../protocol/model.ts'
import { readRawError } from '../protocol/raw-error.ts'
import { classifyMessage, readId, type StreamMessage, scanReply } from '../protocol/scan.ts'
import { openSseParser, type SseEvent, type SseParser } from '../protocol/sse.ts'
import { readChallenge } from './connections/challenge.ts'
import type { Challenge } from './connections/model.ts'
import type { Exchange, Watch } from './exchange.ts'
import { type Mark, markOf } from './resume.ts'
import { Trouble, troubleOf } from './trouble.ts'

/** Everything but the response: notifications that belong to the call, and requests of older servers. */
export type OnMessage = (message: Exclude<StreamMessage, { kind: 'response' }>, post: PostRequest) => void

export interface PostRequest {
  pool: Pool
  path: string
  /** Names and values in turn, as undici takes them without another copy. */
  headers: string[]
  /** Null: a GET for the rest of a stream that ended. */
  body: Buffer | null
  exchange: Exchange
  watch: Watch
  answerBytes: number
  /** The id that was sent, or null for a notification or response, which is only acknowledged. */
  id: number | null
  onMessage: OnMessage | null
  /** Where the answer's stream was taken up; moved on to where it ends. */
  mark?: Mark
}

type Body = 'json' | 'events' | 'ignored'

/** How long an event stream may stay open behind its answer before the socket is given up. */
const TAIL_MS = 2000
/** What an acknowledgement or an error page may bring before it is cut off. */
const IGNORED_BYTES = 64 * 1024

/**
 * @returns the finished post. Its `reply` is there when the server answered this very request; a status over 299 may
 * come with one (2026-07-28 answers -32601 with 404)
 * @throws Trouble
 */
export function post(request: PostRequest): Promise<Post> {
  return new Promise((resolve, reject) => {
    const handler = new Post(request, resolve, reject)
    request.watch.add(request.exchange)
    request.exchange.onStop(handler)
    if (request.exchange.stopped !== null) return
    try {
      request.pool.dispatch(
        // The watch keeps time for all; undici's own limits would cost a timer a socket.
        {
          path: request.path,
          method: request.body === null ? 'GET' : 'POST',
          headers: request.headers,
          body: request.body,
          headersTimeout: 0,
          bodyTimeout: 0,
        },
        handler,
      )
    } catch (error) {
      handler.fail(new Trouble('unsent', 'the request could not be handed over', { cause: error }))
    }
  })
}

export class Post implements Dispatcher.DispatchHandler {
  status = 0
  /** `Mcp-Session-Id` of the answer, which only `initialize` brings. */
  sessionId: string | null = null
  /** What a 401 or 403 asks for. */
  challenge: Challenge | null = null
  reply: RawReply | null = null
  /** The code of an error answer that did not name our id (older servers answer bad requests with `id: null`). */
  rpcCode: number | null = null
  /** The start of the body of a failed request, for looking at, never for passing on. */
  text = ''
  readonly #request: PostRequest
  #resolve: ((post: Post) => void) | null
  #reject: (trouble: Trouble) => void
  #controller: Dispatcher.DispatchController | null = null
  #body: Body = 'ignored'
  #events: SseParser | null = null
  #first: Buffer | null = null
  #rest: Buffer[] | null = null
  #bytes = 0

  constructor(request: PostRequest, resolve: (post: Post) => void, reject: (trouble: Trouble) => void) {
    this.#request = request
    this.#resolve = resolve
    this.#reject = reject
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#resolve === null) controller.abort(new Trouble('cancelled', 'ended before it was sent'))
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    this.#request.exchange.idle = 0
    if (status < 200) return
    this.status = status
    const coding = headers['content-encoding']
    if (coding !== undefined && coding !== 'identity') {
      this.stop(new Trouble('bad-answer', 'the answer is coded', { status }))
      return
    }
    const session = headers['mcp-session-id']
    if (typeof session === 'string') this.sessionId = session
    if (status === 401 || status === 403) this.challenge = readChallenge(status, joined(headers['www-authenticate']))
    if (this.#request.id !== null) this.#body = bodyKind(headers['content-type'])
    if (this.#body === 'events') {
      this.#events = openSseParser((event) => this.#take(event), this.#request.answerBytes)
    }
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { exchange, answerBytes } = this.#request
    if (this.#resolve !== null) exchange.idle = 0
    if (this.#events !== null) {
      this.#pushEvents(this.#events, chunk)
      return
    }
    this.#bytes += chunk.length
    if (this.#bytes > (this.#body === 'json' ? answerBytes : IGNORED_BYTES)) {
      this.stop(new Trouble('bad-answer', 'the answer is too long', { status: this.status }))
      return
    }
    if (this.#first === null) this.#first = chunk
    else if (this.#rest === null) this.#rest = [this.#first, chunk]
    else this.#rest.push(chunk)
  }

  onResponseEnd(): void {
    this.#ended()
    if (this.#resolve === null) return
    if (this.#body === 'events') {
      this.fail(new Trouble('lost', 'the event stream ended before the answer', { status: this.status }))
      return
    }
    const bytes = this.#rest === null ? this.#first : Buffer.concat(this.#rest)
    if (this.#body === 'json' && bytes !== null) this.reply = this.#own(scanReply(bytes))
    if (this.reply === null && (this.#request.id !== null || this.status > 299)) {
      if (this.status < 300) {
        this.fail(new Trouble('bad-answer', 'the answer is not one JSON-RPC answer to the request', { status: 200 }))
        return
      }
      this.text = bytes === null ? '' : bytes.toString('utf8', 0, Math.min(bytes.length, 4096))
    }
    this.#succeed()
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#ended()
    const kind = this.#controller === null ? 'unsent' : 'lost'
    this.fail(new Trouble(kind, error.message, { cause: error }))
  }

  /** Ends it early: settles at once, then frees the socket. Closing the stream is what cancels a 2026 call. */
  stop(trouble: Trouble): void {
    this.fail(trouble)
    this.#controller?.abort(trouble)
  }

  fail(trouble: Trouble): void {
    if (this.#controller === null) this.#request.watch.remove(this.#request.exchange)
    if (this.#resolve === null) return
    this.#resolve = null
    this.#reject(trouble)
  }

  #ended(): void {
    const { watch, exchange, mark } = this.#request
    watch.remove(exchange)
    if (mark !== undefined && this.#events !== null) Object.assign(mark, markOf(this.#events, mark))
  }

  #succeed(): void {
    this.#resolve?.(this)
    this.#resolve = null
  }

  #pushEvents(events: SseParser, chunk: Buffer): void {
    try {
      events.push(chunk)
    } catch (error) {
      this.stop(troubleOf(error))
    }
  }

  /** One event of the stream. */
  #take({ event, data }: SseEvent): void {
    // Other names are keep-alives and the like of some servers, and no messages.
    if (this.#resolve === null || event !== 'message') return
    const message = classifyMessage(data)
    if (message === null) throw new Trouble('bad-answer', 'an event holds no JSON-RPC message', { status: this.status })
    if (message.kind !== 'response') {
      this.#request.onMessage?.(message, this.#request)
      return
    }
    this.reply = this.#own(message.raw)
    if (this.reply === null) throw new Trouble('bad-answer', 'the stream answers another request', { status: 200 })
    // The answer does not wait for the end of its stream; the socket is reused if the end comes soon.
    this.#request.watch.hurry(this.#request.exchange, TAIL_MS)
    this.#succeed()
  }

  /** An answer to another id is somebody else's, and is never handed on; only an error may name none. */
  #own(raw: RawReply | null): RawReply | null {
    if (raw === null) return null
    const id = readId(raw)
    if (id === this.#request.id) return raw
    if (id === null && raw.outcome === 'error') {
      this.rpcCode = errorCode(raw)
      return this.status < 300 ? raw : null
    }
    return null
  }
}

function joined(header: string | string[] | undefined): string | null {
  return Array.isArray(header) ? header.join(', ') : (header ?? null)
}

/** What is to be told of an answer that carries none to the request. */
export function statusTrouble(done: Post, message: string): Trouble {
  const { status, challenge } = done
  const rpcCode = done.reply === null ? done.rpcCode : errorCode(done.reply)
  const detail = { status, ...(rpcCode === null ? {} : { rpcCode }), ...(challenge === null ? {} : { challenge }) }
  return new Trouble('status', message, detail)
}

function bodyKind(type: string | string[] | undefined): Body {
  if (typeof type !== 'string') return 'ignored'
  if (type.startsWith('application/json')) return 'json'
  if (type.startsWith('text/event-stream')) return 'events'
  const plain = type.trimStart().toLowerCase()
  if (plain.startsWith('application/json')) return 'json'
  return plain.startsWith('text/event-stream') ? 'events' : 'ignored'
}

/** @returns the `code` of an error answer, or null for a result */
export function errorCode(raw: RawReply): number | null {
  return raw.outcome === 'error' ? readRawError(raw).code : null
}
