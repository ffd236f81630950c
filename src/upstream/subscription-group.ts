/**
 * Subscriptions to resources on one connection to one server: the one by which the calls of those go who follow them. Whatever was lost
 * is taken up again, and told as changed: what happened meanwhile nobody knows.
 *
 * One piece of work at a time; what is asked for meanwhile is done after it. Nothing here is any caller's fault or waits for one.
 */
import type { Clock } from '../base/clock.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Askable } from '../protocol/asked.ts'
import type { Era, Notification } from '../protocol/model.ts'
import type { Keeper } from './connections/keeper.ts'
import type { LiveCredential } from './connections/model.ts'
import { Exchange } from './exchange.ts'
import { ownRequest } from './handshake.ts'
import type { ResourceInterest } from './model.ts'
import { Renewal } from './perform.ts'
import { isolationKey, keyOf, type Pool, type Seat } from './pool.ts'
import type { Server } from './server-table.ts'
import type { ServerSetup } from './setup.ts'
import { Subscribed, type SubscribedDeps } from './subscribed.ts'
import { GAP } from './subscriptions.ts'
import { Tries } from './tries.ts'
import { Trouble } from './trouble.ts'
import { credentialFor } from './without-credential.ts'

export interface GroupDeps extends SubscribedDeps {
  clock: Clock
  log: Log
  pool: Pool
  keeper(): Pick<Keeper, 'resolve'>
  find(server: ServerUid): Server | undefined
  /** What it speaks, null where that is not known yet. */
  era(server: ServerUid): Era | null
}

export interface Follower {
  interest: ResourceInterest
  /** What came of the first try; further ones are nobody's matter. */
  settle(isLive: boolean): void
  /** It missed what happened for a while. */
  hasGap: boolean
}

/** Longer ones are told by the URI that was subscribed to. */
const LONGEST_URI = 8192

export class SubscriptionGroup {
  readonly server: ServerUid
  readonly setup: ServerSetup
  /** Where its connection is in the pool; null while it has none. */
  place: string | null = null
  readonly #deps: GroupDeps
  readonly #askable: Askable | undefined
  readonly #followers = new Map<string, Set<Follower>>()
  readonly #tries: Tries
  #subscribed: Subscribed | null = null
  /** Whose connection it is. */
  #seat: Seat | null = null
  #isWorking = false
  #isWanted = false
  #isClosed = false

  /** @param askable what calls of its followers declare; undefined where that makes no connection of its own */
  constructor(deps: GroupDeps, { setup, askable }: { setup: ServerSetup; askable: Askable | undefined }) {
    this.#deps = deps
    this.#tries = new Tries(deps.clock)
    this.#askable = askable
    this.server = setup.record.uid
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
    if (this.#subscribed?.isLive(uri) !== undefined) this.#settle(uri)
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
      if (this.#subscribed?.connection.era === '2025') this.#lost('at once')
    } else if (method === 'notifications/resources/updated') this.#tell(notification)
    else if (method === 'notifications/subscriptions/acknowledged') this.#subscribed?.acknowledged(params)
  }

  tick(): void {
    const connection = this.#subscribed?.connection
    if (connection !== undefined && this.place !== null) {
      const isSame = connection.isOpen && this.#deps.pool.current(this.setup, this.place) === connection
      if (!isSame) this.#disconnected()
      // What is listened to is in use, however few calls there are.
      else if (this.#seat !== null) void this.#deps.pool.lease(this.setup, this.#seat)
    }
    if (this.#isWanted && this.#tries.isDue) this.#work()
  }

  /** Whatever it waits for need not be waited for any more. */
  retry(): void {
    this.#tries.atOnce()
    if (this.#isWanted) this.#work()
  }

  close(): void {
    this.#isClosed = true
    this.#followers.clear()
    this.#subscribed?.end()
  }

  /** @param when the connection is another one, or its stream had a gap */
  #lost(when: 'at once' | 'after a pause'): void {
    for (const uri of this.#subscribed?.lose() ?? [])
      for (const follower of this.#followers.get(uri) ?? []) follower.hasGap = true
    if (when === 'at once') this.#work()
    else this.#rest()
  }

  #disconnected(): void {
    this.#subscribed?.end()
    this.#lost('after a pause')
    this.#subscribed = null
    this.place = null
  }

  #rest(): void {
    this.#tries.failed()
    this.#isWanted = true
  }

  #work(): void {
    this.#isWanted = true
    if (this.#isWorking || this.#isClosed || !this.#tries.isDue) return
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
        this.#tries.succeeded()
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
        const subscribed = await this.#connect(credential, first.interest)
        const uris = [...this.#followers.keys()]
        // They may all have left while it was connected.
        return await (uris.length === 0 ? this.#leave() : subscribed.bring(uris))
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

  async #connect(credential: LiveCredential, interest: ResourceInterest): Promise<Subscribed> {
    const { pool } = this.#deps
    const key = keyOf(credential, isolationKey(this.setup, interest))
    const seat: Seat = { key, credential, principal: interest.principal, askable: this.#askable }
    const connection = await pool.lease(this.setup, seat)
    if (connection === this.#subscribed?.connection) return this.#subscribed
    if (this.#subscribed !== null) this.#disconnected()
    const subscribed = new Subscribed(connection, this.#deps, {
      settled: (uri) => this.#settle(uri),
      heard: (notification) => this.heard(notification),
      lost: () => {
        if (this.#subscribed === subscribed) this.#lost('after a pause')
      },
    })
    this.#subscribed = subscribed
    this.#seat = seat
    // From now on: what a server says as soon as it is subscribed to is heard.
    this.place = pool.placeOfOpen(this.setup, connection)
    return subscribed
  }

  #settle(uri: string): void {
    const isLive = this.#subscribed?.isLive(uri) === true
    for (const follower of this.#followers.get(uri) ?? []) {
      follower.settle(isLive)
      if (!isLive || !follower.hasGap) continue
      follower.hasGap = false
      follower.interest.updated(uri)
    }
  }

  /** Nobody is left. */
  async #leave(): Promise<void> {
    if (!this.#isClosed) await this.#subscribed?.leave()
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
    exchange.credential = this.#seat?.credential ?? null
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
