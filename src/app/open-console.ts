/** Wires the admin console: built in the background where a clone has none yet, read when the first browser asks for it. */
import { join } from 'node:path'
import type { Log } from '../base/log.ts'
import { openBuilder } from '../console/builder.ts'
import type { Console, ConsoleCaller } from '../console/console.ts'
import type { BrowserSessions } from '../identity/browser-session-store.ts'

export interface ConsoleNeeds {
  browsers: Pick<BrowserSessions, 'look'>
  log: Log
  issuer(): string
}

const ROOT = join(import.meta.dirname, '..', '..')

export function openConsole(needs: ConsoleNeeds): Console & { close(): void } {
  const builder = openBuilder(ROOT, needs.log)
  let made: Promise<Console> | undefined
  return {
    async fetch(request: Request, caller: ConsoleCaller) {
      made ??= import('../console/console.ts').then(({ createConsole }) => createConsole({ ...needs, builder }))
      return (await made).fetch(request, caller)
    },
    close: () => builder.close(),
  }
}
