/** Wires the admin console: built in the background where a clone has none yet, read when the first browser asks for it. */
import { join } from 'node:path'
import type { Log } from '../base/log.ts'
import { Builder } from '../console/builder.ts'
import type { Console, ConsoleCaller } from '../console/console.ts'
import type { BrowserSessions } from '../identity/browser-session-store.ts'

export interface ConsoleNeeds {
  browsers: Pick<BrowserSessions, 'look'>
  log: Log
  issuer(): string
}

const ROOT = join(import.meta.dirname, '..', '..')
/** The first answers come before it is looked whether there is a console to build. */
const LATER_MS = 2000

export function openConsole(needs: ConsoleNeeds): Console & { close(): void } {
  const builder = new Builder(ROOT, needs.log)
  let made: Promise<Console> | undefined
  const timer = setTimeout(() => builder.state, LATER_MS).unref()
  return {
    async fetch(request: Request, caller: ConsoleCaller) {
      made ??= import('../console/console.ts').then(({ createConsole }) => createConsole({ ...needs, builder }))
      return (await made).fetch(request, caller)
    },
    close() {
      clearTimeout(timer)
      builder.close()
    },
  }
}
