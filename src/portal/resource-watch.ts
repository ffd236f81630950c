/**
 * The resources that one open stream hears of. What its caller may read is decided anew whenever something changes, and once more
 * before each message: what may not be read any more is not followed at its server either, and nothing is said of it.
 *
 * A server may tell of something below what was subscribed to. A caller who may read that is told so; any other is told of what it did
 * subscribe to, which did change, and learns no name that it may not see.
 */
import type { ServerUid } from '../base/ids.ts'
import { LIMITS } from '../config/limits.ts'
import type { ResourceFollowing, Upstreams } from '../upstream/model.ts'
import { type MayHear, mayHear } from './may-hear.ts'
import type { Place } from './spec.ts'
import type { Subscription } from './subscription-store.ts'
import type { Standing, Visitors, Who } from './visit.ts'

export interface Watcher extends Who {
  place: Place
  /** The id of a 2025-era session, or null. */
  session: string | null
  updated(uri: string): void
}

export interface WatchRooms {
  upstreams: Pick<Upstreams, 'followResource'>
  visitors: Pick<Visitors, 'standing'>
}

interface Followed {
  server: ServerUid
  isLent: boolean
  following: ResourceFollowing
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
  /** What is to be told, and as part of what. */
  #pending: Map<string, string> = NOTHING
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
    for (const [uri, { server, isLent, following }] of this.#followed) {
      const may = this.#mayHear(standing, uri)
      if (may !== null && may.server.uid === server && isLent === isLentTo(may)) continue
      following.close()
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
    for (const uri of this.#followed.keys()) this.#hear(uri, uri)
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

  #follow(uri: string, may: MayHear): Followed {
    const { principal, session } = this.#watcher
    const { uid, onBehalf } = may.server
    const isLent = isLentTo(may)
    const following = this.#rooms.upstreams.followResource({
      ...{ serverUid: uid, principal, session, onBehalf, withoutCredential: !isLent, uri },
      updated: (told) => this.#hear(uri, told),
    })
    return { server: uid, isLent, following }
  }

  #hear(subscribed: string, told: string): void {
    if (this.#isClosed) return
    if (this.#pending === NOTHING) this.#pending = new Map()
    this.#pending.set(this.#pending.size < MOST_PENDING ? told : subscribed, subscribed)
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
    for (const [told, subscribed] of pending) {
      const followed = this.#followed.get(subscribed)
      if (followed === undefined) continue
      said.add(told === subscribed || this.#mayName(standing, told, followed) ? told : subscribed)
    }
    for (const uri of said) this.#watcher.updated(uri)
  }

  /** A server speaks of what is its own, and to whom may read that as well. */
  #mayName(standing: Standing, uri: string, { server }: Followed): boolean {
    const may = mayHear({ ...standing, principal: this.#watcher.principal }, uri)
    return may !== null && may.server.uid === server && !may.hasTerms
  }
}

/** Whether calls of this caller go with a credential at all. */
function isLentTo({ isBypassed, server }: MayHear): boolean {
  return !isBypassed || server.bypassCredential
}
