/**
 * Ways to a provider and back, at rest: which browser began it, where it goes, and what its answer must match. The key is the SHA-256 of
 * `state`; what could finish an attempt is sealed. A row is good once.
 */

import type { Sealer } from '../../base/secret.ts'
import { fromJson } from '../../store/columns.ts'
import type { Store } from '../../store/open.ts'
import type { AttemptSecrets } from './way.ts'

export const ATTEMPT_MS = 10 * 60_000
/** How many a browser may have open; who presses the button again and again loses the oldest. */
const MOST_OPEN = 10

export interface NewAttempt {
  /** SHA-256 of `state`. */
  id: string
  /** Of the browser that began it. */
  binding: string
  providerId: string
  secrets: AttemptSecrets
  returnTo: string
}

export async function insertAttempt(store: Store, sealer: Sealer, made: NewAttempt): Promise<void> {
  const { id, binding, providerId, secrets, returnTo } = made
  const now = store.clock.now()
  await store.write(async (trx) => {
    await trx.deleteFrom('sign_in_attempts').where('expires_at', '<=', now).execute()
    const open = await trx
      .selectFrom('sign_in_attempts')
      .select('id')
      .where('cookie_digest', '=', binding)
      .orderBy('created_at', 'desc')
      .offset(MOST_OPEN - 1)
      .limit(1000)
      .execute()
    for (const old of open) await trx.deleteFrom('sign_in_attempts').where('id', '=', old.id).execute()
    await trx
      .insertInto('sign_in_attempts')
      .values({
        ...{ id, cookie_digest: binding, provider_id: providerId, return_to: returnTo, used_at: null },
        ...{ created_at: now, expires_at: now + ATTEMPT_MS },
        secrets_sealed: sealer.seal(JSON.stringify(secrets), whereOf(id)),
      })
      .execute()
  })
}

/**
 * Whoever shows a `state` uses it up, right or wrong: one that reached another browser or another provider's address is in hands that it
 * was not made for.
 *
 * @returns null for one that is not known, used, too old, or not of this browser and provider
 */
export async function takeAttempt(
  store: Store,
  sealer: Sealer,
  { id, binding, providerId }: Pick<NewAttempt, 'id' | 'binding' | 'providerId'>,
): Promise<{ secrets: AttemptSecrets; returnTo: string } | null> {
  const now = store.clock.now()
  const row = await store.write(async (trx) => {
    const used = await trx
      .updateTable('sign_in_attempts')
      .set({ used_at: now })
      .where('id', '=', id)
      .where('used_at', 'is', null)
      .where('expires_at', '>', now)
      .executeTakeFirst()
    if (Number(used.numUpdatedRows) !== 1) return undefined
    return trx.selectFrom('sign_in_attempts').selectAll().where('id', '=', id).executeTakeFirst()
  })
  if (row === undefined || row.cookie_digest !== binding || row.provider_id !== providerId) return null
  const opened = sealer.open(row.secrets_sealed, whereOf(id))
  return opened === undefined ? null : { secrets: fromJson<AttemptSecrets>(opened), returnTo: row.return_to }
}

function whereOf(id: string): string {
  return `sign_in_attempts/${id}/secrets`
}
