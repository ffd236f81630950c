/**
 * When servers are synced by themselves: about every two hours, sooner after a failure, and when something hints that what
 * we know is out of date. One replica does it at a time, by lease; one process does one sync of a server's lists at a time.
 *
 * Each server has shared lists, and people's own. Only the shared ones are looked after by the clock: own ones are read when their
 * person is here and what is known is old.
 */
import { randomUUID } from 'node:crypto'
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { releaseLease, takeLease } from '../store/lease.ts'
import type { Store } from '../store/open.ts'
import { ADMIN, type OwnKey, ownKey } from './inventory-store.ts'
import type { CapabilityKind, SyncResult } from './model.ts'

export interface ScheduleDeps {
  store: Store
  log: Log
  /**
   * Never throws but for the store.
   *
   * @param inventory whose lists: `admin`, or a person's
   */
  sync(server: ServerUid, inventory: string, only?: readonly CapabilityKind[]): Promise<SyncResult>
  /** Every server, with what decides when it is due. */
  servers(): Iterable<Due>
}

export interface Due {
  uid: ServerUid
  isReady: boolean
  lastSynced: number | null
}

/** Lists are good for about so long. */
export const PERIOD_MS = 2 * 3_600_000
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
/** The same for people's own lists, which wait behind nobody's answer. */
const OWN_AT_ONCE = 4
/** Waiting at most: whoever is not in it is asked for again with their next request. */
const MOST_WAITING = 2000
/** Hints that are remembered. */
const MOST_HINTS = 20_000

/** Whose lists at which server. */
interface Lists {
  server: ServerUid
  inventory: string
  /** Where not all kinds are to be read. */
  only?: readonly CapabilityKind[]
}

interface Running {
  now: Promise<SyncResult>
  /** Asked for while one ran: runs after it. */
  next: Promise<SyncResult> | null
  isWhole: boolean
}

export class Schedule {
  readonly #deps: ScheduleDeps
  readonly #holder = randomUUID()
  readonly #running = new Map<OwnKey, Running>()
  readonly #soon = new Map<OwnKey, NodeJS.Timeout>()
  /** When each server may cause a sync again, on the monotonic clock. */
  readonly #restsUntil = new Map<OwnKey, number>()
  /** When each kind of hint last led to a sync. */
  readonly #hinted = new Map<string, number>()
  readonly #background = new Set<Promise<void>>()
  /** What the last look found due and nobody has taken yet. */
  #queue: ServerUid[] = []
  /** Who takes from it. */
  #takers = 0
  /** People's own lists that are to be read. */
  readonly #ownQueue = new Map<OwnKey, Lists>()
  #ownTakers = 0
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
  run(server: ServerUid, inventory: string = ADMIN): Promise<SyncResult> {
    const running = this.#running.get(ownKey(server, inventory))
    return running?.isWhole ? running.now : this.#after({ server, inventory })
  }

