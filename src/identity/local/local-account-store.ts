/** Accounts with a password, at rest. The account is an identity like any other, of an issuer that is the portal itself. */
import { newId, type UserId } from '../../base/ids.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import { LOCAL_PROVIDER } from '../roles.ts'
import { findOrCreateUser } from '../user-store.ts'

export const LOCAL = { provider: LOCAL_PROVIDER, issuer: 'portico:local' } as const

export interface LocalAccount {
  userId: UserId
  passwordHash: string
  name: string | null
}

/** @param email lower case, domain as A-label */
export async function findLocalAccount(db: Db, email: string): Promise<LocalAccount | null> {
  const row = await db
    .selectFrom('local_accounts')
    .innerJoin('users', 'users.id', 'local_accounts.user_id')
    .select(['local_accounts.user_id', 'local_accounts.password_hash', 'users.name'])
    .where('users.email', '=', email)
    .executeTakeFirst()
  return row === undefined ? null : { userId: row.user_id as UserId, passwordHash: row.password_hash, name: row.name }
}

/** Whether somebody signs in under this address already, in whatever way, or may not any more. */
export async function isAddressTaken(db: Db, email: string): Promise<boolean> {
  const row = await db
    .selectFrom('users')
    .leftJoin('identities', 'identities.user_id', 'users.id')
    .select('users.id')
    .where('users.email', '=', email)
    .where((eb) => eb.or([eb('identities.id', 'is not', null), eb('users.disabled_at', 'is not', null)]))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}

export interface NewAccount {
  /** Lower case, domain as A-label, and nobody's yet: ask `isAddressTaken` in the same transaction. */
  email: string
  name: string | null
  passwordHash: string
}

export async function createLocalAccount(store: Store, trx: Trx, made: NewAccount): Promise<UserId> {
  const now = store.clock.now()
  const { id: userId } = await findOrCreateUser(store, trx, made.email)
  await trx.updateTable('users').set({ name: made.name }).where('id', '=', userId).execute()
  await trx
    .insertInto('local_accounts')
    .values({ user_id: userId, password_hash: made.passwordHash, created_at: now, changed_at: now })
    .execute()
  await trx
    .insertInto('identities')
    .values({
      ...{
        id: newId<string>(now),
        user_id: userId,
        provider_id: LOCAL.provider,
        issuer: LOCAL.issuer,
        subject: userId,
      },
      ...{
        email: made.email,
        groups: '[]',
        amr: '[]',
        claims: '{}',
        id_token_sealed: null,
        refresh_token_sealed: null,
      },
      // The account was made; nobody has proven anything yet.
      ...{ signed_in_at: now, checked_at: now, authenticated_at: null },
    })
    .execute()
  await store.versions.bump(trx, 'tokens')
  return userId
}

export async function setPassword(store: Store, trx: Trx, userId: UserId, passwordHash: string): Promise<void> {
  await trx
    .updateTable('local_accounts')
    .set({ password_hash: passwordHash, changed_at: store.clock.now() })
    .where('user_id', '=', userId)
    .execute()
}
