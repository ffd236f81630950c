/**
 * Durations counted by size: each bin is a fifth wider than the one before, so a quantile read from bins is at most a tenth off, and
 * bins of many calls, hours and processes are added up as they are. Pure.
 */

/** Everything shorter is in the first bin. */
const LEAST_MS = 0.01
const STEP = 1.2
const LAST = 120

/** @param ms how long something took */
export function binOf(ms: number): number {
  if (!(ms > LEAST_MS)) return 0
  return Math.min(LAST, Math.floor(Math.log(ms / LEAST_MS) / Math.log(STEP)))
}

/** The middle of a bin, in milliseconds. */
function middleOf(bin: number): number {
  return LEAST_MS * STEP ** (bin + 0.5)
}

/**
 * @param bins how many are in each bin
 * @param share 0.5 for the median
 * @returns milliseconds, or null where there are none
 */
export function quantile(bins: ReadonlyMap<number, number>, share: number): number | null {
  const ordered = [...bins].sort(([a], [b]) => a - b)
  const total = ordered.reduce((sum, [, count]) => sum + count, 0)
  let seen = 0
  for (const [bin, count] of ordered) {
    seen += count
    if (seen >= total * share) return Math.round(middleOf(bin) * 1000) / 1000
  }
  return null
}
