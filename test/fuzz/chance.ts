/** Chance that can be repeated: the same seed gives the same run, so a failure is told by a number. */

export interface Chance {
  /** A whole number from 0 to `most - 1`. */
  below(most: number): number
  /** True once in `times`. */
  oneIn(times: number): boolean
  pick<T>(from: readonly T[]): T
}

/** The sfc32 generator with the seed spread over its state. */
export function chanceOf(seed: number): Chance {
  let a = seed | 0
  let b = (seed / 4294967296) | 0
  let c = 0x9e3779b9
  let counter = 1
  const next = (): number => {
    const t = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  for (let turn = 0; turn < 12; turn++) next()
  const below = (most: number) => next() % most
  return {
    below,
    oneIn: (times) => below(times) === 0,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
  }
}
