/**
 * The upstream room alone, on a real store in a directory of its own, for tests that need a server behind it and no
 * portal in front.
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Cancellation } from '../src/base/cancel.ts'
import { type Clock, systemClock } from '../src/base/clock.ts'
import { type Egress, type EgressOptions, openEgress } from '../src/base/egress.ts'
import type { GrantId, ServerId, ServerUid, UserId } from '../src/base/ids.ts'
import { silentLog } from '../src/base/log.ts'
import type { UserPrincipal } from '../src/base/principal.ts'
import { keyRing, openSealer, type Sealer } from '../src/base/secret.ts'
import type { Config } from '../src/config.ts'
import type { DefinitionsMode } from '../src/contract/server.ts'
import { type Askable, NOTHING_ASKABLE } from '../src/protocol/asked.ts'
import type { JsonObject, Notification, RawReply } from '../src/protocol/model.ts'
import { openStore, type Store } from '../src/store/open.ts'
import type { Limits } from '../src/upstream/exchange.ts'
import {
  type AssertFor,
  type AuthType,
  DEFAULT_RELAY,
  type Deadlines,
  type IdentityWish,
  type Isolation,
  type Relay,
  type UpstreamCall,
  type Upstreams,
} from '../src/upstream/model.ts'
import { deleteServer, insertServer, updateServer } from '../src/upstream/server-store.ts'
import { openUpstreams } from '../src/upstream/upstreams.ts'
import { makeDataDirectory } from './databases.ts'
import type { StdioPeer } from './peers/servers.ts'
import { stdioConfig } from './stdio-config.ts'

export interface RoomServer {
  url?: string
  stdio?: StdioPeer & { cwd?: string }
  isolation?: Isolation
  definitions?: DefinitionsMode
  allowPrivate?: readonly string[]
  deadlines?: Partial<Deadlines>
  identityWish?: IdentityWish
  /** What it may ask, where that is not as for all servers. */
  relay?: Partial<Relay>
  authType?: AuthType
  /** A bearer token or JSON of headers. */
  credential?: string
}

export interface CallOptions {
  who?: string
  session?: string
  onBehalf?: boolean
  progress?: boolean
  logLevel?: UpstreamCall['logLevel']
  cancel?: Cancellation
  report?: (notification: Notification) => void
  /** What the caller can be asked, and how it answers. */
  askable?: Partial<Askable>
  ask?: NonNullable<UpstreamCall['ask']>
}

export interface Room {
  /** What was said to be held, as `server: kind name,…`. */
  told: readonly string[]
  upstreams: Upstreams
  store: Store
  /** Of purpose `store`. */
  sealer: Sealer
  dir: string
  /** Registers a server and syncs it. */
  add(id: string, server: RoomServer): Promise<ServerUid>
  remove(uid: ServerUid): Promise<void>
  setCredential(uid: ServerUid, credential: string): Promise<void>
  /** Changes what is open to it inside. */
  allow(uid: ServerUid, allowPrivate: readonly string[]): Promise<void>
  /** Calls and parses. */
  call(uid: ServerUid, method: string, params?: JsonObject, options?: CallOptions): Promise<JsonObject>
  tool(uid: ServerUid, name: string, input: JsonObject, options?: CallOptions): Promise<JsonObject>
  raw(uid: ServerUid, method: string, params: JsonObject, options?: CallOptions): Promise<RawReply>
  close(): Promise<void>
}

const AUTHOR = { label: 'test', origin: 'api' } as const
const CONTENT = {
  allowPrivate: [],
  deadlines: null,
  description: null,
  updatedTools: null,
  updatedPrompts: null,
  policies: null,
  definitions: 'hold_changed' as const,
  instructions: 'off' as const,
  identityWish: null,
  sharedOauthCallback: false,
  secureWebGateway: false,
}

export function person(name: string): UserPrincipal {
  return {
    kind: 'user',
    id: name as UserId,
    email: `${name}@example.com`,
    label: name,
    grant: name as GrantId,
    identity: null,
  }
}

/** For tests in which no server asks who calls. */
export const nobodyAsks: AssertFor = () => {
  throw new Error('no server asks who calls')
}

/** The guard of a portal that listens on loopback, where nothing says otherwise. */
export function localEgress(options: Partial<EgressOptions> = {}): Egress {
  const at = { host: '127.0.0.1', publicUrl: null, port: () => null, isOwnName: () => false }
  return openEgress({ ...at, proxy: null, noProxy: [], ...options })
}

export interface RoomOptions {
  /** The system's unless given. */
  clock?: Clock
  /** That of a portal on loopback unless given. */
  egress?: Egress
  limits?: Partial<Limits>
  /** Says who calls, for servers that ask. */
  assertFor?: AssertFor
  /** Told the data directory, where that matters. */
  stdio?: Partial<Config['stdio']> | ((data: string) => Partial<Config['stdio']>)
  /** PostgreSQL and its key, for several rooms on one database. */
  shared?: { databaseUrl: string; key: Buffer }
}

