/**
 * How often one network may begin a sign-in: each writes a row before anybody is known. There is no bound over all networks, since whoever
 * used it up would keep everybody out.
 */
import { networkOf } from '../../audit/refusals.ts'
import type { Clock } from '../../base/clock.ts'

export interface StartBudget {
  /** @returns false where the network has begun too many of late */
  take(clientIp: string): boolean
}

const WINDOW_MS = 60_000
/** A whole company may stand behind one address on a Monday morning. */
const MOST = 300
/** Of so many networks each is counted by itself, all others together. */
const COUNTED = 10_000
const MOST_OF_OTHERS = 3000

export function openStartBudget(clock: Clock): StartBudget {
  let since = clock.now()
  let counts = new Map<string, number>()
  return {
    take(clientIp) {
      const now = clock.now()
      if (now - since >= WINDOW_MS) {
        since = now
        counts = new Map()
      }
      const network = clientIp.includes(':') ? networkOf(clientIp) : clientIp
      const isCounted = counts.has(network) || counts.size < COUNTED
      const key = isCounted ? network : ''
      const count = (counts.get(key) ?? 0) + 1
      counts.set(key, count)
      return count <= (isCounted ? MOST : MOST_OF_OTHERS)
    },
  }
}
