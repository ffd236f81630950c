/** Calls under way by 2025-era session and the caller's own id, so that a caller can cancel its own and nobody else's. */
import { Cancellation } from '../base/cancel.ts'
import type { Session } from '../portal/sessions.ts'
import type { WireNotification } from '../protocol/classify.ts'
import type { JsonRpcId } from '../protocol/model.ts'

export class InFlight {
  readonly #calls = new Map<string, Cancellation>()
  readonly #streams = new Map<string, { session: Session; end: () => void }>()

  add(session: Session, id: JsonRpcId): Cancellation {
    const cancellation = new Cancellation()
    this.#calls.set(keyOf(session, id), cancellation)
    return cancellation
  }

  remove(session: Session, id: JsonRpcId): void {
    this.#calls.delete(keyOf(session, id))
  }

  /** Acts on `notifications/cancelled`; every other notification asks for nothing. */
  heed(session: Session, { method, params }: WireNotification): void {
    const id = params.requestId
    if (method !== 'notifications/cancelled' || (typeof id !== 'string' && typeof id !== 'number')) return
    this.#calls.get(keyOf(session, id))?.cancel('the client cancelled the request')
  }

  /**
   * One stream a session: a second one never takes the first one's place.
   *
   * @param end how to end it when the session ends
   * @returns how to give the place back, or null where it is taken
   */
  takeStream(session: Session, end: () => void): (() => void) | null {
    if (this.#streams.has(session.id)) return null
    this.#streams.set(session.id, { session, end })
    return () => void this.#streams.delete(session.id)
  }

  endStream(session: Session): void {
    this.#streams.get(session.id)?.end()
  }

  /** Sessions that have a stream open here. */
  streaming(): Session[] {
    return [...this.#streams.values()].map(({ session }) => session)
  }

  /** Calls and streams of sessions, for those who watch that nothing stays behind. */
  get size(): number {
    return this.#calls.size + this.#streams.size
  }
}

/** `1` and `"1"` are two ids. */
function keyOf(session: Session, id: JsonRpcId): string {
  return `${session.id} ${typeof id} ${id}`
}
