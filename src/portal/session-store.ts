/** Rows of 2025-era sessions that have something to remember, and the server switches of sessions and grants. What a session wants to hear of ends with it. */
import type { ExpressionBuilder, Transaction } from 'kysely'
import type { ServerUid, SessionId } from '../base/ids.ts'
import type { LogLevel } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import type { Tables } from '../store/tables.ts'
import { takeTurn } from '../store/turn.ts'

export interface SessionState {
  lastSeenAt: number
  endedAt: number | null
  logLevel: LogLevel | null
}

export interface SessionKey {
  id: SessionId
  principal: string
  portalUid: string
  createdAt: number
}

export async function loadSession(store: Store, id: SessionId): Promise<SessionState | undefined> {
  const row = await store.db
    .selectFrom('sessions')
    .select(['last_seen_at', 'ended_at', 'log_level'])
    .where('id', '=', id)
    .executeTakeFirst()
  return row && { lastSeenAt: row.last_seen_at, endedAt: row.ended_at, logLevel: row.log_level as LogLevel | null }
}

/**
 * Writes down sessions that began and when others were last seen, and ends what a principal has too many of, the least
 * recently used first. One transaction, however many there are.
 *
 * @returns how many were ended
 */
export function recordSessions(
  store: Store,
  began: readonly (SessionKey & { lastSeenAt: number })[],
  seen: ReadonlyMap<SessionId, number>,
  limit: { most: number; now: number; seenSince: number; begunSince: number },
): Promise<number> {
  return store.write(async (trx) => {
    // Two replicas that count at once would each not see what the other is about to write, and end nothing.
    if (began.length > 0) await takeTurn(store, trx, 'sessions')
    const uids = [...new Set(began.map(({ portalUid }) => portalUid))]
    const portals =
      uids.length === 0 ? [] : await trx.selectFrom('portals').select('uid').where('uid', 'in', uids).execute()
    const rows = began.filter(({ portalUid }) => portals.some(({ uid }) => uid === portalUid)).map(toRow)
    for (let from = 0; from < rows.length; from += PIECE) {
      await trx
        .insertInto('sessions')
        .values(rows.slice(from, from + PIECE))
        // It ended before it was written down, or another replica wrote it down.
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute()
    }
    for (const [id, at] of seen)
      await trx.updateTable('sessions').set({ last_seen_at: at }).where('id', '=', id).execute()
    let ended = 0
    for (const principal of new Set(rows.map((row) => row.principal))) ended += await endOverflow(trx, principal, limit)
    if (ended > 0) await store.versions.bump(trx, 'ended_sessions')
    return ended
  })
}

const PIECE = 100

function toRow({ id, principal, portalUid, createdAt, lastSeenAt }: SessionKey & { lastSeenAt: number }) {
  return { id, principal, portal_uid: portalUid, created_at: createdAt, last_seen_at: lastSeenAt, log_level: null }
}

async function endOverflow(
  trx: Transaction<Tables>,
  principal: string,
  { most, now, seenSince, begunSince }: { most: number; now: number; seenSince: number; begunSince: number },
): Promise<number> {
  const over = await trx
    .selectFrom('sessions')
    .select('id')
    .where('principal', '=', principal)
    .where('ended_at', 'is', null)
    .where('last_seen_at', '>=', seenSince)
    .where('created_at', '>=', begunSince)
    .orderBy('last_seen_at', 'desc')
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .offset(most)
    .limit(1000)
    .execute()
  const ids = over.map(({ id }) => id)
  if (ids.length > 0) {
    await trx.updateTable('sessions').set({ ended_at: now }).where('id', 'in', ids).execute()
    await trx.deleteFrom('resource_subscriptions').where('session_id', 'in', ids).execute()
  }
  return ids.length
}

/** The session is over, whether or not it was ever written down. */
export async function endSession(store: Store, key: SessionKey, now: number): Promise<void> {
  const row = { ...toRow({ ...key, lastSeenAt: now }), ended_at: now }
  await store.write(async (trx) => {
    await trx
      .insertInto('sessions')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ ended_at: now }))
      .execute()
    await trx.deleteFrom('resource_subscriptions').where('session_id', '=', key.id).execute()
    await store.versions.bump(trx, 'ended_sessions')
  })
}

