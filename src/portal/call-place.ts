/**
 * A call's place among those at one time. It is given back when the request has its answer; where the call stays at its server beyond that,
 * waiting for its caller to come back with one, when the server is done with it. For as long it is under way, whoever waits for whom.
 */
import { NOTHING_TAKEN, type Taken } from './call-limits.ts'

export interface CallPlace {
  /** The request ends before the call does. @param end of the call, however it ends */
  until(end: Promise<unknown>): void
  /** The request has ended. */
  leave(): void
}

/** @returns null where nothing was taken, as for nearly every call */
export function placeOf(taken: Taken | null): CallPlace | null {
  if (taken === null || taken === NOTHING_TAKEN) return null
  let isKept = false
  const release = () => taken.release()
  return {
    until(end) {
      isKept = true
      end.then(release, release)
    },
    leave() {
      if (!isKept) release()
    },
  }
}
