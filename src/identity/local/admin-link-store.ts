/** Links that work once, at rest: the SHA-256 of a token of 256 bits. */
import { digest } from '../../base/secret.ts'
import type { Db, Store, Trx } from '../../store/open.ts'

const PURPOSE = 'admin'
const LIFETIME_MS = 60 * 60_000

/** Withdraws every older one. @returns when it ends */
export async function insertAdminLink(store: Store, trx: Trx, token: string, createdBy: string): Promise<number> {
  const now = store.clock.now()
  const expiresAt = now + LIFETIME_MS
  await trx.deleteFrom('single_use_links').where('purpose', '=', PURPOSE).where('used_at', 'is', null).execute()
  await trx
    .insertInto('single_use_links')
    .values({
      ...{ digest: digest(token), purpose: PURPOSE, created_at: now, created_by: createdBy },
      ...{ expires_at: expiresAt, used_at: null },
    })
    .execute()
  return expiresAt
}

export async function isAdminLinkGood(db: Db, token: string, now: number): Promise<boolean> {
  const row = await db
    .selectFrom('single_use_links')
    .select('digest')
    .where('digest', '=', digest(token))
    .where('purpose', '=', PURPOSE)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return row !== undefined
}

/** @returns false where it is over, or somebody else was faster */
export async function useAdminLink(store: Store, trx: Trx, token: string): Promise<boolean> {
  const now = store.clock.now()
  const used = await trx
    .updateTable('single_use_links')
    .set({ used_at: now })
    .where('digest', '=', digest(token))
    .where('purpose', '=', PURPOSE)
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return Number(used.numUpdatedRows) === 1
}

/** Links that ended a day ago. */
export async function forgetLinks(store: Store): Promise<void> {
  const before = store.clock.now() - 24 * LIFETIME_MS
  await store.db.deleteFrom('single_use_links').where('expires_at', '<', before).execute()
}
