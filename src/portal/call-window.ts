/**
 * Calls of one window, as one replica counts them: it leases a slice of what is left of the window, spends it from memory, and
 * asks the database again only when it is spent. So over all replicas no more is leased in any stretch of time as long as the
 * window than the limit; what is made of it can exceed that by one slice a replica, which was leased before the stretch began.
 *
 * A slice that is not spent within one window is lost. It never becomes more than it was.
 */
import type { Clock } from '../base/clock.ts'
import { inTime } from './in-time.ts'
import type { Lease, Window } from './limit-store.ts'

/** What one call took, so that it can be given back where the call is not made after all. */
export interface Slice {
  left: number
  /** On the monotonic clock. */
  readonly until: number
}

/** Calls that wait for the same lease at one time; a flood is told no rather than kept. */
const MOST_WAITING = 1000
const LOOK_AGAIN_MS = 1000
/** So many leases at the least use a window up: the more, the less a replica can sit on while another one has none. */
const SLICES = 20

export function sliceOf(limit: number): number {
  return Math.max(1, Math.ceil(limit / SLICES))
}

export class CallWindow {
  readonly #window: Window
  readonly #clock: Clock
  readonly #lease: (window: Window, wanted: number) => Promise<Lease>
  #slice: Slice = { left: 0, until: 0 }
  /** Until when there is nothing to be leased, on the monotonic clock. */
  #emptyUntil = 0
  #waiting = 0
  #leasing: Promise<void> | null = null

  constructor(window: Window, clock: Clock, lease: (window: Window, wanted: number) => Promise<Lease>) {
    this.#window = window
    this.#clock = clock
    this.#lease = lease
  }

  /** Forgetting it forgets no more than what is left of a slice. */
  get isIdle(): boolean {
    return this.#waiting === 0
  }

  /** Nothing is left of what it knew. */
  get isOver(): boolean {
    const now = this.#clock.elapsed()
    return this.isIdle && (this.#slice.left === 0 || this.#slice.until <= now) && this.#emptyUntil <= now
  }

  /**
   * @returns what was taken, or in how many milliseconds to try again
   * @throws Fault `store-unavailable` (as a rejection): what cannot be counted is not done
   */
  take(): Slice | number | Promise<Slice | number> {
    const taken = this.#takeNow()
    if (taken !== null) return taken
    return this.#waiting >= MOST_WAITING ? LOOK_AGAIN_MS : this.#takeLeased()
  }

  giveBack(slice: Slice): void {
    slice.left++
  }

  /** @returns null where only the database knows */
  #takeNow(): Slice | number | null {
    const now = this.#clock.elapsed()
    const slice = this.#slice
    if (slice.left > 0 && slice.until > now) {
      slice.left--
      return slice
    }
    return this.#emptyUntil > now ? Math.ceil(this.#emptyUntil - now) : null
  }

  async #takeLeased(): Promise<Slice | number> {
    this.#waiting++
    try {
      for (;;) {
        this.#leasing ??= this.#leaseMore().finally(() => {
          this.#leasing = null
        })
        await inTime(this.#leasing, 'The limit of this call')
        const taken = this.#takeNow()
        if (taken !== null) return taken
      }
    } finally {
      this.#waiting--
    }
  }

  async #leaseMore(): Promise<void> {
    const { calls, windowMs } = this.#window
    const wanted = Math.min(calls, Math.max(sliceOf(calls), this.#waiting))
    // From before it was asked: the database forgets the lease no sooner than it is lost here.
    const since = this.#clock.elapsed()
    const { granted, emptyMs } = await this.#lease(this.#window, wanted)
    this.#slice = { left: granted, until: since + windowMs }
    this.#emptyUntil = granted < wanted ? this.#clock.elapsed() + emptyMs : 0
  }
}
