/** Starts the identity provider (`program.ts`), tells it what to do, and goes through it as a browser would. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { PROVIDER } from '../../program.ts'
import type { Client, Counts, Mode, Options, Order } from './mode.ts'
import type { Account } from './people.ts'

export interface RunningProvider {
  issuer: string
  /** `host:port`, for `allow_private`. */
  place: string
  addClient(client: Client): Promise<void>
  mode(mode: Mode): Promise<void>
  /** They cannot sign in any more, and their refresh tokens are dead. */
  gone(...names: string[]): Promise<void>
  account(name: string, account: Account): Promise<void>
  /** A new key; the old one is dropped. */
  rotate(): Promise<void>
  /** Makes it stand below this path; empty for the root. */
  tenant(path: string): Promise<void>
  /** How often each path was asked for. */
  counts(): Promise<Counts>
  stop(): Promise<void>
}

export async function startProvider(options: Options = {}): Promise<RunningProvider> {
  const child = fork(PROVIDER, [JSON.stringify(options)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Its deprecations and its advice for production are not about these tests.
    env: { ...process.env, NODE_ENV: 'test', NODE_NO_WARNINGS: '1' },
  })
  const errors: string[] = []
  child.stderr?.on('data', (chunk: Buffer) => errors.push(chunk.toString()))
  const waiting = new Map<number, (result: unknown) => void>()
  let next = 1
  const started = new Promise<string>((resolve, reject) => {
    waiting.set(0, (result) => resolve(String(result)))
    child.once('exit', (code) => reject(new Error(`the provider ended with ${code}: ${errors.join('')}`)))
  })
  child.on('message', ({ id, result }: { id: number; result: unknown }) => {
    waiting.get(id)?.(result)
    waiting.delete(id)
  })
  const tell = (order: Order): Promise<unknown> =>
    new Promise((resolve) => {
      const id = next++
      waiting.set(id, resolve)
      child.send({ id, order })
    })
  const issuer = await started
  return {
    issuer,
    place: new URL(issuer).host,
    addClient: async (client) => void (await tell({ kind: 'client', client })),
    mode: async (mode) => void (await tell({ kind: 'mode', mode })),
    gone: async (...names) => void (await tell({ kind: 'gone', names })),
    account: async (name, account) => void (await tell({ kind: 'account', name, account })),
    rotate: async () => void (await tell({ kind: 'rotate' })),
    tenant: async (path) => void (await tell({ kind: 'tenant', path })),
    counts: async () => (await tell({ kind: 'count' })) as Counts,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      // It ends by itself then, and leaves its compiled code to the next one; a process that is killed leaves none.
      if (child.connected) child.disconnect()
      else child.kill('SIGKILL')
      await ended
    },
  }
}

/**
 * Signs in at the provider and stops where it sends the browser back.
 *
 * @param location where the portal sent the browser
 * @returns the callback address with all that the provider says
 */
export async function passThrough(location: string, user: string): Promise<URL> {
  const jar = new Map<string, string>()
  const home = new URL(location).origin
  let url = new URL(location)
  for (let hop = 0; hop < 10; hop++) {
    if (/\/interaction\/[\w-]+$/.test(url.pathname)) url.searchParams.set('user', user)
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
    })
    for (const line of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (line.split(';')[0] ?? '').split('=')
      jar.set(name, value)
    }
    const to = response.headers.get('location')
    if (to === null)
      throw new Error(`the provider answered ${response.status}: ${(await response.text()).slice(0, 500)}`)
    url = new URL(to, url)
    if (url.origin !== home) return url
  }
  throw new Error('the provider sends the browser in circles')
}
