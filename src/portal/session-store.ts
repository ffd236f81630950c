/** Rows of 2025-era sessions that have something to remember, and the server switches of sessions and grants. */
import type { ServerUid, SessionId } from '../base/ids.ts'
import type { LogLevel } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'

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

/** Writes the whole state. @param tell whether caches must read again; "last seen" alone is not worth it */
export async function saveSession(store: Store, key: SessionKey, state: SessionState, tell: boolean): Promise<void> {
  const values = { last_seen_at: state.lastSeenAt, ended_at: state.endedAt, log_level: state.logLevel }
  await store.write(async (trx) => {
    await trx
      .insertInto('sessions')
      .values({ id: key.id, principal: key.principal, portal_uid: key.portalUid, created_at: key.createdAt, ...values })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(values))
      .execute()
    if (tell) await store.versions.bump(trx, 'sessions')
  })
}

/** Forgets rows that can no longer matter. @param before milliseconds: sessions last seen before it */
export async function forgetSessions(store: Store, before: number): Promise<void> {
  await store.write(async (trx) => {
    const old = trx.selectFrom('sessions').select('id').where('last_seen_at', '<', before)
    const owners = await old.execute()
    if (owners.length === 0) return
    const keys = owners.map(({ id }) => `session:${id}`)
    for (let from = 0; from < keys.length; from += 500) {
      await trx
        .deleteFrom('toggles')
        .where('owner', 'in', keys.slice(from, from + 500))
        .execute()
    }
    await trx.deleteFrom('sessions').where('last_seen_at', '<', before).execute()
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

export async function saveSwitch(store: Store, owner: string, server: ServerUid, enabled: boolean): Promise<void> {
  const values = { enabled: enabled ? 1 : 0, set_at: store.clock.now() }
  await store.write(async (trx) => {
    await trx
      .insertInto('toggles')
      .values({ owner, server_uid: server, ...values })
      .onConflict((conflict) => conflict.columns(['owner', 'server_uid']).doUpdateSet(values))
      .execute()
    await store.versions.bump(trx, 'sessions')
  })
}
