/**
 * The room: every server behind the portal, reached by one call, listed from memory, kept up to date by itself.
 */
import type { Clock } from '../base/clock.ts'
import type { Egress } from '../base/egress.ts'
import { Fault, type FaultCode } from '../base/fault.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Sealer } from '../base/secret.ts'
import type { Config } from '../config.ts'
import type { Notification } from '../protocol/model.ts'
import type { Store } from '../store/open.ts'
import { askServer } from './ask-server.ts'
import { Breaker, healthOf } from './breaker.ts'
import { removePlaces } from './child-places.ts'
import { CLOSED } from './circuit.ts'
import type { PortalInfo } from './encode.ts'
import { Exchange, LIMITS, type Limits, Watch } from './exchange.ts'
import { HeldNotices, type RecordHeld } from './held-notices.ts'
import { Inventories } from './inventories.ts'
import type {
  AssertFor,
  CapabilityKind,
  ServerFigures,
  ServerHealth,
  SyncResult,
  UpstreamCall,
  UpstreamReply,
  Upstreams,
} from './model.ts'
import { type Performer, perform } from './perform.ts'
import { isolationKey, Pool, SHARED } from './pool.ts'
import { redactReply, withoutStatement } from './redact.ts'
import { type Due, Schedule } from './schedule.ts'
import { listServers, type StoredServer } from './server-store.ts'
import { type ServerSetup, setupOf } from './setup.ts'
import { GAP } from './subscriptions.ts'
import { type SyncDeps, syncServer } from './sync.ts'
import { faultOf, Trouble, troubleOf } from './trouble.ts'

export interface UpstreamsDeps {
  store: Store
  /** Of purpose `store`. */
  sealer: Sealer
  clock: Clock
  log: Log
  config: Pick<Config, 'stdio' | 'data'>
  portalInfo: PortalInfo
  /** Keeps in the audit that definitions are held. */
  recordHeld: RecordHeld
  /** The one guard for connections to addresses. */
  egress: Pick<Egress, 'connector'>
  /** Says who calls, signed, to the servers that ask. */
  assertFor: AssertFor
  /** Shorter patience for tests; everything else has its defaults. */
  limits?: Partial<Limits>
}

const CHANGES: readonly string[] = [
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
]

/** Loads what is known and starts syncing what is due; waits for no server. */
export async function openUpstreams(deps: UpstreamsDeps): Promise<Upstreams> {
  const upstreams = new OpenUpstreams(deps)
  await upstreams.open()
  return upstreams
}

interface Server {
  stored: StoredServer
  setup: ServerSetup
  breaker: Breaker
  /** Of calls since the process began; kept when the server changes. */
  tally: { answered: number; failed: Map<FaultCode, number> }
}

class OpenUpstreams implements Upstreams {
  readonly #deps: UpstreamsDeps
  readonly #servers = new Map<ServerUid, Server>()
  readonly #inventories: Inventories
  readonly #notices: HeldNotices
  readonly #watch: Watch
  readonly #pool: Pool
  readonly #performer: Performer
  readonly #schedule: Schedule
  readonly #endings: (() => void)[] = []
  #reloading: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null

