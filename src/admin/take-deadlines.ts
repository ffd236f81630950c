/** How long calls to one server may take, as it is sent and as it is shown. */
import { LIMITS } from '../config/limits.ts'
import type { DeadlinesInput } from '../contract/server.ts'
import type { Deadlines } from '../upstream/model.ts'
import { invalid } from './refusal.ts'

const COMMON_TOTAL = LIMITS.call_time.value / 1000

/**
 * Replaces both: what is left out is the limit of all servers again.
 *
 * @returns null where nothing is left of it
 * @throws ApiRefusal 400 where a call would always end before its silence could
 */
export function takeDeadlines(sent: DeadlinesInput | null | undefined): Deadlines | null {
  const idleSeconds = sent?.idle_seconds ?? null
  const totalSeconds = sent?.total_seconds ?? null
  if (idleSeconds === null && totalSeconds === null) return null
  if (idleSeconds !== null && idleSeconds > (totalSeconds ?? COMMON_TOTAL)) {
    const otherwise = totalSeconds === null ? `; where it is left out it is ${COMMON_TOTAL}` : ''
    throw invalid('deadlines.total_seconds', `must be at least idle_seconds${otherwise}`)
  }
  return { idleSeconds, totalSeconds }
}

/** As it was sent, so that it can be sent back. */
export function showDeadlines({ idleSeconds, totalSeconds }: Deadlines): DeadlinesInput {
  return {
    ...(idleSeconds === null ? {} : { idle_seconds: idleSeconds }),
    ...(totalSeconds === null ? {} : { total_seconds: totalSeconds }),
  }
}
