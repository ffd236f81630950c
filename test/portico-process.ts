/** The portal as a process of its own, `portico start`, for journeys that kill it, signal it or start it twice. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COMPILED, NODE } from './peers/servers.ts'
import { BIN, PROGRAM } from './program.ts'

/** A limit tells a hang, not a speed. */
const START_MS = 100_000

export interface PorticoProcess {
  url: string
  data: string
  /** Of the process as it runs now. */
  readonly pid: number
  /** @param path below `/client/v4/accounts/default` @returns the envelope's result */
  api<T>(method: string, path: string, body?: unknown): Promise<T>
  /** Sends a signal and waits for the end. @returns exit code, or the signal that ended it */
  end(signal: NodeJS.Signals): Promise<number | string>
  /** Starts it again on the same data and port. */
  start(): Promise<void>
  /** Everything it wrote so far. */
  output(): string
  remove(): Promise<void>
}

export interface Launch {
  /** A command before the portal's own, which it runs in this very process: `unshare`, a shell that ends in `exec`. */
  through?: readonly string[]
  /** A descriptor that whoever starts the portal leaves open in it, and its number there. */
  inherited?: { fd: number; at: number }
  /** As a clone starts it, from its sources, for what reaches into their modules or measures the process. */
  asSources?: boolean
}

export async function startPorticoProcess(
  settings: Record<string, string> = {},
  { through, inherited, asSources = false }: Launch = {},
): Promise<PorticoProcess> {
  const dir = await mkdtemp(join(tmpdir(), 'portico-process-'))
  const data = join(dir, 'data')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: dir,
    PORTICO_PORT: String(port),
    PORTICO_DATA: data,
    PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'error',
    ...COMPILED,
    ...settings,
  }
  const more = inherited === undefined ? [] : [...Array(inherited.at - 3).fill('ignore'), inherited.fd]
  let output = ''
  let child: ChildProcess
  /** It is gone, and all that it wrote has been read. */
  let gone: Promise<unknown>

  async function start(): Promise<void> {
    const [command = NODE, ...args] = [...(through ?? []), NODE, asSources ? BIN : PROGRAM, 'start']
    child = spawn(command, args, { cwd: dir, env, stdio: ['ignore', 'pipe', 'pipe', ...more] })
    gone = once(child, 'close')
    const note = (chunk: Buffer) => {
      output += chunk.toString()
    }
    child.stdout?.on('data', note)
    child.stderr?.on('data', note)
    await ready()
  }

  async function ready(): Promise<void> {
    const deadline = Date.now() + START_MS
    while (Date.now() < deadline && child.exitCode === null) {
      const answered = await fetch(`${url}/readyz`).then(
        (response) => response.ok,
        () => false,
      )
      if (answered) return
      await new Promise((resolve) => setTimeout(resolve, 25))
    }
    if (child.exitCode !== null) await gone
    throw new Error(`the portal did not become ready:\n${output}`)
  }

  await start()
  // A file system of its own is seen from outside through the process.
  const place = (): string => (through === undefined ? data : `/proc/${child.pid}/root${data}`)
  return {
    url,
    get data() {
      return place()
    },
    start,
    output: () => output,
    get pid() {
      return child.pid ?? 0
    },
    async api<T>(method: string, path: string, body?: unknown): Promise<T> {
      const token = (await readFile(join(place(), 'admin-token'), 'utf8')).trim()
      const response = await fetch(`${url}/client/v4/accounts/default${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
      return (JSON.parse(text) as { result: T }).result
    },
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal)
      await gone
      return child.exitCode ?? String(child.signalCode)
    },
    // What ran below another program may still be at its last write.
    remove: () => rm(dir, { recursive: true, force: true, maxRetries: 20 }),
  }
}

/** Below what systems give to whoever asks for any port (32768 and up), or it could be given to somebody before it is used. */
const LOWEST = 20_000
const HIGHEST = 32_000
/** No two of the processes that run tests side by side look among the same ports. */
const LANES = 16

/** One that nobody listens at now. */
export async function freePort(): Promise<number> {
  const lane = Number(process.env.VITEST_POOL_ID ?? 0) % LANES
  for (;;) {
    const port = LOWEST + lane + LANES * randomInt((HIGHEST - LOWEST) / LANES)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
