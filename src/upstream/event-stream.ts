/**
 * A long-lived GET that only listens: the unsolicited stream of 2025 and the one stream of HTTP+SSE. It has no idle limit;
 * whoever opened it closes it.
 */
import type { Dispatcher, Pool } from 'undici'
import { openSseParser, type SseEvent, type SseParser } from '../protocol/sse.ts'
import { readChallenge } from './connections/challenge.ts'
import { type Mark, markOf } from './resume.ts'
import { Trouble, troubleOf } from './trouble.ts'

export interface EventStreamOptions {
  pool: Pool
  path: string
  headers: string[]
  eventBytes: number
  onEvent(event: SseEvent): void
  /** The server answered with a stream. */
  onOpen(): void
  /**
   * Called once: the stream ended, or never came (`status` for an answer that is no stream).
   *
   * @param mark where it ended; null where it never came
   */
  onEnd(trouble: Trouble, mark: Mark | null): void
  /** Where an earlier one ended: this one begins there. Null: it begins now. */
  from?: Mark | null
}

/** @returns ends the stream; `onEnd` follows */
export function openEventStream(options: EventStreamOptions): () => void {
  const handler = new EventStream(options)
  const { pool, path, from } = options
  const lastId = from?.lastId ?? null
  const headers = lastId === null ? options.headers : [...options.headers, 'last-event-id', lastId]
  pool.dispatch({ path, method: 'GET', headers, headersTimeout: 0, bodyTimeout: 0 }, handler)
  return () => handler.end(new Trouble('lost', 'the stream was closed'))
}

class EventStream implements Dispatcher.DispatchHandler {
  readonly #options: EventStreamOptions
  #controller: Dispatcher.DispatchController | null = null
  #parser: SseParser | null = null
  #ended: Trouble | null = null

  constructor(options: EventStreamOptions) {
    this.#options = options
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    if (this.#ended !== null) controller.abort(this.#ended)
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    const problem = problemOf(status, headers)
    if (problem !== null) {
      this.end(problem)
      return
    }
    this.#parser = openSseParser((event) => this.#options.onEvent(event), this.#options.eventBytes)
    this.#options.onOpen()
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    try {
      if (this.#ended === null) this.#parser?.push(chunk)
    } catch (error) {
      this.end(troubleOf(error))
    }
  }

  onResponseEnd(): void {
    this.#finish(new Trouble('lost', 'the stream ended'))
  }

  onResponseError(_controller: Dispatcher.DispatchController | undefined, error: Error): void {
    this.#finish(new Trouble(this.#controller === null ? 'unsent' : 'lost', error.message, { cause: error }))
  }

  end(trouble: Trouble): void {
    this.#finish(trouble)
    this.#controller?.abort(trouble)
  }

  #finish(trouble: Trouble): void {
    if (this.#ended !== null) return
    this.#ended = trouble
    const { onEnd, from = null } = this.#options
    onEnd(trouble, this.#parser === null ? null : markOf(this.#parser, from))
  }
}

function problemOf(status: number, headers: Record<string, string | string[] | undefined>): Trouble | null {
  const type = headers['content-type']
  const coding = headers['content-encoding']
  if (status === 401 || status === 403) {
    const asked = headers['www-authenticate']
    const challenge = readChallenge(status, Array.isArray(asked) ? asked.join(', ') : (asked ?? null))
    return new Trouble('status', 'no stream', { status, challenge })
  }
  if (status !== 200) return new Trouble('status', 'no stream', { status })
  if (typeof type !== 'string' || !type.toLowerCase().startsWith('text/event-stream')) {
    return new Trouble('bad-answer', 'not an event stream', { status })
  }
  if (coding === undefined || coding === 'identity') return null
  return new Trouble('bad-answer', 'the stream is coded', { status })
}
