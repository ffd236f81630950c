/**
 * Finds the built console, and builds that of a clone where it was not built yet, in a process of its own, while the portal serves. Never in
 * a published package, which brings it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../base/log.ts'
import { findBuilt } from './sources.ts'

/** `absent`: there is nothing to build it with. */
export type ConsoleState = { is: 'ready'; folder: string } | { is: 'building' | 'failed' | 'absent' }

const STDERR_CHARS = 4000

export class Builder {
  readonly #root: string
  readonly #log: Log
  #state: ConsoleState | undefined
  #child: ChildProcess | undefined

  /** @param root of the clone or the package; nothing is read before somebody asks */
  constructor(root: string, log: Log) {
    this.#root = root
    this.#log = log
  }

  /** Begins to build where that has to be done. */
  get state(): ConsoleState {
    this.#state ??= this.#look()
    return this.#state
  }

  /** Ends a build that is under way. */
  close(): void {
    this.#child?.kill()
  }

  #look(): ConsoleState {
    const folder = findBuilt(this.#root)
    if (folder !== null) return { is: 'ready', folder }
    const script = join(this.#root, 'scripts', 'build-console.ts')
    if (!existsSync(script) || !existsSync(join(this.#root, 'node_modules', 'vite'))) return { is: 'absent' }
    this.#build(script)
    return { is: 'building' }
  }

  #build(script: string): void {
    let said = ''
    const child = spawn(process.execPath, [script], { cwd: this.#root, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = child
    child.stderr.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-STDERR_CHARS)
    })
    child.once('error', (error) => this.#end(error.message))
    child.once('close', (_code, signal) => this.#end(signal === null ? said : `ended by ${signal}`))
    this.#log.info('the console is being built, once; /admin shows it when that is done')
  }

  #end(said: string): void {
    if (this.#state?.is !== 'building') return
    const folder = findBuilt(this.#root)
    this.#state = folder === null ? { is: 'failed' } : { is: 'ready', folder }
    if (folder === null) this.#log.error({ said }, 'the console could not be built; npm run build says why')
  }
}
