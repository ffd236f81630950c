/**
 * What the rest of the house may know of a server behind the portal. Only this room knows transports and credentials.
 */
import type { Place } from '../base/destination.ts'
import type { ServerId, ServerUid } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { LIMITS } from '../config/limits.ts'
import type { AuthMode } from '../contract/credentials.ts'
import type { Askable, AskedKind, ServerAnswer, ServerQuestion } from '../protocol/asked.ts'
import type { ClientFacts, Era, JsonObject, LogLevel, Notification, RawReply } from '../protocol/model.ts'
import type { ConnectDesk } from './connections/desk-model.ts'
import type { ConnectionRecord, Owner } from './connections/model.ts'

export type ServerStatus = 'waiting' | 'ready' | 'stale' | 'error'
export type AuthType = 'oauth' | 'bearer' | 'unauthenticated'
export type Isolation = 'shared' | 'per_credential' | 'per_user' | 'per_session'

/** What one call to a server may take, in seconds; null is the limit of all servers (`config/limits.ts`). */
export interface Deadlines {
  /** Without a sign of life. */
  idleSeconds: number | null
  /** In all. */
  totalSeconds: number | null
}

/** How a stdio server is started. `env` values are sealed at rest and never read back. */
export interface StdioTransport {
  type: 'stdio'
  command: string
  args: readonly string[]
  env: Readonly<Record<string, string>>
  cwd?: string
}

/** One capability as the upstream defined it. */
export interface Definition {
  /** Tool or prompt name, resource `uri`, or template `uriTemplate`. */
  name: string
  /** The whole definition as JSON text, exactly its members, never round-tripped through a schema. */
  json: string
  /** SHA-256 (hex) over the canonical JSON of the whole definition. */
  hash: string
  /** The server lists it only to clients that can be asked all of these. Found out by the portal, and no part of what the server says. */
  needs?: readonly AskedKind[]
}

export type CapabilityKind = 'tool' | 'prompt' | 'resource' | 'template'

/** A definition that the server lists and that is not offered: it is not equal to its pin. */
export interface HeldDefinition {
  kind: CapabilityKind
  name: string
  /** `held` waits for an admin, `rejected` has had one's no. */
  state: 'held' | 'rejected'
}

/** What one credential saw at one server, as of the last successful sync. Replaced whole, never mutated. */
export interface Inventory {
  serverUid: ServerUid
  /** `admin` for the server's shared credential. */
  credential: string
  /** Grows with each change of content. */
  version: number
  era: Era
  /** The capabilities that the server declared. */
  capabilities: JsonObject
  tools: readonly Definition[]
  prompts: readonly Definition[]
  resources: readonly Definition[]
  templates: readonly Definition[]
  /** Which of all these nobody may see or reach. */
  held: readonly HeldDefinition[]
  /** What the server says of itself to models, without hidden characters; passed on only where the admin turned it on. */
  instructions: string | null
  /** Milliseconds since 1970. */
  syncedAt: number
}

/** Whether calls go to a server, as this process sees it. */
export interface CircuitHealth {
  /** `open`: it did not answer and is left alone; `half_open`: it is being asked at this moment. */
  state: 'closed' | 'open' | 'half_open'
  /** Failures in a row that speak against the server. */
  failures: number
  /** Since when it is left alone, in milliseconds since 1970; null while it is called. */
  since: number | null
  /** When it is asked again; null while it is called, or asked. */
  nextProbe: number | null
}

/** The live state of a server, for `portal_list_servers`, the API and metrics. */
export interface ServerHealth {
  status: ServerStatus
  /** One public sentence, or null when all is well. */
  error: string | null
  lastSynced: number | null
  lastSuccessfulSync: number | null
  circuit: CircuitHealth
}

/** What one server did and holds in this process, for metrics. */
export interface ServerFigures {
  id: ServerId
  circuit: CircuitHealth['state']
  failures: number
  /** Open connections; a child is one. */
  connections: number
  children: number
  inFlight: number
  /** Calls that were answered since the process began, and those that were not, by fault. */
  answered: number
  failed: ReadonlyMap<string, number>
}

/** One child that runs now. */
export interface ChildFigures {
  pid: number
  /** Milliseconds since 1970. */
  startedAt: number
  /** Who calls on it: everybody, one user, or one session. */
  whose: 'all' | 'user' | 'session'
  inFlight: number
}

/** An address that is looked at before it is a server. */
export interface ProbeWish {
  /** Its full URL. */
  hostname: string
  /** What is open to it inside. */
  allowed: readonly Place[]
  /** A token or JSON of headers, as `auth_credentials`; null for none. */
  credential: string | null
}

