/**
 * Calls that wait in this process for their caller, until the client comes again with the answers, the server gives its question up, what
 * it asks for may not be done any more, or the time is over. The id of one alone, which nobody can guess, opens nothing.
 */
import { randomUUID } from 'node:crypto'
import { LIMITS } from '../config/limits.ts'
import type { Performed } from './checkpoint.ts'
import { type Came, comes, type Park, type ParkOwner } from './park.ts'

/** A caller's parked calls, and all of a process. */
const MOST_PER_PRINCIPAL = LIMITS.parked_per_principal.value
const MOST = LIMITS.parked.value
/** Of an answer that came while its caller was away. */
const MOST_KEPT = 1024 * 1024
/** The official client gives up after ten rounds of all kinds. */
const MOST_ROUNDS = 8

interface Kept {
  park: Park
  /** Runs while nobody of the caller's waits here. */
  timer: NodeJS.Timeout | null
  /** Its call is over; what it came to is kept for its caller, once. */
  isOver: boolean
}

export class Parks {
  /** Tells this process from others. */
  readonly node = randomUUID()
  readonly #parks = new Map<string, Kept>()
  readonly #forgotten: ((id: string) => void)[] = []

  /** @param listener told of each that is not kept any more */
  onForgotten(listener: (id: string) => void): void {
    this.#forgotten.push(listener)
  }

  /**
   * What comes of a call that a request waits for. Where its server asks something, it is kept for the next request.
   *
   * @param rounds that it has had
   * @throws what the call at the server throws
   */
  async next(park: Park, rounds: number): Promise<Came> {
    let came = await comes(park)
    while (came.kind === 'asked' && (rounds >= MOST_ROUNDS || !this.keep(park))) {
      park.giveUpQuestions()
      came = await comes(park)
    }
    return came
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
      this.#forget(park.id)
      park.giveUp('nobody answered in time')
    }, park.waitMs)
    timer.unref()
    park.isAttended = false
    if (known !== undefined) known.timer = timer
    else {
      this.#parks.set(park.id, { park, timer, isOver: false })
      const ended = (done: Performed | null) => this.#ended(park.id, done)
      park.end?.then(ended, () => ended(null))
    }
    return true
  }

  /**
   * The caller is back: the call waits no longer for it, until it is kept again. What has ended is handed out once.
   *
   * @returns undefined for another caller's, one that is over, and one of another process
   */
  take(id: string, { principal, owner }: Pick<ParkOwner, 'principal' | 'owner'>): Park | undefined {
    const kept = this.#parks.get(id)
    if (kept === undefined || kept.park.whose.principal !== principal || kept.park.whose.owner !== owner)
      return undefined
    if (kept.timer !== null) clearTimeout(kept.timer)
    kept.timer = null
    kept.park.isAttended = true
    if (kept.isOver) this.#forget(id)
    return kept.park
  }

  /** Policies, portals, lists or tokens are others now: what may not be done any more ends at its server too. */
  async reconsider(): Promise<void> {
    for (const { park, isOver } of [...this.#parks.values()]) {
      if (isOver) continue
      // Of what cannot be told whether it may be done, it may not.
      const may = await park.mayStill().catch(() => false)
      if (may) continue
      // Whoever comes back for it is refused before it is looked for.
      this.#forget(park.id)
      park.giveUp('what was asked for may not be done any more')
    }
  }

  get size(): number {
    return this.#parks.size
  }

  /** @returns when their servers have been told, and the audit has it */
  async close(): Promise<void> {
    const parks = [...this.#parks.values()].map(({ park }) => park)
    for (const park of parks) {
      this.#forget(park.id)
      park.giveUp('the portal is closing')
    }
    await Promise.allSettled(parks.map(({ end }) => end))
  }

  #forget(id: string): void {
    const kept = this.#parks.get(id)
    if (kept === undefined) return
    if (kept.timer !== null) clearTimeout(kept.timer)
    this.#parks.delete(id)
    for (const listener of this.#forgotten) listener(id)
  }

  /** Where the caller is away, what came is kept for it as long as it may take to come back, unless it is large. */
  #ended(id: string, done: Performed | null): void {
    const kept = this.#parks.get(id)
    if (kept === undefined) return
    kept.isOver = true
    const isLarge = done?.reply.kind === 'raw' && done.reply.bytes.length > MOST_KEPT
    if (kept.timer === null || isLarge) this.#forget(id)
  }

  #hasRoom({ whose }: Park): boolean {
    if (this.#parks.size >= MOST) return false
    let own = 0
    for (const { park } of this.#parks.values()) if (park.whose.principal === whose.principal) own++
    return own < MOST_PER_PRINCIPAL
  }
}
