/**
 * A portal for journeys: the real program in this process on a free loopback port, with a data directory of its own,
 * furnished through its own REST API as an admin would.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startPortico } from '../src/app.ts'
import type { LimitValues } from '../src/config/limits.ts'
import { type Config, openConfig, readSettings } from '../src/config.ts'
import type { RequestTimes } from '../src/http/server.ts'
import { makeDataDirectory } from './databases.ts'
import type { StdioPeer } from './peers/servers.ts'

export interface ApiAnswer<T> {
  status: number
  body: { success: boolean; errors: { code: number; message: string }[]; messages: unknown[]; result: T }
}

export interface ServiceToken {
  client_id: string
  client_secret: string
}

export interface TestPortal {
  /** `http://127.0.0.1:PORT`, no trailing slash. */
  url: string
  /** The owner's API token. */
  adminToken: string
  /** The data directory. */
  data: string
  /** @param path below `/client/v4/accounts/default` */
  api<T>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>>
  /** An access token for a user's MCP client at the default portal, or another one. */
  userToken(email: string, portal?: string): Promise<string>
  serviceToken(name: string): Promise<ServiceToken>
  /** Registers servers, waits until each is synced, and puts them behind the default portal in this order. */
  furnish(servers: readonly TestServer[]): Promise<void>
  /** Drains and removes everything it left. */
  close(): Promise<void>
}

/** A server to register: over HTTP by its URL, or a child by its command. */
export type TestServer = { id: string; url: string } | { id: string; stdio: StdioPeer }

export interface TestPortalOptions {
  /** PostgreSQL instead of SQLite. */
  databaseUrl?: string
  /** Laid over the settings as read. */
  config?: Partial<Config>
  /** Laid over the limits as read. */
  limits?: Partial<LimitValues>
  times?: RequestTimes
}

/** Half a second of one core is what a password costs otherwise, each time. */
const PASSWORD_COST = 2 ** 10

export async function startTestPortal(options: TestPortalOptions = {}): Promise<TestPortal> {
  const dir = await mkdtemp(join(tmpdir(), 'portico-journey-'))
  const data = join(dir, 'data')
  if (options.databaseUrl === undefined) makeDataDirectory(data)
  const env = {
    PORTICO_PORT: '0',
    PORTICO_DATA: data,
    PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    LOG_LEVEL: 'error',
    ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
  }
  const { config } = openConfig(readSettings({ flags: {}, env, cwd: dir }), env)
  const portico = await startPortico(
    { ...config, ...options.config, limits: { ...config.limits, ...options.limits } },
    { passwordCost: PASSWORD_COST, ...(options.times === undefined ? {} : { times: options.times }) },
  )
  // A public URL leads to a proxy that no test has.
  const url = options.config?.publicUrl ? `http://127.0.0.1:${portico.port}` : portico.url
  const adminToken = (await readFile(join(data, 'admin-token'), 'utf8')).trim()
  const close = async () => {
    await portico.close()
    await rm(dir, { recursive: true, force: true })
  }

  async function api<T>(method: string, path: string, body?: unknown): Promise<ApiAnswer<T>> {
    const response = await fetch(`${url}/client/v4/accounts/default${path}`, {
      method,
      headers: {
        authorization: `Bearer ${adminToken}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, body: (await response.json()) as ApiAnswer<T>['body'] }
  }

  /** The result, where anything but success is a failure of the test's own set-up. */
  async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await api<T>(method, path, body)
    if (!answer.body.success) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body.result
  }

  return {
    url,
    adminToken,
    data,
    api,
    userToken: async (email, portal = 'default') =>
      (await must<{ token: string }>('POST', '/tokens/access', { email, portal })).token,
    serviceToken: (name) => must<ServiceToken>('POST', '/access/service_tokens', { name }),
    furnish: async (servers) => {
      for (const server of servers) await register(must, server)
      const rows = servers.map(({ id }) => ({ server_id: id }))
      await must('PUT', '/access/ai-controls/mcp/portals/default', { servers: rows })
    },
    close,
  }
}

type Must = <T>(method: string, path: string, body?: unknown) => Promise<T>

async function register(must: Must, server: TestServer): Promise<void> {
  const { id } = server
  const common = { id, name: id, auth_type: 'unauthenticated' }
  const where =
    'url' in server
      ? { hostname: server.url }
      : { hostname: `stdio://${id}`, transport: { type: 'stdio', ...server.stdio } }
  await must('POST', '/access/ai-controls/mcp/servers', { ...common, ...where })
  const synced = await must<{ status: string; error: string | null }>(
    'POST',
    `/access/ai-controls/mcp/servers/${id}/sync`,
  )
  if (synced.status !== 'ready') throw new Error(`${id} did not sync: ${JSON.stringify(synced)}`)
}
