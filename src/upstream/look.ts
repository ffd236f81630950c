/**
 * What a server lists only to clients that can be asked something. It is read in a session that declares all that an admin lets through,
 * and where there is more than in the one that declares nothing, in sessions that declare one thing each, until it is known which of
 * them the server looks for. Nobody calls on these sessions; each is closed at once.
 *
 * A server that lists the same to all is looked at once a day, and when something hints that this may be otherwise by now. What a look
 * fails for never fails the sync: what is known stays.
 */
import type { ServerUid } from '../base/ids.ts'
import { type Askable, type AskedKind, askableOf, fingerprintOf, kindsOf } from '../protocol/asked.ts'
import { ConnectionNeeded } from './connections/model.ts'
import { MAX_DEFINITIONS } from './definitions.ts'
import { VERDICT_MS } from './detect.ts'
import { Exchange } from './exchange.ts'
import { ownRequest } from './handshake.ts'
import { ADMIN, type OwnKey, ownKey } from './inventory-store.ts'
import { KINDS } from './list-all.ts'
import type { CapabilityKind, Definition, ServerRecord } from './model.ts'
import { type ListDeps, type ListReading, listKey, readList } from './read-list.ts'
import type { ServerSetup } from './setup.ts'
import { type Trouble, troubleOf } from './trouble.ts'

export type Lists = Readonly<Record<CapabilityKind, readonly Definition[]>>

export const NO_LISTS: Lists = { tool: [], prompt: [], resource: [], template: [] }

/** What came of the last look. */
interface Seen {
  setup: ServerSetup
  fingerprint: string
  /** Milliseconds since 1970. */
  at: number
  /** `alone`: it could not serve a second session beside the first; it is not tried again by itself. */
  found: 'same' | 'more' | 'alone'
}

/** Of how many lists it is remembered when they were looked at; others are looked at again. */
const MOST_SEEN = 10_000

/** When each server's lists were looked at last, in this process. */
export class Looks {
  readonly #seen = new Map<OwnKey, Seen>()

  /** Whatever is known may be otherwise by now. */
  forget(server: ServerUid, inventory: string = ADMIN): void {
    this.#seen.delete(ownKey(server, inventory))
  }

  last(setup: ServerSetup, inventory: string): Seen | undefined {
    const seen = this.#seen.get(ownKey(setup.record.uid, inventory))
    return seen?.setup === setup ? seen : undefined
  }

  /** @param before what `last` said when the look began: what was forgotten meanwhile stays so */
  note(inventory: string, seen: Seen, before: Seen | undefined): void {
    if (this.last(seen.setup, inventory) !== before) return
    const key = ownKey(seen.setup.record.uid, inventory)
    this.#seen.delete(key)
    this.#seen.set(key, seen)
    if (this.#seen.size > MOST_SEEN) for (const oldest of this.#seen.keys()) return void this.#seen.delete(oldest)
  }
}

/** All that callers of a server may be asked, as far as its admin lets it through, and nobody else shares where they are. */
export function widestOf({ relay, isolation }: Pick<ServerRecord, 'relay' | 'isolation'>, isAlone: boolean): Askable {
  return {
    form: relay.elicitation,
    url: relay.elicitation,
    sampling: relay.sampling,
    samplingTools: relay.sampling,
    roots: relay.roots && (isAlone || isolation === 'per_user' || isolation === 'per_session'),
  }
}

interface LookDeps extends ListDeps {
  looks: Looks
  /** In milliseconds since 1970. */
  now(): number
}

/**
 * @param bare what is listed to all
 * @param old what the inventory has had until now
 * @returns what is listed to some beside that, each with what it needs
 */
export async function readBeside(
  deps: LookDeps,
  reading: ListReading,
  { bare, old }: { bare: Lists; old: Lists },
): Promise<Lists> {
  const { setup, credential, era } = reading
  const { looks } = deps
  const widest = widestOf(setup.record, era === '2026' || credential.inventory !== ADMIN)
  if (kindsOf(widest).length === 0) return NO_LISTS
  const kept = neededIn(old, bare, kindsOf(widest))
  const before = looks.last(setup, credential.inventory)
  const seen = { setup, fingerprint: fingerprintOf(widest), at: deps.now() }
  if (before !== undefined && !isDue(before, seen)) return kept
  let found: Lists | null = null
  try {
    found = await new Look(deps, reading, before === undefined ? NO_LISTS : kept).readAll(widest, bare)
  } catch (error) {
    const reason = error instanceof ConnectionNeeded ? error.need : troubleOf(error).message
    deps.log.warn({ server: setup.record.id, reason }, 'what a server lists only to some could not be read')
  }
  const isWell = era === '2026' || (await isStillThere(deps, reading))
  if (found !== null || !isWell) {
    const isMore = found !== null && KINDS.some((kind) => found?.[kind].length !== 0)
    looks.note(credential.inventory, { ...seen, found: isWell ? (isMore ? 'more' : 'same') : 'alone' }, before)
  }
  return found ?? kept
}

function isDue(before: Seen, now: Omit<Seen, 'found'>): boolean {
  if (before.found === 'alone') return false
  return before.found === 'more' || before.fingerprint !== now.fingerprint || now.at - before.at >= VERDICT_MS
}

/** Some servers have one session, and the next takes its place: then the connection of all is silent, and is opened anew. */
async function isStillThere({ performer, watch }: ListDeps, { setup, credential }: ListReading): Promise<boolean> {
  const { pool } = performer
  const connection = pool.current(setup, listKey(credential))
  if (connection === null) return true
  const exchange = new Exchange(ownRequest('ping'))
  watch.limit(exchange, performer.limits.probeMs)
  try {
    await connection.request(exchange)
    return true
  } catch (error) {
    // Whatever else it says, it says something.
    if (!GONE.includes(troubleOf(error).kind)) return true
    pool.forget(setup, connection)
    return false
  }
}

const GONE: readonly Trouble['kind'][] = ['timeout', 'lost', 'unsent', 'session-gone']

/** What was found by a look before this one and may still be listed to somebody. */
export function neededIn(old: Lists, bare: Lists, kinds: readonly AskedKind[]): Lists {
  const isKept = (one: Definition) => one.needs?.every((need) => kinds.includes(need)) === true
  return byKind((kind) => without(old[kind].filter(isKept), bare[kind]))
}

class Look {
  readonly #deps: ListDeps
  readonly #reading: ListReading
  readonly #known: Lists

