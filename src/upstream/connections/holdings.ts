/**
 * What this process knows of connections: of people, each wholly or not at all, and all that are shared. Records only; tokens are opened
 * when a call needs them, and are dropped when none does for a while. What is here is never older than the last change that was told.
 */
import type { ServerUid, UserId } from '../../base/ids.ts'
import type { Store } from '../../store/open.ts'
import { listConnectionsOf } from './connection-store.ts'
import type { LiveConnection } from './live.ts'
import type { ConnectionRecord, Owner } from './model.ts'

export interface Held {
  record: ConnectionRecord
  live: LiveConnection | null
}

export interface Person {
  held: Map<ServerUid, Held>
  usedAt: number
  /** Who waits for a change: whoever is waited for is not forgotten. */
  waiters: number
}

export interface Shared {
  admin: Held | null
  machine: Held | null
}

export interface Hearing {
  /** Called for each connection that is other than it was, or not there any more; `before` is null for a new one. */
  changed(owner: Owner, server: ServerUid, before: Held | null, now: Held | null): void
  /** A person's, that was in use: what becomes of it is not heard here any more. */
  forgotten(record: ConnectionRecord): void
}

/** People in memory, with or without connections. */
const MOST_PEOPLE = 50_000
/** How many are asked for in one query. */
const CHUNK = 500

export class Holdings {
  readonly #store: Store
  readonly #hearing: Hearing
  readonly #people = new Map<UserId, Person>()
  #shared: Map<ServerUid, Shared> | null = null
  /** Grows with each change that was told: what was read before it is read again. */
  #generation = 0

  constructor(store: Store, hearing: Hearing) {
    this.#store = store
    this.#hearing = hearing
  }

  /** Undefined where it was not read yet. */
  person(id: UserId): Person | undefined {
    return this.#people.get(id)
  }

  /** Undefined where nothing was read yet, or there is none. */
  shared(server: ServerUid): Shared | undefined {
    return this.#shared?.get(server)
  }

  get knowsShared(): boolean {
    return this.#shared !== null
  }

  async readPerson(id: UserId): Promise<Person> {
    const known = this.#people.get(id)
    if (known !== undefined) return known
    const records = await this.#readUnchanged([id])
    const person = this.#people.get(id) ?? { held: new Map(), usedAt: this.#store.clock.now(), waiters: 0 }
    if (!this.#people.has(id)) {
      this.#people.set(id, person)
      this.#replace(person.held, records)
      this.#shrink()
    }
    return person
  }

  async readShared(): Promise<void> {
    if (this.#shared !== null) return
    const records = await this.#readUnchanged('shared')
    if (this.#shared !== null) return
    this.#shared = new Map()
    this.#replaceShared(this.#shared, records)
  }

  /** Something changed: reads what is in memory anew, and says what is other than it was. */
  async follow(): Promise<void> {
    this.#generation++
    const { db } = this.#store
    const ids = [...this.#people.keys()]
    for (let at = 0; at < ids.length; at += CHUNK) {
      const some = ids.slice(at, at + CHUNK)
      const found = Map.groupBy(await listConnectionsOf(db, some), ({ userId }) => userId)
      for (const id of some) {
        const person = this.#people.get(id)
        if (person !== undefined) this.#replace(person.held, found.get(id) ?? [])
      }
    }
    if (this.#shared !== null) this.#replaceShared(this.#shared, await listConnectionsOf(db, 'shared'))
  }

  /** Forgets people whom nobody asked for since then, and the tokens of shared connections that nobody used. */
  sweep(before: number): void {
    for (const [id, { usedAt, waiters }] of this.#people) if (usedAt < before && waiters === 0) this.#forget(id)
    for (const shared of this.#shared?.values() ?? []) {
      for (const held of [shared.admin, shared.machine]) {
        if (held?.live != null && held.live.usedAt < before) held.live = null
      }
    }
  }

  clear(): void {
    this.#people.clear()
    this.#shared = null
  }

  async #readUnchanged(of: readonly UserId[] | 'shared'): Promise<ConnectionRecord[]> {
    for (;;) {
      const generation = this.#generation
      const records = await listConnectionsOf(this.#store.db, of)
      if (generation === this.#generation) return records
    }
  }

  #replace(held: Map<ServerUid, Held>, records: readonly ConnectionRecord[]): void {
    const now = new Map(records.map((record) => [record.serverUid, record]))
    for (const [server, before] of held) if (!now.has(server)) this.#put(held, before, undefined)
    for (const [server, record] of now) this.#put(held, held.get(server) ?? null, record)
  }

  #put(held: Map<ServerUid, Held>, before: Held | null, record: ConnectionRecord | undefined): void {
    const next = nextOf(before, record)
    if (next === before) return
    const about = record ?? before?.record
    if (about === undefined) return
    if (next === null) held.delete(about.serverUid)
    else held.set(about.serverUid, next)
    this.#hearing.changed(about.owner, about.serverUid, before, next)
  }

  #replaceShared(shared: Map<ServerUid, Shared>, records: readonly ConnectionRecord[]): void {
    const of = (server: ServerUid, owner: 'admin' | 'machine') =>
      records.find((record) => record.serverUid === server && record.owner === owner)
    const servers = new Set([...shared.keys(), ...records.map(({ serverUid }) => serverUid)])
    for (const server of servers) {
      const was = shared.get(server) ?? { admin: null, machine: null }
      const now: Shared = {
        admin: nextOf(was.admin, of(server, 'admin')),
        machine: nextOf(was.machine, of(server, 'machine')),
      }
      if (now.admin === null && now.machine === null) shared.delete(server)
      else shared.set(server, now)
      for (const owner of ['admin', 'machine'] as const) {
        if (now[owner] !== was[owner]) this.#hearing.changed(owner, server, was[owner], now[owner])
      }
    }
  }

  #shrink(): void {
    if (this.#people.size <= MOST_PEOPLE) return
    const oldest = [...this.#people].filter(([, { waiters }]) => waiters === 0)
    oldest.sort(([, a], [, b]) => a.usedAt - b.usedAt)
    for (const [id] of oldest.slice(0, Math.ceil(MOST_PEOPLE / 10))) this.#forget(id)
  }

  #forget(id: UserId): void {
    const person = this.#people.get(id)
    this.#people.delete(id)
    for (const { record, live } of person?.held.values() ?? []) if (live !== null) this.#hearing.forgotten(record)
  }
}

/** @returns `before` itself where nothing changed */
function nextOf(before: Held | null, record: ConnectionRecord | undefined): Held | null {
  if (record === undefined) return null
  if (before === null) return { record, live: null }
  const { id, version, status, reason } = before.record
  const isSame = record.id === id && record.version === version
  if (isSame && record.status === status && record.reason === reason) return before
  // What was renewed by ourselves a moment ago may be known better than it was read.
  if (record.id === id && record.version < version) return before
  return { record, live: record.id === id ? before.live : null }
}
