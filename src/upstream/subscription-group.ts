/**
 * Subscriptions to resources by one credential at one server. A server of 2026 has one `subscriptions/listen` for all of them, opened
 * anew with the new set when the set changes: the new one first, so that there is no gap. One of 2025 has a `resources/subscribe` for
 * each, on the connection whose stream belongs to no call. Whatever was lost is taken up again, and told as changed: what happened
 * meanwhile nobody knows.
 *
 * One piece of work at a time; what is asked for meanwhile is done after it. Nothing here is any caller's fault or waits for one.
 */
import type { Clock } from '../base/clock.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Notification } from '../protocol/model.ts'
import type { Connection } from './connection.ts'
import type { Keeper } from './connections/keeper.ts'
import type { LiveCredential } from './connections/model.ts'
import { Exchange, type Limits, type Watch } from './exchange.ts'
import { asObject, ownRequest } from './handshake.ts'
import type { ResourceInterest } from './model.ts'
import { Renewal } from './perform.ts'
import { isolationKey, keyOf, type Pool } from './pool.ts'
import { type ListenLine, openListenLine } from './resource-line.ts'
import type { Server } from './server-table.ts'
import type { ServerSetup } from './setup.ts'
import { GAP } from './subscriptions.ts'
import { Trouble } from './trouble.ts'
import { credentialFor } from './without-credential.ts'

export interface GroupDeps {
  clock: Clock
  log: Log
  limits: Pick<Limits, 'openingMs'>
  watch: Watch
  pool: Pool
  keeper(): Pick<Keeper, 'resolve'>
  find(server: ServerUid): Server | undefined
}

export interface Follower {
  interest: ResourceInterest
  /** What came of the first try; further ones are nobody's matter. */
  settle(isLive: boolean): void
  /** It missed what happened for a while. */
  hasGap: boolean
}

const FIRST_PAUSE_MS = 1000
const LAST_PAUSE_MS = 60_000
/** What lived this long was healthy, and is taken up again at once. */
const HEALTHY_MS = 30_000
/** Requests to a server of 2025 at one time. */
const AT_ONCE = 8
/** Longer ones are told by the URI that was subscribed to. */
const LONGEST_URI = 8192

export class SubscriptionGroup {
  readonly server: ServerUid
  readonly setup: ServerSetup
  /** The key of its connection; null while it has none. */
  place: string | null = null
  readonly #deps: GroupDeps
  readonly #followers = new Map<string, Set<Follower>>()
  /** What the server said to each URI on this connection: whether it tells of it. */
  readonly #answered = new Map<string, boolean>()
  #connection: Connection | null = null
  #credential: LiveCredential | null = null
  #line: ListenLine | null = null
  #isWorking = false
  #isWanted = false
  #isClosed = false
  /** On the monotonic clock: since when all is well, 0 where it is not; and not before when the next try is. */
  #since = 0
  #notBefore = 0
  #pause = 0

  constructor(deps: GroupDeps, server: ServerUid, setup: ServerSetup) {
    this.#deps = deps
    this.server = server
    this.setup = setup
  }

  get isOver(): boolean {
    return this.#followers.size === 0 && !this.#isWorking && !this.#isWanted
  }

