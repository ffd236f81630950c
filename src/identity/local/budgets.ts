/** How often one may try to sign in without an identity provider. An address is anybody's to type, so what its owner loses by it is time alone. */
import { addressBytes } from '../../base/address.ts'
import type { Budget, Counted } from '../attempts-store.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

/** Wrong passwords of one address. */
export const PASSWORD: Budget = {
  ...{ name: 'password', free: 5, firstWait: 30 * SECOND, mostWait: HOUR, forgetAfter: 24 * HOUR },
}

/** Wrong passwords and PINs from one network. Many people may stand behind it. */
export const NETWORK: Budget = {
  ...{ name: 'network', free: 50, firstWait: 30 * SECOND, mostWait: HOUR, forgetAfter: HOUR },
}

const PIN_WINDOW = 10 * MINUTE

/** PINs that are mailed to one address until one of them is typed in. Each can be guessed at, from as many networks as somebody has. */
export const PIN_TO: Budget = {
  ...{ name: 'pin-to', free: 3, firstWait: PIN_WINDOW, mostWait: HOUR, forgetAfter: 24 * HOUR },
}

/** PINs that one network asks for. */
export const PIN_FROM: Budget = {
  ...{ name: 'pin-from', free: 10, firstWait: PIN_WINDOW, mostWait: PIN_WINDOW, forgetAfter: PIN_WINDOW },
}

/** @param clientIp of IPv6, what one subscriber is given counts as one: it has more addresses than there are tries */
export function ofNetwork(budget: Budget, clientIp: string): Counted {
  const bytes = addressBytes(clientIp)
  return { budget, of: bytes?.length === 16 ? bytes.slice(0, 8).join('.') : clientIp }
}
