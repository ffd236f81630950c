/**
 * When servers are synced by themselves: about every two hours, sooner after a failure, and when something hints that what
 * we know is out of date. One replica does it at a time, by lease; one process does one sync of a server at a time.
 */
import { randomUUID } from 'node:crypto'
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { takeLease } from '../store/lease.ts'
import type { Store } from '../store/open.ts'
import type { CapabilityKind, SyncResult } from './model.ts'

export interface ScheduleDeps {
  store: Store
  log: Log
  /** Never throws but for the store. */
  sync(server: ServerUid, only?: readonly CapabilityKind[]): Promise<SyncResult>
  /** Every server, with what decides when it is due. */
  servers(): Iterable<Due>
}

export interface Due {
  uid: ServerUid
  isReady: boolean
  lastSynced: number | null
}

const PERIOD_MS = 2 * 3_600_000
const AFTER_FAILURE_MS = 5 * 60_000
const LOOK_MS = 60_000
const LEASE_MS = 120_000
/** Changes announced in quick succession are read once. */
const COALESCE_MS = 150
/** Behind a sync that a server caused, it causes none for so many times as long, or it could keep the portal busy for ever. */
const REST = 5
const LONGEST_REST_MS = 60_000
const GAP_MS = 10 * 60_000
const HINT_MS = 30_000
const RESOURCES_MS = 60_000
/** Background syncs at once, so that a start with 200 servers does not knock on all doors together. */
const AT_ONCE = 8

interface Running {
  now: Promise<SyncResult>
  /** Asked for while one ran: runs after it. */
  next: Promise<SyncResult> | null
  isWhole: boolean
}

export class Schedule {
  readonly #deps: ScheduleDeps
  readonly #holder = randomUUID()
  readonly #running = new Map<ServerUid, Running>()
  readonly #soon = new Map<ServerUid, NodeJS.Timeout>()
  /** When each server may cause a sync again, on the monotonic clock. */
  readonly #restsUntil = new Map<ServerUid, number>()
  /** When each kind of hint last led to a sync. */
  readonly #hinted = new Map<string, number>()
  readonly #background = new Set<Promise<void>>()
  /** What the last look found due and nobody has taken yet. */
  #queue: ServerUid[] = []
  /** Who takes from it. */
  #takers = 0
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(deps: ScheduleDeps) {
    this.#deps = deps
  }

  start(): void {
    this.#timer = setInterval(() => this.look(), LOOK_MS)
    this.#timer.unref()
    this.look()
  }

  /** Syncs now, or joins the sync of everything that runs. */
  run(server: ServerUid): Promise<SyncResult> {
    const running = this.#running.get(server)
    return running?.isWhole ? running.now : this.#after(server)
  }

  /** The server says that its lists changed: a sync that is under way may have read the old ones. */
  listsChanged(server: ServerUid): void {
    if (this.#soon.has(server) || this.#isClosed) return
    const rest = (this.#restsUntil.get(server) ?? 0) - this.#deps.store.clock.elapsed()
    const timer = setTimeout(
      () => {
        this.#soon.delete(server)
        this.#inBackground(this.#caused(server))
      },
      Math.max(COALESCE_MS, rest),
    )
    this.#soon.set(server, timer.unref())
  }

  async #caused(server: ServerUid): Promise<void> {
    const { clock } = this.#deps.store
    const startedAt = clock.elapsed()
    await this.#after(server)
    const now = clock.elapsed()
    this.#restsUntil.set(server, now + Math.min(REST * (now - startedAt), LONGEST_REST_MS))
  }

  /** A stream of announcements had a gap: whatever happened in it counts as a change, within reason. */
  gap(server: ServerUid): void {
    if (this.#isNew(`gap/${server}`, GAP_MS)) this.listsChanged(server)
  }

  /** A call succeeded at a server that counts as down, or failed at one that counts as up. */
  hint(server: ServerUid): void {
    if (this.#isNew(`hint/${server}`, HINT_MS)) this.listsChanged(server)
  }

  resourcesSoon(server: ServerUid): void {
    if (this.#isClosed || this.#running.has(server) || !this.#isNew(`resources/${server}`, RESOURCES_MS)) return
    this.#inBackground(this.#begin(server, ['resource', 'template']))
  }

  /** A server that was made or changed. Other replicas see it too; the lease lets one of them through. */
  created(server: ServerUid): void {
    this.#inBackground(this.#leased(server))
  }

  /** Syncs what is due, a few at a time: the next as soon as one is done, so that those that hang hold up few others. */
  look(): void {
    const now = this.#deps.store.clock.now()
    this.#queue = []
    for (const server of this.#deps.servers()) {
      if (!this.#running.has(server.uid) && isDue(server, now)) this.#queue.push(server.uid)
    }
    while (this.#takers < AT_ONCE && this.#queue.length > 0) {
      this.#takers++
      this.#inBackground(this.#takeAll())
    }
  }

  async #takeAll(): Promise<void> {
    try {
      for (let server = this.#queue.shift(); server !== undefined; server = this.#queue.shift()) {
        if (this.#isClosed) return
        await this.#leased(server)
      }
    } finally {
      this.#takers--
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    if (this.#timer !== null) clearInterval(this.#timer)
    for (const timer of this.#soon.values()) clearTimeout(timer)
    this.#soon.clear()
    await Promise.allSettled([...this.#running.values()].map((running) => running.now))
    await Promise.allSettled(this.#background)
  }

  #begin(server: ServerUid, only?: readonly CapabilityKind[]): Promise<SyncResult> {
    const now = this.#deps.sync(server, only).finally(() => this.#running.delete(server))
    this.#running.set(server, { now, next: null, isWhole: only === undefined })
    return now
  }

  #after(server: ServerUid): Promise<SyncResult> {
    const running = this.#running.get(server)
    if (running === undefined) return this.#begin(server)
    running.next ??= running.now.then(() => this.run(server))
    return running.next
  }

  async #leased(server: ServerUid): Promise<void> {
    if (await takeLease(this.#deps.store, `sync/${server}`, this.#holder, LEASE_MS)) await this.run(server)
  }

  #inBackground(work: Promise<unknown>): void {
    const done: Promise<void> = work
      .then(
        () => {},
        (error: unknown) => {
          // The store is away; the next look is a minute off and says so again.
          if (!this.#isClosed) this.#deps.log.error({ err: error }, 'a sync could not be kept')
        },
      )
      .then(() => {
        this.#background.delete(done)
      })
    this.#background.add(done)
  }

  #isNew(hint: string, ms: number): boolean {
    const now = this.#deps.store.clock.now()
    if (now - (this.#hinted.get(hint) ?? 0) < ms) return false
    this.#hinted.set(hint, now)
    return true
  }
}

function isDue({ uid, isReady, lastSynced }: Due, now: number): boolean {
  if (lastSynced === null) return true
  const period = isReady ? PERIOD_MS : AFTER_FAILURE_MS
  return now - lastSynced > period * jitterOf(uid)
}

/** Between 0.85 and 1.15, the same for one server at all replicas, so that servers made together drift apart. */
function jitterOf(uid: string): number {
  let sum = 0
  for (let i = 0; i < uid.length; i++) sum = (sum * 31 + uid.charCodeAt(i)) % 1000
  return 0.85 + (sum / 1000) * 0.3
}