  constructor(deps: UpstreamsDeps) {
    this.#deps = deps
    const { store, clock, log, config, portalInfo } = deps
    const limits = { ...LIMITS, ...deps.limits }
    limits.openingMs = Math.min(limits.openingMs, limits.idleMs)
    const tickMs = Math.max(20, Math.min(1000, limits.idleMs / 4, limits.probeMs / 4, config.stdio.idleStopMs / 4))
    this.#inventories = new Inventories(store)
    this.#notices = new HeldNotices({ store, clock, log, record: deps.recordHeld })
    this.#watch = new Watch(limits, tickMs, (ms) => this.#pool.tick(ms))
    this.#pool = new Pool({
      clock,
      log,
      limits,
      watch: this.#watch,
      portal: portalInfo,
      egress: deps.egress,
      stdio: config.stdio,
      assertFor: deps.assertFor,
      paramHeaders: (server, out) => this.#inventories.paramHeaders(server, out),
      onNotification: (server, notification) => this.#hear(server, notification),
    })
    this.#performer = {
      pool: this.#pool,
      inventories: this.#inventories,
      limits,
      clock,
      relist: (server) => this.#schedule.run(server),
    }
    this.#schedule = new Schedule({
      store,
      log,
      sync: (server, only) => this.#sync(server, only),
      servers: () => this.#due(),
    })
  }

  async open(): Promise<void> {
    const { versions } = this.#deps.store
    this.#endings.push(versions.changed('servers', () => this.serversChanged()))
    this.#endings.push(versions.changed('inventories', () => this.#inventories.follow()))
    await this.#inventories.follow()
    await this.#reload({ isFirst: true })
    this.#schedule.start()
  }

  async call(call: UpstreamCall): Promise<UpstreamReply> {
    const server = this.#servers.get(call.serverUid) ?? (await this.#find(call.serverUid))
    const { setup, stored, breaker } = server
    const { clock } = this.#deps
    const started = clock.elapsed()
    const exchange = new Exchange(call)
    exchange.holdTo(setup.ticks)
    const key = isolationKey(setup, call)
    call.cancel.listen(() => exchange.stop(new Trouble('cancelled', 'the caller cancelled')))
    try {
      if (breaker.isOpen) await breaker.admit()
      const raw = await perform(this.#performer, { setup, key, exchange })
      if (breaker.isTroubled) breaker.answered()
      server.tally.answered++
      if (stored.status !== 'ready') this.#schedule.hint(call.serverUid)
      const { credential } = setup
      return {
        raw: redactReply(exchange.stated === null ? raw : withoutStatement(raw, exchange.stated), setup),
        ms: clock.elapsed() - started,
        credential: credential instanceof Trouble ? 'none' : credential.name,
      }
    } catch (error) {
      const trouble = troubleOf(error)
      breaker.failed(trouble, key)
      if (stored.status === 'ready' && isHintOfTrouble(trouble)) this.#schedule.hint(call.serverUid)
      const fault = faultOf(trouble, stored.name)
      server.tally.failed.set(fault.code, (server.tally.failed.get(fault.code) ?? 0) + 1)
      throw fault
    }
  }

  inventory(serverUid: ServerUid) {
    return this.#inventories.get(serverUid)
  }

  health(serverUid: ServerUid): ServerHealth {
    const server = this.#servers.get(serverUid)
    const stored = server?.stored
    return {
      status: stored?.status ?? 'waiting',
      error: stored?.error ?? null,
      lastSynced: stored?.lastSynced ?? null,
      lastSuccessfulSync: stored?.lastSuccessfulSync ?? null,
      circuit: server?.breaker.health ?? healthOf(CLOSED),
    }
  }

  figures(): ServerFigures[] {
    return [...this.#servers.values()].map(({ setup, breaker, tally }) => {
      const { state: circuit, failures } = breaker.health
      return { id: setup.record.id, circuit, failures, ...this.#pool.held(setup), ...tally }
    })
  }

  async sync(serverUid: ServerUid): Promise<SyncResult> {
    try {
      return await this.#schedule.run(serverUid)
    } catch (error) {
      this.#deps.log.error({ err: error }, 'a sync could not be kept')
      return { ...NO_SERVER, status: 'error', error: 'What the server lists could not be kept. Try again in a moment.' }
    }
  }

  refreshResourcesSoon(serverUid: ServerUid): void {
    this.#schedule.resourcesSoon(serverUid)
  }

  onInventoryChanged(listener: Parameters<Upstreams['onInventoryChanged']>[0]): void {
    this.#inventories.onChanged(listener)
  }

  /** One after the other: two at once could put an older reading over a newer one. */
  serversChanged(): Promise<void> {
    this.#reloading = this.#reloading.catch(() => {}).then(() => this.#reload({ isFirst: false }))
    return this.#reloading
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const end of this.#endings) end()
    for (const { breaker } of this.#servers.values()) breaker.close()
    this.#watch.close()
    await this.#pool.close()
    await this.#schedule.close()
  }

  async #reload({ isFirst }: { isFirst: boolean }): Promise<void> {
    const { store, sealer, clock, log, config } = this.#deps
    const stored = await listServers(store.db)
    const gone = new Set(this.#servers.keys())
    for (const one of stored) {
      gone.delete(one.uid)
      const known = this.#servers.get(one.uid)
      const setup =
        known !== undefined && isSettled(known.stored, one, clock.now())
          ? known.setup
          : await setupOf({ store, sealer, watch: this.#watch }, one)
      if (known !== undefined && known.setup.signature === setup.signature) {
        known.setup.record = one
        known.setup.ticks = setup.ticks
        known.stored = one
        continue
      }
      known?.breaker.close()
      const tally = known?.tally ?? { answered: 0, failed: new Map() }
      this.#servers.set(one.uid, { stored: one, setup, breaker: this.#newBreaker(one.uid), tally })
      if (known !== undefined) void this.#pool.closeServer(one.uid)
      if (!isFirst) this.#schedule.created(one.uid)
    }
    for (const uid of gone) {
      this.#servers.get(uid)?.breaker.close()
      this.#servers.delete(uid)
      // Its private directories go with it.
      const remove = () => removePlaces(config.stdio, uid)
      void this.#pool
        .closeServer(uid)
        .then(remove)
        .catch((err: unknown) => log.warn({ err }, 'could not be removed'))
    }
  }

  /** The portal may have heard of a new server a moment before this room did. */
  async #find(uid: ServerUid): Promise<Server> {
    await this.serversChanged()
    const server = this.#servers.get(uid)
    if (server === undefined) throw new Fault('upstream-not-ready', 'This server is not set up any more.')
    return server
  }

  async #sync(uid: ServerUid, only?: readonly CapabilityKind[]): Promise<SyncResult> {
    // A server that was made a moment ago may not be in memory yet.
    if (!this.#servers.has(uid)) await this.serversChanged()
    const server = this.#servers.get(uid)
    if (server === undefined || this.#closing !== null) return NO_SERVER
    const { store, log } = this.#deps
    const deps: SyncDeps = {
      store,
      log,
      performer: this.#performer,
      inventories: this.#inventories,
      notices: this.#notices,
      setupOf: (server) => (this.#closing === null ? this.#servers.get(server)?.setup : undefined),
    }
    const result = await syncServer(deps, server.setup, only)
    const cause = result.errorDetails?.cause
    // What a sync finds out, calls need not find out again.
    if (cause === 'unsent' || cause === 'timeout') server.breaker.failed(new Trouble(cause, 'a sync failed'), SHARED)
    else if (result.status === 'ready' && server.breaker.isTroubled) server.breaker.answered()
    return result
  }

  #newBreaker(uid: ServerUid): Breaker {
    const { clock, log } = this.#deps
    const { limits } = this.#performer
    return new Breaker({
      clock,
      restMs: limits.restMs,
      waitMs: limits.refusedMs,
      ask: async (question) => {
        const setup = this.#servers.get(uid)?.setup
        if (setup === undefined || this.#closing !== null) return 'silent'
        try {
          return await askServer({ performer: this.#performer, watch: this.#watch, setup }, question)
        } catch (error) {
          log.error({ err: error, server: setup.record.id }, 'a server could not be asked')
          return 'silent'
        }
      },
      onChanged: (isOpen) => {
        const server = this.#servers.get(uid)
        if (server === undefined) return
        const { record } = server.setup
        if (isOpen) log.warn({ server: record.id }, 'a server does not answer and is left alone until it does')
        else log.info({ server: record.id }, 'a server answers again')
        // The status follows, and what changed while it was away.
        const isReady = server.stored.status === 'ready'
        if (isOpen && isReady) this.#schedule.hint(uid)
        else if (!isOpen && !isReady) this.#schedule.listsChanged(uid)
      },
    })
  }

  *#due(): Iterable<Due> {
    for (const [uid, { stored }] of this.#servers) {
      if (stored.authType === 'oauth') continue
      yield { uid, isReady: stored.status === 'ready', lastSynced: stored.lastSynced }
    }
  }

  #hear(server: ServerUid, notification: Notification): void {
    if (notification === GAP) this.#schedule.gap(server)
    else if (CHANGES.includes(notification.method)) this.#schedule.listsChanged(server)
  }
}

/** Most reloads are for a status: the secrets of a server that no admin touched need not be opened again. */
function isSettled(known: StoredServer, read: StoredServer, now: number): boolean {
  // Within one moment, two changes could bear the same time.
  return known.modifiedAt === read.modifiedAt && now - read.modifiedAt > 1000
}

const NO_SERVER: SyncResult = {
  status: 'waiting',
  error: null,
  errorDetails: null,
  counts: { tool: 0, prompt: 0, resource: 0, template: 0 },
}

/** Troubles of one call say something about the server only when the server could not be talked to. */
function isHintOfTrouble(trouble: Trouble): boolean {
  return trouble.kind === 'unsent' || trouble.kind === 'status' || trouble.kind === 'not-ready'
}