export async function saveLogLevel(store: Store, key: SessionKey, level: LogLevel, now: number): Promise<void> {
  await store.write(async (trx) => {
    await trx
      .insertInto('sessions')
      .values({ ...toRow({ ...key, lastSeenAt: now }), log_level: level })
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ log_level: level, last_seen_at: now }))
      .execute()
    await store.versions.bump(trx, 'sessions')
  })
}

/** What is written down of these; what is missing is not. */
export async function loadSessions(
  store: Store,
  ids: readonly SessionId[],
): Promise<ReadonlyMap<SessionId, { lastSeenAt: number; endedAt: number | null }>> {
  const found = new Map<SessionId, { lastSeenAt: number; endedAt: number | null }>()
  for (let from = 0; from < ids.length; from += 500) {
    const rows = await store.db
      .selectFrom('sessions')
      .select(['id', 'last_seen_at', 'ended_at'])
      .where('id', 'in', ids.slice(from, from + 500))
      .execute()
    for (const row of rows) found.set(row.id as SessionId, { lastSeenAt: row.last_seen_at, endedAt: row.ended_at })
  }
  return found
}

/**
 * Forgets rows that can no longer matter.
 *
 * @param before sessions last seen before it, in milliseconds
 * @param endedBefore sessions that ended before it: without a row they are over too
 */
export async function forgetSessions(store: Store, before: number, endedBefore: number): Promise<void> {
  await store.write(async (trx) => {
    const old = await trx
      .selectFrom('sessions')
      .select('id')
      .where((eb) => eb.or([eb('last_seen_at', '<', before), eb('ended_at', '<', endedBefore)]))
      .execute()
    for (let from = 0; from < old.length; from += 500) {
      const ids = old.slice(from, from + 500).map(({ id }) => id)
      const owners = ids.map((id) => `session:${id}`)
      await trx.deleteFrom('toggles').where('owner', 'in', owners).execute()
      await trx.deleteFrom('resource_subscriptions').where('session_id', 'in', ids).execute()
      await trx.deleteFrom('sessions').where('id', 'in', ids).execute()
    }
  })
}

export async function loadSwitchedOff(store: Store, owner: string): Promise<ServerUid[]> {
  const rows = await store.db
    .selectFrom('toggles')
    .select('server_uid')
    .where('owner', '=', owner)
    .where('enabled', '=', 0)
    .execute()
  return rows.map((row) => row.server_uid as ServerUid)
}

/** Who switched a server: the model, by a tool, or the person, on a page. */
export type SetBy = 'model' | 'person'

/**
 * One transaction. What a person switched off is the person's to switch on: a model's switch leaves it as it is, one that
 * would say "off" once more included, or the next could say "on".
 *
 * @returns those that were set, in order
 */
export function saveSwitches(
  store: Store,
  owner: string,
  switches: ReadonlyMap<ServerUid, boolean>,
  by: SetBy,
): Promise<ServerUid[]> {
  return store.write(async (trx) => {
    const set: ServerUid[] = []
    for (const [server, enabled] of switches) {
      const values = { enabled: enabled ? 1 : 0, set_at: store.clock.now(), set_by: by }
      const isFree = (eb: SwitchExpression) =>
        eb.not(eb.and([eb('toggles.enabled', '=', 0), eb('toggles.set_by', '=', 'person')]))
      const saved = await trx
        .insertInto('toggles')
        .values({ owner, server_uid: server, ...values })
        .onConflict((conflict) => {
          const update = conflict.columns(['owner', 'server_uid']).doUpdateSet(values)
          return by === 'person' ? update : update.where(isFree)
        })
        .returning('server_uid')
        .execute()
      if (saved.length > 0) set.push(server)
    }
    if (set.length > 0) await store.versions.bump(trx, 'sessions')
    return set
  })
}

type SwitchExpression = ExpressionBuilder<Tables, 'toggles'>
