/**
 * The servers as they are used now: their records with the secrets opened, their circuits, their tallies. Followed from the store; one
 * that changed in what matters to a connection loses its connections, one that is gone its private directories.
 */
import type { Clock } from '../base/clock.ts'
import { Fault, type FaultCode } from '../base/fault.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Sealer } from '../base/secret.ts'
import type { Config } from '../config.ts'
import { fingerprintOf } from '../protocol/asked.ts'
import type { Store } from '../store/open.ts'
import { type Answer, Breaker, type Question } from './breaker.ts'
import { removePlaces } from './child-places.ts'
import type { Limits, Watch } from './exchange.ts'
import { widestOf } from './look.ts'
import type { Pool } from './pool.ts'
import { listServers, type StoredServer } from './server-store.ts'
import { type ServerSetup, setupOf } from './setup.ts'

export interface Server {
  stored: StoredServer
  setup: ServerSetup
  breaker: Breaker
  /** Of calls since the process began; kept when the server changes. */
  tally: { answered: number; failed: Map<FaultCode, number> }
}

export interface ServerTableDeps {
  store: Store
  /** Of purpose `store`. */
  sealer: Sealer
  clock: Clock
  log: Log
  config: Pick<Config, 'stdio'>
  limits: Limits
  watch: Watch
  pool: Pool
  /** Whether a server is there. */
  ask(setup: ServerSetup, question: Question): Promise<Answer>
  /** One was made or changed while the portal runs. */
  onMade(uid: ServerUid): void
  /** What its callers can be asked is another: it may list other things to them. */
  onRelay(uid: ServerUid): void
  /** It is left alone from now on, or called again. */
  onCircuit(server: Server, isOpen: boolean): void
}

export class ServerTable {
  readonly #deps: ServerTableDeps
  readonly #servers = new Map<ServerUid, Server>()
  #reloading: Promise<void> = Promise.resolve()

  constructor(deps: ServerTableDeps) {
    this.#deps = deps
  }

  open(): Promise<void> {
    return this.#reload({ isFirst: true })
  }

  get(uid: ServerUid): Server | undefined {
    return this.#servers.get(uid)
  }

  /** The portal may have heard of a new server a moment before this room did. @throws Fault `upstream-not-ready` where it is gone */
  async find(uid: ServerUid): Promise<Server> {
    await this.follow()
    const server = this.#servers.get(uid)
    if (server === undefined) throw new Fault('upstream-not-ready', 'This server is not set up any more.')
    return server
  }

  [Symbol.iterator](): IterableIterator<Server> {
    return this.#servers.values()
  }

  /** One after the other: two at once could put an older reading over a newer one. */
  follow(): Promise<void> {
    this.#reloading = this.#reloading.catch(() => {}).then(() => this.#reload({ isFirst: false }))
    return this.#reloading
  }

  close(): void {
    for (const { breaker } of this.#servers.values()) breaker.close()
  }

  async #reload({ isFirst }: { isFirst: boolean }): Promise<void> {
    const { store, sealer, clock, log, config, watch, pool } = this.#deps
    const stored = await listServers(store.db)
    const gone = new Set(this.#servers.keys())
    for (const one of stored) {
      gone.delete(one.uid)
      const known = this.#servers.get(one.uid)
      const setup =
        known !== undefined && isSettled(known.stored, one, clock.now())
          ? known.setup
          : await setupOf({ store, sealer, watch }, one)
      if (known !== undefined && known.setup.signature === setup.signature) {
        known.setup.record = one
        known.setup.ticks = setup.ticks
        known.setup.target = setup.target
        const isAskedOtherwise = !isAskedAlike(known.stored, one)
        known.stored = one
        if (isAskedOtherwise) this.#deps.onRelay(one.uid)
        continue
      }
      known?.breaker.close()
      const tally = known?.tally ?? { answered: 0, failed: new Map() }
      this.#servers.set(one.uid, { stored: one, setup, breaker: this.#newBreaker(one.uid), tally })
      if (known !== undefined) void pool.closeServer(one.uid)
      if (!isFirst) this.#deps.onMade(one.uid)
    }
    for (const uid of gone) {
      this.#servers.get(uid)?.breaker.close()
      this.#servers.delete(uid)
      // Its private directories go with it.
      const remove = () => removePlaces(config.stdio, uid)
      void pool
        .closeServer(uid)
        .then(remove)
        .catch((err: unknown) => log.warn({ err }, 'could not be removed'))
    }
  }

  #newBreaker(uid: ServerUid): Breaker {
    const { clock, log, limits } = this.#deps
    return new Breaker({
      clock,
      restMs: limits.restMs,
      waitMs: limits.refusedMs,
      ask: async (question) => {
        const setup = this.#servers.get(uid)?.setup
        if (setup === undefined) return 'silent'
        try {
          return await this.#deps.ask(setup, question)
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
        this.#deps.onCircuit(server, isOpen)
      },
    })
  }
}

function isAskedAlike(one: StoredServer, other: StoredServer): boolean {
  return fingerprintOf(widestOf(one, true)) === fingerprintOf(widestOf(other, true))
}

/** Most reloads are for a status: the secrets of a server that no admin touched need not be opened again. */
function isSettled(known: StoredServer, read: StoredServer, now: number): boolean {
  // Within one moment, two changes could bear the same time.
  return known.modifiedAt === read.modifiedAt && now - read.modifiedAt > 1000
}
