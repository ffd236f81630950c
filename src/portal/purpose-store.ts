/** Purposes at rest: why somebody says that they need what a policy guards, for as long as that policy lets one answer count. */
import type { PolicyId } from '../base/ids.ts'
import type { Sealer } from '../base/secret.ts'
import type { Store } from '../store/open.ts'

export interface PurposeKey {
  /** `grant:<id>` */
  owner: string
  policy: PolicyId
}

/** @param life milliseconds for which it counts */
export async function savePurpose(
  store: Store,
  sealer: Sealer,
  { owner, policy }: PurposeKey,
  { text, life }: { text: string; life: number },
): Promise<void> {
  const now = store.clock.now()
  const row = {
    purpose_sealed: sealer.seal(text, whereOf({ owner, policy })),
    given_at: now,
    expires_at: now + life,
  }
  await store.write(async (trx) => {
    await store.versions.bump(trx, 'approvals')
    await trx.deleteFrom('purposes').where('expires_at', '<=', now).execute()
    await trx
      .insertInto('purposes')
      .values({ owner, policy_id: policy, ...row })
      .onConflict((conflict) => conflict.columns(['owner', 'policy_id']).doUpdateSet(row))
      .execute()
  })
}

/** @returns undefined where none counts, or none opens */
export async function readPurpose({ db, clock }: Store, sealer: Sealer, key: PurposeKey): Promise<string | undefined> {
  const row = await db
    .selectFrom('purposes')
    .select('purpose_sealed')
    .where('owner', '=', key.owner)
    .where('policy_id', '=', key.policy)
    .where('expires_at', '>', clock.now())
    .executeTakeFirst()
  return row && sealer.open(row.purpose_sealed, whereOf(key))
}

/** The same for one that counts for one call: whoever takes it is the only one. */
export async function takePurpose({ db, clock }: Store, sealer: Sealer, key: PurposeKey): Promise<string | undefined> {
  const row = await db
    .deleteFrom('purposes')
    .where('owner', '=', key.owner)
    .where('policy_id', '=', key.policy)
    .where('expires_at', '>', clock.now())
    .returning('purpose_sealed')
    .executeTakeFirst()
  return row && sealer.open(row.purpose_sealed, whereOf(key))
}

function whereOf({ owner, policy }: PurposeKey): string {
  return `purposes/${owner}/${policy}/purpose`
}