/** What was found at an address. `unreachable` says one thing for the dead, the silent and the refused, and comes no sooner for any of them. */
export type Probed =
  | { kind: 'unreachable' }
  /** It answered, and not as an MCP server. */
  | { kind: 'other'; status: number | null }
  /** It wants a credential. */
  | { kind: 'closed'; status: number; auth: 'oauth' | 'bearer'; issuer: string | null; hadCredential: boolean }
  | {
      kind: 'open'
      transport: 'http' | 'sse'
      /** The URL at which it was found, which may be below the one that was given. */
      hostname: string
      path: string
      era: Era
      info: { name: string; version: string } | null
      hadCredential: boolean
      /** Null where its lists could not be read. */
      counts: { tool: number; prompt: number } | null
    }

/** One request to one server. `params` already carries the server's own names. */
export interface UpstreamCall {
  serverUid: ServerUid
  principal: Principal
  /** The 2025-era session of the caller, where it has one: what `per_session` isolation keys by. */
  session: string | null
  /** The caller's own connection must be used, and no other. */
  onBehalf: boolean
  /** Nobody who may use it signed in: no stored credential goes along, neither the shared one nor anybody's own. */
  withoutCredential?: boolean
  client: ClientFacts
  method: string
  params: JsonObject
  /** The caller asked for progress. The token on the wire is minted per call by this room. */
  progress: boolean
  logLevel?: LogLevel
  traceparent?: string
  tracestate?: string
  /** How many portals the call has gone through, this one included. */
  hop?: number
  vendorMeta?: JsonObject
  cancel: Cancel
  /** It waits for the end of a task, which says nothing meanwhile: only the limit for the whole of a call holds for it. */
  waitsForTask?: true
  /**
   * Called for each notification that the transport ties to this call, in order, before the reply. Progress comes
   * without `progressToken`; the caller's codec puts the caller's own back.
   */
  report(notification: Notification): void
  /** What the server may ask this caller: no more is declared to it. Left out: nothing. */
  askable?: Askable
  /** Extensions that the caller declared with this very request, of those that the portal relays: they are declared to the server. */
  extensions?: JsonObject
  /**
   * Puts a question of the server's to the caller, where its transport ties it to this call or this caller is alone there. Called by
   * servers of 2024 and 2025 only; those of 2026 end with `input_required`, which the reply then is.
   *
   * @param signal the server, or the call, needs no answer any more
   * @returns what the server is told; never rejects
   */
  ask?(question: ServerQuestion, signal: AbortSignal): Promise<ServerAnswer>
  /** A server of 2024 or 2025 asked in this call what was not declared to it, and was told so. */
  lacks?(question: ServerQuestion): void
  /**
   * A server of 2024 or 2025 asked something while two principals had calls in flight on the stream where it asked, this call among them:
   * it cannot be told whose question it is, and nobody is asked. The server hears so when all such calls have been told.
   */
  passedOver?(question: ServerQuestion): Promise<void>
  /** Which credential goes with it, as the audit names it, before the server hears of anything. */
  carries?(credential: string): void
}

/** Somebody wants to hear of changes of one resource, as the server calls it. The first members are those of a call. */
export interface ResourceInterest
  extends Pick<UpstreamCall, 'serverUid' | 'principal' | 'session' | 'onBehalf' | 'withoutCredential' | 'askable'> {
  uri: string
  /**
   * It changed, or may have while nobody could be told.
   *
   * @param uri the one above, or one below it; of the credential that this caller's calls carry, and of no other's
   */
  updated(uri: string): void
}

export interface ResourceFollowing {
  /** What came of the first try: whether the server tells of it from now on. Later, it is tried again by itself. Never rejects. */
  readonly live: Promise<boolean>
  close(): void
}

/** Somebody listens for tasks at one server of 2026. The first members are those of a call. */
export interface TaskInterest
  extends Pick<UpstreamCall, 'serverUid' | 'principal' | 'session' | 'onBehalf' | 'withoutCredential'> {
  /** The server's own. */
  ids: readonly string[]
  /** Declared with it, as with a call. */
  extensions: JsonObject
  /** The server said something of this one. */
  told(id: string): void
  /** It tells nothing any more. */
  ended(): void
}

export interface TaskFollowing {
  /** Those that the server said it tells of; none where it cannot be asked. Never rejects. */
  readonly honoured: Promise<readonly string[]>
  close(): void
}

/** Cancellation that costs nothing until it is used. The caller cancels, the connection listens. */
export interface Cancel {
  readonly cancelled: boolean
  /** At most one listener; called at once if already cancelled. */
  listen(listener: (reason: string) => void): void
}

export interface UpstreamReply {
  raw: RawReply
  /** Milliseconds from hand-over to the last byte. */
  ms: number
  /** The audit's name of the credential that was used: see `LiveCredential`. */
  credential: string
}

export interface InventoryChange {
  serverUid: ServerUid
  /** `admin`, or `user:<id>`: whose lists changed. */
  credential: string
  kinds: readonly CapabilityKind[]
}

