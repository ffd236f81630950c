/** One request under way, with the ends that lead back to its caller. */
import type { Cancellation } from '../base/cancel.ts'
import type { HeaderMap } from '../protocol/classify.ts'
import type { JsonObject, Notification, Request } from '../protocol/model.ts'
import type { Notes } from './questions.ts'

export interface Errand {
  request: Request
  /** Of a 2026-era request, for its `Mcp-Param-*`; null otherwise. */
  headers: HeaderMap | null
  cancel: Cancellation
  /** Hands a notification that belongs to this request to the caller's stream, in order, before the reply. */
  report(notification: Notification): void
  /** Sends a request of our own on this request's stream (2025); null where there is none that could carry it. */
  inquire: Inquire | null
  /** Keeps this request waiting for something that its person does elsewhere. */
  linger: Linger
  /** Whether the caller's credential has not been withdrawn since: for what outlives the request (2026), or acts for long. */
  stands?: () => Promise<boolean>
  /** What the caller answered before it sent this request again (2026), by kind of question. */
  answers?: ReadonlyMap<string, JsonObject>
  /** What those who asked noted for then, by topic. */
  notes?: Notes
  /** Answers to a server's own questions, by the keys that it was asked under; as they came. */
  responses?: JsonObject
}

/** @returns null where nobody could be kept waiting: this caller has as many streams open as it may, or reads none */
export type Linger = () => Lingering | null

export interface Lingering {
  /**
   * Waiting has no sense any more: the caller gave up or went away; the portal closes or does not trust its token any more; or it was asked
   * to stay, and does not.
   */
  over: Promise<'gone' | 'closing' | 'late'>
  /** To be called when the waiting ends, however it does. */
  end(): void
}

/**
 * @returns null where this caller has as many streams open as it may
 */
export type Inquire = (method: string, params: JsonObject, until?: Until) => Promise<InquiryEnd> | null

export interface Until {
  /** Nobody needs the answer any more: the question ends as `over`, `gone`. */
  signal: AbortSignal
  /** Milliseconds until it ends as `over`, `late`; as long as any question where it does not say. */
  waitMs?: number
}

/** `over`: nobody answered in time, the request was given up, or the portal closes. */
export type InquiryEnd =
  | { kind: 'result' | 'error'; body: JsonObject }
  | { kind: 'over'; why: 'late' | 'gone' | 'closing' }
