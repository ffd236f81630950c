/**
 * What sessions of 2025 want to hear of. It is in the store, because the stream that tells of it may be at another replica than the
 * requests that asked for it; each replica knows what the sessions want that have their stream there. A session without a stream is told
 * nothing, and nothing is kept for it.
 */
import type { SessionId } from '../base/ids.ts'
import { LIMITS } from '../config/limits.ts'
import type { Store } from '../store/open.ts'
import type { Session } from './sessions.ts'
import {
  addSubscription,
  dropSubscription,
  loadSubscriptions,
  readMarks,
  type Subscription,
} from './subscription-store.ts'

/** The stream of a session. */
export interface SessionStream {
  want(wanted: readonly Subscription[]): Promise<void>
  live(ms: number): Promise<unknown>
}

export interface SessionSubscriptions {
  /**
   * Resolves when a stream at this replica hears of it, or a little later where its server takes its time; other replicas follow within a
   * second.
   *
   * @returns false where the session has as many as it may
   */
  add(session: Session, subscription: Subscription): Promise<boolean>
  drop(session: Session, uri: string): Promise<void>
  /** Tells a stream what its session wants, now and whenever that changes. @returns ends it */
  follow(session: Session, stream: SessionStream): Promise<() => void>
  close(): void
}

/** How long an answer waits for servers. */
export const LIVE_MS = LIMITS.subscribing.value

const NOTHING: readonly Subscription[] = []

interface Following {
  stream: SessionStream
  /** Of what it was told last; null where that is known to be old. */
  mark: string | null
  /** One reading after the other: an older one must not be told after a newer one. Null where none is under way. */
  turn: Promise<void> | null
}

export function openSessionSubscriptions(store: Store): SessionSubscriptions {
  const following = new Map<SessionId, Following>()

  async function look(sessions: readonly SessionId[]): Promise<void> {
    if (sessions.length === 0) return
    const marks = await readMarks(store, sessions)
    const markOf = (id: SessionId) => marks.get(id) ?? NO_MARK
    // Nearly all of them are as they were.
    const changed = sessions.filter((id) => following.get(id)?.mark !== markOf(id))
    await Promise.all(changed.map((id) => tell(id, markOf(id))))
  }

  /** @param mark as it was before the reading: what changes during it is read again */
  function tell(id: SessionId, mark: string): Promise<void> | undefined {
    const one = following.get(id)
    if (one === undefined) return undefined
    const read = async () => {
      await one.stream.want((await loadSubscriptions(store, [id])).get(id) ?? NOTHING)
      one.mark = mark
    }
    const turn = (one.turn ?? Promise.resolve()).then(read, read)
    one.turn = turn
    const over = () => {
      if (one.turn === turn) one.turn = null
    }
    turn.then(over, over)
    return turn
  }

  const unlisten = store.versions.changed('subscriptions', () => look([...following.keys()]))

  /** Changed by this process: read whatever it looks like. */
  function isOld(id: SessionId): void {
    const one = following.get(id)
    if (one !== undefined) one.mark = null
  }

  return {
    async add(session, subscription) {
      isOld(session.id)
      const added = await addSubscription(store, session, subscription, LIMITS.resource_subscriptions.value)
      if (added) await following.get(session.id)?.stream.live(LIVE_MS)
      return added
    },
    drop(session, uri) {
      isOld(session.id)
      return dropSubscription(store, session.id, uri)
    },
    async follow({ id }, stream) {
      const mine: Following = { stream, mark: NO_MARK, turn: null }
      // First, so that nothing that is wanted meanwhile is missed.
      following.set(id, mine)
      const end = () => {
        if (following.get(id) === mine) following.delete(id)
      }
      try {
        await look([id])
        return end
      } catch (error) {
        end()
        throw error
      }
    },
    close: unlisten,
  }
}

/** Of a session that wants nothing. */
const NO_MARK = ''
