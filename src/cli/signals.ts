/** Waits for SIGTERM, SIGINT or SIGHUP, then closes in order; a second signal ends the process at once. */
import { type Clock, systemClock } from '../base/clock.ts'
import type { Terminal } from './terminal.ts'

/** 128 + number is what a shell expects of a process that a signal ended. */
const SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/**
 * One Ctrl-C may arrive two or three times: from the terminal, from npm, and from the launcher that re-executed us.
 * What comes this soon after the first is the same wish, not a second one.
 */
const SAME_WISH_MS = 750

export async function untilStopped(
  terminal: Terminal,
  close: () => Promise<void>,
  clock: Clock = systemClock,
): Promise<void> {
  let first: number | null = null
  await new Promise<void>((resolve) => {
    const heed = (name: NodeJS.Signals): void => {
      if (first === null) {
        first = clock.elapsed()
        terminal.note(`${name}: finishing what is under way; once more to stop at once.`)
        resolve()
      } else if (clock.elapsed() - first > SAME_WISH_MS) {
        process.exit(128 + (SIGNALS[name as keyof typeof SIGNALS] ?? 0))
      }
    }
    for (const name of Object.keys(SIGNALS) as NodeJS.Signals[]) process.on(name, heed)
  })
  await close()
}
