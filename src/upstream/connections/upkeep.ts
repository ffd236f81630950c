/**
 * Looks after the shared connections while nobody uses them: renews what is due, and tells admins before one dies. One process at a time.
 *
 * `warnedAt` says that admins know of trouble; the word that it is over is owed to them from then on, and given once. That outlives
 * processes, and the row that took the place of the one that had died.
 */
import { randomUUID } from 'node:crypto'
import { takeLease } from '../../store/lease.ts'
import { clearWarned, listConnectionsOf, markWarned } from './connection-store.ts'
import { dueAtOf, isAlive } from './life.ts'
import type { ConnectionRecord } from './model.ts'
import { isRenewable, type RenewDeps, type Renewer } from './renew.ts'
import { tell } from './verdicts.ts'

const LEASE = 'connections-upkeep'
const LEASE_MS = 5 * 60_000
const AT_ONCE = 4
const HOUR_MS = 3_600_000
const WEEK_MS = 7 * 24 * HOUR_MS
const LAST_SHARE = 0.2

export function openUpkeep(deps: RenewDeps, renewer: Renewer): () => Promise<void> {
  const { store } = deps
  const holder = randomUUID()
  return async () => {
    if (!(await takeLease(store, LEASE, holder, LEASE_MS))) return
    const waiting = await listConnectionsOf(store.db, 'shared')
    const work = async (): Promise<void> => {
      for (let record = waiting.pop(); record !== undefined; record = waiting.pop())
        await lookAfter(deps, renewer, record)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }
}

async function lookAfter(deps: RenewDeps, renewer: Renewer, record: ConnectionRecord): Promise<void> {
  const now = await renewedIfDue(deps, renewer, record)
  if (now === undefined) return
  if (now.warnedAt !== null && isMended(now, now.warnedAt)) await sayMended(deps, now)
  else if (now.status === 'ready' && now.warnedAt === null) await warnIfEnding(deps, now)
}

async function renewedIfDue(
  { clock }: RenewDeps,
  renewer: Renewer,
  record: ConnectionRecord,
): Promise<ConnectionRecord | undefined> {
  const { id, version, serverUid: server, owner, kind, status } = record
  const isDue = status === 'error' || clock.now() >= dueAtOf(record)
  const isLost = status === 'needs_reauth' && kind !== 'machine'
  if (!isDue || isLost || renewer.rests.isResting(id)) return record
  const asked = { server, owner, id, version, why: 'due' as const, principal: null, resourceMetadata: null }
  const row = await renewer.renew(asked)
  return row?.record
}

function isMended({ status, reason, refreshedAt, createdAt }: ConnectionRecord, warnedAt: number): boolean {
  return status === 'ready' && reason === null && Math.max(refreshedAt ?? 0, createdAt) > warnedAt
}

async function sayMended(deps: RenewDeps, record: ConnectionRecord): Promise<void> {
  const isNews = await deps.store.write((trx) => clearWarned(trx, record))
  if (isNews) await tell(deps, 'connection.ready', record)
}

async function warnIfEnding(deps: RenewDeps, record: ConnectionRecord): Promise<void> {
  const { store, clock } = deps
  const at = warningAt(record)
  if (at === null || clock.now() < at || !isAlive(record, clock.now())) return
  if (await store.write((trx) => markWarned(store, trx, record.id))) await tell(deps, 'connection.expiring', record)
}

/**
 * A week before the end, or a fifth of its life, whichever is later; and an hour before it at the latest.
 *
 * @returns milliseconds since 1970; null for what does not end, or is renewed without a person
 */
export function warningAt(record: ConnectionRecord): number | null {
  const { expiresAt, refreshedAt, createdAt } = record
  if (expiresAt === null || isRenewable(record)) return null
  const life = expiresAt - (refreshedAt ?? createdAt)
  return Math.min(Math.max(expiresAt - WEEK_MS, expiresAt - life * LAST_SHARE), expiresAt - HOUR_MS)
}
