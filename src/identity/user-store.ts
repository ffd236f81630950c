/** People at rest: an e-mail and an id. How they prove who they are is not kept here. */
import { newId, type UserId } from '../base/ids.ts'
import type { Db, Store, Trx } from '../store/open.ts'

export interface UserRecord {
  id: UserId
  /** Lower case, domain as A-label. */
  email: string
  createdAt: number
  lastSeenAt: number | null
}

export async function listUsers(db: Db): Promise<UserRecord[]> {
  const rows = await db.selectFrom('users').selectAll().orderBy('email').execute()
  return rows.map(toRecord)
}

export async function readUser(db: Db, id: string): Promise<UserRecord | undefined> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toRecord(row)
}

/** @param email already in lower case, domain as A-label: one person has one row */
export async function findOrCreateUser(store: Store, trx: Trx, email: string): Promise<UserRecord> {
  const now = store.clock.now()
  await trx
    .insertInto('users')
    .values({ id: newId<UserId>(now), email, created_at: now, last_seen_at: null })
    .onConflict((conflict) => conflict.column('email').doNothing())
    .execute()
  return toRecord(await trx.selectFrom('users').selectAll().where('email', '=', email).executeTakeFirstOrThrow())
}

function toRecord(row: { id: string; email: string; created_at: number; last_seen_at: number | null }): UserRecord {
  return { id: row.id as UserId, email: row.email, createdAt: row.created_at, lastSeenAt: row.last_seen_at }
}
