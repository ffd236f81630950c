/**
 * How a change in the store reaches the caches in memory: a counter a topic, raised inside the writing transaction. Local
 * listeners are told after the local commit and before the write returns, so whoever wrote sees the effect; replicas look
 * twice a second. A listener that fails is told again, so a cache may be late but never stays wrong.
 */
import type { Kysely, Transaction } from 'kysely'
import type { Log } from '../base/log.ts'
import type { Tables } from './tables.ts'

export const TOPICS = [
  ...(['portals', 'servers', 'policies', 'inventories', 'sessions', 'ended_sessions'] as const),
  /** Credentials that were changed or withdrawn, and what is known of the people behind them. */
  'tokens',
  /** Identity providers, roles, the organisation's settings, signing keys. */
  'identity',
  /** Answers that came to another replica than the one that waits for them. */
  'questions',
  /** Calls that wait in one process: answers for them, and what they came to. */
  'parked',
  /** Which resources sessions want to hear of. */
  'subscriptions',
  /** Approvals: asked for, given, used. */
  'approvals',
  /** Credentials at servers: made, renewed, ended. */
  'connections',
  /** Who is told of events. */
  'webhooks',
] as const
export type Topic = (typeof TOPICS)[number]

export type Listener = (version: number) => void | Promise<void>

export interface Versions {
  /** The last version that this process has seen. */
  get(topic: Topic): number
  /** Raises the counter. Call it inside the transaction that writes, with that transaction. */
  bump(trx: Transaction<Tables>, topic: Topic): Promise<void>
  /**
   * Called after a change is committed, here or on another replica. Changes in quick succession may come as one.
   * Listen first and read then: what changed in between would otherwise be missed. The write waits for the listener, so a listener must never await a write that raises its own topic.
   * @returns a function that ends the listening
   */
  changed(topic: Topic, listener: Listener): () => void
  /**
   * Reads the counters and tells the listeners of those that grew; resolves when all have finished. `Store.write` does it;
   * only a transaction of another kind needs to.
   */
  announce(): Promise<void>
  close(): void
}

/** @param pollMs how often to look for what other replicas changed; null where there are none */
export async function openVersions(db: Kysely<Tables>, log: Log, pollMs: number | null): Promise<Versions> {
  const versions = new StoredVersions(db, log)
  await versions.start(pollMs)
  return versions
}

class StoredVersions implements Versions {
  readonly #db: Kysely<Tables>
  readonly #log: Log
  readonly #seen = new Map<Topic, number>()
  readonly #followers = new Map<Topic, Set<Follower>>(TOPICS.map((topic) => [topic, new Set()]))
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(db: Kysely<Tables>, log: Log) {
    this.#db = db
    this.#log = log
  }

  async start(pollMs: number | null): Promise<void> {
    await this.#read()
    if (pollMs === null) return
    this.#timer = setInterval(() => void this.#poll(), pollMs)
    this.#timer.unref()
  }

  get(topic: Topic): number {
    return this.#seen.get(topic) ?? 0
  }

  async bump(trx: Transaction<Tables>, topic: Topic): Promise<void> {
    await trx
      .insertInto('versions')
      .values({ topic, version: 1 })
      .onConflict((conflict) =>
        conflict.column('topic').doUpdateSet((eb) => ({ version: eb('versions.version', '+', 1) })),
      )
      .execute()
  }

  changed(topic: Topic, listener: Listener): () => void {
    const followers = this.#followers.get(topic)
    const follower = new Follower(listener, this.get(topic), () => this.get(topic))
    followers?.add(follower)
    return () => void followers?.delete(follower)
  }

  async announce(): Promise<void> {
    if (this.#closed) return
    await this.#read()
    const following: Promise<void>[] = []
    for (const [topic, followers] of this.#followers) {
      for (const follower of followers) following.push(this.#tell(topic, follower))
    }
    await Promise.all(following)
  }

  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
  }

  async #poll(): Promise<void> {
    try {
      await this.announce()
    } catch (error) {
      // The next look is half a second away; what must be refused meanwhile is refused by whoever needs the database.
      if (!this.#closed) this.#log.warn({ err: error }, 'could not look for changes made by other replicas')
    }
  }

  async #tell(topic: Topic, follower: Follower): Promise<void> {
    try {
      await follower.follow()
    } catch (error) {
      // The write is committed and must not look failed; the follower stays behind and is told again.
      this.#log.error({ err: error, topic }, 'a cache could not follow a change and will try again')
    }
  }

  async #read(): Promise<void> {
    const rows = await this.#db.selectFrom('versions').selectAll().execute()
    for (const { topic, version } of rows) {
      // Two reads may end in another order than they began, and a counter never shrinks.
      if (isTopic(topic) && version > this.get(topic)) this.#seen.set(topic, version)
    }
  }
}

/** One listener: never run twice at once, and run again when its topic grew meanwhile, so the last run saw the last change. */
class Follower {
  readonly #listener: Listener
  readonly #current: () => number
  #known: number
  #running: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(listener: Listener, known: number, current: () => number) {
    this.#listener = listener
    this.#known = known
    this.#current = current
  }

  /** Resolves when the listener has seen the version that was current at the call. */
  follow(): Promise<void> {
    if (this.#running !== undefined) {
      this.#next ??= this.#running.then(
        () => this.#followNext(),
        () => this.#followNext(),
      )
      return this.#next
    }
    if (this.#known === this.#current()) return Promise.resolve()
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  #followNext(): Promise<void> {
    this.#next = undefined
    return this.follow()
  }

  async #run(): Promise<void> {
    const version = this.#current()
    await this.#listener(version)
    this.#known = version
  }
}

function isTopic(text: string): text is Topic {
  return (TOPICS as readonly string[]).includes(text)
}
