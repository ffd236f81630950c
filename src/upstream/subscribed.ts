/**
 * What one connection was asked to tell of. A server of 2026 has one `subscriptions/listen` for all of it, opened anew with the new set
 * when the set changes: the new one first, so that there is no gap. One of 2025 has a `resources/subscribe` for each.
 */
import type { JsonObject, Notification } from '../protocol/model.ts'
import type { Connection } from './connection.ts'
import { Exchange, type Limits, type Watch } from './exchange.ts'
import { asObject, ownRequest } from './handshake.ts'
import { type ListenLine, openListenLine } from './resource-line.ts'

export interface SubscribedDeps {
  limits: Pick<Limits, 'openingMs'>
  watch: Watch
}

export interface SubscribedEnds {
  /** The server has said to this one whether it tells of it. */
  settled(uri: string): void
  /** Of 2026: on the stream of these very subscriptions. */
  heard(notification: Notification): void
  /** Of 2026: that stream ended by itself. */
  lost(): void
}

/** Requests to a server of 2025 at one time. */
const AT_ONCE = 8

export class Subscribed {
  readonly connection: Connection
  readonly #deps: SubscribedDeps
  readonly #ends: SubscribedEnds
  /** What the server said to each URI: whether it tells of it. */
  readonly #answered = new Map<string, boolean>()
  #line: ListenLine | null = null

  constructor(connection: Connection, deps: SubscribedDeps, ends: SubscribedEnds) {
    this.connection = connection
    this.#deps = deps
    this.#ends = ends
  }

  /** @returns undefined where the server was not asked, or has not answered */
  isLive(uri: string): boolean | undefined {
    return this.#answered.get(uri)
  }

  /** @param params of `notifications/subscriptions/acknowledged`; of another subscription on the same pipe too */
  acknowledged(params: JsonObject): void {
    this.#line?.acknowledged(params)
  }

  /** These, and no others. @throws Trouble */
  async bring(uris: readonly string[]): Promise<void> {
    const { connection } = this
    if (asObject(connection.capabilities.resources ?? null)?.subscribe !== true) {
      for (const uri of uris) this.#note(uri, false)
    } else if (connection.era === '2026') await this.#listen(uris)
    else await this.#subscribeEach(uris)
  }

  /** Nothing any more; the server is told, where there is a way. */
  async leave(): Promise<void> {
    this.end()
    if (this.connection.isOpen && this.connection.era === '2025') await this.#subscribeEach([])
    this.#answered.clear()
  }

  /** Whatever the server tells of now has had a gap, and has to be asked for anew. @returns those */
  lose(): string[] {
    const live = [...this.#answered].filter(([, isLive]) => isLive).map(([uri]) => uri)
    this.#answered.clear()
    return live
  }

  end(): void {
    const line = this.#line
    this.#line = null
    line?.end()
  }

  async #listen(uris: readonly string[]): Promise<void> {
    const old = this.#line
    if (old?.isOpen && old.uris.length === uris.length && uris.every((uri) => old.uris.includes(uri))) return
    const line = openListenLine(this.connection, uris, {
      heard: (notification) => this.#ends.heard(notification),
      ended: () => {
        if (this.#line !== line) return
        this.#line = null
        this.#ends.lost()
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

  async #subscribeEach(uris: readonly string[]): Promise<void> {
    const left = [...this.#answered.keys()].filter((uri) => !uris.includes(uri))
    await each(left, async (uri) => {
      const isLive = this.#answered.get(uri)
      this.#answered.delete(uri)
      if (isLive) await this.#request('resources/unsubscribe', uri)
    })
    const missing = uris.filter((uri) => !this.#answered.has(uri))
    await each(missing, async (uri) => this.#note(uri, await this.#request('resources/subscribe', uri)))
  }

  async #request(method: string, uri: string): Promise<boolean> {
    const exchange = new Exchange(ownRequest(method, { uri }))
    this.#deps.watch.limit(exchange, this.#deps.limits.openingMs)
    return (await this.connection.request(exchange)).outcome === 'result'
  }

  #note(uri: string, isLive: boolean): void {
    this.#answered.set(uri, isLive)
    this.#ends.settled(uri)
  }
}

async function each(uris: readonly string[], work: (uri: string) => Promise<unknown>): Promise<void> {
  const rest = [...uris]
  const worker = async () => {
    for (let uri = rest.pop(); uri !== undefined; uri = rest.pop()) await work(uri)
  }
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, uris.length) }, worker))
}
