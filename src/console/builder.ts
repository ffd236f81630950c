/**
 * Builds the console of a clone where it was not built yet, in a process of its own, while the portal serves. Never in a published
 * package, which brings it.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../base/log.ts'
import { findBuilt } from './sources.ts'

/** `absent`: there is nothing to build it with. */
export type ConsoleState = { is: 'ready'; folder: string } | { is: 'building' | 'failed' | 'absent' }

export interface Builder {
  state(): ConsoleState
  /** Ends a build that is under way. */
  close(): void
}

const STDERR_CHARS = 4000

/** @param root of the clone or the package */
export function openBuilder(root: string, log: Log): Builder {
  const script = join(root, 'scripts', 'build-console.ts')
  const folder = findBuilt(root)
  if (folder !== null) return { state: () => ({ is: 'ready', folder }), close: () => {} }
  if (!existsSync(script) || !existsSync(join(root, 'node_modules', 'vite')))
    return { state: () => ({ is: 'absent' }), close: () => {} }

  let state: ConsoleState = { is: 'building' }
  let said = ''
  const child = spawn(process.execPath, [script], { cwd: root, stdio: ['ignore', 'ignore', 'pipe'] })
  child.unref()
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-STDERR_CHARS)
  })
  const fail = (why: string) => {
    if (state.is !== 'building') return
    state = { is: 'failed' }
    log.error({ said: why }, 'the console could not be built: npm run build says why')
  }
  child.once('error', (error) => fail(error.message))
  child.once('close', () => {
    const built = findBuilt(root)
    if (built === null) fail(said)
    else state = { is: 'ready', folder: built }
  })
  log.info('the console is being built, once; /admin shows it when it is done')
  return { state: () => state, close: () => void child.kill() }
}
