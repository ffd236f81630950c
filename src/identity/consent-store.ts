/** What a person let in once, at rest: this client, this redirect, this portal. */
import type { PortalUid, UserId } from '../base/ids.ts'
import type { Db, Store, Trx } from '../store/open.ts'

export interface Consent {
  userId: UserId
  clientId: string
  /** Without its port where it is loopback; `device` for a device. */
  redirect: string
  portalUid: PortalUid
}

export async function findConsent(db: Db, { userId, clientId, redirect, portalUid }: Consent): Promise<boolean> {
  const row = await db
    .selectFrom('consents')
    .select('created_at')
    .where('user_id', '=', userId)
    .where('client_id', '=', clientId)
    .where('redirect', '=', redirect)
    .where('portal_uid', '=', portalUid)
    .executeTakeFirst()
  return row !== undefined
}

export async function rememberConsent(store: Store, trx: Trx, consent: Consent): Promise<void> {
  const { userId, clientId, redirect, portalUid } = consent
  await trx
    .insertInto('consents')
    .values({ user_id: userId, client_id: clientId, redirect, portal_uid: portalUid, created_at: store.clock.now() })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** So that the next authorization asks again. @returns how many were forgotten */
export async function forgetConsents(trx: Trx, which: { userId: string; clientId?: string }): Promise<number> {
  const all = trx.deleteFrom('consents').where('user_id', '=', which.userId)
  const gone = await (which.clientId === undefined
    ? all
    : all.where('client_id', '=', which.clientId)
  ).executeTakeFirst()
  return Number(gone.numDeletedRows)
}
