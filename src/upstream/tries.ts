/** When something that broke is tried again: at once where all was well until now, later each time where it was not. */
import type { Clock } from '../base/clock.ts'

const FIRST_PAUSE_MS = 1000
const LAST_PAUSE_MS = 60_000
/** What lived this long was healthy, and is taken up again at once. */
const HEALTHY_MS = 30_000

/** On the monotonic clock. */
export class Tries {
  readonly #clock: Clock
  /** Since when all is well, 0 where it is not. */
  #since = 0
  #notBefore = 0
  #pause = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isDue(): boolean {
    return this.#clock.elapsed() >= this.#notBefore
  }

  succeeded(): void {
    if (this.#since === 0) this.#since = this.#clock.elapsed()
  }

  failed(): void {
    const now = this.#clock.elapsed()
    const isHealthy = this.#since > 0 && now - this.#since > HEALTHY_MS
    this.#since = 0
    this.#pause = isHealthy ? 0 : Math.min(Math.max(this.#pause * 2, FIRST_PAUSE_MS), LAST_PAUSE_MS)
    this.#notBefore = now + this.#pause
  }

  /** Whatever is waited for need not be waited for any more. */
  atOnce(): void {
    this.#pause = 0
    this.#notBefore = 0
  }
}
