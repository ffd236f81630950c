/**
 * What a server of 2024 or 2025 asks in the midst of a call, and who answers it. A question belongs to the call on whose stream it
 * came. One that came on a stream that is nobody's in particular (stdio, HTTP+SSE, the GET stream) is put only while one principal
 * alone has calls in flight there: else one caller would be asked another's question, and the answer would complete another's call.
 *
 * Each request of a server is answered once, with the id that it had, or not at all when nobody needs the answer any more.
 */
import { principalKey } from '../base/principal.ts'
import {
  type Askable,
  isAskable,
  NOTHING_ASKABLE,
  questionOf,
  type ServerAnswer,
  type ServerQuestion,
} from '../protocol/asked.ts'
import { relatedTask } from '../protocol/era-2025/task.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Json, JsonObject, JsonRpcId } from '../protocol/model.ts'
import type { Exchange } from './exchange.ts'
import { waiterOf } from './notifications.ts'

/** What a connection's handshake says of its callers, and who hears of what they were not asked. */
export interface Asking {
  /** What each of the callers of the connection can be asked. */
  readonly askable: Askable
  /** For the log. */
  onRefused(method: string, why: string, error?: unknown): void
}

/** A connection whose callers can be asked nothing. */
export const ASKS_NOBODY: Asking = { askable: NOTHING_ASKABLE, onRefused: () => {} }

export interface ServerRequest {
  id: JsonRpcId
  method: string
  params: JsonObject
}

/** @param exchange the call that was asked, or null where nobody was */
type Answering = (id: JsonRpcId, answer: ServerAnswer, exchange: Exchange | null) => void

/** The questions of one session or pipe. */
export class Questions {
  readonly #asking: Asking
  readonly #answer: Answering
  readonly #open = new Map<string, AbortController>()

  /** @param answer sends it to the server, and never throws */
  constructor(asking: Asking, answer: Answering) {
    this.#asking = asking
    this.#answer = answer
  }

  /** @param whose the call that the request belongs to, or those that it may belong to */
  take(request: ServerRequest, whose: Whose): void {
    const { id, method } = request
    const settled = method === 'ping' ? ALIVE : this.#put(request, whose)
    if (settled !== null) this.#answer(id, settled, null)
  }

  /** The server needs the answer no more. @param id as its `notifications/cancelled` names it */
  withdraw(id: Json | undefined): void {
    if (typeof id === 'string' || typeof id === 'number') this.#open.get(keyOf(id))?.abort()
  }

  /** @returns the answer, where it is known without asking anybody; null where it follows, or none does */
  #put({ id, method, params }: ServerRequest, { exchange, neighbours }: Whose): ServerAnswer | null {
    const refused = (why: string, answer: ServerAnswer | null) => {
      this.#asking.onRefused(method, why)
      return answer
    }
    const asked = questionOf(method, params)
    if (asked === null) return NOT_FOUND
    if (!isDeclared(asked, this.#asking.askable)) {
      exchange?.out.lacks?.(asked)
      return NOT_FOUND
    }
    if (exchange === null) {
      if (neighbours.length === 0) return refused('nobody is there', unasked(asked))
      void this.#passOver(id, asked, neighbours)
      return refused('nobody is alone there', null)
    }
    const { ask, askable = NOTHING_ASKABLE } = exchange.out
    const mayAsk = ask !== undefined && isAskable(asked, this.#asking.askable) && isAskable(asked, askable)
    if (!mayAsk) {
      exchange.out.lacks?.(asked)
      return refused('not declared', undeclared(asked, askable))
    }
    // Its second answer could not be told from the first one's. The server broke the rule; it gets one answer.
    if (this.#open.has(keyOf(id))) return refused('its id is in use', null)
    const question = exchange.withoutSecrets(asked)
    if (question === null) return refused('it holds a secret', UNREADABLE)
    const end = new AbortController()
    if (!exchange.openQuestion(end)) return refused('too many', TOO_MANY)
    this.#open.set(keyOf(id), end)
    void this.#ask(id, { question, exchange, end })
    return null
  }

  /** Each call that it may have been of hears of it before the server does: what a call's end says comes after. */
  async #passOver(id: JsonRpcId, asked: ServerQuestion, neighbours: readonly Exchange[]): Promise<void> {
    try {
      await Promise.all(neighbours.map((exchange) => exchange.passOver(asked)))
    } catch (error) {
      this.#asking.onRefused(asked.method, 'passing over failed', error)
    }
    this.#answer(id, unasked(asked), null)
  }

  async #ask(
    id: JsonRpcId,
    { question, exchange, end }: { question: ServerQuestion; exchange: Exchange; end: AbortController },
  ): Promise<void> {
    const { signal } = end
    const close = () => {
      exchange.closeQuestion(end)
      this.#open.delete(keyOf(id))
    }
    signal.addEventListener('abort', close, { once: true })
    let answer: ServerAnswer | undefined
    try {
      answer = await exchange.out.ask?.(question, signal)
    } catch (error) {
      // A bug of ours; a server that waits for ever would make it the caller's.
      this.#asking.onRefused(question.method, 'asking failed', error)
    }
    // What comes after the end is dropped: by now the id may be another question's.
    if (signal.aborted) return
    signal.removeEventListener('abort', close)
    close()
    this.#answer(id, answer ?? UNREADABLE, exchange)
  }
}

