/** The credential by which the portal reads lists and asks whether a server is there: the shared one, or one person's own; no call's. */
import type { Keeper } from './connections/keeper.ts'
import { ConnectionNeeded, type LiveCredential, type Owner } from './connections/model.ts'
import { NO_CREDENTIAL } from './credentials.ts'
import { ADMIN } from './inventory-store.ts'
import type { ServerSetup } from './setup.ts'
import { Trouble } from './trouble.ts'

/** Whose credential reads lists; null where there can be none. */
export function readerOf({ mode }: ServerSetup, inventory: string): Owner | null {
  if (inventory !== ADMIN) return inventory as Owner
  if (mode === 'enterprise') return null
  return mode === 'machine' ? 'machine' : 'admin'
}

/** @returns what is wrong, where it cannot be had */
export async function credentialOf(
  keeper: Keeper,
  setup: ServerSetup,
  owner: Owner,
): Promise<LiveCredential | Trouble | ConnectionNeeded> {
  try {
    return await keeper.ofOwner(setup, owner)
  } catch (error) {
    if (error instanceof Trouble || error instanceof ConnectionNeeded) return error
    throw error
  }
}

/** For asking whether a server is there, which one that refuses is: nothing is shown where there is nothing to show. */
export async function sharedOf(keeper: Keeper, setup: ServerSetup): Promise<LiveCredential> {
  const owner = readerOf(setup, ADMIN)
  const found = owner === null ? null : await credentialOf(keeper, setup, owner)
  return found === null || found instanceof Error ? NO_CREDENTIAL : found
}
