/** Runs what it is given, so many at once, first come first. */
export function queue(room: number): <T>(work: () => Promise<T>) => Promise<T> {
  let free = room
  const waiting: (() => void)[] = []
  return async (work) => {
    if (free > 0) free--
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free++
      else next()
    }
  }
}
