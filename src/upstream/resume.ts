/**
 * Taking up an event stream of 2025 where it ended (SEP-1699): a server that gives its events ids may close a stream in the midst of a
 * call, say when it is to be asked again, and go on there. It is asked by GET with the last id, on which nothing is performed; a request
 * is never sent twice for it.
 */
import { LIMITS } from '../config/limits.ts'
import type { SseParser } from '../protocol/sse.ts'
import { type Exchange, unlessStopped, type Watch } from './exchange.ts'
import { Trouble } from './trouble.ts'

/** Where a stream ended. */
export interface Mark {
  /** Of the last whole event; null where the stream named none that can be named again. */
  lastId: string | null
  /** How long the server wants to be left alone first, in milliseconds; null where it did not say. */
  retryMs: number | null
}

/** Where the server names no time. */
export const RETRY_MS = 1000
const MOST_RESUMES = LIMITS.resumes.value

/** @param before where the stream was taken up, or null where it began */
export function markOf(parser: SseParser, before: Mark | null): Mark {
  const id = parser.lastEventId()
  return {
    lastId: id === null ? (before?.lastId ?? null) : asHeader(id),
    retryMs: parser.retry() ?? before?.retryMs ?? null,
  }
}

/** An empty id takes all before it back (HTML, server-sent events). */
function asHeader(id: string): string | null {
  return /^[\x21-\x7e]([\x20-\x7e]{0,1022}[\x21-\x7e])?$/.test(id) ? id : null
}

interface Broken<Answered> {
  /** How the stream ended. */
  error: unknown
  mark: Mark
  exchange: Exchange
  watch: Watch
  /** Asks for the rest after `mark.lastId`, and moves the mark on. Null: there is none to be had. */
  again(): Promise<Answered | null>
}

/**
 * Goes on with the stream of one call until its answer has come.
 *
 * @throws what ended the stream where there is nothing to go on with; then the call may have had its effect
 */
export async function resume<Answered>(broken: Broken<Answered>): Promise<Answered> {
  const { mark, exchange, watch, again } = broken
  let { error } = broken
  for (let left = MOST_RESUMES; left > 0 && isResumable(error, mark) && exchange.stopped === null; left--) {
    // The stream has ended, its call has not: its limits still hold.
    watch.add(exchange)
    try {
      await unlessStopped(exchange, pauseFor(mark.retryMs ?? RETRY_MS))
      const done = await again()
      if (done === null) break
      return done
    } catch (next) {
      watch.remove(exchange)
      // That nobody is there now is not what became of the call.
      if (next instanceof Trouble && next.kind === 'unsent') break
      error = next
    }
  }
  throw error
}

function isResumable(error: unknown, { lastId }: Mark): boolean {
  return error instanceof Trouble && error.kind === 'lost' && lastId !== null
}

function pauseFor(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
