/** How often one address may begin a sign-in: each writes a row before anybody is known. */
import type { Clock } from '../../base/clock.ts'

export interface StartBudget {
  /** @returns false where the address has begun too many of late */
  take(clientIp: string): boolean
}

const WINDOW_MS = 60_000
/** A whole company may stand behind one address on a Monday morning. */
const PER_ADDRESS = 300
const IN_ALL = 3000

export function openStartBudget(clock: Clock): StartBudget {
  let since = clock.now()
  let all = 0
  let byAddress = new Map<string, number>()
  return {
    take(clientIp) {
      const now = clock.now()
      if (now - since >= WINDOW_MS) {
        since = now
        all = 0
        byAddress = new Map()
      }
      const count = (byAddress.get(clientIp) ?? 0) + 1
      if (count > PER_ADDRESS || all >= IN_ALL) return false
      byAddress.set(clientIp, count)
      all++
      return true
    },
  }
}
