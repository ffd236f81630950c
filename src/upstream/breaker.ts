/**
 * The circuit of one server at work: what calls read before they go, what they report when they come back, and the asking
 * in the background that closes it again. One question at a time, however many wait for it.
 */
import type { Clock } from '../base/clock.ts'
import { type Circuit, type CircuitEvent, CLOSED, restOf, step, suspicionOf } from './circuit.ts'
import type { CircuitHealth } from './model.ts'
import { Trouble } from './trouble.ts'

/** What is asked of the server. */
export interface Question {
  /** A refused connection is tried again for as long as a call would. */
  isPatient: boolean
  /** The key of a connection that kept a call waiting for too long; it is asked first and given up where it is dead. */
  suspect: string | null
}

/**
 * - `answered`: it is there.
 * - `refused`: it is not, and that was known at once.
 * - `silent`: it took all the time there was.
 */
export type Answer = 'answered' | 'refused' | 'silent'

export interface BreakerDeps {
  clock: Clock
  /** The first rest of a server that does not answer. */
  restMs: number
  /** What a caller waits for a server that refused the last question. */
  waitMs: number
  /** Never rejects. */
  ask(question: Question): Promise<Answer>
  /** It is left alone from now on, or called again. */
  onChanged(isOpen: boolean): void
}

/** A server that refuses is asked on behalf of callers, which costs them nothing; no more often than this, however many. */
const GAP_MS = 100

export class Breaker {
  /** Read by every call: the server is left alone. */
  isOpen = false
  /** Read after every call: an answer is worth reporting. */
  isTroubled = false
  readonly #deps: BreakerDeps
  #circuit: Circuit = CLOSED
  #asking: Promise<void> | null = null
  /** The question that is under way has been sent, and is not waiting for its turn. */
  #isAsked = false
  #timer: NodeJS.Timeout | null = null
  #lastAnswer: Answer = 'silent'
  /** When the last question ended, on the monotonic clock. */
  #endedAt = 0
  /** Something was answered since the question that is under way began. */
  #wasAnswered = false
  #isClosed = false

  constructor(deps: BreakerDeps) {
    this.#deps = deps
  }

  get health(): CircuitHealth {
    return healthOf(this.#circuit)
  }

  /**
   * For a call to a server that is left alone.
   *
   * @throws Trouble at once, where the server was silent; after one more question, where it refused the last one
   */
  async admit(): Promise<void> {
    if (this.#lastAnswer === 'refused') {
      const patience = pause(this.#deps.waitMs)
      // What is asked already may have been too early: the server may be back since.
      if (this.#isAsked) await Promise.race([this.#asking, patience])
      if (this.isOpen && this.#lastAnswer === 'refused') {
        if (this.#asking === null) this.#askForCaller()
        if (this.#asking !== null) await Promise.race([this.#asking, patience])
      }
    }
    if (!this.isOpen) return
    const { nextProbe } = this.#circuit
    const retryInMs = Math.max(0, (nextProbe ?? 0) - this.#deps.clock.now())
    throw new Trouble('left-alone', 'the server is left alone', { retryInMs })
  }

  answered(): void {
    const wasOpen = this.isOpen
    this.#wasAnswered = true
    this.#step({ kind: 'answered' })
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#timer = null
    if (wasOpen) this.#deps.onChanged(false)
  }

  /** @param key of the connection that the call used */
  failed(trouble: Trouble, key: string): void {
    const suspicion = suspicionOf(trouble)
    if (suspicion === 'none' || this.#isClosed) return
    this.#step({ kind: 'failed' })
    if (this.isOpen || this.#asking !== null) return
    const suspect = trouble.kind === 'timeout' && !trouble.isOpening ? key : null
    this.#ask({ isPatient: suspicion === 'some', suspect }, () => this.#rest())
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
  }

  #askForCaller(): void {
    const { nextProbe } = this.#circuit
    // The rests stay as they were, or a busy portal would make them long.
    if (nextProbe === null) return
    const sinceLast = this.#deps.clock.elapsed() - this.#endedAt
    const still = () => this.#step({ kind: 'still-silent', nextProbe })
    this.#ask({ isPatient: false, suspect: null }, still, GAP_MS - sinceLast)
  }

  #rest(): void {
    const restMs = restOf(this.#circuit.probes, this.#deps.restMs)
    const wasOpen = this.isOpen
    this.#step({ kind: 'silent', now: this.#deps.clock.now(), restMs })
    if (!wasOpen) this.#deps.onChanged(true)
    // Replicas that lost a server together do not come back together.
    this.#wake(restMs * (0.9 + Math.random() / 5))
  }

  #wake(ms: number): void {
    if (this.#isClosed) return
    this.#timer = setTimeout(() => {
      // A caller's question is under way: it may answer this one too.
      if (this.#asking !== null) this.#wake(GAP_MS)
      else this.#ask({ isPatient: false, suspect: null }, () => this.#rest())
    }, ms)
    this.#timer.unref()
  }

  /** @param delayMs how long to wait before asking; nothing, where it is not above 0 */
  #ask(question: Question, onSilent: () => void, delayMs = 0): void {
    this.#asking = this.#askAndHear(question, onSilent, delayMs)
  }

  async #askAndHear(question: Question, onSilent: () => void, delayMs: number): Promise<void> {
    if (delayMs > 0) await pause(delayMs)
    this.#wasAnswered = false
    this.#step({ kind: 'asked' })
    this.#isAsked = true
    const answer = await this.#deps.ask(question)
    this.#isAsked = false
    this.#asking = null
    this.#endedAt = this.#deps.clock.elapsed()
    this.#lastAnswer = answer
    if (answer === 'answered') this.answered()
    // A call that was answered meanwhile knows better.
    else if (!this.#isClosed && !this.#wasAnswered) onSilent()
  }

  #step(event: CircuitEvent): void {
    this.#circuit = step(this.#circuit, event)
    this.isOpen = this.#circuit.state !== 'closed'
    this.isTroubled = this.#circuit !== CLOSED
  }
}

export function healthOf({ state, failures, since, nextProbe }: Circuit): CircuitHealth {
  return { state, failures, since, nextProbe }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref())
}
