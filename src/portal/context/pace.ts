/** Long work for one caller in short pieces, so that others' calls go on in between. */
import type { Clock } from '../../base/clock.ts'
import { LIMITS } from '../../config/limits.ts'

export class Pace {
  readonly #clock: Clock
  readonly #deadline: number
  #since: number

  /** @param mostMs after which the work is given up, others' turns included */
  constructor(clock: Clock, mostMs: number) {
    this.#clock = clock
    this.#since = clock.elapsed()
    this.#deadline = this.#since + mostMs
  }

  /** To be called between two steps. @throws TooLong */
  breathe(): Promise<void> | undefined {
    const now = this.#clock.elapsed()
    if (now > this.#deadline) throw new TooLong()
    if (now - this.#since < LIMITS.search_piece.value) return undefined
    return new Promise((resolve) => {
      setImmediate(() => {
        this.#since = this.#clock.elapsed()
        resolve()
      })
    })
  }
}

/** The work took more time than one caller may have. */
export class TooLong extends Error {
  constructor() {
    super('The search took too long.')
  }
}