/** The room as `app.ts` hands it to `portal/` and `admin/`. */
export interface Upstreams {
  /** @throws Fault when the server cannot be reached, is lost in mid-call, takes too long, or answers what is not an answer */
  call(call: UpstreamCall): Promise<UpstreamReply>
  /** Hears of changes of a resource, by the credential that a call of this caller would carry, until it is closed. Never waits. */
  followResource(interest: ResourceInterest): ResourceFollowing
  /** Hears of tasks, by the credential that a call of this caller would carry, until it is closed. Never waits. */
  followTasks(interest: TaskInterest): TaskFollowing
  /** What the shared credential saw at its last sync, or undefined before the first. Never waits. */
  inventory(serverUid: ServerUid): Inventory | undefined
  /**
   * What the caller's own connection saw: null where there is none or it saw nothing yet, undefined where this process has not read that
   * (`readOwn`). Never waits.
   */
  ownInventory(serverUid: ServerUid, principal: Principal): Inventory | null | undefined
  /** The caller's own connection, as `ownInventory`. */
  ownConnection(serverUid: ServerUid, principal: Principal): ConnectionRecord | null | undefined
  /** Reads what the two above answer from, and sees to a first sync where one is due. */
  readOwn(principal: Principal, servers: readonly ServerUid[]): Promise<void>
  /** Resolves when a connection is other than it was: made, renewed, ended. @throws what `signal` gives */
  connectionChanged(serverUid: ServerUid, owner: Owner, signal: AbortSignal): Promise<void>
  /** Where people connect accounts. */
  readonly desk: ConnectDesk
  health(serverUid: ServerUid): ServerHealth
  /** Looks what an address is, without keeping anything of it. @param who for the log */
  probe(wish: ProbeWish, who: string): Promise<Probed>
  /** The children of a server in this process, the oldest first. */
  children(serverUid: ServerUid): ChildFigures[]
  figures(): ServerFigures[]
  /** Lists everything anew with the shared credential, or one person's own, and stores it. Never throws: the outcome is the health it returns. */
  sync(serverUid: ServerUid, owner?: Owner): Promise<SyncResult>
  /**
   * Someone read a resource list: it is refreshed behind the answer, once a minute at most. Returns at once.
   *
   * @param principal whose own it was; null where it was the shared one
   */
  refreshResourcesSoon(serverUid: ServerUid, principal: Principal | null): void
  onInventoryChanged(listener: (change: InventoryChange) => void): void
  /** A server was created, changed or deleted in the store: close what no longer fits. Resolves when the change is in effect. */
  serversChanged(): Promise<void>
  close(): Promise<void>
}

export interface SyncResult {
  status: ServerStatus
  error: string | null
  errorDetails: ErrorDetails | null
  /** Counts after the sync, by kind. */
  counts: Record<CapabilityKind, number>
}

/** As the REST API shows it. */
export interface ErrorDetails {
  status_code?: number
  mcp_code?: number
  retryable?: boolean
  is_upstream?: boolean
  cause?: string
}

/** A server as configured, without secrets in the clear. */
export interface ServerRecord {
  uid: ServerUid
  id: ServerId
  name: string
  description: string | null
  /** Full URL, or `stdio://{id}`. */
  hostname: string
  authType: AuthType
  /** Of `oauth`: how a credential is come by; null for the others. */
  authMode: AuthMode | null
  isolation: Isolation
  /** `host:port` that may be reached although it is no public address. */
  allowPrivate: readonly string[]
  /** Null where it has none of its own. */
  deadlines: Deadlines | null
  transport: StdioTransport | null
  /** How the server is told who calls; null where it does not ask. */
  identityWish: IdentityWish | null
  /** What of its questions is passed on to callers. */
  relay: Relay
  resources: ResourceSettings
}

/** How a server's resources are shown. */
export interface ResourceSettings {
  /** `wrapped`: each URI has the server's id in it, whether another server has the same one or not. */
  uris: 'plain' | 'wrapped'
  /** `as_told`: what the server says that all may keep is said on. */
  cache: 'private' | 'as_told'
}

/** As long as an admin says nothing. */
export const DEFAULT_RESOURCES: ResourceSettings = { uris: 'plain', cache: 'private' }

/** Which questions of a server reach the caller. */
export interface Relay {
  elicitation: boolean
  sampling: boolean
  /** The most tokens that one answer of the caller's model may have. */
  samplingMaxTokens: number
  roots: boolean
  /** How long whoever is asked has to answer. */
  answerSeconds: number
}

/** As long as an admin says nothing: a server may ask people and where they work, and does not spend their models' tokens. */
export const DEFAULT_RELAY: Relay = {
  elicitation: true,
  sampling: false,
  samplingMaxTokens: 4096,
  roots: true,
  answerSeconds: LIMITS.answer_time.value / 1000,
}

/** A server that wants to know who calls. */
export interface IdentityWish {
  /** As the admin wrote it. */
  header: string
  /** What it is told beside who it is: `groups`, and claims of the identity provider. */
  claims: readonly string[]
}

/**
 * Makes the signed statement of who is calling one server, good for a few minutes.
 *
 * @param principal null: the portal itself, which lists and looks after the server
 * @returns at once where it is known already
 */
export type AssertFor = (
  principal: Principal | null,
  server: { uid: ServerUid; claims: readonly string[] },
) => string | Promise<string>
