/**
 * The revocation epoch: nothing that let somebody in before it lets them in any more. A restored backup advances it, because what
 * was revoked since the backup was made would otherwise be good again.
 */
import type { DeliveryError } from '../contract/webhook.ts'
import type { Db, Trx } from './open.ts'
import { readSetting } from './settings-store.ts'

const NAME = 'epoch'

/** @returns milliseconds since 1970; 0 where nothing was ever restored */
export async function readEpoch(db: Db): Promise<number> {
  return Number((await readSetting(db, NAME)) ?? 0)
}

export interface Ended {
  accessTokens: number
  apiTokens: number
  serviceTokens: number
  /** People's own at servers; they connect anew. */
  connections: number
  /** Shared ones at servers: an admin connects them anew. */
  sharedConnections: number
}

/** What lets somebody in for a while, or once: none of it outlives the epoch. */
const PASSING = [
  'oauth_artifacts',
  'sign_in_attempts',
  'pins',
  'single_use_links',
  'questions',
  'connect_attempts',
  // One that was used since the backup was made would be good again.
  'approvals',
  'purposes',
] as const

/**
 * What the portal holds at servers behind it is given up: see `endConnections`. Access tokens and API tokens are revoked, and what clients were given by people; people's browsers are signed out, sessions are forgotten. Service tokens are switched off: each can be switched on again by
 * who knows that it was not withdrawn meanwhile, and its bot keeps its secret.
 */
export async function advanceEpoch(trx: Trx, now: number): Promise<Ended> {
  const value = String(now)
  await trx
    .insertInto('settings')
    .values({ key: NAME, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
  await trx.deleteFrom('toggles').where('owner', 'like', 'session:%').execute()
  await trx.deleteFrom('sessions').execute()
  await trx.updateTable('browser_sessions').set({ ended_at: now }).where('ended_at', 'is', null).execute()
  await trx
    .updateTable('grants')
    .set({ revoked_at: now, revoked_why: 'revoked' })
    .where('revoked_at', 'is', null)
    .execute()
  for (const table of PASSING) await trx.deleteFrom(table).execute()
  await giveUpDeliveries(trx)
  const access = await trx
    .updateTable('access_tokens')
    .set({ revoked_at: now })
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  const api = await trx
    .updateTable('api_tokens')
    .set({ revoked_at: now })
    .where('revoked_at', 'is', null)
    .executeTakeFirst()
  const service = await trx
    .updateTable('service_tokens')
    .set({ enabled: 0, updated_at: now })
    .where('enabled', '=', 1)
    .executeTakeFirst()
  return {
    accessTokens: Number(access.numUpdatedRows),
    apiTokens: Number(api.numUpdatedRows),
    serviceTokens: Number(service.numUpdatedRows),
    ...(await endConnections(trx, now)),
  }
}

/** What waited when the backup was made was probably delivered since, and may be about what is not so any more. */
async function giveUpDeliveries(trx: Trx): Promise<void> {
  await trx
    .updateTable('webhook_deliveries')
    .set({ next_at: null, last_error: 'restored' satisfies DeliveryError })
    .where('next_at', 'is not', null)
    .execute()
}

/**
 * A refresh token of a backup was probably used since: to show it again looks like theft, and ends what the server's side gave. And who
 * disconnected an account since must not find it connected.
 */
async function endConnections(trx: Trx, now: number): Promise<Pick<Ended, 'connections' | 'sharedConnections'>> {
  await trx.deleteFrom('inventories').where('credential', 'like', 'user:%').execute()
  const own = await trx.deleteFrom('connections').where('user_id', 'is not', null).executeTakeFirst()
  const shared = await trx
    .updateTable('connections')
    .set((eb) => ({
      ...{ status: 'needs_reauth' as const, reason: 'restored', tokens_sealed: null, has_refresh_token: 0 },
      ...{ expires_at: null, renew_at: null, warned_at: now, version: eb('version', '+', 1) },
    }))
    .where('user_id', 'is', null)
    .returning('server_uid')
    .execute()
  const servers = shared.map(({ server_uid }) => server_uid)
  if (servers.length > 0)
    await trx.updateTable('servers').set({ authentication_status: 'stale' }).where('uid', 'in', servers).execute()
  return { connections: Number(own.numDeletedRows), sharedConnections: shared.length }
}
