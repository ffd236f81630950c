/** The wall clock of one run. It stands while a person is waited for, and not for ever even then. */
import type { Clock } from '../base/clock.ts'

export class Stopwatch {
  readonly #clock: Clock
  readonly #onOver: () => void
  readonly #onHeld: (isHeld: boolean) => void
  /** What is left, of running and of standing. */
  readonly #left: { running: number; held: number }
  #holders = 0
  #isStopped = false
  #since: number
  #timer: NodeJS.Timeout | undefined

  /**
   * Runs from now on.
   *
   * @param most milliseconds that it may run, and that it may stand in all
   * @param told of its end, and whenever it begins to stand or to run again
   */
  constructor(
    most: { running: number; held: number },
    clock: Clock,
    told: { onOver(): void; onHeld(isHeld: boolean): void },
  ) {
    this.#left = { ...most }
    this.#clock = clock
    this.#onOver = told.onOver
    this.#onHeld = told.onHeld
    this.#since = clock.elapsed()
    this.#arm()
  }

  /** @returns lets go again; more than once does nothing */
  hold(): () => void {
    let isHeld = true
    this.#change(1)
    return () => {
      if (isHeld) this.#change(-1)
      isHeld = false
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    if (this.#holders > 0) this.#onHeld(false)
    this.#isStopped = true
    this.#left.running = this.#left.held = Number.POSITIVE_INFINITY
  }

  #change(by: 1 | -1): void {
    const now = this.#clock.elapsed()
    this.#left[this.#state] -= now - this.#since
    this.#since = now
    const before = this.#state
    this.#holders += by
    this.#arm()
    if (this.#state !== before && !this.#isStopped) this.#onHeld(this.#state === 'held')
  }

  get #state(): 'running' | 'held' {
    return this.#holders > 0 ? 'held' : 'running'
  }

  #arm(): void {
    clearTimeout(this.#timer)
    const ms = this.#left[this.#state]
    if (ms !== Number.POSITIVE_INFINITY) this.#timer = setTimeout(this.#onOver, Math.max(0, ms))
  }
}
