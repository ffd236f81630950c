/** From samples to a verdict: what grew, by how much, and whether that is a leak. Pure. */

export interface Sample {
  /** Minutes since the load began. */
  at: number
  rss: number
  heap: number
  /** Heaps of the other threads. */
  threads: number
  external: number
  descriptors: number
  children: number
  timers: number
  sockets: number
}

export interface Trend {
  /** Growth in ten minutes, in parts of the mean; from the regression over the second half. */
  per10Minutes: number
  /** Growth over the second half, in parts of the mean. */
  overHalf: number
  mean: number
}

/** Least squares over the second half, when caches and compilers have had their time. */
export function trendOf(samples: readonly Sample[], of: (sample: Sample) => number): Trend {
  const half = samples.slice(Math.floor(samples.length / 2))
  const mean = average(half.map(of))
  const middle = average(half.map(({ at }) => at))
  const spread = half.reduce((sum, { at }) => sum + (at - middle) ** 2, 0)
  const slope = spread === 0 ? 0 : half.reduce((sum, one) => sum + (one.at - middle) * (of(one) - mean), 0) / spread
  const minutes = (half.at(-1)?.at ?? 0) - (half[0]?.at ?? 0)
  return { per10Minutes: (slope * 10) / mean, overHalf: (slope * minutes) / mean, mean }
}

/**
 * What memory may grow by over the second half: five parts of a hundred in ten minutes, and what a run that is too short
 * to tell noise from growth has to be forgiven.
 */
export function allowedGrowth(minutes: number): number {
  const half = minutes / 2
  return 0.05 * (half / 10) + 0.25 / Math.max(1, half)
}

function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
}
