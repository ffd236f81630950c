/**
 * The resources that one open stream hears of. What its caller may read is decided anew whenever something changes, and once more
 * before each message: what may not be read any more is not followed at its server either, and nothing is said of it.
 *
 * A server may tell of something below what was subscribed to. A caller who may read that is told so; any other is told of what it did
 * subscribe to, which did change, and learns no name that it may not see.
 */
import type { ServerUid } from '../base/ids.ts'
import { LIMITS } from '../config/limits.ts'
import { type Askable, fingerprintOf } from '../protocol/asked.ts'
import type { ClientFacts } from '../protocol/model.ts'
import type { ResourceFollowing, Upstreams } from '../upstream/model.ts'
import { type MayHear, mayHear } from './may-hear.ts'
import { declaredAt } from './relay-askable.ts'
import type { Place, ServerSpec } from './spec.ts'
import type { Subscription } from './subscription-store.ts'
import type { Standing, Visitors, Who } from './visit.ts'

export interface Watcher extends Who {
  place: Place
  /** The id of a 2025-era session, or null. */
  session: string | null
  client: ClientFacts
  updated(uri: string): void
}

export interface WatchRooms {
  upstreams: Pick<Upstreams, 'followResource' | 'inventory'>
  visitors: Pick<Visitors, 'standing'>
}

interface Followed {
  server: ServerUid
  /** What the server calls it. */
  own: string
  isLent: boolean
  /** What calls of this caller declare there, by which its connections are told apart. */
  declared: string
  following: ResourceFollowing
}

/** A server told of something, as it calls it, to whoever subscribed to what it is part of, as the caller calls that. */
interface Told {
  told: string
  subscribed: string
}

/** Long enough to gather what a server says of one thing several times, short enough to feel immediate. */
const GATHER_MS = 50
const MOST_PENDING = LIMITS.resource_subscriptions.value

/** Never written to: whoever writes makes one of their own first. */
const NOTHING = new Map<never, never>()

export class ResourceWatch {
  readonly #rooms: WatchRooms
  readonly #watcher: Watcher
  // Nearly every stream follows nothing, and ten thousand of them are to fit: what is empty is shared.
  #wanted: ReadonlyMap<string, Subscription> = NOTHING
  #followed: Map<string, Followed> = NOTHING
  /** What is to be told, once each. */
  #pending: Map<string, Told> = NOTHING
  #timer: NodeJS.Timeout | null = null
  #isClosed = false

  constructor(rooms: WatchRooms, watcher: Watcher) {
    this.#rooms = rooms
    this.#watcher = watcher
  }

