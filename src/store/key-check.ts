/**
 * Proves, at start and for `/readyz`, that the encryption key is the one this data was written with. A wrong key must stop the program before
 * it serves: it would otherwise look as if every stored credential had gone bad by itself.
 */

import { Fault } from '../base/fault.ts'
import type { Sealer } from '../base/secret.ts'
import type { Store } from './open.ts'
import { claimSetting, readSetting } from './settings-store.ts'

/** The row of `settings` that holds the check. */
export const KEY_CHECK = 'key_check'

const PLAIN = 'portico'

/** @throws Fault `store-unavailable` when no key of the ring opens what is stored */
export async function proveKey(store: Store, sealer: Sealer): Promise<void> {
  await store.write((trx) => claimSetting(trx, KEY_CHECK, sealer.seal(PLAIN, KEY_CHECK)))
  if (await opens(store, sealer)) return
  throw new Fault(
    'store-unavailable',
    'The encryption key is not the one that this data was written with. Set PORTICO_ENCRYPTION_KEY to that key, or put its key file back.',
  )
}

/** Whether a key of the ring opens what is stored. Never throws: without an answer it is not known to. */
export function keyFits(store: Store, sealer: Sealer): Promise<boolean> {
  return opens(store, sealer).catch(() => false)
}

async function opens(store: Store, sealer: Sealer): Promise<boolean> {
  const sealed = await readSetting(store.db, KEY_CHECK)
  return sealed !== undefined && opensCheck(sealer, sealed)
}

/** Whether a key of the ring wrote this check, of a database or of a backup. */
export function opensCheck(sealer: Sealer, sealed: string): boolean {
  return sealer.open(sealed, KEY_CHECK) === PLAIN
}
