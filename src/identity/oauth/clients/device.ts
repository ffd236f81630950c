/**
 * The rules of the device flow (RFC 8628). The weak point is the person: whoever can make somebody type a code signs in as them. So it is off
 * until a portal turns it on, a code is only ever typed by hand, lives for ten minutes and can be guessed five times.
 */
import { networkOf } from '../../../audit/refusals.ts'
import type { Store } from '../../../store/open.ts'
import type { ClientPolicy } from './policy.ts'
import { peekWindow, takeFromWindow } from './window-store.ts'

/** For oidc-provider's `features.deviceFlow`: eight letters without vowels, so that no word comes out, shown in two halves. 2 to the 34th. */
export const USER_CODE = { charset: 'base-20', mask: '****-****' } as const
export const USER_CODE_LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'

export const DEVICE_CODE_SECONDS = 600
/** Wrong codes in the life of a code: of one signed-in person, and of all who come from one network, which an office shares. */
const MOST_TRIES = { user: 5, network: 20 } as const
const TRIES_MS = DEVICE_CODE_SECONDS * 1000

/** Codes that one network may ask for in the life of a code: each is a row, and anybody may ask. */
const MOST_CODES = 60

/** Counts one more code. @returns false where it is one too many */
export async function mayAskForCode(store: Store, clientIp: string): Promise<boolean> {
  const key = `device:codes:${networkOf(clientIp)}`
  if ((await peekWindow(store, key, TRIES_MS)) >= MOST_CODES) return false
  return (await store.write((trx) => takeFromWindow(store, trx, key, TRIES_MS))) <= MOST_CODES
}

export function allowsDevices(policy: ClientPolicy | null): boolean {
  return policy?.device_authorization?.enabled === true
}

/**
 * What a person typed, as the code is looked up: lower case, blanks and hyphens are forgiven, and nothing else.
 *
 * @returns null for what can be no code; it need not be looked up, and still counts as a try
 */
export function readUserCode(typed: string): string | null {
  const code = typed.slice(0, 64).replace(/[\s-]/g, '').toUpperCase()
  return code.length === 8 && Array.from(code).every((letter) => USER_CODE_LETTERS.includes(letter)) ? code : null
}

export interface Trier {
  userId: string
  clientIp: string
}

/** Whether this person, from here, may try a code. Counters are in the store, so that it is the same on every replica. */
export async function mayTryCode(store: Store, trier: Trier): Promise<boolean> {
  for (const { key, most } of countersOf(trier)) if ((await peekWindow(store, key, TRIES_MS)) >= most) return false
  return true
}

/** Counts a wrong code. A right one is not counted, and takes nothing back. */
export async function codeWasWrong(store: Store, trier: Trier): Promise<void> {
  await store.write(async (trx) => {
    for (const { key } of countersOf(trier)) await takeFromWindow(store, trx, key, TRIES_MS)
  })
}

function countersOf({ userId, clientIp }: Trier): { key: string; most: number }[] {
  return [
    { key: `device:user:${userId}`, most: MOST_TRIES.user },
    { key: `device:network:${networkOf(clientIp)}`, most: MOST_TRIES.network },
  ]
}
