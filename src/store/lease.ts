/**
 * Named leases: work that one replica should do at a time, such as the periodic sync. A lease is a promise about time, not a
 * lock: whoever holds one must be done, or have renewed it, before it ends.
 */
import type { Store } from './open.ts'

/**
 * Takes the lease, or renews it for the same holder.
 *
 * @param holder who takes it; unique to this process
 * @param ms for how long, from now
 * @returns false while another holder has it
 */
export async function takeLease(store: Store, name: string, holder: string, ms: number): Promise<boolean> {
  const now = store.clock.now()
  const taken = await store.db
    .insertInto('leases')
    .values({ name, holder, until: now + ms })
    .onConflict((conflict) =>
      conflict
        .column('name')
        .doUpdateSet({ holder, until: now + ms })
        .where((eb) => eb.or([eb('leases.until', '<=', now), eb('leases.holder', '=', holder)])),
    )
    .returning('name')
    .executeTakeFirst()
  return taken !== undefined
}

/** Gives it back before it ends; nothing happens where another holder has it by now. */
export async function releaseLease(store: Store, name: string, holder: string): Promise<void> {
  await store.db.deleteFrom('leases').where('name', '=', name).where('holder', '=', holder).execute()
}