export async function openRoom(options: RoomOptions = {}): Promise<Room> {
  const dir = await mkdtemp(join(tmpdir(), 'portico-room-'))
  const databaseUrl = options.shared?.databaseUrl ?? null
  const { clock = systemClock } = options
  if (databaseUrl === null) makeDataDirectory(join(dir, 'data'))
  const store = await openStore({ dir: join(dir, 'data'), databaseUrl, clock, log: silentLog })
  const sealer = openSealer(keyRing([options.shared?.key ?? randomBytes(32)]), 'store')
  const data = join(dir, 'data')
  const stdio = stdioConfig(data, typeof options.stdio === 'function' ? options.stdio(data) : options.stdio)
  const told: string[] = []
  const upstreams = await openUpstreams({
    store,
    sealer,
    clock,
    log: silentLog,
    config: { stdio, data: join(dir, 'data') },
    egress: options.egress ?? localEgress(),
    portalInfo: { name: 'portico', version: '0.0.0' },
    assertFor: options.assertFor ?? nobodyAsks,
    issuer: () => 'http://127.0.0.1:8787',
    assertionFor: null,
    notify: () => {},
    recordHeld: async (server, held) =>
      void told.push(`${server}: ${held.map((one) => `${one.kind} ${one.name}`).join()}`),
    limits: { refusedMs: 2000, ...options.limits },
  })

  async function add(id: string, server: RoomServer): Promise<ServerUid> {
    const { stdio: child } = server
    const transport = child && {
      type: 'stdio' as const,
      command: child.command,
      args: child.args,
      ...(child.cwd === undefined ? {} : { cwd: child.cwd }),
    }
    const uid = await store.write((trx) =>
      insertServer(
        store,
        trx,
        {
          identity: {
            id: id as ServerId,
            hostname: server.url ?? `stdio://${id}`,
            authType: server.authType ?? 'unauthenticated',
            transport: transport ?? null,
          },
          content: {
            ...CONTENT,
            name: `Server ${id}`,
            isolation: server.isolation ?? 'per_credential',
            definitions: server.definitions ?? 'hold_changed',
            allowPrivate: server.allowPrivate ?? [],
            deadlines: wholeDeadlines(server.deadlines),
            identityWish: server.identityWish ?? null,
            relay: { ...DEFAULT_RELAY, ...server.relay },
          },
          secrets: { authCredentials: server.credential ?? null, clientSecret: null, env: child?.env ?? {} },
          authenticationStatus: 'not_required',
        },
        { author: AUTHOR, sealer },
      ),
    )
    await upstreams.serversChanged()
    await upstreams.sync(uid)
    return uid
  }

  async function raw(
    serverUid: ServerUid,
    method: string,
    params: JsonObject,
    call: CallOptions = {},
  ): Promise<RawReply> {
    const reply = await upstreams.call({
      serverUid,
      principal: person(call.who ?? 'ada'),
      session: call.session ?? null,
      onBehalf: call.onBehalf ?? false,
      client: { era: '2025', version: '2025-11-25', name: null, clientVersion: null, capabilities: {} },
      method,
      params,
      progress: call.progress ?? false,
      ...(call.logLevel === undefined ? {} : { logLevel: call.logLevel }),
      ...(call.askable === undefined ? {} : { askable: { ...NOTHING_ASKABLE, ...call.askable } }),
      ...(call.ask === undefined ? {} : { ask: call.ask }),
      cancel: call.cancel ?? new Cancellation(),
      report: call.report ?? (() => {}),
    })
    return reply.raw
  }

  async function call(uid: ServerUid, method: string, params: JsonObject = {}, options?: CallOptions) {
    const reply = await raw(uid, method, params, options)
    const body = JSON.parse(reply.bytes.toString('utf8', reply.body.from, reply.body.to))
    if (reply.outcome === 'error') throw new Error(`${body.code}: ${body.message}`)
    return body as JsonObject
  }

  return {
    told,
    upstreams,
    store,
    sealer,
    dir,
    add,
    call,
    raw,
    tool: (uid, name, input, options) => call(uid, 'tools/call', { name, arguments: input }, options),
    async remove(uid) {
      await store.write((trx) => deleteServer(store, trx, uid))
    },
    async setCredential(uid, credential) {
      const content = { ...CONTENT, name: 'Server', isolation: 'per_credential' as const }
      const change = { content, secrets: { authCredentials: credential } }
      await store.write((trx) => updateServer(store, trx, uid, { change, author: AUTHOR, sealer }))
    },
    async allow(uid, allowPrivate) {
      const content = { ...CONTENT, name: 'Server', isolation: 'per_credential' as const, allowPrivate }
      await store.write((trx) =>
        updateServer(store, trx, uid, { change: { content, secrets: {} }, author: AUTHOR, sealer }),
      )
      await upstreams.serversChanged()
    },
    async close() {
      await upstreams.close()
      await store.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

function wholeDeadlines(given: Partial<Deadlines> | undefined): Deadlines | null {
  return given === undefined ? null : { idleSeconds: null, totalSeconds: null, ...given }
}

/** Of a server that may ask nobody anything: its lists are the same for all, and are read once. */
export const ASKS_NOTHING: Partial<Relay> = { elicitation: false, sampling: false, roots: false }

/** The text of a tool result. */
export function textOf(result: JsonObject): string {
  const content = result.content as unknown as { text?: string }[]
  return content.map((block) => block.text ?? '').join('')
}