  *followers(): Iterable<Follower> {
    for (const some of this.#followers.values()) yield* some
  }

  add(follower: Follower): void {
    const { uri } = follower.interest
    const some = this.#followers.get(uri) ?? new Set()
    this.#followers.set(uri, some.add(follower))
    if (this.#answered.has(uri)) this.#settle(uri)
    else this.#work()
  }

  remove(follower: Follower): void {
    const { uri } = follower.interest
    const some = this.#followers.get(uri)
    if (some?.delete(follower) !== true || some.size > 0) return
    this.#followers.delete(uri)
    this.#work()
  }

  /** What the server said on this group's connection, outside of any call. */
  heard(notification: Notification): void {
    const { method, params } = notification
    // Of 2026 the stream that had a gap is not this one, which sees to itself.
    if (notification === GAP) {
      if (this.#connection?.era === '2025') this.#lost('at once')
    } else if (method === 'notifications/resources/updated') this.#tell(notification)
    else if (method === 'notifications/subscriptions/acknowledged') this.#line?.acknowledged(params)
  }

  tick(): void {
    const { pool, clock } = this.#deps
    if (this.#connection !== null && this.place !== null) {
      const isSame = this.#connection.isOpen && pool.current(this.setup, this.place) === this.#connection
      if (!isSame) this.#disconnected()
      // What is listened to is in use, however few calls there are.
      else if (this.#credential !== null) void this.#lease(this.#credential, this.place)
    }
    if (this.#isWanted && clock.elapsed() >= this.#notBefore) this.#work()
  }

  /** Whatever it waits for need not be waited for any more. */
  retry(): void {
    this.#pause = 0
    this.#notBefore = 0
    if (this.#isWanted) this.#work()
  }

  close(): void {
    this.#isClosed = true
    this.#followers.clear()
    this.#line?.end()
    this.#line = null
  }

  /** @param when the connection is another one, or its stream had a gap */
  #lost(when: 'at once' | 'after a pause'): void {
    for (const [uri, isLive] of this.#answered)
      if (isLive) for (const follower of this.#followers.get(uri) ?? []) follower.hasGap = true
    this.#answered.clear()
    if (when === 'at once') this.#work()
    else this.#rest()
  }

  #disconnected(): void {
    this.#connection = null
    this.place = null
    const line = this.#line
    this.#line = null
    line?.end()
    this.#lost('after a pause')
  }

  /** The next try is a while off: none where all was well until now, longer each time where it was not. */
  #rest(): void {
    const now = this.#deps.clock.elapsed()
    const isHealthy = this.#since > 0 && now - this.#since > HEALTHY_MS
    this.#since = 0
    this.#pause = isHealthy ? 0 : Math.min(Math.max(this.#pause * 2, FIRST_PAUSE_MS), LAST_PAUSE_MS)
    this.#notBefore = now + this.#pause
    this.#isWanted = true
  }

  #work(): void {
    this.#isWanted = true
    if (this.#isWorking || this.#isClosed || this.#deps.clock.elapsed() < this.#notBefore) return
    this.#isWorking = true
    void this.#workOff().finally(() => {
      this.#isWorking = false
    })
  }

  async #workOff(): Promise<void> {
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false
      try {
        await this.#bringAbout()
        if (this.#since === 0) this.#since = this.#deps.clock.elapsed()
      } catch (error) {
        this.#deps.log.debug({ err: error, server: this.setup.record.id }, 'resources could not be subscribed to')
        for (const { settle } of this.followers()) settle(false)
        return this.#rest()
      }
    }
  }

  /** @throws Trouble, ConnectionNeeded */
  async #bringAbout(): Promise<void> {
    const [first] = this.followers()
    if (first === undefined) return this.#leave()
    const credential = await this.#credentialOf(first.interest)
    const renewal = new Renewal({ credential, exchange: null })
    for (;;) {
      const { headers } = credential
      try {
        const connection = await this.#connect(credential, first.interest)
        return await this.#subscribe(connection)
      } catch (error) {
        if (!(await renewal.mends({ error, headers }))) throw error
      }
    }
  }

  /** As a call of this caller would carry; found anew each time, since a person may have connected another account. */
  async #credentialOf(interest: ResourceInterest): Promise<LiveCredential> {
    if (this.#deps.find(this.server)?.breaker.isOpen === true) throw new Trouble('left-alone', 'it does not answer')
    const credential = await credentialFor(this.#deps.keeper(), this.setup, interest, { isRenewed: false })
    if (!credential.isFresh) await credential.freshen()
    return credential
  }

  async #connect(credential: LiveCredential, interest: ResourceInterest): Promise<Connection> {
    const place = keyOf(credential, isolationKey(this.setup, interest))
    // From now on: what a server says as soon as it is subscribed to is heard.
    const connection = await this.#lease(credential, place)
    if (connection === this.#connection) return connection
    if (this.#connection !== null) this.#disconnected()
    this.#connection = connection
    this.#credential = credential
    this.place = place
    return connection
  }

  #lease(credential: LiveCredential, key: string): Connection | Promise<Connection> {
    const [first] = this.followers()
    return this.#deps.pool.lease(this.setup, { key, credential, principal: first?.interest.principal ?? null })
  }

  async #subscribe(connection: Connection): Promise<void> {
    const uris = [...this.#followers.keys()]
    // They may all have left while it was connected.
    if (uris.length === 0) return this.#leave()
    if (asObject(connection.capabilities.resources ?? null)?.subscribe !== true) {
      for (const uri of uris) this.#note(uri, false)
    } else if (connection.era === '2026') await this.#listen(connection, uris)
    else await this.#subscribeEach(connection, uris)
  }

  async #listen(connection: Connection, uris: readonly string[]): Promise<void> {
    const old = this.#line
    if (old?.isOpen && old.uris.length === uris.length && uris.every((uri) => old.uris.includes(uri))) return
    const line = openListenLine(connection, uris, {
      heard: (notification) => this.heard(notification),
      ended: () => {
        if (this.#line !== line) return
        this.#line = null
        this.#lost('after a pause')
      },
    })
    this.#line = line
    try {
      const honoured = await line.honoured(this.#deps.limits.openingMs)
      for (const uri of [...this.#answered.keys()]) if (!uris.includes(uri)) this.#answered.delete(uri)
      for (const uri of uris) this.#note(uri, honoured.includes(uri))
    } catch (error) {
      if (this.#line === line) this.#line = old?.isOpen ? old : null
      line.end()
      throw error
    }
    old?.end()
  }

  async #subscribeEach(connection: Connection, uris: readonly string[]): Promise<void> {
    const left = [...this.#answered.keys()].filter((uri) => !this.#followers.has(uri))
    await each(left, async (uri) => {
      const isLive = this.#answered.get(uri)
      this.#answered.delete(uri)
      if (isLive) await this.#request(connection, 'resources/unsubscribe', uri)
    })
    const missing = uris.filter((uri) => !this.#answered.has(uri))
    await each(missing, async (uri) => this.#note(uri, await this.#request(connection, 'resources/subscribe', uri)))
  }

  async #request(connection: Connection, method: string, uri: string): Promise<boolean> {
    const exchange = new Exchange(ownRequest(method, { uri }))
    this.#deps.watch.limit(exchange, this.#deps.limits.openingMs)
    return (await connection.request(exchange)).outcome === 'result'
  }

  #note(uri: string, isLive: boolean): void {
    this.#answered.set(uri, isLive)
    this.#settle(uri)
  }

  #settle(uri: string): void {
    const isLive = this.#answered.get(uri) === true
    for (const follower of this.#followers.get(uri) ?? []) {
      follower.settle(isLive)
      if (!isLive || !follower.hasGap) continue
      follower.hasGap = false
      follower.interest.updated(uri)
    }
  }

  /** Nobody is left. */
  async #leave(): Promise<void> {
    const connection = this.#connection
    this.#line?.end()
    this.#line = null
    if (!this.#isClosed && connection?.isOpen && connection.era === '2025') await this.#subscribeEach(connection, [])
    this.#answered.clear()
  }

  /** Whoever subscribed to it; else to the nearest one that it is below, by the path of the two. */
  #tell(notification: Notification): void {
    const { uri } = notification.params
    if (typeof uri !== 'string') return
    const subscribed = this.#followers.has(uri) ? uri : nearestAbove(uri, this.#followers.keys())
    if (subscribed === null) return
    const told = uri === subscribed || this.#mayBeShown(notification, uri) ? uri : subscribed
    for (const { interest } of [...(this.#followers.get(subscribed) ?? [])]) interest.updated(told)
  }

  /** A server may put into a URI what it was shown as a credential. */
  #mayBeShown(notification: Notification, uri: string): boolean {
    const exchange = new Exchange(ownRequest(notification.method))
    exchange.server = this.setup
    exchange.credential = this.#credential
    return uri.length <= LONGEST_URI && exchange.withoutSecrets(notification)?.params.uri === uri
  }
}

/** @returns the longest of these that the URI goes on from, at a border of its path */
function nearestAbove(uri: string, subscribed: Iterable<string>): string | null {
  let nearest: string | null = null
  for (const one of subscribed) {
    if (!uri.startsWith(one) || one.length <= (nearest?.length ?? 0)) continue
    if (one.endsWith('/') || '/?#'.includes(uri.charAt(one.length))) nearest = one
  }
  return nearest
}

async function each(uris: readonly string[], work: (uri: string) => Promise<unknown>): Promise<void> {
  const rest = [...uris]
  const worker = async () => {
    for (let uri = rest.pop(); uri !== undefined; uri = rest.pop()) await work(uri)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, uris.length) }, worker))
}