  /** @param known what is needed for what, where that was found out before */
  constructor(deps: ListDeps, reading: ListReading, known: Lists) {
    this.#deps = deps
    this.#reading = reading
    this.#known = known
  }

  async readAll(widest: Askable, bare: Lists): Promise<Lists> {
    const all = kindsOf(widest)
    const wide = await this.#readAs(widest, KINDS)
    const found = byKind((kind) => without(wide[kind], bare[kind]).slice(0, MAX_DEFINITIONS - bare[kind].length))
    const needs = this.#knownNeeds(found)
    for (const one of all) {
      const open = KINDS.filter((kind) => found[kind].some((definition) => !needs.has(definition)))
      if (open.length === 0) break
      // The only one there is needs no second session.
      const listed = all.length === 1 ? found : await this.#readAs(askableOf([one]), open)
      for (const kind of open) note(needs, found[kind], new Set(listed[kind].map(({ name }) => name)), one)
    }
    return byKind((kind) => found[kind].map((definition) => ({ ...definition, needs: needs.get(definition) ?? all })))
  }

  #knownNeeds(found: Lists): Map<Definition, readonly AskedKind[]> {
    const needs = new Map<Definition, readonly AskedKind[]>()
    for (const kind of KINDS) {
      const known = new Map(this.#known[kind].map((one) => [one.name, one]))
      for (const definition of found[kind]) {
        const before = known.get(definition.name)
        if (before?.needs !== undefined && before.hash === definition.hash) needs.set(definition, before.needs)
      }
    }
    return needs
  }

  async #readAs(askable: Askable, kinds: readonly CapabilityKind[]): Promise<Lists> {
    const { setup, credential } = this.#reading
    const lists: Record<CapabilityKind, readonly Definition[]> = { ...NO_LISTS }
    try {
      for (const kind of kinds) lists[kind] = await readList(this.#deps, this.#reading, kind, askable)
    } finally {
      await this.#deps.performer.pool.endLook(setup, { key: listKey(credential), askable })
    }
    return lists
  }
}

function note(
  needs: Map<Definition, readonly AskedKind[]>,
  found: readonly Definition[],
  listed: ReadonlySet<string>,
  one: AskedKind,
): void {
  for (const definition of found)
    if (!needs.has(definition) && listed.has(definition.name)) needs.set(definition, [one])
}

function without(some: readonly Definition[], others: readonly Definition[]): Definition[] {
  const names = new Set(others.map(({ name }) => name))
  return some.filter(({ name }) => !names.has(name))
}

function byKind(make: (kind: CapabilityKind) => readonly Definition[]): Lists {
  return { tool: make('tool'), prompt: make('prompt'), resource: make('resource'), template: make('template') }
}
