/**
 * Calls that wait in this process for their caller: a server of 2024 or 2025 asked something in their midst, the client of
 * 2026 was told so, and its request has ended. The call at the server goes on waiting here until the client comes
 * again with the answers, the server gives its question up, what it asks for may not be done any more, or the time is over.
 *
 * A parked call belongs to the caller that made it. Its id alone, which nobody can guess, opens nothing.
 */
import { randomUUID } from 'node:crypto'
import type { Cancellation } from '../base/cancel.ts'
import { LIMITS } from '../config/limits.ts'
import type { ServerAnswer, ServerQuestion } from '../protocol/asked.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { JsonObject, Notification } from '../protocol/model.ts'
import type { Performed } from './checkpoint.ts'
import { fitAnswer, isObject } from './relay-question.ts'

/** A question as it was put to the client, and the way back to the server. */
export interface Open {
  question: ServerQuestion
  settle(answer: ServerAnswer): void
}

/** Whose it is. */
export interface ParkOwner {
  /** As `principalKey` says, and what the caller's switches hang off. */
  principal: string
  owner: string
  portalUid: string
}

/** What a parked call came to: its end, or what its server asks first. */
export type Came = { kind: 'ended'; done: Performed } | { kind: 'asked'; questions: [string, ServerQuestion][] }

/** What is looked at whenever policies, portals or lists change. */
export type StillMay = () => Promise<boolean>

export class Park {
  readonly id = randomUUID()
  readonly whose: ParkOwner
  readonly cancel: Cancellation
  readonly mayStill: StillMay
  /** Questions without an answer, by the keys that the client knows. */
  readonly open = new Map<string, Open>()
  /** How the call at the server ends; set once it is parked. */
  end: Promise<Performed> | null = null
  /** The questions so far; keys are never used twice. */
  asked = 0
  /** What the server reports goes to the request that is there; where none is, nobody could hear it. */
  listener: ((notification: Notification) => void) | null = null
  readonly report = (notification: Notification): void => this.listener?.(notification)
  readonly #raises = new Set<() => void>()

  constructor(whose: ParkOwner, cancel: Cancellation, mayStill: StillMay) {
    this.whose = whose
    this.cancel = cancel
    this.mayStill = mayStill
  }

  /** Resolves with the next question, or at once where one is open. */
  raised(): Promise<'asked'> {
    const { promise, resolve } = Promise.withResolvers<'asked'>()
    const raise = () => {
      this.#raises.delete(raise)
      resolve('asked')
    }
    this.#raises.add(raise)
    if (this.open.size > 0) resolve('asked')
    return promise
  }

  /** @returns the server's answer, when there is one */
  ask(question: ServerQuestion, signal: AbortSignal): Promise<ServerAnswer> {
    const key = `question-${++this.asked}`
    const { promise, resolve } = Promise.withResolvers<ServerAnswer>()
    const settle = (answer: ServerAnswer): void => {
      this.open.delete(key)
      resolve(answer)
    }
    this.open.set(key, { question, settle })
    signal.addEventListener('abort', () => settle(GIVEN_UP), { once: true })
    for (const raise of [...this.#raises]) raise()
    return promise
  }

  /** Nobody answers any more. @param reason for the log and the server */
  giveUp(reason: string): void {
    this.cancel.cancel(reason)
    for (const { settle } of [...this.open.values()]) settle(GIVEN_UP)
  }
}

export const GIVEN_UP: ServerAnswer = { error: { code: -32603, message: 'Nobody answers this question any more.' } }

/** What a server asks at once arrives at once, or nearly so. */
const GATHER_MS = 10

/** @throws what the call at the server throws */
export async function comes(park: Park): Promise<Came> {
  const { end } = park
  if (end === null) throw new Error('a call is parked before it was made')
  for (;;) {
    const came = await Promise.race([end, park.raised()])
    if (came !== 'asked') return { kind: 'ended', done: came }
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS))
    // The server may have given up its question, or answered, meanwhile.
    if (park.open.size > 0)
      return { kind: 'asked', questions: [...park.open].map(([key, { question }]) => [key, question]) }
  }
}

