/**
 * The audit's upkeep by itself, for whoever keeps the portal's PostgreSQL role from changing and deleting rows: a role that owns
 * the tables makes them, makes days ahead, and drops those that are too old.
 */
import type { KeyRing } from '../base/secret.ts'
import type { Age } from './audit-store.ts'
import { headKeys, openHeadSigner } from './chain.ts'
import { openPostgresAuditStore } from './postgres-audit-store.ts'

const DAY_MS = 86_400_000
/** How long it may go unrepeated before appends would find no day to go into. */
export const DAYS_AHEAD = 30

/** @throws Error when the role may not do it */
export async function keepUp(databaseUrl: string, keys: KeyRing, age: Age): Promise<void> {
  const store = await openPostgresAuditStore(databaseUrl, () => {})
  try {
    const signer = openHeadSigner(headKeys(keys))
    await store.beginChain(signer)
    for (let day = 0; day <= DAYS_AHEAD; day++) await store.tidy(age.now + day * DAY_MS)
    await store.prune(age, (head) => signer.sign(head))
  } finally {
    await store.close()
  }
}
