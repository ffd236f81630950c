/**
 * Requests that were refused before anybody was known, counted: whoever floods the door must not be able to fill the audit,
 * and must not pass unseen either. One deed for each kind of refusal, network and minute, with how many there were.
 *
 * The number of keys is bounded; what finds no place of its own is counted under "other". Counts that cannot be written wait for
 * the next minute. They may be lost with the process: nothing was done for anybody in them.
 */
import type { Clock } from '../base/clock.ts'
import { type DeedId, newId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { ActorSnapshot, Audit, DeedEnd } from './event.ts'

/** Why nobody was let in. */
export type Refused =
  /** An MCP request with no good credential for the portal. */
  | 'bad-token'
  /** A request to the REST API with no good token. */
  | 'bad-api-token'
  | 'unknown-host'
  | 'bad-origin'
  /** A target or headers that could be read in two ways. */
  | 'bad-request'
  /** A sign-in with wrong credentials, over and over. */
  | 'bad-sign-in'
  /** A client that the authorization server turned away. */
  | 'bad-client'
  /** A way to connect an account that is over, or of nobody who is here. */
  | 'bad-connect'
  /** A caller who is known and asks for portals that it may not enter, over and over. */
  | 'not-offered'

export interface RefusalOptions {
  clock: Clock
  log: Log
  begin: Audit['begin']
}

const FLUSH_MS = 60_000
/** Keys in a minute; with those of "other", 212 rows at most. */
export const KEYS_MOST = 100
/** Deeds in a minute of a known caller who gets nothing but refusals, before they are counted as well. */
export const WRITTEN_MOST = 60
const CALLERS_MOST = 10_000
/** From so many in a minute on, the log warns. */
const FLOOD = 100

const NOBODY: ActorSnapshot = { kind: 'unknown', id: 'nobody', label: 'nobody known' }

interface Tally {
  why: Refused
  network: string
  actor: ActorSnapshot
  count: number
  firstAt: number
  lastAt: number
}

export class Refusals {
  readonly #options: RefusalOptions
  readonly #timer: NodeJS.Timeout
  #tallies = new Map<string, Tally>()
  #written = new Map<string, number>()

  constructor(options: RefusalOptions) {
    this.#options = options
    this.#timer = setInterval(() => void this.flush(), FLUSH_MS)
    this.#timer.unref()
  }

  count(why: Refused, clientIp: string, actor: ActorSnapshot = NOBODY): void {
    const now = this.#options.clock.now()
    this.#add({ why, network: networkOf(clientIp), actor, count: 1, firstAt: now, lastAt: now })
  }

  #add(one: Tally): void {
    const key = `${one.why} ${one.network} ${one.actor.id}`
    const found = this.#tallies.get(key)
    if (found !== undefined) {
      found.count += one.count
      found.firstAt = Math.min(found.firstAt, one.firstAt)
      found.lastAt = Math.max(found.lastAt, one.lastAt)
    } else if (this.#tallies.size < KEYS_MOST || one.network === 'other') this.#tallies.set(key, one)
    else this.#add({ ...one, network: 'other', actor: NOBODY })
  }

  /** @returns whether a refusal of this known caller is still written by itself; the others are to be counted */
  mayWrite(actor: string): boolean {
    const written = this.#written.get(actor) ?? 0
    if (written >= WRITTEN_MOST || (written === 0 && this.#written.size >= CALLERS_MOST)) return false
    this.#written.set(actor, written + 1)
    return true
  }

  /** Writes what was counted. */
  async flush(): Promise<void> {
    this.#written = new Map()
    if (this.#tallies.size === 0) return
    const tallies = [...this.#tallies.values()]
    this.#tallies = new Map()
    this.#tell(tallies)
    await Promise.all(tallies.map((tally) => this.#write(tally).catch(() => this.#add(tally))))
  }

  async #write({ why, network, actor, count, firstAt, lastAt }: Tally): Promise<void> {
    const deed = newId<DeedId>(this.#options.clock.now())
    const entry = await this.#options.begin({ deed, plane: 'door', actor, method: 'refused', clientIp: network })
    const end: DeedEnd = { outcome: 'refused', decision: 'deny', error: why, refusals: { count, firstAt, lastAt } }
    await entry.finish(end)
  }

  #tell(tallies: readonly Tally[]): void {
    const counts: Partial<Record<Refused, number>> = {}
    for (const { why, count } of tallies) counts[why] = (counts[why] ?? 0) + count
    const total = tallies.reduce((sum, { count }) => sum + count, 0)
    const most = tallies.reduce((a, b) => (b.count > a.count ? b : a))
    const facts = { refused: counts, most_from: most.network }
    if (total >= FLOOD) this.#options.log.warn(facts, 'many requests were refused at the door in the last minute')
    else this.#options.log.info(facts, 'requests were refused at the door in the last minute')
  }

  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.flush()
  }
}

/** The /24 of an IPv4 address and the /64 of an IPv6 one: within it, addresses cost an attacker nothing. */
export function networkOf(address: string): string {
  if (!address.includes(':')) {
    const parts = address.split('.')
    return parts.length === 4 ? `${parts.slice(0, 3).join('.')}.0/24` : 'unknown'
  }
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  return `${groups.slice(0, 4).join(':')}::/64`
}
