/**
 * The room: every server behind the portal, reached by one call, listed from memory, kept up to date by itself.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Principal, UserPrincipal } from '../base/principal.ts'
import type { Notification } from '../protocol/model.ts'
import { askServer } from './ask-server.ts'
import { isAskedPlace } from './asked-places.ts'
import type { Answer, Question } from './breaker.ts'
import { carried, isCommon, isHintOfTrouble } from './call-outcome.ts'
import { ownerOfUser } from './connections/connection-store.ts'
import type { ConnectDesk } from './connections/desk-model.ts'
import type { Keeper } from './connections/keeper.ts'
import { ConnectionNeeded, type LiveCredential, type Owner } from './connections/model.ts'
import { type Connections, openConnections } from './connections/open-connections.ts'
import type { UpstreamsDeps } from './deps.ts'
import { Exchange, LIMITS, unlessStopped, Watch } from './exchange.ts'
import { HeldNotices } from './held-notices.ts'
import { Inventories } from './inventories.ts'
import { ADMIN } from './inventory-store.ts'
import { Looks } from './look.ts'
import type {
  CapabilityKind,
  ChildFigures,
  Probed,
  ProbeWish,
  ResourceFollowing,
  ResourceInterest,
  ServerFigures,
  ServerHealth,
  SyncResult,
  TaskFollowing,
  TaskInterest,
  UpstreamCall,
  UpstreamReply,
  Upstreams,
} from './model.ts'
import { LIST_CHANGES } from './notifications.ts'
import { readOwnLists, vouchFor } from './own-lists.ts'
import { type Performer, perform, refuseOddType, type Task } from './perform.ts'
import { isolationKey, keyOf, Pool, SHARED } from './pool.ts'
import { probe } from './probe.ts'
import { withoutSecrets } from './redact.ts'
import { ResourceSubscriptions } from './resource-subscriptions.ts'
import { type Due, Schedule } from './schedule.ts'
import { childrenOf, figuresOf, healthIn } from './server-health.ts'
import { type Server, ServerTable } from './server-table.ts'
import type { ServerSetup } from './setup.ts'
import { credentialOf, readerOf, sharedOf } from './shared-credential.ts'
import { GAP } from './subscriptions.ts'
import { NO_SERVER, recordFailure, type SyncDeps, syncServer } from './sync.ts'
import { faultOf, Trouble, troubleOf } from './trouble.ts'
import { credentialFor } from './without-credential.ts'

/** Loads what is known and starts syncing what is due; waits for no server. */
export async function openUpstreams(deps: UpstreamsDeps): Promise<Upstreams> {
  const upstreams = new OpenUpstreams(deps)
  await upstreams.open()
  return upstreams
}

class OpenUpstreams implements Upstreams {
  readonly #deps: UpstreamsDeps
  readonly #servers: ServerTable
  readonly #inventories: Inventories
  readonly #notices: HeldNotices
  readonly #looks = new Looks()
  readonly #watch: Watch
  readonly #pool: Pool
  readonly #performer: Performer
  readonly #schedule: Schedule
  readonly #subscriptions: ResourceSubscriptions
  readonly #endings: (() => void)[] = []
  #connections: Connections | null = null
  #closing: Promise<void> | null = null

