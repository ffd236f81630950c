/**
 * What becomes of a connection is written down once, by whichever replica sees it first, and told once. A shared one is every caller's
 * business, so admins hear of it; a person's own is told to that person, by the call that wants it.
 */

import type { ServerUid } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Store } from '../../store/open.ts'
import type { OauthTarget } from '../oauth/model.ts'
import { markConnection } from './connection-store.ts'
import type { ConnectionEvent, ConnectionReason, ConnectionRecord, ConnectionStatus } from './model.ts'

export interface VerdictDeps {
  store: Store
  log: Log
  targetOf(uid: ServerUid): OauthTarget | undefined
  notify(event: ConnectionEvent): void | Promise<void>
}

/** @returns whether it was news */
export async function judge(
  deps: VerdictDeps,
  read: ConnectionRecord,
  verdict: { status: ConnectionStatus; reason: ConnectionReason },
): Promise<boolean> {
  const { store } = deps
  const isNews = await store.write((trx) => markConnection(store, trx, read, verdict))
  if (isNews) await tell(deps, 'connection.needs_reauth', { ...read, ...verdict })
  return isNews
}

export async function tell(
  { log, targetOf, notify }: VerdictDeps,
  type: ConnectionEvent['type'],
  record: ConnectionRecord,
): Promise<void> {
  const { id: connection, serverUid: uid, owner, userId, reason, expiresAt } = record
  const target = targetOf(uid)
  // A stored row that was tampered with is an admin's business, whosever it is.
  if (target === undefined || (userId !== null && reason !== 'unsealed')) {
    const about = { server: target?.id ?? uid, connection, reason, kind: record.kind }
    if (type === 'connection.needs_reauth') log.info(about, 'a connection to a server cannot be used')
    return
  }
  const whose = owner === 'admin' || owner === 'machine' ? owner : 'user'
  const server = { uid, id: target.id, name: target.name }
  try {
    await notify({ type, server, connection, owner: whose, reason, expiresAt })
  } catch (error) {
    // The verdict stands, and the call that met it must not fail for want of a notice.
    log.error({ err: error, server: target.id, type }, 'nobody could be told of a connection')
  }
}
