/**
 * Calls at one time of one limit. One process on SQLite counts in memory. Replicas hold slots in the database: what one
 * holds and does not use is given back at once where slots are few, and all that one held comes back when it has died.
 */
import type { Clock } from '../base/clock.ts'
import { sliceOf } from './call-window.ts'
import { inTime } from './in-time.ts'

export interface CallSlots {
  readonly isIdle: boolean
  /**
   * @returns true, or in how many milliseconds to try again
   * @throws Fault `store-unavailable` (as a rejection): what cannot be counted is not done
   */
  take(): true | number | Promise<true | number>
  /** Exactly once for each that was taken. */
  release(): void
}

/** Nobody knows when a call ends. */
const LOOK_AGAIN_MS = 1000

export function localSlots(concurrency: number): CallSlots {
  let inUse = 0
  return {
    get isIdle() {
      return inUse === 0
    },
    take() {
      if (inUse >= concurrency) return LOOK_AGAIN_MS
      inUse++
      return true
    },
    release() {
      inUse--
    },
  }
}

export interface SlotStore {
  /** As `resizeSlots`, of this counter. */
  resize(wanted: number, inUse: number): Promise<number>
  /** For how long slots are held that nobody renews. Milliseconds. */
  lifeMs: number
}

/** A caller whose last call ended at another replica a moment ago must not be told that it still runs. */
const PAUSES_MS: readonly number[] = [50, 100, 150]
const MOST_WAITING = 1000

export class SharedSlots implements CallSlots {
  readonly #most: number
  readonly #spare: number
  readonly #clock: Clock
  readonly #store: SlotStore
  #inUse = 0
  /** What may be used without asking. */
  #held = 0
  /** Until when that is so, on the monotonic clock. */
  #heldUntil = 0
  /** What the database has under our name, as far as we know; null after a failure. */
  #stored: number | null = 0
  #waiting = 0
  #resizing: Promise<void> | null = null

  constructor(concurrency: number, clock: Clock, store: SlotStore) {
    this.#most = concurrency
    this.#spare = sliceOf(concurrency) - 1
    this.#clock = clock
    this.#store = store
  }

  get isIdle(): boolean {
    return this.#inUse === 0 && this.#waiting === 0 && this.#resizing === null && this.#stored === 0
  }

  /** Whether the database has anything under our name that must be renewed. */
  get isHolding(): boolean {
    return this.#stored !== 0
  }

  take(): true | number | Promise<true | number> {
    if (this.#takeNow()) return true
    if (this.#inUse >= this.#most || this.#waiting >= MOST_WAITING) return LOOK_AGAIN_MS
    return this.#takeShared()
  }

  release(): void {
    this.#inUse--
    this.#trim()
  }

  /** @param sentAt when the renewal was asked for, on the monotonic clock; null where the slots had run out */
  renewed(sentAt: number | null): void {
    if (sentAt === null) this.#heldUntil = 0
    else this.#heldUntil = Math.max(this.#heldUntil, sentAt + this.#store.lifeMs)
    if (sentAt === null || this.#stored !== this.#held || this.#inUse === 0) this.#settle()
  }

  /** Gives back what is more than worth keeping. */
  #trim(): void {
    if (this.#usable() - this.#inUse > this.#spare) this.#settle()
  }

  #usable(): number {
    return this.#clock.elapsed() < this.#heldUntil ? this.#held : this.#inUse
  }

  #takeNow(): boolean {
    if (this.#inUse >= this.#usable()) return false
    this.#inUse++
    return true
  }

  async #takeShared(): Promise<true | number> {
    this.#waiting++
    try {
      for (let tries = 0; ; tries++) {
        // One that began before we came does not know of us: what it brings is somebody else's.
        if (this.#resizing !== null) await inTime(this.#resizing, 'The limit of this call')
        if (this.#takeNow()) return true
        await inTime(this.#resize(), 'The limit of this call')
        if (this.#takeNow()) return true
        const pause = PAUSES_MS[tries]
        if (pause === undefined) return LOOK_AGAIN_MS
        await new Promise((resolve) => setTimeout(resolve, pause))
        if (this.#takeNow()) return true
      }
    } finally {
      this.#waiting--
      if (this.#waiting === 0) this.#trim()
    }
  }

  /** Holds as much as is wanted, no less than is used; one at a time, since a later one must not be overtaken. */
  #resize(): Promise<void> {
    this.#resizing ??= this.#resizeOnce().finally(() => {
      this.#resizing = null
    })
    return this.#resizing
  }

  async #resizeOnce(): Promise<void> {
    const inUse = this.#inUse
    const more = this.#waiting > 0 ? Math.max(this.#waiting, this.#spare + 1) : inUse > 0 ? this.#spare : 0
    const goal = Math.min(this.#most, inUse + more)
    // What is being given back must not be used meanwhile.
    this.#held = Math.max(inUse, Math.min(this.#usable(), goal))
    this.#stored = null
    const sentAt = this.#clock.elapsed()
    const held = await this.#store.resize(goal, inUse)
    this.#stored = held
    this.#held = held
    this.#heldUntil = sentAt + this.#store.lifeMs
  }

  /** What fails is tried again with the next renewal; until then the database has more under our name than we use. */
  #settle(): void {
    const settled = this.#resizing === null ? this.#resize() : this.#resizing.then(() => this.#resize())
    settled.catch(() => {})
  }
}
