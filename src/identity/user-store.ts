/** People at rest: an id, and what they are called. How they prove who they are is in `identity-store.ts`. */
import { newId, type UserId } from '../base/ids.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { UserRow } from '../store/tables-people.ts'

export interface UserRecord {
  id: UserId
  /** Lower case, domain as A-label; null where nobody may speak for the address that was given. */
  email: string | null
  name: string | null
  /** Milliseconds since 1970, or null while the user may sign in. */
  disabledAt: number | null
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

function toRecord(row: UserRow): UserRecord {
  return {
    id: row.id as UserId,
    email: row.email,
    name: row.name,
    disabledAt: row.disabled_at,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
  }
}
