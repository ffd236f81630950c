/** Time for one long question: it gives way to everything else again and again, and ends when its time is over. */
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'

export interface Budget {
  /** Whether its time is over; now and then it lets others go first. */
  isSpent(): Promise<boolean>
  readonly wasSpent: boolean
}

/** Others wait no longer than this. */
const AT_ONCE_MS = 20

/** @param ms milliseconds in all, waiting for others included */
export function openBudget(clock: Pick<Clock, 'elapsed'>, ms: number): Budget {
  const beganAt = clock.elapsed()
  let workedFrom = beganAt
  let wasSpent = false
  return {
    get wasSpent() {
      return wasSpent
    },
    async isSpent() {
      if (clock.elapsed() - workedFrom > AT_ONCE_MS) {
        await setImmediate()
        workedFrom = clock.elapsed()
      }
      wasSpent ||= clock.elapsed() - beganAt > ms
      return wasSpent
    },
  }
}
