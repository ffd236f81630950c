/** The portal as it is shipped: `portico start` with a data directory of its own, reached only over HTTP. */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeDataDirectory } from '../src/config/data-directory.ts'
import { freePort, type Running, startCommand } from './processes.ts'

export type Durability = 'process' | 'disk'

export interface BenchPortal extends Running {
  /**
   * @param path below `/client/v4/accounts/default`
   * @returns the envelope's `result`
   * @throws Error where the answer is not a success
   */
  api<T>(method: string, path: string, body?: unknown): Promise<T>
  /** An access token for a user at the default portal. */
  userToken(): Promise<string>
  /** Ends it and starts it again on the same data and port; resolves with the milliseconds from start until `probe` holds. */
  restart(probe: () => Promise<boolean>): Promise<number>
}

const BIN = fileURLToPath(new URL('../bin/portico.js', import.meta.url))

/**
 * @param settings more of them, by variable
 * @param prepare puts into the data directory what shall be there before the first start
 */
export async function startPortal(
  durability: Durability,
  settings: Readonly<Record<string, string>> = {},
  prepare?: (data: string) => Promise<void>,
): Promise<BenchPortal> {
  const dir = await mkdtemp(join(tmpdir(), 'bench-portal-'))
  const data = join(dir, 'data')
  const port = await freePort()
  const config = join(dir, 'portico.yaml')
  await writeFile(config, `audit:\n  durability: ${durability}\n`)
  const env = {
    PORTICO_PORT: String(port),
    PORTICO_DATA: data,
    PORTICO_CONFIG: config,
    PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'error',
    ...settings,
  }
  makeDataDirectory(data)
  await prepare?.(data)
  const probe = async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).ok
  const start = (until: () => Promise<boolean>) =>
    startCommand([process.execPath, BIN, 'start'], port, { env, probe: until })
  let running = await start(probe)

  async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
    // The first process on a database alone writes it.
    const admin = (await readFile(join(data, 'admin-token'), 'utf8')).trim()
    const response = await fetch(`http://127.0.0.1:${port}/client/v4/accounts/default${path}`, {
      method,
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return (JSON.parse(text) as { result: T }).result
  }

  return {
    port,
    get pid() {
      return running.pid
    },
    api,
    userToken: async () =>
      (await api<{ token: string }>('POST', '/tokens/access', { email: 'bench@example.com', portal: 'default' })).token,
    restart: async (until) => {
      await running.stop()
      const begun = performance.now()
      running = await start(until)
      return performance.now() - begun
    },
    stop: async () => {
      await running.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
