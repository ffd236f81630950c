/** What each session of 2025 wants to hear of, at rest: its stream may be at another replica than its requests. */
import type { PortalUid, ServerUid, SessionId } from '../base/ids.ts'
import { digest } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import { takeTurn } from '../store/turn.ts'

export interface Subscription {
  uri: string
  /** Whose it was when it was subscribed to; of another one nothing is told. */
  serverUid: ServerUid
  /** A policy asked for something beside a yes, such as an approval, and got it. */
  hasMetTerms: boolean
}

/** @param of sessions; by the session, in the order in which they subscribed; those that have none are missing */
export async function loadSubscriptions(
  store: Store,
  of: readonly SessionId[],
): Promise<ReadonlyMap<SessionId, readonly Subscription[]>> {
  const found = new Map<SessionId, Subscription[]>()
  for (let from = 0; from < of.length; from += PIECE) {
    const rows = await store.db
      .selectFrom('resource_subscriptions')
      .select(['session_id', 'uri', 'server_uid', 'has_met_terms'])
      .where('session_id', 'in', of.slice(from, from + PIECE))
      .orderBy('created_at')
      .orderBy('uri_digest')
      .execute()
    for (const row of rows) {
      const id = row.session_id as SessionId
      const own = found.get(id) ?? []
      own.push({ uri: row.uri, serverUid: row.server_uid as ServerUid, hasMetTerms: row.has_met_terms === 1 })
      found.set(id, own)
    }
  }
  return found
}

const PIECE = 500

/**
 * What tells whether a session's subscriptions are others than they were, without reading them.
 *
 * @param of sessions @returns by the session; those that have none are missing
 */
export async function readMarks(store: Store, of: readonly SessionId[]): Promise<ReadonlyMap<SessionId, string>> {
  const marks = new Map<SessionId, string>()
  for (let from = 0; from < of.length; from += PIECE) {
    const rows = await store.db
      .selectFrom('resource_subscriptions')
      .select((eb) => [
        'session_id',
        eb.fn.countAll<number | string>().as('count'),
        eb.fn.max('created_at').as('latest'),
        eb.fn.sum<number | string>('has_met_terms').as('met'),
        eb.fn.min('uri_digest').as('first'),
        eb.fn.max('uri_digest').as('last'),
      ])
      .where('session_id', 'in', of.slice(from, from + PIECE))
      .groupBy('session_id')
      .execute()
    for (const { session_id, count, latest, met, first, last } of rows)
      marks.set(session_id as SessionId, [count, latest, met, first, last].join())
  }
  return marks
}

export interface Subscriber {
  id: SessionId
  portalUid: PortalUid
}

/** Returns when streams here have heard of it. @returns false where the session has as many as it may */
export function addSubscription(
  store: Store,
  { id, portalUid }: Subscriber,
  { uri, serverUid, hasMetTerms }: Subscription,
  most: number,
): Promise<boolean> {
  const uriDigest = digest(uri)
  const values = { server_uid: serverUid, has_met_terms: hasMetTerms ? 1 : 0, created_at: store.clock.now() }
  return store.write(async (trx) => {
    await takeTurn(store, trx, `subscriptions/${id}`)
    const others = await trx
      .selectFrom('resource_subscriptions')
      .select((eb) => eb.fn.countAll<number | string>().as('count'))
      .where('session_id', '=', id)
      .where('uri_digest', '!=', uriDigest)
      .executeTakeFirstOrThrow()
    if (Number(others.count) >= most) return false
    await trx
      .insertInto('resource_subscriptions')
      .values({ session_id: id, uri_digest: uriDigest, uri, portal_uid: portalUid, ...values })
      .onConflict((conflict) => conflict.columns(['session_id', 'uri_digest']).doUpdateSet(values))
      .execute()
    await store.versions.bump(trx, 'subscriptions')
    return true
  })
}

export function dropSubscription(store: Store, session: SessionId, uri: string): Promise<void> {
  return store.write(async (trx) => {
    const dropped = await trx
      .deleteFrom('resource_subscriptions')
      .where('session_id', '=', session)
      .where('uri_digest', '=', digest(uri))
      .returning('uri_digest')
      .execute()
    if (dropped.length > 0) await store.versions.bump(trx, 'subscriptions')
  })
}
