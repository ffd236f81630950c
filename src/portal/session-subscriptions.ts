/**
 * What sessions of 2025 want to hear of. It is in the store, because the stream that tells of it may be at another replica than the
 * requests that asked for it; each replica knows what the sessions want that have their stream there. A session without a stream is told
 * nothing, and nothing is kept for it.
 */
import type { SessionId } from '../base/ids.ts'
import { LIMITS } from '../config/limits.ts'
import type { Store } from '../store/open.ts'
import type { Session } from './sessions.ts'
import { addSubscription, dropSubscription, loadSubscriptions, type Subscription } from './subscription-store.ts'

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

export function openSessionSubscriptions(store: Store): SessionSubscriptions {
  const streams = new Map<SessionId, SessionStream>()

  async function tell(sessions: readonly SessionId[]): Promise<void> {
    if (sessions.length === 0) return
    const loaded = await loadSubscriptions(store, sessions)
    await Promise.all(sessions.map((id) => streams.get(id)?.want(loaded.get(id) ?? NOTHING)))
  }

  const unlisten = store.versions.changed('subscriptions', () => tell([...streams.keys()]))

  return {
    async add(session, subscription) {
      const added = await addSubscription(store, session, subscription, LIMITS.resource_subscriptions.value)
      if (added) await streams.get(session.id)?.live(LIVE_MS)
      return added
    },
    drop: (session, uri) => dropSubscription(store, session.id, uri),
    async follow({ id }, stream) {
      // First, so that nothing that is wanted meanwhile is missed.
      streams.set(id, stream)
      await tell([id])
      return () => {
        if (streams.get(id) === stream) streams.delete(id)
      }
    },
    close: unlisten,
  }
}
