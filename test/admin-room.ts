/** The admin API with everything that stands behind it for real: store, audit, upstreams, and tokens of every role. */

import type { AdminDeps, Caller } from '../src/admin/deps.ts'
import { HeldAnswers } from '../src/admin/held-answers.ts'
import { createAdmin } from '../src/admin/index.ts'
import { heldRecorder } from '../src/admin/record-held.ts'
import type { Audit, DeedEnd, DeedStart } from '../src/audit/event.ts'
import { openAudit } from '../src/audit/log.ts'
import { type Clock, systemClock } from '../src/base/clock.ts'
import type { EgressOptions } from '../src/base/egress.ts'
import { type DeedId, newId } from '../src/base/ids.ts'
import { silentLog } from '../src/base/log.ts'
import type { Role } from '../src/base/principal.ts'
import { digest, keyRing, newSecret, openSealer } from '../src/base/secret.ts'
import type { SmtpConfig } from '../src/config/sign-in.ts'
import type { StdioConfig } from '../src/config/stdio.ts'
import { insertApiToken } from '../src/identity/api-token-store.ts'
import { type BrowserSessions, openBrowserSessions } from '../src/identity/browser-session-store.ts'
import { authenticateOperator, authenticatePerson } from '../src/identity/operators.ts'
import { openFacts } from '../src/policy/facts.ts'
import { openDirectory } from '../src/portal/directory.ts'
import type { Upstreams } from '../src/upstream/model.ts'
import { openUpstreams } from '../src/upstream/upstreams.ts'
import { type DatabaseKind, freshStore, type TestStore } from './databases.ts'
import { SMALL_JOURNAL, TEST_KEYS } from './keys.ts'
import { stdioConfig } from './stdio-config.ts'
import { localEgress, nobodyAsks } from './upstream-room.ts'

export interface Answer {
  status: number
  headers: Headers
  body: Body
}

/** The envelope, its result open to whatever the test expects there. */
export interface Body {
  result: Shown & Shown[]
  success: boolean
  errors: { code: number; message: string }[]
  messages: unknown[]
  result_info: Record<string, unknown> | null
}

export interface Shown {
  [member: string]: unknown
}

export interface AdminRoom {
  at: TestStore
  deps: AdminDeps
  audit: Audit
  upstreams: Upstreams
  browsers: BrowserSessions
  /** The secret of an unscoped owner token that never ends. */
  owner: string
  clock: MovableClock
  fetch(request: Request, caller?: Caller): Promise<Response>
  /** @param path after the account, or absolute from `/client/v4` or `/openapi.json` */
  ask(method: string, path: string, options?: AskOptions): Promise<Answer>
  token(role: Role, options?: { scopes?: readonly string[]; expiresAt?: number }): Promise<string>
  end(): Promise<void>
}

export interface AskOptions {
  body?: unknown
  /** The owner's unless given; null for none. */
  token?: string | null
  caller?: Caller
  headers?: Record<string, string>
}

export interface MovableClock extends Clock {
  move(ms: number): void
}

/** Where people sign in. */
export const ISSUER = 'http://localhost'
export const LOCAL: Caller = { clientIp: '127.0.0.1', loopback: true }
export const REMOTE: Caller = { clientIp: '192.0.2.7', loopback: false }

function movableClock(): MovableClock {
  let ahead = 0
  return {
    now: () => systemClock.now() + ahead,
    elapsed: () => systemClock.elapsed(),
    move: (ms) => {
      ahead += ms
    },
  }
}

export interface RoomSettings {
  /** Laid over the guard of a portal on loopback. */
  egress?: Partial<EgressOptions>
  accountId?: string
  register?: StdioConfig['register']
  stdio?: Partial<StdioConfig>
  configFile?: string
  /** How long what is not there is tried again; default 0. */
  refusedMs?: number
  /** Default: no mail. */
  smtp?: SmtpConfig
  /** Tools of other servers in the same portals, and whose they are. */
  beside?: ReadonlyMap<string, string>
}