/** Gives the server its answers. What has none stays open, and is asked again. */
export function settle(park: Park, answers: JsonObject): void {
  for (const [key, open] of [...park.open]) {
    const given = Object.hasOwn(answers, key) ? answers[key] : undefined
    if (given === undefined) continue
    const result = isObject(given) ? fitAnswer(open.question, given) : null
    open.settle(result === null ? { error: NO_ANSWER } : { result })
  }
}

const NO_ANSWER = { code: ErrorCode.InvalidParams, message: 'The client answered with what is no answer.' }

/** Under what name a round of a call waits for its caller. */
export function roundOf(park: string, rounds: number): string {
  return `${park}.${rounds}`
}

/** A caller's parked calls, and all of a process. */
const MOST_PER_PRINCIPAL = LIMITS.parked_per_principal.value
const MOST = LIMITS.parked.value
/** Of an answer that came while its caller was away. */
const MOST_KEPT = 1024 * 1024

export class Parks {
  /** Tells this process from others. */
  readonly node = randomUUID()
  /** A timer runs while nobody of the caller's waits here. */
  readonly #parks = new Map<string, { park: Park; timer: NodeJS.Timeout | null }>()
  readonly #waitMs: number

  /** @param waitMs how long a person has to answer */
  constructor(waitMs: number = LIMITS.answer_time.value) {
    this.#waitMs = waitMs
  }

  /**
   * The request of a call has ended, and the call waits for the next one.
   *
   * @returns false where there is no room for one more: it is not kept
   */
  keep(park: Park): boolean {
    const known = this.#parks.get(park.id)
    if (known === undefined && !this.#hasRoom(park)) return false
    if (known?.timer != null) clearTimeout(known.timer)
    const timer = setTimeout(() => {
      this.#parks.delete(park.id)
      park.giveUp('nobody answered in time')
    }, this.#waitMs)
    timer.unref()
    this.#parks.set(park.id, { park, timer })
    if (known === undefined) {
      const ended = (done: Performed | null) => this.#ended(park.id, done)
      park.end?.then(ended, () => ended(null))
    }
    return true
  }

  /**
   * The caller is back: the call waits no longer for it, until it is kept again.
   *
   * @returns undefined for another caller's, one that is over, and one of another process
   */
  take(id: string, { principal, owner }: Pick<ParkOwner, 'principal' | 'owner'>): Park | undefined {
    const kept = this.#parks.get(id)
    if (kept === undefined || kept.park.whose.principal !== principal || kept.park.whose.owner !== owner)
      return undefined
    if (kept.timer !== null) clearTimeout(kept.timer)
    kept.timer = null
    return kept.park
  }

  /** Policies, portals or lists are others now: what may not be done any more ends at its server too. */
  async reconsider(): Promise<void> {
    for (const { park } of [...this.#parks.values()]) {
      // Of what cannot be told whether it may be done, it may not.
      const may = await park.mayStill().catch(() => false)
      if (!may) park.giveUp('what was asked for may not be done any more')
    }
  }

  get size(): number {
    return this.#parks.size
  }

  close(): void {
    for (const { park } of [...this.#parks.values()]) park.giveUp('the portal is closing')
    for (const id of [...this.#parks.keys()]) this.#forget(id)
  }

  #forget(id: string): void {
    const kept = this.#parks.get(id)
    if (kept?.timer != null) clearTimeout(kept.timer)
    this.#parks.delete(id)
  }

  /** Where the caller is away, what came is kept for it as long as it may take to come back, unless it is large. */
  #ended(id: string, done: Performed | null): void {
    const isAway = this.#parks.get(id)?.timer != null
    const isLarge = done?.reply.kind === 'raw' && done.reply.bytes.length > MOST_KEPT
    if (!isAway || isLarge) this.#forget(id)
  }

  #hasRoom({ whose }: Park): boolean {
    if (this.#parks.size >= MOST) return false
    let own = 0
    for (const { park } of this.#parks.values()) if (park.whose.principal === whose.principal) own++
    return own < MOST_PER_PRINCIPAL
  }
}
