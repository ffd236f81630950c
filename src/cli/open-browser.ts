/**
 * Starts the browser of whoever sits here, with an address that came from somewhere else. Programs that open addresses open files and
 * other programs too, and a shell would read the address as a command: so it is http or https alone, written anew by the URL parser, one
 * argument, and no shell stands between.
 */
import { spawn } from 'node:child_process'
import type { Environment } from '../config/layers.ts'
import { isLoopback } from '../config/settings-schema.ts'

/** One argument that begins with `http` can be no option, and `xdg-open` refuses the `--` that would say so. */
const OPENERS: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  darwin: ['open'],
  win32: ['rundll32', 'url.dll,FileProtocolHandler'],
}

/** @returns the address as it may be opened, or null for one that must not be */
export function openable(text: string): string | null {
  // A URL parser drops line breaks and blanks, so what would be opened were another text than what was printed.
  if (!/^[\x21-\x7e]+$/.test(text)) return null
  const url = URL.parse(text)
  if (url === null || url.username !== '' || url.password !== '') return null
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname))
  return isSafe ? url.href : null
}

/**
 * @param env of the person's session, where the display and the programs are
 * @returns whether a program was started; it may still find no browser
 */
export function openBrowser(text: string, env: Environment): Promise<boolean> {
  const address = openable(text)
  if (address === null) return Promise.resolve(false)
  const [program = 'xdg-open', ...before] = OPENERS[process.platform] ?? ['xdg-open']
  return new Promise((resolve) => {
    const child = spawn(program, [...before, address], { env, shell: false, detached: true, stdio: 'ignore' })
    child.once('error', () => resolve(false))
    child.once('spawn', () => {
      // The browser outlives the command.
      child.unref()
      resolve(true)
    })
  })
}