export async function openAdminRoom(kind: DatabaseKind = 'sqlite', settings: RoomSettings = {}): Promise<AdminRoom> {
  const clock = movableClock()
  const at = await freshStore(kind, clock)
  const { store, dir, databaseUrl } = at
  const log = silentLog
  const audit = await openAudit({
    ...{ dir, databaseUrl, durability: 'process', retentionDays: 90, keys: TEST_KEYS, clock, log },
    journal: SMALL_JOURNAL,
  })
  const sealer = openSealer(keyRing([Buffer.alloc(32, 9)]), 'store')
  const stdio = stdioConfig(dir, { maxChildren: 8, ...settings.stdio, register: settings.register ?? 'local' })
  const egress = localEgress(settings.egress)
  const upstreams = await openUpstreams({
    store,
    sealer,
    clock,
    log,
    config: { stdio, data: dir },
    egress,
    portalInfo: { name: 'portico', version: '0.0.0' },
    assertFor: nobodyAsks,
    recordHeld: heldRecorder(audit, clock),
    issuer: () => ISSUER,
    assertionFor: null,
    notify: () => {},
    limits: { refusedMs: settings.refusedMs ?? 0 },
  })
  const browsers = openBrowserSessions(store, () => ISSUER)
  const directory = await openDirectory({
    store,
    inventory: (server) => upstreams.inventory(server.uid),
    onInventoryChanged: (listener) => upstreams.onInventoryChanged(listener),
  })
  const evaluate = () => ({ answers: new Map(), until: Number.POSITIVE_INFINITY })
  const facts = openFacts({ clock, countryOf: () => null, evaluate })
  const held = new HeldAnswers()
  const deps: AdminDeps = {
    held,
    ...{ store, sealer, upstreams, egress, audit, clock, log, directory, facts },
    config: { accountId: settings.accountId ?? null, stdio, ...settingsOf(dir, settings.smtp ?? null) },
    version: '0.0.0',
    configFile: settings.configFile ?? null,
    lostNames: () => [],
    namesBeside: () => settings.beside ?? new Map(),
    authenticate: (header) => authenticateOperator(header, store, clock),
    authenticatePerson: (shown) => authenticatePerson(shown, { store, browsers, issuer: () => ISSUER }),
    issuer: () => ISSUER,
  }
  const admin = createAdmin(deps)
  const token: AdminRoom['token'] = async (
    role,
    { scopes = [], expiresAt = null }: { scopes?: readonly string[]; expiresAt?: number | null } = {},
  ) => {
    const secret = newSecret('ptapi')
    const made = { name: `${role} token`, role, scopes, expiresAt, createdBy: 'test', digest: digest(secret) }
    await store.write((trx) => insertApiToken(store, trx, made))
    return secret
  }
  const owner = await token('owner')
  const fetch: AdminRoom['fetch'] = (request, caller = LOCAL) => admin.fetch(request, caller)
  return {
    ...{ at, deps, audit, upstreams, browsers, owner, clock, fetch, token },
    ask: (method, path, options = {}) => ask(fetch, owner, { method, path, ...options }),
    end: async () => {
      held.close()
      await upstreams.close()
      await audit.close()
      await at.end()
    },
  }
}

/** Writes one call of a tool into the audit, as if it had been made: Ada's, answered, unless told otherwise. */
export async function recordCall(
  { audit, clock }: Pick<AdminRoom, 'audit' | 'clock'>,
  start: Partial<DeedStart> = {},
  end: Partial<DeedEnd> = {},
): Promise<void> {
  const actor = { kind: 'user', id: 'u1', label: 'ada@acme.test' } as const
  const deed = newId<DeedId>(clock.now())
  const entry = await audit.begin({ deed, plane: 'mcp', actor, method: 'tools/call', ...start })
  await entry.finish({ outcome: 'answered', ...end })
}

function settingsOf(data: string, smtp: SmtpConfig | null) {
  return {
    ...{ data, smtp, host: '127.0.0.1', publicUrl: null, trustedProxies: [], allowedOrigins: [] },
    ...{ clientDocuments: true, audit: { durability: 'process' as const, retentionDays: 90 } },
  }
}

async function ask(
  fetch: AdminRoom['fetch'],
  owner: string,
  { method, path, body, token = owner, caller = LOCAL, headers = {} }: AskOptions & { method: string; path: string },
): Promise<Answer> {
  const absolute = path.startsWith('/client/') || path === '/openapi.json'
  const url = `http://localhost${absolute ? '' : '/client/v4/accounts/default'}${path}`
  const all = new Headers(headers)
  if (token !== null) all.set('authorization', `Bearer ${token}`)
  if (body !== undefined && !all.has('content-type')) all.set('content-type', 'application/json')
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const request = new Request(url, { method, headers: all, ...(body === undefined ? {} : { body: text }) })
  const response = await fetch(request, caller)
  const answer = { status: response.status, headers: response.headers }
  if (response.headers.get('content-type')?.startsWith('application/json'))
    return { ...answer, body: (await response.json()) as Body }
  // Exports have no envelope, and the live log has no end.
  await response.body?.cancel()
  return { ...answer, body: { success: response.ok } as Body }
}

export const PORTALS = '/access/ai-controls/mcp/portals'
export const SERVERS = '/access/ai-controls/mcp/servers'
export const LOGS = '/access/ai-controls/mcp/logs'
/** Nothing listens there. */
export const DEAD = 'http://127.0.0.1:2/mcp'

/** The least that makes a server. */
export const serverBody = (id: string, more: object = {}) => ({
  id,
  name: id,
  hostname: DEAD,
  auth_type: 'unauthenticated',
  ...more,
})

/** The least that makes a portal. */
export const portalBody = (id: string, more: object = {}) => ({ id, name: id, hostname: `${id}.example.com`, ...more })
