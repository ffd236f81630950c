/**
 * For tests of what ends by itself at a time: what has to happen before that time may take a loaded machine longer than anybody
 * thought of, and then nothing is proven either way.
 */

/**
 * Does it again with twice the time, for as long as the time was too short.
 *
 * @param seconds how long the first time is
 * @param work is told how many seconds there are, and returns null where they were over too early
 */
export async function withEnoughTime<T>(seconds: number, work: (seconds: number) => Promise<T | null>): Promise<T> {
  const made = await work(seconds)
  return made ?? withEnoughTime(seconds * 2, work)
}

/**
 * Does what has to be done before a moment comes; where the moment came first, all of it again with a later one.
 *
 * @param seconds how far away the first moment is
 * @param work is told the moment, in milliseconds since 1970; that it fails where it came too late counts for nothing
 */
export function beforeItIsOver<T>(seconds: number, work: (endsAt: number) => Promise<T>): Promise<T> {
  return withEnoughTime(seconds, async (given) => {
    const endsAt = Date.now() + given * 1000
    try {
      const made = await work(endsAt)
      return Date.now() < endsAt ? { made } : null
    } catch (error) {
      if (Date.now() < endsAt) throw error
      return null
    }
  }).then(({ made }) => made)
}