  constructor(deps: UpstreamsDeps) {
    this.#deps = deps
    const { store, clock, log, config, portalInfo } = deps
    const limits = { ...LIMITS, ...deps.limits }
    limits.openingMs = Math.min(limits.openingMs, limits.idleMs)
    const tickMs = Math.max(20, Math.min(1000, limits.idleMs / 4, limits.probeMs / 4, config.stdio.idleStopMs / 4))
    this.#inventories = new Inventories(store)
    this.#notices = new HeldNotices({ store, clock, log, record: deps.recordHeld })
    this.#watch = new Watch(limits, tickMs, (ms) => this.#tick(ms))
    this.#pool = new Pool({
      clock,
      log,
      limits,
      watch: this.#watch,
      portal: portalInfo,
      egress: deps.egress,
      stdio: config.stdio,
      assertFor: deps.assertFor,
      paramHeaders: (server, out, inventory) => this.#inventories.paramHeaders(server, out, inventory),
      onNotification: (...said) => this.#hear(...said),
    })
    this.#performer = {
      pool: this.#pool,
      inventories: this.#inventories,
      limits,
      clock,
      relist: (server, inventory) => this.#schedule.run(server, inventory),
    }
    this.#servers = new ServerTable({
      ...deps,
      limits,
      watch: this.#watch,
      pool: this.#pool,
      ask: (setup, question) => this.#ask(setup, question),
      onMade: (uid) => {
        // What failed with the old secret says nothing of the new one.
        this.#connections?.keeper.retry(uid)
        this.#schedule.created(uid)
      },
      onRelay: (uid) => this.#schedule.created(uid),
      onCircuit: (server, isOpen) => this.#circuitChanged(server, isOpen),
    })
    this.#schedule = new Schedule({
      store,
      log,
      sync: (server, inventory, only) => this.#sync(server, inventory, only),
      servers: () => this.#due(),
    })
    this.#subscriptions = new ResourceSubscriptions({
      ...{ clock, log, limits, watch: this.#watch, pool: this.#pool },
      keeper: () => this.keeper,
      find: (server) => this.#servers.get(server),
      era: (server) => this.#inventories.get(server)?.era ?? null,
    })
  }

  async open(): Promise<void> {
    const { versions } = this.#deps.store
    this.#endings.push(versions.changed('servers', () => this.serversChanged()))
    this.#endings.push(versions.changed('inventories', () => this.#inventories.follow()))
    await this.#inventories.follow()
    await this.#servers.open()
    this.#connections = await openConnections({
      ...this.#deps,
      setupOf: (uid) => this.#servers.get(uid)?.setup,
      onConnected: (server, owner) => {
        this.#schedule.connected(server, owner)
        this.#subscriptions.retry(server)
      },
    })
    this.keeper.onEnded((server, poolKey) => this.#pool.forgetCredential(server, poolKey))
    this.#schedule.start()
  }

  async call(call: UpstreamCall): Promise<UpstreamReply> {
    const server = this.#servers.get(call.serverUid) ?? (await this.#servers.find(call.serverUid))
    const { setup, stored, breaker } = server
    const { clock } = this.#deps
    const exchange = new Exchange(call)
    const started = clock.elapsed()
    exchange.holdTo(call.waitsForTask === true ? { ...setup.ticks, idle: Number.POSITIVE_INFINITY } : setup.ticks)
    call.cancel.listen(() => exchange.stop(new Trouble('cancelled', 'the caller cancelled')))
    let credential: LiveCredential | null = null
    let seat: Pick<Task, 'key' | 'askable'> = { key: SHARED }
    try {
      const found = credentialFor(this.keeper, setup, call, exchange)
      credential = found instanceof Promise ? await unlessStopped(exchange, found) : found
      exchange.server = setup
      exchange.credential = credential
      call.carries?.(credential.name)
      seat = { key: keyOf(credential, isolationKey(setup, call)), askable: call.askable }
      if (breaker.isOpen) await breaker.admit()
      const task = { ...seat, setup, credential, exchange, principal: call.principal }
      const raw = refuseOddType(await perform(this.#performer, task), call.method)
      if (breaker.isTroubled) breaker.answered()
      server.tally.answered++
      if (stored.status !== 'ready' && isCommon(credential) && !call.withoutCredential)
        this.#schedule.hint(call.serverUid)
      return {
        raw: withoutSecrets(raw, setup, credential, exchange),
        ms: clock.elapsed() - started,
        credential: carried(credential.name, exchange),
      }
    } catch (error) {
      if (error instanceof ConnectionNeeded) {
        error.credential = carried(error.credential ?? credential?.name ?? 'oauth:user:none:missing', exchange)
        throw error
      }
      const trouble = troubleOf(error)
      breaker.failed(trouble, this.#pool.placeOf(setup, seat))
      const isOwn = credential !== null && !isCommon(credential)
      // What is refused to nobody says nothing of the credential that all share.
      if (stored.status === 'ready' && !isOwn && !call.withoutCredential && isHintOfTrouble(trouble))
        this.#schedule.hint(call.serverUid)
      const fault = faultOf(trouble, stored.name, isOwn)
      const name = credential?.name ?? trouble.credential
      fault.credential = name && carried(name, exchange)
      server.tally.failed.set(fault.code, (server.tally.failed.get(fault.code) ?? 0) + 1)
      throw fault
    }
  }

  private get keeper(): Keeper {
    if (this.#connections === null) throw new Error('not open yet')
    return this.#connections.keeper
  }

  get desk(): ConnectDesk {
    if (this.#connections === null) throw new Error('not open yet')
    return this.#connections.desk
  }

  followResource(interest: ResourceInterest): ResourceFollowing {
    return this.#subscriptions.follow(interest)
  }

  followTasks(interest: TaskInterest): TaskFollowing {
    return this.#subscriptions.tasks.follow(interest)
  }

  inventory(serverUid: ServerUid) {
    return this.#inventories.get(serverUid)
  }

  ownInventory(serverUid: ServerUid, principal: Principal) {
    return principal.kind === 'user' ? this.#inventories.get(serverUid, ownerOfUser(principal.id)) : null
  }

  ownConnection(serverUid: ServerUid, principal: Principal) {
    return this.keeper.own(serverUid, principal)
  }

  async readOwn(principal: Principal, servers: readonly ServerUid[]): Promise<void> {
    if (principal.kind !== 'user') return
    await this.keeper.readOwn(principal, servers)
    const owner = ownerOfUser(principal.id)
    const canList = async (uid: ServerUid) =>
      this.keeper.own(uid, principal)?.status === 'ready' || this.#vouch(uid, principal)
    const { clock } = this.#deps
    await readOwnLists({ clock, inventories: this.#inventories, schedule: this.#schedule, canList }, owner, servers)
  }

  /** @returns false: not yet */
  #vouch(uid: ServerUid, principal: UserPrincipal): false {
    const setup = this.#servers.get(uid)?.setup
    const { log } = this.#deps
    if (setup !== undefined) vouchFor({ log, keeper: this.keeper, schedule: this.#schedule }, setup, principal)
    return false
  }

  connectionChanged(serverUid: ServerUid, owner: Owner, signal: AbortSignal): Promise<void> {
    return this.keeper.changed(serverUid, owner, signal)
  }

  health(serverUid: ServerUid): ServerHealth {
    return healthIn(this.#servers.get(serverUid))
  }

  probe(wish: ProbeWish, who: string): Promise<Probed> {
    return probe({ ...this.#deps, limits: this.#performer.limits, watch: this.#watch }, wish, who)
  }

  children(serverUid: ServerUid): ChildFigures[] {
    return childrenOf(this.#servers.get(serverUid), this.#pool)
  }

  figures(): ServerFigures[] {
    return [...this.#servers].map((server) => figuresOf(server, this.#pool))
  }

  async sync(serverUid: ServerUid, owner: Owner = ADMIN): Promise<SyncResult> {
    if (owner === ADMIN) this.keeper.retry(serverUid)
    const inventory = owner === 'machine' ? ADMIN : owner
    this.#looks.forget(serverUid, inventory)
    try {
      return await this.#schedule.run(serverUid, inventory)
    } catch (error) {
      this.#deps.log.error({ err: error }, 'a sync could not be kept')
      return { ...NO_SERVER, status: 'error', error: 'What the server lists could not be kept. Try again in a moment.' }
    }
  }

  refreshResourcesSoon(serverUid: ServerUid, principal: Principal | null): void {
    if (principal === null) this.#schedule.resourcesSoon(serverUid)
    // Who has none of their own was shown no resources, and their first lists are read as a whole.
    else if (principal.kind === 'user' && this.ownInventory(serverUid, principal))
      this.#schedule.ownSoon(serverUid, ownerOfUser(principal.id), RESOURCE_KINDS)
  }

  onInventoryChanged(listener: Parameters<Upstreams['onInventoryChanged']>[0]): void {
    this.#inventories.onChanged(listener)
  }

  serversChanged(): Promise<void> {
    return this.#servers.follow()
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const end of this.#endings) end()
    this.#subscriptions.close()
    this.#servers.close()
    this.#watch.close()
    await this.#pool.close()
    await this.#schedule.close()
    await this.#connections?.close()
  }

  async #sync(uid: ServerUid, inventory: string, only?: readonly CapabilityKind[]): Promise<SyncResult> {
    // A server that was made a moment ago may not be in memory yet.
    if (this.#servers.get(uid) === undefined) await this.serversChanged()
    const server = this.#servers.get(uid)
    if (server === undefined || this.#closing !== null) return NO_SERVER
    const { store, log } = this.#deps
    const deps: SyncDeps = {
      store,
      log,
      performer: this.#performer,
      watch: this.#watch,
      inventories: this.#inventories,
      notices: this.#notices,
      looks: this.#looks,
      setupOf: (server) => (this.#closing === null ? this.#servers.get(server)?.setup : undefined),
    }
    const { setup } = server
    const owner = readerOf(setup, inventory)
    if (owner === null || (owner === 'admin' && setup.mode === 'browser' && this.keeper.shared(uid) === null))
      return NO_SERVER
    const credential = await credentialOf(this.keeper, setup, owner)
    if (credential instanceof Error) return recordFailure(deps, { setup, credential: { inventory } }, credential)
    const result = await syncServer(deps, setup, credential, only)
    const cause = result.errorDetails?.cause
    // What a sync finds out, calls need not find out again.
    if (cause === 'unsent' || cause === 'timeout')
      server.breaker.failed(new Trouble(cause, 'a sync failed'), keyOf(credential, SHARED))
    else if (result.status === 'ready' && server.breaker.isTroubled) server.breaker.answered()
    return result
  }

  async #ask(setup: ServerSetup, question: Question): Promise<Answer> {
    if (this.#closing !== null) return 'silent'
    const credential = await sharedOf(this.keeper, setup)
    return askServer({ performer: this.#performer, watch: this.#watch, setup, credential }, question)
  }

  /** The status follows, and what changed while it was away. */
  #circuitChanged({ stored: { uid, status } }: Server, isOpen: boolean): void {
    if (!isOpen) this.#subscriptions.retry(uid)
    if (isOpen && status === 'ready') this.#schedule.hint(uid)
    else if (!isOpen && status !== 'ready') this.#schedule.listsChanged(uid)
  }

  *#due(): Iterable<Due> {
    for (const { stored, setup } of this.#servers) {
      const { uid } = stored
      // Without a credential that all share there are no lists that all see.
      if (setup.mode === 'enterprise' || (setup.mode === 'browser' && this.keeper.shared(uid)?.status !== 'ready'))
        continue
      yield { uid, isReady: stored.status === 'ready', lastSynced: stored.lastSynced }
    }
  }

  #tick(ms: number): void {
    this.#pool.tick(ms)
    this.#subscriptions.tick()
  }

  #hear(server: ServerUid, notification: Notification, inventory: string, place: string): void {
    this.#subscriptions.heard(server, notification, place)
    if (notification === GAP) this.#schedule.gap(server, inventory)
    else if (LIST_CHANGES.includes(notification.method)) {
      // It may be what is listed to such callers alone.
      if (isAskedPlace(place)) this.#looks.forget(server, inventory)
      this.#schedule.listsChanged(server, inventory)
    }
  }
}

const RESOURCE_KINDS: readonly CapabilityKind[] = ['resource', 'template']