/** Whose a question is. */
export interface Whose {
  /** The call that it belongs to; null where that cannot be told. */
  exchange: Exchange | null
  /** The calls that can be asked, where two principals have calls in flight and it may be of any of these. */
  neighbours: readonly Exchange[]
}

/** Of no call. */
export const NOBODYS: Whose = { exchange: null, neighbours: [] }

/**
 * Whose a question is that names no call: the last one in flight that can be asked, where all of them are one principal's.
 * The portal's own requests count for nobody: they can be asked nothing, and show nothing.
 */
export function soleAskable(exchanges: Iterable<Exchange>): Whose {
  const askable: Exchange[] = []
  const principals = new Set<string>()
  for (const exchange of exchanges) {
    const { principal, ask } = exchange.out
    if (principal === null) continue
    principals.add(principalKey(principal))
    if (ask !== undefined) askable.push(exchange)
  }
  if (principals.size > 1) return { exchange: null, neighbours: askable }
  return { exchange: askable.at(-1) ?? null, neighbours: [] }
}

/**
 * Whose a question is that came on a stream which is nobody's in particular. One that names a task (2025-11-25) is of the call that waits
 * for its result, and of nobody else: its caller may be away while another one is alone there.
 */
export function askedBy({ params }: ServerRequest, exchanges: () => Iterable<Exchange>): Whose {
  const task = relatedTask(params)
  return task === null ? soleAskable(exchanges()) : { exchange: waiterOf(task, exchanges()), neighbours: [] }
}

/** Ids are told apart by type: `1` and `"1"` are two. */
function keyOf(id: JsonRpcId): string {
  return typeof id === 'string' ? `s${id}` : `n${id}`
}

/** Whether the connection declared the capability at all, in whatever form. */
function isDeclared({ method }: ServerQuestion, askable: Askable): boolean {
  switch (method) {
    case 'elicitation/create':
      return askable.form || askable.url
    case 'sampling/createMessage':
      return askable.sampling
    case 'roots/list':
      return askable.roots
  }
}

const ALIVE: ServerAnswer = { result: {} }
const NOT_FOUND: ServerAnswer = { error: { code: ErrorCode.MethodNotFound, message: 'Method not found' } }
const UNREADABLE: ServerAnswer = { error: { code: ErrorCode.InternalError, message: 'The question could not be put' } }
const TOO_MANY: ServerAnswer = { error: { code: ErrorCode.InvalidRequest, message: 'Too many questions in one call' } }

/** The answer where no one caller can be meant: a person who is not there says no, and a client that is not there has no such method. */
function unasked({ method }: ServerQuestion): ServerAnswer {
  return method === 'elicitation/create' ? { result: { action: 'decline' } } : NOT_FOUND
}

/** Another mode of elicitation, or tools in sampling, is -32602 (2025-11-25, elicitation and sampling). */
function undeclared(question: ServerQuestion, askable: Askable): ServerAnswer {
  if (!isDeclared(question, askable)) return NOT_FOUND
  return { error: { code: ErrorCode.InvalidParams, message: 'The client did not declare this form of the question' } }
}
