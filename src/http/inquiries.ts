/**
 * Questions that wait for a 2025-era client's answer, by session and our own id. An answer counts only in the session
 * that was asked: an id alone, though nobody can guess it, opens nothing.
 */
import { randomUUID } from 'node:crypto'
import { LIMITS } from '../config/limits.ts'
import type { InquiryEnd } from '../portal/errand.ts'
import type { Session } from '../portal/sessions.ts'
import type { WireResponse } from '../protocol/classify.ts'

export interface Inquiry {
  /** Ours, and unique over all replicas. */
  readonly id: string
  readonly session: Session
  readonly end: Promise<InquiryEnd>
  /** Only the first end counts. */
  settle(end: InquiryEnd): void
}

export class Inquiries {
  readonly #open = new Map<string, Inquiry>()
  readonly #staying = new Set<{ session: Session; ended: () => void }>()
  readonly #waitMs: number

  /** @param waitMs how long a person has to answer */
  constructor(waitMs: number = LIMITS.answer_time.value) {
    this.#waitMs = waitMs
  }

  /** @param session the one that is asked @param waitMs how long its person has, where that is not as for all */
  open(session: Session, waitMs = this.#waitMs): Inquiry {
    const id = `portico-${randomUUID()}`
    const key = keyOf(session, id)
    const { promise, resolve } = Promise.withResolvers<InquiryEnd>()
    const timer = setTimeout(() => settle({ kind: 'over', why: 'late' }), waitMs)
    timer.unref()
    const settle = (end: InquiryEnd): void => {
      clearTimeout(timer)
      this.#open.delete(key)
      resolve(end)
    }
    const inquiry = { id, session, end: promise, settle }
    this.#open.set(key, inquiry)
    return inquiry
  }

  /** @returns false for an answer to nothing that this session was asked here */
  answer(session: Session, { id, outcome, body }: WireResponse): boolean {
    const inquiry = typeof id === 'string' ? this.#open.get(keyOf(session, id)) : undefined
    inquiry?.settle({ kind: outcome, body })
    return inquiry !== undefined
  }

  /**
   * A call of this session waits for something that is done elsewhere.
   *
   * @param ended called when the session ends meanwhile
   * @returns a function that ends the waiting
   */
  stayWith(session: Session, ended: () => void): () => void {
    const stay = { session, ended }
    this.#staying.add(stay)
    return () => void this.#staying.delete(stay)
  }

  /** The session is over: nobody can answer in it any more. */
  endSession(session: Session): void {
    for (const stay of [...this.#staying]) if (stay.session.id === session.id) stay.ended()
    for (const inquiry of [...this.#open.values()]) {
      if (inquiry.session.id === session.id) inquiry.settle({ kind: 'over', why: 'gone' })
    }
  }

  /** Sessions that have a question open here, or wait for its person. */
  asking(): Session[] {
    return [...this.#open.values(), ...this.#staying].map(({ session }) => session)
  }

  /** Open questions and what waits, for those who watch that nothing stays behind. */
  get size(): number {
    return this.#open.size + this.#staying.size
  }
}

function keyOf(session: Session, id: string): string {
  return `${session.id} ${id}`
}
