/**
 * One process of the sandbox, as the portal sees it: frames in, frames out, and a quick end. It shares nothing with the
 * portal but two pipes; it gets no variable, no directory, no descriptor. Whatever it writes may be a lie.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { LIMITS } from '../config/limits.ts'
import { encodeFrame, type Frame, type FrameLimits, openFrames } from './frames.ts'
import type { Wall } from './walls.ts'

export interface CageStart {
  wall: Wall
  /** JavaScript that Node runs in there. */
  program: string
  addon: string
  jit: boolean
  memoryMiB: number
  /** How long it may take to come up. Milliseconds. */
  readyMs?: number
}

/** Who is told of the process; there is one at a time. */
export interface CageListener {
  /** @returns false for what an honest process would not say: it is ended */
  take(frame: Frame): boolean
  /** Once, when the process is gone. */
  gone(why: 'memory' | 'lost'): void
}

const READY_MS = 10_000
const HEAD_BYTES = 512
const QUIET: FrameLimits = { headBytes: HEAD_BYTES, bodyBytes: 0 }
const STDERR_BYTES = 64 * 1024

/** `--no-node-snapshot` is isolated-vm's own demand. Addons are allowed, for it is one; files, programs, threads and the network are not. */
const FLAGS = ['--permission', '--allow-addons', '--no-node-snapshot', '--no-warnings']
/** The engine then makes no `SharedArrayBuffer` for anybody: no timer finer than the clock's. */
const ENGINE = ['--enable-sharedarraybuffer-per-context', '--max-old-space-size=256']

export class Cage {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #readyMs: number
  #listener: CageListener | null = null
  #limits = QUIET
  #isGone = false
  #stderr = ''
  #stderrBytes = 0
  readonly #ended = Promise.withResolvers<void>()
  /** Runs that were begun in it. */
  runs = 0
  /** It did not come up in time, which says nothing of whether it could. */
  isLate = false
  /** It takes no further run. */
  isWorn = false

  /** Starts it; it is of use once `ready` resolves. */
  constructor({ wall, program, addon, jit, memoryMiB, readyMs = READY_MS }: CageStart) {
    this.#readyMs = readyMs
    const node = [...FLAGS, ...ENGINE, ...(jit ? [] : ['--jitless']), '--input-type=module', '--eval', program]
    const { command, args } = wall.launch({ node, addon, rest: [String(memoryMiB)] })
    this.#process = spawn(command, args, { cwd: '/', env: {}, stdio: ['pipe', 'pipe', 'pipe'], detached: true })
    this.#wire()
  }

  /** @throws Error, with what it wrote, when it does not come up */
  async ready(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const timer = setTimeout(() => {
      this.isLate = true
      this.kill()
    }, this.#readyMs)
    this.listen({
      take: ({ head }) => {
        if (head.kind === 'ready') resolve()
        return head.kind === 'ready'
      },
      gone: () => reject(new Error(this.#stderr.trim().split('\n')[0] || 'it ended at once')),
    })
    try {
      await promise
    } finally {
      clearTimeout(timer)
    }
  }

  get isGone(): boolean {
    return this.#isGone
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** @param limits of the frames that it may send from now on; not given: heads alone */
  listen(listener: CageListener, limits?: number): void {
    this.#listener = listener
    this.#limits = limits === undefined ? QUIET : { headBytes: HEAD_BYTES, bodyBytes: limits }
  }

  send(head: object, body = ''): void {
    if (!this.#isGone) this.#process.stdin.write(encodeFrame(head, body))
  }

  /** At once, with everything that it started. What it still writes is read by nobody. */
  kill(): void {
    this.isWorn = true
    this.#process.stdout.destroy()
    const { pid } = this.#process
    if (pid === undefined || this.#isGone) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // ESRCH: the group is empty, which is what was wanted. Or there are no groups, as on Windows.
      this.#process.kill('SIGKILL')
    }
  }

  /** Resolves when the process is gone. */
  async close(): Promise<void> {
    this.kill()
    await this.#ended.promise
  }

  #wire(): void {
    const { stdin, stdout, stderr } = this.#process
    const takeBytes = openFrames(
      () => this.#limits,
      (frame) => {
        if (!this.isWorn && this.#listener?.take(frame) === false) this.kill()
      },
    )
    stdout.on('data', (chunk: Buffer) => {
      if (!this.isWorn && !takeBytes(chunk)) this.kill()
    })
    stderr.on('data', (chunk: Buffer) => this.#keepStderr(chunk))
    for (const stream of [stdin, stdout, stderr]) stream.on('error', () => {})
    this.#process.once('error', (error) => {
      this.#stderr ||= error.message
      this.#lose()
    })
    this.#process.once('close', () => this.#lose())
    // What it started and what holds its pipes goes with it.
    this.#process.once('exit', () => this.kill())
  }

  /** An honest process writes a few lines, once, when its engine gives up. */
  #keepStderr(chunk: Buffer): void {
    this.#stderrBytes += chunk.length
    if (this.#stderrBytes > STDERR_BYTES) this.#process.stderr.destroy()
    else this.#stderr += chunk.toString('latin1')
    if (this.#stderrBytes > STDERR_BYTES) this.kill()
  }

  #lose(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.isWorn = true
    this.#listener?.gone(/out of memory|heap limit|allocation failed/i.test(this.#stderr) ? 'memory' : 'lost')
    this.#listener = null
    this.#ended.resolve()
  }
}

/** Enough to keep a fresh process from being made for every run, and few enough that what builds up in one has an end. */
export const RUNS_PER_CAGE = LIMITS.code_runs.value
