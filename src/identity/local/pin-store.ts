/** Mailed PINs at rest: a keyed digest, bound to the browser that asked. One a browser; a new one ends the one before. */
import { newId } from '../../base/ids.ts'
import type { Mac } from '../../base/secret.ts'
import type { Db, Store, Trx } from '../../store/open.ts'

const TRIES_MOST = 5
const LIFETIME_MS = 10 * 60_000

export interface NewPin {
  email: string
  code: string
  /** Digest of the browser's binding. */
  binding: string
  returnTo: string
}

export async function insertPin(store: Store, trx: Trx, made: NewPin, mac: Mac): Promise<void> {
  const now = store.clock.now()
  const id = newId<string>(now)
  await trx.deleteFrom('pins').where('cookie_digest', '=', made.binding).execute()
  await trx
    .insertInto('pins')
    .values({
      ...{ id, email: made.email, cookie_digest: made.binding, return_to: made.returnTo, tries: 0, used_at: null },
      ...{ pin_hmac: mac.of(place(id, made.code)), created_at: now, expires_at: now + LIFETIME_MS },
    })
    .execute()
}

export interface PinTried {
  isRight: boolean
  email: string
  returnTo: string
}

/**
 * Takes a try, and uses the PIN up where it is right. The try counts before the look, so many at once are no more than five.
 *
 * @returns null where this browser has no PIN that is still good
 */
export async function tryPin(
  store: Store,
  trx: Trx,
  { binding, code }: { binding: string; code: string },
  mac: Mac,
): Promise<PinTried | null> {
  const now = store.clock.now()
  const row = await trx
    .updateTable('pins')
    .set((eb) => ({ tries: eb('tries', '+', 1) }))
    .where('cookie_digest', '=', binding)
    .where('used_at', 'is', null)
    .where('tries', '<', TRIES_MOST)
    .where('expires_at', '>', now)
    .returning(['id', 'email', 'pin_hmac', 'return_to'])
    .executeTakeFirst()
  if (row === undefined) return null
  const isRight = mac.fits(row.pin_hmac, place(row.id, code))
  if (isRight) await trx.updateTable('pins').set({ used_at: now }).where('id', '=', row.id).execute()
  return { isRight, email: row.email, returnTo: row.return_to }
}

/** A digest that is moved to another row fits nothing. */
function place(id: string, code: string): string {
  return `${id}\0${code}`
}

export async function forgetPins(store: Store): Promise<void> {
  await store.db.deleteFrom('pins').where('expires_at', '<', store.clock.now()).execute()
}

/** @returns the id of the provider by which PINs are offered, or null */
export async function findPinProvider(db: Db): Promise<string | null> {
  const row = await db
    .selectFrom('identity_providers')
    .select('id')
    .where('type', '=', 'onetimepin')
    .orderBy('position')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst()
  return row?.id ?? null
}
