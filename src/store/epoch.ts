/**
 * The revocation epoch: nothing that let somebody in before it lets them in any more. A restored backup advances it, because what
 * was revoked since the backup was made would otherwise be good again.
 */
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
}

/** What lets somebody in for a while, or once: none of it outlives the epoch. */
const PASSING = ['oauth_artifacts', 'sign_in_attempts', 'pins', 'single_use_links', 'questions'] as const

/**
 * Access tokens and API tokens are revoked, and what clients were given by people; people's browsers are signed out, sessions are forgotten. Service tokens are switched off: each can be switched on again by
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
  }
}