  /** The server says that its lists changed: a sync that is under way may have read the old ones. */
  listsChanged(server: ServerUid, inventory: string = ADMIN): void {
    const key = ownKey(server, inventory)
    if (this.#soon.has(key) || this.#isClosed) return
    const rest = (this.#restsUntil.get(key) ?? 0) - this.#deps.store.clock.elapsed()
    const timer = setTimeout(
      () => {
        this.#soon.delete(key)
        this.#inBackground(this.#caused({ server, inventory }))
      },
      Math.max(COALESCE_MS, rest),
    )
    this.#soon.set(key, timer.unref())
  }

  async #caused(lists: Lists): Promise<void> {
    const { clock } = this.#deps.store
    const startedAt = clock.elapsed()
    await this.#after(lists)
    const now = clock.elapsed()
    const key = ownKey(lists.server, lists.inventory)
    boundedSet(this.#restsUntil, key, now + Math.min(REST * (now - startedAt), LONGEST_REST_MS))
  }

  /** A stream of announcements had a gap: whatever happened in it counts as a change, within reason. */
  gap(server: ServerUid, inventory: string = ADMIN): void {
    if (this.#isNew(`gap/${ownKey(server, inventory)}`, GAP_MS)) this.listsChanged(server, inventory)
  }

  /** A call succeeded at a server that counts as down, or failed at one that counts as up. */
  hint(server: ServerUid): void {
    if (this.#isNew(`hint/${server}`, HINT_MS)) this.listsChanged(server)
  }

  resourcesSoon(server: ServerUid): void {
    const isRunning = this.#running.has(ownKey(server, ADMIN))
    if (this.#isClosed || isRunning || !this.#isNew(`resources/${server}`, RESOURCES_MS)) return
    this.#inBackground(this.#begin({ server, inventory: ADMIN }, ['resource', 'template']))
  }

  /**
   * A person is here whose own lists are not known, or old. Returns at once; asked for again soon after, it is not done again.
   *
   * @param only some kinds, which may be asked for more often
   */
  ownSoon(server: ServerUid, inventory: string, only?: readonly CapabilityKind[]): void {
    const key = ownKey(server, inventory)
    if (this.#isClosed || this.#running.has(key) || this.#ownQueue.size >= MOST_WAITING) return
    // What waits for all kinds waits for these.
    if (only !== undefined && this.#ownQueue.has(key)) return
    const isNew =
      only === undefined ? this.#isNew(`own/${key}`, AFTER_FAILURE_MS) : this.#isNew(`some/${key}`, RESOURCES_MS)
    if (!isNew) return
    this.#ownQueue.set(key, { server, inventory, ...(only && { only }) })
    if (this.#ownTakers >= OWN_AT_ONCE) return
    this.#ownTakers++
    this.#inBackground(this.#takeOwn())
  }

  async #takeOwn(): Promise<void> {
    try {
      for (const [key, lists] of this.#ownQueue) {
        this.#ownQueue.delete(key)
        if (this.#isClosed) return
        await this.#leased(lists)
      }
    } finally {
      this.#ownTakers--
    }
  }

  /** Another credential is there: a sync that is under way may still read what the old one sees. */
  connected(server: ServerUid, inventory: string): void {
    if (!this.#isClosed) this.#inBackground(this.#after({ server, inventory }))
  }

  /** A server that was made or changed. Other replicas see it too; the lease lets one of them through. */
  created(server: ServerUid): void {
    this.#inBackground(this.#leased({ server, inventory: ADMIN }))
  }

  /** Syncs what is due, a few at a time: the next as soon as one is done, so that those that hang hold up few others. */
  look(): void {
    const now = this.#deps.store.clock.now()
    this.#queue = []
    for (const server of this.#deps.servers()) {
      if (!this.#running.has(ownKey(server.uid, ADMIN)) && isDue(server, now)) this.#queue.push(server.uid)
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
        await this.#leased({ server, inventory: ADMIN })
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

  #begin({ server, inventory }: Lists, only?: readonly CapabilityKind[]): Promise<SyncResult> {
    const key = ownKey(server, inventory)
    const now = this.#deps.sync(server, inventory, only).finally(() => this.#running.delete(key))
    this.#running.set(key, { now, next: null, isWhole: only === undefined })
    return now
  }

  #after(lists: Lists): Promise<SyncResult> {
    const running = this.#running.get(ownKey(lists.server, lists.inventory))
    if (running === undefined) return this.#begin(lists)
    running.next ??= running.now.then(() => this.run(lists.server, lists.inventory))
    return running.next
  }

  async #leased({ server, inventory, only }: Lists): Promise<void> {
    const { store } = this.#deps
    if (inventory === ADMIN) {
      if (await takeLease(store, `sync/${server}`, this.#holder, LEASE_MS)) await this.run(server)
      return
    }
    const name = `sync/${server}/${inventory}`
    if (!(await takeLease(store, name, this.#holder, LEASE_MS))) return
    if (only === undefined) await this.run(server, inventory)
    else if (!this.#running.has(ownKey(server, inventory))) await this.#begin({ server, inventory }, only)
    // One for each person and server: they must not stay.
    await releaseLease(store, name, this.#holder)
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
    boundedSet(this.#hinted, hint, now)
    return true
  }
}

/** The longest unset goes. */
function boundedSet<K>(map: Map<K, number>, key: K, value: number): void {
  map.delete(key)
  map.set(key, value)
  if (map.size > MOST_HINTS) for (const oldest of map.keys()) return void map.delete(oldest)
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
