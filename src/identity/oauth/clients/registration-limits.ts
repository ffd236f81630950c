/**
 * How many clients may register themselves. Anybody may ask, so there is an end: for each address, and for all together. At the end the newest
 * is turned away and those that are there go on working; what nobody ever signed in with makes room first.
 */
import { networkOf } from '../../../audit/refusals.ts'
import type { Store, Trx } from '../../../store/open.ts'
import { countRegistered, dropOldestUnused, forgetClients } from './client-store.ts'
import { peekWindow, takeFromWindow } from './window-store.ts'

export interface RegistrationLimits {
  /** For one address, in an hour. */
  perHour: number
  /** Stored at the same time. */
  stored: number
}

export const REGISTRATION_LIMITS: RegistrationLimits = { perHour: 20, stored: 10_000 }

const HOUR_MS = 3_600_000

export type OverLimit = 'too-often' | 'full'

/** Whether an address has used up its hour. It costs a read, so that a flood costs no more. */
export async function isTooOften(store: Store, clientIp: string, limits: RegistrationLimits): Promise<boolean> {
  return (await peekWindow(store, keyOf(clientIp), HOUR_MS)) >= limits.perHour
}

/**
 * Takes a place for one more. What is taken comes back where the transaction does not end well, so call it in the one that writes the client.
 *
 * @returns why there is none, or null
 */
export async function takePlace(
  store: Store,
  trx: Trx,
  clientIp: string,
  limits: RegistrationLimits,
): Promise<OverLimit | null> {
  // One after the other, over all replicas: two that counted at the same moment would both take the last place.
  await takeFromWindow(store, trx, 'register:all', HOUR_MS)
  if ((await takeFromWindow(store, trx, keyOf(clientIp), HOUR_MS)) > limits.perHour) return 'too-often'
  await forgetClients(store, trx)
  if ((await countRegistered(trx)) < limits.stored) return null
  // Younger than an hour, somebody may be signing in with it at this moment.
  return (await dropOldestUnused(store, trx, HOUR_MS)) ? null : 'full'
}

/** An IPv6 address stands for its network: whoever has one has all of them. */
function keyOf(clientIp: string): string {
  return `register:${clientIp.includes(':') ? networkOf(clientIp) : clientIp}`
}
