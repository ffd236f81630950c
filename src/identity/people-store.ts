/** People as an admin looks at them: with when they signed in last, and in how many browsers they are. */
import type { Db, Store, Trx } from '../store/open.ts'
import { readUser, type UserRecord } from './user-store.ts'

export interface Person extends UserRecord {
  /** Milliseconds since 1970; null for somebody who never signed in. */
  lastSignInAt: number | null
  /** Browsers that are signed in now. */
  browsers: number
}

/** All of them, by address and then by id; those without an address last. */
export async function listPeople(db: Db, now: number): Promise<Person[]> {
  const rows = await db
    .selectFrom('users')
    .selectAll()
    .orderBy((eb) => eb.case().when('email', 'is', null).then(1).else(0).end())
    .orderBy('email')
    .orderBy('id')
    .execute()
  const signIns = await db
    .selectFrom('identities')
    .select((eb) => ['user_id', eb.fn.max('signed_in_at').as('at')])
    .groupBy('user_id')
    .execute()
  const sessions = await db
    .selectFrom('browser_sessions')
    .select((eb) => ['user_id', eb.fn.countAll().as('count')])
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .groupBy('user_id')
    .execute()
  const lastSignIn = new Map(signIns.map(({ user_id, at }) => [user_id, Number(at)]))
  const browsers = new Map(sessions.map(({ user_id, count }) => [user_id, Number(count)]))
  return rows.map((row) => ({
    id: row.id as UserRecord['id'],
    email: row.email,
    name: row.name,
    disabledAt: row.disabled_at,
    createdAt: row.created_at,
    lastSeenAt: row.last_seen_at,
    lastSignInAt: lastSignIn.get(row.id) ?? null,
    browsers: row.disabled_at === null ? (browsers.get(row.id) ?? 0) : 0,
  }))
}

export async function readPerson(db: Db, id: string, now: number): Promise<Person | undefined> {
  const user = await readUser(db, id)
  if (user === undefined) return undefined
  const signIn = await db
    .selectFrom('identities')
    .select((eb) => eb.fn.max('signed_in_at').as('at'))
    .where('user_id', '=', id)
    .executeTakeFirst()
  const sessions = await db
    .selectFrom('browser_sessions')
    .select((eb) => eb.fn.countAll().as('count'))
    .where('user_id', '=', id)
    .where('ended_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  const at = signIn?.at ?? null
  return {
    ...user,
    lastSignInAt: at === null ? null : Number(at),
    browsers: user.disabledAt === null ? Number(sessions?.count ?? 0) : 0,
  }
}

/** @param email in lower case */
export async function findUserByEmail(db: Db, email: string): Promise<UserRecord | undefined> {
  const row = await db.selectFrom('users').select('id').where('email', '=', email).executeTakeFirst()
  return row && readUser(db, row.id)
}

/** Who is switched off can neither sign in nor use what they were given; being switched on again gives nothing back. */
export async function switchUser(store: Store, trx: Trx, id: string, to: 'on' | 'off'): Promise<void> {
  const at = to === 'off' ? store.clock.now() : null
  const update = trx.updateTable('users').set({ disabled_at: at }).where('id', '=', id)
  // Who is off already keeps the first time.
  await (to === 'off' ? update.where('disabled_at', 'is', null) : update).execute()
  await store.versions.bump(trx, 'tokens')
}

/** @returns the type of an identity provider, or null for one that is not there (any more) */
export async function providerType(db: Db, id: string): Promise<string | null> {
  const row = await db.selectFrom('identity_providers').select('type').where('id', '=', id).executeTakeFirst()
  return row?.type ?? null
}
