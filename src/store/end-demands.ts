/** What people were asked about a thing that is gone is asked no more: nobody should be shown it, or agree to it. */
import type { Store, Trx } from './open.ts'

type Gone = 'portal_uid' | 'server_uid' | 'policy_id' | 'grant_id'

/**
 * No topic is raised: who waits learns by what was deleted, and one that is raised here could wait for somebody who gives their word,
 * and who waits for what is held here.
 */
export async function endDemands({ clock }: Pick<Store, 'clock'>, trx: Trx, gone: Gone, id: string): Promise<void> {
  await trx
    .updateTable('approvals')
    .set({ expires_at: clock.now() })
    .where(gone, '=', id)
    .where('state', 'in', ['open', 'approved'])
    .where('expires_at', '>', clock.now())
    .execute()
  if (gone === 'policy_id') await trx.deleteFrom('purposes').where('policy_id', '=', id).execute()
  if (gone === 'grant_id') await trx.deleteFrom('purposes').where('owner', '=', `grant:${id}`).execute()
}
