/** Waits for SIGTERM or SIGINT, then closes in order; a second signal ends the process at once. */
import type { Terminal } from './terminal.ts'

export async function untilStopped(terminal: Terminal, close: () => Promise<void>): Promise<void> {
  const signal = await new Promise<NodeJS.Signals>((resolve) => {
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(name, () => resolve(name))
  })
  // 128 + signal number is what a shell expects of a process that a signal ended.
  for (const [name, number] of [
    ['SIGTERM', 15],
    ['SIGINT', 2],
    ['SIGHUP', 1],
  ] as const)
    process.once(name, () => process.exit(128 + number))
  terminal.note(`${signal}: finishing what is under way; once more to stop at once.`)
  await close()
}
