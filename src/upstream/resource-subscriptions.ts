/**
 * Who hears of which resource, at all servers. Counted by server, credential, isolation, what callers can be asked (2025) and URI:
 * what several callers follow by one connection is subscribed to once, on the connection that their calls go by, and what comes by one
 * credential reaches nobody whose calls carry another. A person's own account is a group of its own, heard on its own connection alone.
 */
import type { ServerUid } from '../base/ids.ts'
import { type Principal, principalKey } from '../base/principal.ts'
import type { Askable } from '../protocol/asked.ts'
import type { Notification } from '../protocol/model.ts'
import { placeAt } from './asked-places.ts'
import { whoseCredential } from './connections/resolve.ts'
import type { ResourceFollowing, ResourceInterest } from './model.ts'
import { isolationKey } from './pool.ts'
import type { ServerSetup } from './setup.ts'
import { type Follower, type GroupDeps, SubscriptionGroup } from './subscription-group.ts'
import { TaskLines } from './task-lines.ts'

export class ResourceSubscriptions {
  /** Tasks are heard of on the same connections, and are nobody's but their caller's. */
  readonly tasks: TaskLines
  readonly #deps: GroupDeps
  readonly #groups = new Map<string, SubscriptionGroup>()
  /** Null where the server is not there, or takes no credential of theirs, as things stand. */
  readonly #homes = new Map<Follower, SubscriptionGroup | null>()
  #isClosed = false

  constructor(deps: GroupDeps) {
    this.#deps = deps
    this.tasks = new TaskLines(deps)
  }

  follow(interest: ResourceInterest): ResourceFollowing {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const follower: Follower = { interest, settle: resolve, hasGap: false }
    if (this.#isClosed) resolve(false)
    else this.#seat(follower)
    return { live: promise, close: () => this.#leave(follower) }
  }

  /** What a server said on one of its connections. @param place the connection's key */
  heard(server: ServerUid, notification: Notification, place: string): void {
    for (const group of this.#groups.values())
      if (group.server === server && group.place === place) group.heard(notification)
    this.tasks.heard(server, notification, place)
  }

  /** To be called about once a second: what was lost is taken up again. */
  tick(): void {
    for (const [follower, home] of this.#homes) if (home === null) this.#seat(follower)
    for (const [key, group] of this.#groups) {
      if (this.#deps.find(group.server)?.setup !== group.setup) this.#move(key, group)
      else if (group.isOver) this.#groups.delete(key)
      else group.tick()
    }
  }

  /** What failed may succeed now: somebody connected an account there, or it answers again. */
  retry(server: ServerUid): void {
    for (const group of this.#groups.values()) if (group.server === server) group.retry()
  }

  close(): void {
    this.#isClosed = true
    for (const group of this.#groups.values()) group.close()
    this.tasks.close()
    for (const { settle } of this.#homes.keys()) settle(false)
    this.#groups.clear()
    this.#homes.clear()
  }

  #seat(follower: Follower): void {
    const { interest } = follower
    const setup = this.#deps.find(interest.serverUid)?.setup
    // A server of 2026 is told with each request what its caller can be asked, and has one connection for all.
    const askable = this.#deps.era(interest.serverUid) === '2026' ? undefined : interest.askable
    const key = setup === undefined ? null : groupKey(setup, interest, askable)
    if (setup === undefined || key === null) {
      this.#homes.set(follower, null)
      follower.settle(false)
      return
    }
    const old = this.#groups.get(key)
    if (old !== undefined && old.setup !== setup) this.#move(key, old)
    const group = this.#groups.get(key) ?? new SubscriptionGroup(this.#deps, { setup, askable })
    this.#groups.set(key, group)
    this.#homes.set(follower, group)
    group.add(follower)
  }

  /** The server is set up otherwise by now, or gone: nothing that was settled with it holds, and what it said meanwhile nobody heard. */
  #move(key: string, group: SubscriptionGroup): void {
    this.#groups.delete(key)
    const followers = [...group.followers()]
    group.close()
    for (const follower of followers) {
      follower.hasGap = true
      this.#seat(follower)
    }
  }

  #leave(follower: Follower): void {
    this.#homes.get(follower)?.remove(follower)
    this.#homes.delete(follower)
    follower.settle(false)
  }
}

/** Whose calls go by one connection. @returns null where a call could carry no credential at all, and would be told why */
function groupKey(setup: ServerSetup, interest: ResourceInterest, askable: Askable | undefined): string | null {
  const { serverUid, principal, onBehalf, withoutCredential } = interest
  try {
    const whose = withoutCredential === true ? 'nobody' : ownerKey(whoseCredential(setup, principal, onBehalf))
    return `${serverUid} ${whose} ${placeAt(null, { key: isolationKey(setup, interest), askable })}`
  } catch {
    return null
  }
}

function ownerKey(whose: string | Principal): string {
  return typeof whose === 'string' ? whose : principalKey(whose)
}
