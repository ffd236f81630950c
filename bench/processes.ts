/** Starts, measures and ends the processes of a bench. Every process is ended by whoever started it, by its id. */
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { Load, Measured } from './driver.ts'

/** USER_HZ, which Linux fixes at 100 for /proc. */
const TICK_MS = 10
const START_MS = 60_000
const STOP_MS = 10_000

export interface Running {
  port: number
  pid: number
  stop(): Promise<void>
}

/** A program of this directory that reports `{listening: port}`. */
export async function startProgram(file: string, args: readonly string[] = []): Promise<Running> {
  const child = fork(fileURLToPath(new URL(file, import.meta.url)), args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const message = await firstMessage<{ listening: number }>(child)
  return { port: message.listening, pid: child.pid ?? 0, stop: () => end(child) }
}

/** Any other server: ready when `probe` says so. */
export async function startCommand(
  command: readonly [string, ...string[]],
  port: number,
  options: { env?: Record<string, string>; probe(): Promise<boolean> },
): Promise<Running> {
  const [file, ...args] = command
  const child = spawn(file, args, { env: { ...process.env, ...options.env }, stdio: ['ignore', 'pipe', 'pipe'] })
  let written = ''
  const keep = (chunk: Buffer) => {
    written = (written + chunk.toString()).slice(-20_000)
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const gone = new Promise<never>((_resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => reject(new Error(`${file} ended with ${code}\n${written}`)))
  })
  gone.catch(() => undefined)
  await Promise.race([gone, ready(options.probe, START_MS)]).catch(async (error: Error) => {
    await end(child)
    throw new Error(`${error.message}\n${written}`)
  })
  return { port, pid: child.pid ?? 0, stop: () => end(child) }
}

async function ready(probe: () => Promise<boolean>, within: number): Promise<void> {
  const until = performance.now() + within
  while (!(await probe().catch(() => false))) {
    if (performance.now() > until) throw new Error(`not ready after ${within} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

/** A loopback port that was free a moment ago, for programs that cannot report the one they got. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = typeof address === 'object' && address !== null ? address.port : 0
      server.close(() => resolve(port))
    })
  })
}

/** SIGTERM, then SIGKILL; resolves when the process is gone. */
export function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return Promise.resolve()
  return new Promise((resolve) => {
    const hard = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
    child.once('exit', () => {
      clearTimeout(hard)
      resolve()
    })
    child.kill('SIGTERM')
  })
}

export interface Driver {
  pid: number
  run(load: Load): Promise<Measured>
  stop(): Promise<void>
}

export function startDriver(): Driver {
  const child = fork(fileURLToPath(new URL('./driver.ts', import.meta.url)), [])
  return {
    pid: child.pid ?? 0,
    run: async (load) => {
      const answer = firstMessage<Measured>(child)
      child.send(load)
      const measured = await answer
      if (measured.error !== null) throw new Error(measured.error)
      return measured
    },
    stop: () => end(child),
  }
}

function firstMessage<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const gone = (code: number | null) => reject(new Error(`a process of the bench ended with ${code}`))
    child.once('exit', gone)
    child.once('message', (message) => {
      child.removeListener('exit', gone)
      resolve(message as T)
    })
  })
}

export interface Usage {
  /** Milliseconds of user and system time, all threads and all child processes. */
  cpuMs: number
  /** Resident, in MiB. */
  rssMiB: number
}

/** Of a process and everything below it. Linux only; zeros elsewhere. */
export function usage(pid: number): Usage {
  const all = treeOf(pid)
  const sum = (of: (pid: number) => number) => all.reduce((total, each) => total + of(each), 0)
  return { cpuMs: sum(ownCpuMs), rssMiB: sum(rssOf) }
}

/** User and system time of one process, all threads and no child. Zero where it is gone, or there is no /proc. */
export function ownCpuMs(pid: number): number {
  // The command stands in parentheses and may hold spaces; fields are counted after it.
  const fields = readProc(pid, 'stat').split(') ').pop()?.split(' ') ?? []
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * TICK_MS
}

/** Resident memory of one process, in MiB; zero as above. */
export function rssOf(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readProc(pid, 'status'))?.[1] ?? 0) / 1024
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    // Gone in the meantime, or no /proc.
    return ''
  }
}

/** A process and everything below it, itself first. */
export function treeOf(pid: number): number[] {
  const found = [pid]
  try {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const children = readFileSync(`/proc/${pid}/task/${thread}/children`, 'latin1').trim()
      if (children !== '') for (const child of children.split(' ')) found.push(...treeOf(Number(child)))
    }
  } catch {
    // As above.
  }
  return found
}
