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

export interface BreakerDeps {
  clock: Clock
  /** The first rest of a server that does not answer. */
  restMs: number
  /** @returns whether the server answered; never rejects */
  ask(question: Question): Promise<boolean>
  /** It is left alone from now on, or called again. */
  onChanged(isOpen: boolean): void
}

/** A server that says no this fast is asked on behalf of a caller: it costs the caller nothing to know. */
const QUICK_MS = 250
/** And not more often than this, however many call. */
const GAP_MS = 100
/** What a caller waits for such a question at the most. */
const WAIT_MS = 1000

export class Breaker {
  /** Read by every call: the server is left alone. */
  isOpen = false
  /** Read after every call: an answer is worth reporting. */
  isTroubled = false
  readonly #deps: BreakerDeps
  #circuit: Circuit = CLOSED
  #asking: Promise<void> | null = null
  #timer: NodeJS.Timeout | null = null
  /** How long the last question took, and when it ended, on the monotonic clock. */
  #tookMs = Number.POSITIVE_INFINITY
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
   * @throws Trouble at once, where the server is silent; after one question that is quickly answered, where it is not there
   */
  async admit(): Promise<void> {
    if (this.#tookMs < QUICK_MS) {
      if (this.#asking === null && this.#deps.clock.elapsed() - this.#endedAt >= GAP_MS) this.#askForCaller()
      if (this.#asking !== null) await Promise.race([this.#asking, pause(WAIT_MS)])
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
    this.#ask({ isPatient: false, suspect: null }, () => this.#step({ kind: 'still-silent', nextProbe }))
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

  #ask(question: Question, onSilent: () => void): void {
    const { clock, ask } = this.#deps
    const startedAt = clock.elapsed()
    this.#wasAnswered = false
    this.#step({ kind: 'asked' })
    this.#asking = ask(question).then((isAnswered) => {
      this.#asking = null
      this.#endedAt = clock.elapsed()
      this.#tookMs = this.#endedAt - startedAt
      if (isAnswered) this.answered()
      // A call that was answered meanwhile knows better.
      else if (!this.#isClosed && !this.#wasAnswered) onSilent()
    })
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
