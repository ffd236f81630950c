/** What failed is left alone for a while, in this process: longer each time, and forgotten as soon as it succeeds. */
import type { Clock } from '../../base/clock.ts'

const FIRST_MS = 5000
const LONGEST_MS = 5 * 60_000
const FORGOTTEN_MS = 60 * 60_000
const MOST_KEPT = 10_000

interface Rest {
  failures: number
  until: number
}

export class Rests {
  readonly #clock: Clock
  readonly #rests = new Map<string, Rest>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Milliseconds since 1970; 0 where it may be tried. */
  until(key: string): number {
    return this.#rests.get(key)?.until ?? 0
  }

  isResting(key: string): boolean {
    return this.#clock.now() < this.until(key)
  }

  /** @returns how often it has failed in a row */
  failed(key: string): number {
    const before = this.#rests.get(key)
    // What went well for so long since then begins anew.
    const isOver = before === undefined || this.#clock.now() - before.until > FORGOTTEN_MS
    const failures = (isOver ? 0 : before.failures) + 1
    const ms = Math.min(FIRST_MS * 2 ** Math.min(failures - 1, 10), LONGEST_MS)
    this.#keep(key, { failures, until: this.#clock.now() + ms })
    return failures
  }

  /** Others are at it: that is no failure. */
  rest(key: string, ms: number): void {
    const { failures = 0 } = this.#rests.get(key) ?? {}
    this.#keep(key, { failures, until: this.#clock.now() + ms })
  }

  end(key: string): void {
    this.#rests.delete(key)
  }

  /** All whose key begins so. */
  endAll(begun: string): void {
    for (const key of this.#rests.keys()) if (key.startsWith(begun)) this.#rests.delete(key)
  }

  #keep(key: string, rest: Rest): void {
    this.#rests.delete(key)
    this.#rests.set(key, rest)
    if (this.#rests.size <= MOST_KEPT) return
    const [oldest] = this.#rests.keys()
    if (oldest !== undefined) this.#rests.delete(oldest)
  }
}
