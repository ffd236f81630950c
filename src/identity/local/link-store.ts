/** Links that work once, at rest: the SHA-256 of a token of 256 bits, and what it is good for. */
import { digest } from '../../base/secret.ts'
import type { Db, Store, Trx } from '../../store/open.ts'
import type { SingleUseLinkRow } from '../../store/tables-people.ts'

/** Becoming the first owner, or setting the password of one address. */
export type LinkPurpose = 'admin' | `password:${string}`

const LIFETIME_MS = 60 * 60_000

/** Withdraws every older one for the same. @returns when it ends */
export async function insertLink(
  store: Store,
  trx: Trx,
  made: { token: string; purpose: LinkPurpose; createdBy: string },
): Promise<number> {
  const { token, purpose, createdBy } = made
  const now = store.clock.now()
  const expiresAt = now + LIFETIME_MS
  await trx.deleteFrom('single_use_links').where('purpose', '=', purpose).where('used_at', 'is', null).execute()
  await trx
    .insertInto('single_use_links')
    .values({
      ...{ digest: digest(token), purpose, created_at: now, created_by: createdBy },
      ...{ expires_at: expiresAt, used_at: null },
    })
    .execute()
  return expiresAt
}

/** @returns what it is good for now, or null */
export async function findLink(db: Db, token: string, now: number): Promise<LinkPurpose | null> {
  const row = await db
    .selectFrom('single_use_links')
    .select('purpose')
    .where('digest', '=', digest(token))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return row === undefined || isForServer(row.purpose) ? null : row.purpose
}

/** Those are no business of this room: they let nobody in. */
function isForServer(purpose: SingleUseLinkRow['purpose']): purpose is `connect:${string}` {
  return purpose.startsWith('connect:')
}

/** @returns false where it is over, for something else, or somebody else was faster */
export async function useLink(store: Store, trx: Trx, token: string, purpose: LinkPurpose): Promise<boolean> {
  const now = store.clock.now()
  const used = await trx
    .updateTable('single_use_links')
    .set({ used_at: now })
    .where('digest', '=', digest(token))
    .where('purpose', '=', purpose)
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