  /** Replaces what is wanted. Resolves when what is allowed of it is being followed, whether or not its servers know yet. */
  async want(wanted: readonly Subscription[]): Promise<void> {
    this.#wanted = wanted.length === 0 ? NOTHING : new Map(wanted.map((one) => [one.uri, one]))
    if (this.#wanted.size === 0 && this.#followed.size === 0) return
    if (this.#followed === NOTHING) this.#followed = new Map()
    this.see(await this.#rooms.visitors.standing(this.#watcher.place, this.#watcher))
  }

  /** @param standing the caller's, as of now */
  see(standing: Standing): void {
    if (this.#isClosed) return
    for (const [uri, followed] of this.#followed) {
      const may = this.#mayHear(standing, uri)
      if (may !== null && this.#isAsBefore(followed, may)) continue
      followed.following.close()
      this.#followed.delete(uri)
    }
    for (const uri of this.#wanted.keys()) {
      const may = this.#followed.has(uri) ? null : this.#mayHear(standing, uri)
      if (may !== null) this.#followed.set(uri, this.#follow(uri, may))
    }
  }

  /** Those of what is wanted of which their servers tell. @param ms how long to wait for servers that have not answered */
  async live(ms: number): Promise<readonly Subscription[]> {
    const live = new Set<string>()
    const all = [...this.#followed].map(async ([uri, { following }]) => {
      if (await following.live) live.add(uri)
    })
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    await Promise.race([Promise.all(all), late])
    clearTimeout(timer)
    return [...this.#wanted.values()].filter(({ uri }) => live.has(uri))
  }

  /** Nobody listened for a while: whatever is followed may be another by now. */
  missed(): void {
    for (const [uri, { own }] of this.#followed) this.#hear(uri, own)
  }

  close(): void {
    this.#isClosed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    for (const { following } of this.#followed.values()) following.close()
    this.#followed = NOTHING
  }

  #mayHear(standing: Standing, uri: string): MayHear | null {
    const wanted = this.#wanted.get(uri)
    if (wanted === undefined) return null
    const may = mayHear({ ...standing, principal: this.#watcher.principal }, uri)
    if (may === null || may.server.uid !== wanted.serverUid) return null
    // What is asked for now and was not then nobody has met.
    return may.hasTerms && !wanted.hasMetTerms ? null : may
  }

  #isAsBefore({ server, own, isLent, declared }: Followed, may: MayHear): boolean {
    if (may.server.uid !== server || may.own !== own || isLent !== isLentTo(may)) return false
    return declared === fingerprintOf(this.#declaredAt(may.server))
  }

  #declaredAt(server: ServerSpec): Askable {
    return declaredAt(server, this.#watcher.client, this.#rooms.upstreams.inventory(server.uid)?.era ?? null)
  }

  #follow(uri: string, may: MayHear): Followed {
    const { principal, session } = this.#watcher
    const { uid, onBehalf } = may.server
    const isLent = isLentTo(may)
    const { own } = may
    const askable = this.#declaredAt(may.server)
    const following = this.#rooms.upstreams.followResource({
      ...{ serverUid: uid, principal, session, onBehalf, withoutCredential: !isLent, askable, uri: own },
      updated: (told) => this.#hear(uri, told),
    })
    return { server: uid, own, isLent, declared: fingerprintOf(askable), following }
  }

  #hear(subscribed: string, told: string): void {
    if (this.#isClosed) return
    if (this.#pending === NOTHING) this.#pending = new Map()
    const own = this.#followed.get(subscribed)?.own ?? told
    const what = this.#pending.size < MOST_PENDING ? told : own
    // Two servers may call different things the same.
    this.#pending.set(JSON.stringify([subscribed, what]), { told: what, subscribed })
    this.#timer ??= setTimeout(() => void this.#tell(), GATHER_MS).unref()
  }

  async #tell(): Promise<void> {
    this.#timer = null
    const pending = this.#pending
    this.#pending = NOTHING
    // Of whom it cannot be told what they may read, they may not.
    const standing = await this.#rooms.visitors
      .standing(this.#watcher.place, this.#watcher)
      .catch((): undefined => undefined)
    if (standing === undefined || this.#isClosed) return
    this.see(standing)
    const said = new Set<string>()
    for (const { told, subscribed } of pending.values()) {
      const followed = this.#followed.get(subscribed)
      if (followed === undefined) continue
      said.add((told === followed.own ? null : this.#nameOf(told, standing, followed)) ?? subscribed)
    }
    for (const uri of said) this.#watcher.updated(uri)
  }

  /** A server speaks of what is its own, and to whom may read that as well. @returns null where it may not be named */
  #nameOf(told: string, standing: Standing, { server }: Followed): string | null {
    const index = standing.spec.servers.findIndex(({ uid }) => uid === server)
    const uri = standing.catalog.uris(index)?.outward(told) ?? told
    const may = mayHear({ ...standing, principal: this.#watcher.principal }, uri)
    return may !== null && may.server.uid === server && !may.hasTerms ? uri : null
  }
}

/** Whether calls of this caller go with a credential at all. */
function isLentTo({ isBypassed, server }: MayHear): boolean {
  return !isBypassed || server.bypassCredential
}
