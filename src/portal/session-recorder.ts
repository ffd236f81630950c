/**
 * Writes down, a moment later and together, which sessions began and when others were last used. Nobody waits for it; what
 * could not be written is tried again with the next.
 */
import type { Clock } from '../base/clock.ts'
import type { SessionId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { LIMITS } from '../config/limits.ts'
import type { Store } from '../store/open.ts'
import { recordSessions, type SessionKey, type SessionState } from './session-store.ts'
import type { Session } from './sessions.ts'

/** A session as a replica has it in memory. */
export interface Live {
  session: Session
  state: SessionState
  /** When the row was last told of its use. */
  touchedAt: number
  /** Read at that epoch; what was read earlier must be read again. */
  epoch: number
}

const FLUSH_MS = 500

export interface RecorderDeps {
  store: Store
  clock: Clock
  log: Log
  /** Sessions that one principal may have. */
  most: number
}

export class SessionRecorder {
  readonly #deps: RecorderDeps
  readonly #live: () => Iterable<Live>
  readonly #began = new Map<SessionId, Live>()
  readonly #seen = new Map<SessionId, Live>()
  #timer: NodeJS.Timeout | null = null
  #flushing: Promise<void> = Promise.resolve()

  /** @param live all sessions that are in memory here */
  constructor(deps: RecorderDeps, live: () => Iterable<Live>) {
    this.#deps = deps
    this.#live = live
  }

  began(entry: Live): void {
    this.#began.set(entry.session.id, entry)
    this.#plan()
  }

  seen(entry: Live): void {
    this.#seen.set(entry.session.id, entry)
    this.#plan()
  }

  /** Its row is written by whoever ends it. */
  ended(id: SessionId): void {
    this.#began.delete(id)
  }

  unwritten(id: SessionId): Live | undefined {
    return this.#began.get(id)
  }

  /** One after the other: a second one would write the same again. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.catch(() => {}).then(() => this.#write())
    return this.#flushing
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer)
    await this.#tryFlush()
  }

  #plan(): void {
    if (this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      void this.#tryFlush()
    }, FLUSH_MS)
    this.#timer.unref()
  }

  async #tryFlush(): Promise<void> {
    try {
      await this.flush()
    } catch (error) {
      this.#deps.log.warn({ err: error }, 'sessions could not be written down yet')
    }
  }

  async #write(): Promise<void> {
    const { store, clock, most } = this.#deps
    const fresh = [...this.#began.values()]
    if (fresh.length === 0 && this.#seen.size === 0) return
    const used = this.#usedOf(fresh)
    const times = new Map([...used].map(([id, { state }]) => [id, state.lastSeenAt]))
    const rows = fresh.map(({ session, state }) => ({ ...keyOf(session), lastSeenAt: state.lastSeenAt }))
    const now = clock.now()
    const alive = { seenSince: now - LIMITS.session_idle.value, begunSince: now - LIMITS.session_age.value }
    try {
      await recordSessions(store, rows, times, { most, now, ...alive })
    } catch (error) {
      this.#plan()
      throw error
    }
    for (const { session } of fresh) this.#began.delete(session.id)
    for (const [id, entry] of used) {
      entry.touchedAt = times.get(id) ?? entry.touchedAt
      this.#seen.delete(id)
    }
  }

  /** Whose sessions are about to be counted, the use of theirs is told first: the stored times may be minutes old. */
  #usedOf(fresh: readonly Live[]): Map<SessionId, Live> {
    const used = new Map(this.#seen)
    const counted = new Set(fresh.map(({ session }) => session.principal))
    if (counted.size === 0) return used
    for (const entry of this.#live()) {
      const isStale = entry.state.lastSeenAt > entry.touchedAt
      if (isStale && counted.has(entry.session.principal)) used.set(entry.session.id, entry)
    }
    return used
  }
}

export function keyOf({ id, principal, portalUid, createdAt }: Session): SessionKey {
  return { id, principal, portalUid, createdAt }
}
