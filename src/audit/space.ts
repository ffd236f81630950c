/**
 * How much room the audit's file system has. Below the floor no deed may begin: what has begun can still be written, so no
 * answer is lost, and no effect goes unrecorded because the last byte was given to something else.
 */
import { statfs } from 'node:fs/promises'
import type { Log } from '../base/log.ts'

export interface SpaceOptions {
  /** A directory on the file system. */
  dir: string
  /** Bytes that must be free; 0 asks for nothing. */
  floor: number
  log: Log
}

const LOOK_MS = 1000
const MIB = 1024 * 1024

type Standing = 'enough' | 'scarce' | 'too-little'

export class SpaceWatch {
  readonly #options: SpaceOptions
  readonly #timer: NodeJS.Timeout | undefined
  #standing: Standing = 'enough'

  private constructor(options: SpaceOptions) {
    this.#options = options
    if (options.floor === 0) return
    this.#timer = setInterval(() => void this.#look(), LOOK_MS)
    this.#timer.unref()
  }

  static async open(options: SpaceOptions): Promise<SpaceWatch> {
    const watch = new SpaceWatch(options)
    if (options.floor > 0) await watch.#look()
    return watch
  }

  /** No deed may begin. */
  get tooLittle(): boolean {
    return this.#standing === 'too-little'
  }

  async #look(): Promise<void> {
    const { dir, floor } = this.#options
    // A file system that does not say is one that cannot be trusted with the audit.
    const free = await statfs(dir).then(
      ({ bavail, bsize }) => bavail * bsize,
      () => 0,
    )
    this.#stand(free < floor ? 'too-little' : free < 2 * floor ? 'scarce' : 'enough', free)
  }

  #stand(standing: Standing, free: number): void {
    if (standing === this.#standing) return
    const before = this.#standing
    this.#standing = standing
    const { dir, floor, log } = this.#options
    const facts = { dir, free_mb: Math.floor(free / MIB), least_mb: Math.floor(floor / MIB) }
    if (standing === 'too-little')
      log.error(facts, 'too little room is left for the audit: calls are refused until there is more')
    else if (before === 'too-little') log.info(facts, 'there is room for the audit again: calls are served')
    else if (standing === 'scarce')
      log.warn(facts, 'room for the audit runs out: calls will be refused below the least')
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
