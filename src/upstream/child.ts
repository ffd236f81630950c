/**
 * One child process that speaks MCP on its stdin and stdout. It is the head of a process group of its own and is ended as
 * a group, so that nothing it started outlives it. It inherits no variable, no directory and no descriptor that was not
 * meant for it; no shell ever reads a word of its command.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { LIMITS } from '../config/limits.ts'
import { escapeLineEnds } from '../protocol/one-line.ts'
import type { Launch } from './launch.ts'
import { openLines } from './lines.ts'
import { Trouble } from './trouble.ts'

/** How long a child has to leave by itself once its stdin is closed, and then once it is asked by SIGTERM. */
const LEAVE_MS = 500
const TERM_MS = 1500
const STDERR_BYTES = LIMITS.child_stderr.value
/** What a child may write to stderr at once; then nobody reads it for a while, and it waits. */
const STDERR_BURST_BYTES = 1024 * 1024
const STDERR_PAUSE_MS = 250
/** What may wait to be read by a child before it counts as stuck. */
const BACKLOG_BYTES = 64 * 1024 * 1024

export interface ChildStart extends Launch {
  /** The whole environment. */
  env: Readonly<Record<string, string>>
  cwd: string
  lineBytes: number
  onLine(line: Buffer): void
  /** Called once, when the process is gone or cannot be talked to any more. */
  onGone(trouble: Trouble): void
  /** The process ended; what it wrote before may still arrive, but it will read nothing more. */
  onExit(): void
  /** Once, at the end, with the last of what it wrote to stderr: for the log only, and there at the lowest level. */
  onEnded(stderr: string): void
}

export class Child {
  readonly #start: ChildStart
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>
  readonly #exited: Promise<void>
  #stderr: Buffer[] = []
  #stderrBytes = 0
  #stderrBurst = 0
  #hasExited = false
  #gone = false
  #closing: Promise<void> | null = null

  constructor(start: ChildStart) {
    this.#start = start
    this.#process = spawn(start.command, [...start.args], {
      cwd: start.cwd,
      env: { ...start.env },
      stdio: ['pipe', 'pipe', 'pipe'],
      shell: false,
      ...(start.uid === undefined ? {} : { uid: start.uid }),
      ...(start.gid === undefined ? {} : { gid: start.gid }),
      detached: true,
    })
    this.#exited = new Promise((resolve) => {
      this.#process.once('exit', () => {
        this.#hasExited = true
        this.#start.onExit()
        resolve()
      })
      this.#process.once('error', () => resolve())
    })
    this.#wire()
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /** At most 64 KiB, without what could play tricks on a terminal. */
  #stderrText(): string {
    return Buffer.concat(this.#stderr)
      .toString()
      .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
  }

  /** @throws Trouble `busy` when the child does not read */
  send(message: Buffer): void {
    if (this.#gone || this.#hasExited) throw new Trouble('unsent', 'the child is gone')
    if (this.#process.stdin.writableLength > BACKLOG_BYTES)
      throw new Trouble('busy', 'the child does not read its input')
    const { stdin } = this.#process
    // One write for the message and its end.
    stdin.cork()
    stdin.write(escapeLineEnds(message))
    stdin.write('\n')
    stdin.uncork()
  }

  /** Closes stdin, then SIGTERM, then SIGKILL to the whole group; resolves when the child is gone. */
  close(): Promise<void> {
    this.#closing ??= this.#end()
    return this.#closing
  }

  #wire(): void {
    const { stdin, stdout, stderr } = this.#process
    const takeBytes = openLines((line) => this.#start.onLine(line), this.#start.lineBytes)
    stdout.on('data', (chunk: Buffer) => {
      if (this.#gone || takeBytes(chunk)) return
      this.giveUp(new Trouble('bad-answer', 'a line of the child is too long'))
    })
    stderr.on('data', (chunk: Buffer) => this.#keepStderr(chunk))
    // A broken pipe is mostly followed by the exit, which says more. A child that only closed its input never answers.
    stdin.once('error', () =>
      setTimeout(() => this.giveUp(new Trouble('lost', 'the child closed its input')), LEAVE_MS).unref(),
    )
    stdin.on('error', () => {})
    stdout.on('error', () => {})
    stderr.on('error', () => {})
    this.#process.once('error', (error) => this.#lose(new Trouble('unsent', 'could not be started', { cause: error })))
    // 'close' and not 'exit': an answer that was written before the end still counts.
    this.#process.once('close', (code, signal) => {
      const hint = `The command of {server} ended (${signal ?? `code ${code}`}) before it answered. Run it by hand; paths must be absolute, because it starts in a directory of its own.`
      this.#lose(new Trouble('lost', `the child ended (${signal ?? code})`, { hint }))
      this.#start.onEnded(this.#stderrText())
    })
    // A grandchild that holds the pipes open must not keep a dead child alive for its callers.
    this.#process.once('exit', () => setTimeout(() => void this.close(), LEAVE_MS).unref())
  }

  /** It does not do what a server does: its calls fail, and it is ended. */
  giveUp(trouble: Trouble): void {
    this.#lose(trouble)
    // While it is given time to leave it would go on, and nobody reads that any more.
    this.#process.stdout.destroy()
    void this.close()
  }

  #lose(trouble: Trouble): void {
    if (this.#gone) return
    this.#gone = true
    this.#start.onGone(trouble)
  }

  #keepStderr(chunk: Buffer): void {
    const kept = chunk.length > STDERR_BYTES ? chunk.subarray(-STDERR_BYTES) : chunk
    this.#stderr.push(kept)
    this.#stderrBytes += kept.length
    this.#stderrBurst += chunk.length
    if (this.#stderrBurst > STDERR_BURST_BYTES) this.#rest()
    while (this.#stderrBytes > STDERR_BYTES && this.#stderr.length > 1) {
      this.#stderrBytes -= this.#stderr.shift()?.length ?? 0
    }
  }

  /** A flood of stderr would otherwise be read as fast as it is written, by the thread that serves everybody. */
  #rest(): void {
    this.#stderrBurst = 0
    const { stderr } = this.#process
    stderr.pause()
    setTimeout(() => stderr.resume(), STDERR_PAUSE_MS).unref()
  }

  async #end(): Promise<void> {
    this.#lose(new Trouble('lost', 'the child was ended'))
    this.#process.stdin.end()
    if (!(await this.#leaves(LEAVE_MS))) {
      this.#signal('SIGTERM')
      await this.#leaves(TERM_MS)
    }
    // Also after a polite end: what the child started belongs to its group and goes with it.
    this.#signal('SIGKILL')
    await this.#exited
    this.#process.stdout.destroy()
    this.#process.stderr.destroy()
  }

  async #leaves(ms: number): Promise<boolean> {
    if (this.#hasExited) return true
    const timer = Promise.withResolvers<void>()
    const timeout = setTimeout(timer.resolve, ms)
    await Promise.race([this.#exited, timer.promise])
    clearTimeout(timeout)
    return this.#hasExited
  }

  #signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#process
    if (pid === undefined) return
    try {
      process.kill(-pid, signal)
    } catch {
      // ESRCH: the group is empty, which is what was wanted.
    }
  }
}
