/**
 * The 2025-era sessions that a process has in memory. It is a cache: what leaves it is read from the store when it is asked
 * for. Of one caller it holds no more than the caller may have. Whoever begins sessions all day ends its own older ones in
 * the store, and each keeps up to 30 KB here of what its client said of itself: without that limit one caller filled it.
 */
import type { Live } from './session-recorder.ts'

export interface LiveLimits {
  /** Sessions of one caller. */
  ofCaller: number
  inAll: number
}

export class LiveSessions {
  readonly #limits: LiveLimits
  readonly #dropped: (entry: Live) => void
  readonly #entries = new Map<string, Live>()
  readonly #ofCaller = new Map<string, Set<string>>()

  /** @param dropped told of each that leaves, whatever for */
  constructor(limits: LiveLimits, dropped: (entry: Live) => void) {
    this.#limits = limits
    this.#dropped = dropped
  }

  get size(): number {
    return this.#entries.size
  }

  get(sealed: string): Live | undefined {
    return this.#entries.get(sealed)
  }

  values(): Iterable<Live> {
    return this.#entries.values()
  }

  /** @returns what had to leave for it: of its caller's the least recently used, or of all the oldest */
  keep(sealed: string, entry: Live): Live | undefined {
    const { principal } = entry.session
    const left = this.#entries.has(sealed) ? undefined : this.drop(this.#oneTooMany(principal))
    this.#entries.set(sealed, entry)
    const own = this.#ofCaller.get(principal) ?? new Set()
    this.#ofCaller.set(principal, own.add(sealed))
    return left
  }

  drop(sealed: string | undefined): Live | undefined {
    const entry = sealed === undefined ? undefined : this.#entries.get(sealed)
    if (sealed === undefined || entry === undefined) return undefined
    this.#entries.delete(sealed)
    const own = this.#ofCaller.get(entry.session.principal)
    own?.delete(sealed)
    if (own?.size === 0) this.#ofCaller.delete(entry.session.principal)
    this.#dropped(entry)
    return entry
  }

  dropThose(areToLeave: (entry: Live) => boolean): void {
    for (const [sealed, entry] of this.#entries) if (areToLeave(entry)) this.drop(sealed)
  }

  #oneTooMany(principal: string): string | undefined {
    const own = this.#ofCaller.get(principal)
    if (own !== undefined && own.size >= this.#limits.ofCaller) return this.#leastUsed(own)
    return this.size >= this.#limits.inAll ? this.#entries.keys().next().value : undefined
  }

  #leastUsed(own: Iterable<string>): string | undefined {
    let least: { sealed: string; at: number } | undefined
    for (const sealed of own) {
      const at = this.#entries.get(sealed)?.state.lastSeenAt ?? 0
      if (least === undefined || at < least.at) least = { sealed, at }
    }
    return least?.sealed
  }
}
