/**
 * Keeps the credentials that the portal holds at servers, and hands out the right one: whose it is, `resolve.ts` says; whether it is still
 * good, and who renews it, `live.ts` and `renew.ts`. A call whose credential is known and fresh costs two look-ups.
 */
import type { Clock } from '../../base/clock.ts'
import type { AssertionFor } from '../../base/identity-assertion.ts'
import type { ServerUid, UserId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Principal, UserPrincipal } from '../../base/principal.ts'
import type { Sealer } from '../../base/secret.ts'
import type { Store } from '../../store/open.ts'
import type { OauthTarget, OauthWays } from '../oauth/model.ts'
import { Trouble } from '../trouble.ts'
import { type OpenedConnection, openConnectionRow, ownerOfUser } from './connection-store.ts'
import { type Held, Holdings } from './holdings.ts'
import { LiveConnection, needOf, type Tending } from './live.ts'
import { makeConnection, makingKey } from './make.ts'
import {
  type Challenge,
  type ConnectionEvent,
  ConnectionNeeded,
  type ConnectionRecord,
  type LiveCredential,
  type Owner,
  type Witness,
} from './model.ts'
import { Renewer } from './renew.ts'
import { closed, type KeptServer, kindOf, missingName, type Whose, whoseCredential, whoseOfOwner } from './resolve.ts'
import { openUpkeep } from './upkeep.ts'
import { judge } from './verdicts.ts'

export interface KeeperDeps {
  store: Store
  /** Of the purpose `store`. */
  sealer: Sealer
  clock: Clock
  log: Log
  ways: OauthWays
  targetOf(uid: ServerUid): OauthTarget | undefined
  /** Null where nobody can vouch for people. */
  assertionFor: AssertionFor | null
  /** A shared credential will end, has ended, or is good again. */
  notify(event: ConnectionEvent): void | Promise<void>
}

/** A connection ended, or another took its place: what was opened with it is of no use any more. */
export type OnEnded = (server: ServerUid, poolKey: string, owner: Owner) => void

export interface Keeper {
  /** Which credential a call carries; at once where it is known and fresh. @throws ConnectionNeeded, Trouble */
  resolve(
    setup: KeptServer,
    who: Principal | null,
    onBehalf: boolean,
    witness?: Witness,
  ): LiveCredential | Promise<LiveCredential>
  /** The same for a sync. @throws as `resolve` */
  ofOwner(setup: KeptServer, owner: Owner): LiveCredential | Promise<LiveCredential>
  /** Null where there is none, undefined where that was not read yet (`readOwn`). */
  own(server: ServerUid, principal: Principal): ConnectionRecord | null | undefined
  readOwn(principal: Principal, servers?: readonly ServerUid[]): Promise<void>
  /** As `own`. */
  shared(server: ServerUid): ConnectionRecord | null | undefined
  /** An admin looks whether what failed is mended: the next need of a credential that all share, or that the portal makes, tries at once. */
  retry(server: ServerUid): void
  /** Resolves at the next change of this one: made, renewed, marked, ended. @throws what `signal` gives */
  changed(server: ServerUid, owner: Owner, signal: AbortSignal): Promise<void>
  onEnded(listener: OnEnded): void
  /** Reads anew what is in memory. It listens by itself; this is for the start. */
  follow(): Promise<void>
  /** To be called every minute, in every process: one at a time does what one should do (`upkeep.ts`). */
  upkeep(): Promise<void>
  /** Waits for renewals under way: what they bring must be stored, or the connection is lost. */
  close(): Promise<void>
}

/** Whose tokens nobody used for so long are dropped from memory. */
const IDLE_MS = 10 * 60_000

export function openKeeper(deps: KeeperDeps): Keeper {
  return new OpenKeeper(deps)
}

interface Waiter {
  owner: Owner
  server: ServerUid
  done(): void
}

class OpenKeeper implements Keeper, Tending {
  readonly clock: Clock
  readonly #deps: KeeperDeps
  readonly #holdings: Holdings
  readonly #renewer: Renewer
  readonly #upkeep: () => Promise<void>
  readonly #stop: () => void
  readonly #waiters = new Set<Waiter>()
  readonly #listeners: OnEnded[] = []
  /** What was forgotten here may still be held by an open connection to its server: there is one of each, or they would know different tokens. */
  readonly #lives = new Map<string, WeakRef<LiveConnection>>()
  readonly #collected = new FinalizationRegistry<string>((id) => {
    if (this.#lives.get(id)?.deref() === undefined) this.#lives.delete(id)
  })
  /** Begun while a change is followed. */
  readonly #reading = new Set<Promise<void>>()

  constructor(deps: KeeperDeps) {
    this.#deps = deps
    this.clock = deps.clock
    this.#holdings = new Holdings(deps.store, {
      changed: (owner, server, before, now) => this.#noticed(owner, server, before, now),
      // Nobody would hear any more that it ended, so nothing stays open with it.
      forgotten: ({ id, serverUid, owner }) => this.#tellEnded(serverUid, id, owner),
    })
    this.#renewer = new Renewer(deps)
    this.#upkeep = openUpkeep(deps, this.#renewer)
    this.#stop = deps.store.versions.changed('connections', () => this.follow())
  }

  resolve(
    setup: KeptServer,
    who: Principal | null,
    onBehalf: boolean,
    witness?: Witness,
  ): LiveCredential | Promise<LiveCredential> {
    const whose = whoseCredential(setup, who, onBehalf)
    if (whose === 'fixed') return fixedOf(setup)
    const live = this.#known(setup, whose)
    if (live?.isFresh !== true || live.record.kind !== kindOf(setup))
      return this.#find(setup, ownerOf(whose), { principal: typeof whose === 'string' ? null : whose, witness })
    live.usedAt = this.clock.now()
    if (typeof whose !== 'string') live.principal = whose
    return live
  }

  ofOwner(setup: KeptServer, owner: Owner): LiveCredential | Promise<LiveCredential> {
    const whose = whoseOfOwner(setup, owner)
    return whose === 'fixed' ? fixedOf(setup) : this.#find(setup, whose, { principal: null, witness: undefined })
  }

  own(server: ServerUid, principal: Principal): ConnectionRecord | null | undefined {
    if (principal.kind !== 'user') return null
    const person = this.#holdings.person(principal.id)
    if (person === undefined) return undefined
    person.usedAt = this.clock.now()
    return person.held.get(server)?.record ?? null
  }

  async readOwn(principal: Principal): Promise<void> {
    if (principal.kind === 'user') await this.#holdings.readPerson(principal.id)
  }

  shared(server: ServerUid): ConnectionRecord | null | undefined {
    if (!this.#holdings.knowsShared) return undefined
    const shared = this.#holdings.shared(server)
    return (shared?.admin ?? shared?.machine)?.record ?? null
  }

  retry(server: ServerUid): void {
    const { rests } = this.#renewer
    const { admin = null, machine = null } = this.#holdings.shared(server) ?? {}
    for (const held of [admin, machine]) if (held !== null) rests.end(held.record.id)
    rests.endAll(makingKey(server, ''))
  }

  async changed(server: ServerUid, owner: Owner, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const person = isShared(owner) ? null : await this.#holdings.readPerson(userOf(owner))
    if (person === null) await this.#holdings.readShared()
    else person.waiters++
    try {
      await this.#waited(server, owner, signal)
    } finally {
      if (person !== null) person.waiters--
    }
  }

  onEnded(listener: OnEnded): void {
    this.#listeners.push(listener)
  }

  async follow(): Promise<void> {
    await this.#holdings.readShared()
    this.#reading.clear()
    await this.#holdings.follow()
    await Promise.all(this.#reading)
  }

  async upkeep(): Promise<void> {
    this.#holdings.sweep(this.clock.now() - IDLE_MS)
    await this.#upkeep()
  }

  async close(): Promise<void> {
    this.#stop()
    await this.#renewer.settled()
    this.#holdings.clear()
  }

  async tend(live: LiveConnection, why: 'due' | 'refused', challenge: Challenge | null) {
    const { id, version, serverUid: server, owner } = live.record
    const resourceMetadata = challenge?.resourceMetadata ?? null
    return this.#renewer.renew({ server, owner, id, version, why, principal: live.principal, resourceMetadata })
  }

  restsUntil(id: string): number {
    return this.#renewer.rests.until(id)
  }

  async lacksScope(record: ConnectionRecord): Promise<void> {
    await judge(this.#deps, record, { status: record.status, reason: 'scope' })
  }

  async giveUp(record: ConnectionRecord): Promise<OpenedConnection | undefined> {
    await judge(this.#deps, record, { status: 'needs_reauth', reason: 'refused' })
    // What the portal gets by itself it would get again for the very next call, and be refused again.
    const { rests } = this.#renewer
    rests.failed(`refused/${record.id}`)
    rests.rest(record.id, rests.until(`refused/${record.id}`) - this.clock.now())
    return this.#read(record.serverUid, record.owner)
  }

  #known({ record: { uid } }: KeptServer, whose: Exclude<Whose, 'fixed'>): LiveConnection | null | undefined {
    if (typeof whose === 'string') return this.#holdings.shared(uid)?.[whose]?.live
    return this.#holdings.person(whose.id)?.held.get(uid)?.live
  }

  /** What is not known, not opened or not fresh. */
  async #find(
    setup: KeptServer,
    owner: Owner,
    { principal, witness }: { principal: UserPrincipal | null; witness: Witness | undefined },
  ): Promise<LiveCredential> {
    const { record } = setup
    const held = (await this.#held(record.uid, owner)) ?? (await this.#made(setup, owner, principal))
    if (held === null || held.record.kind !== kindOf(setup)) throw missing(setup, owner)
    const live = held.live ?? (await this.#opened(setup, held))
    if (principal !== null) live.principal = principal
    live.usedAt = this.clock.now()
    if (!live.isFresh) await live.freshen(witness)
    return live
  }

  async #held(server: ServerUid, owner: Owner): Promise<Held | null> {
    if (isShared(owner)) {
      await this.#holdings.readShared()
      return this.#holdings.shared(server)?.[owner] ?? null
    }
    const person = await this.#holdings.readPerson(userOf(owner))
    person.usedAt = this.clock.now()
    return person.held.get(server) ?? null
  }

  /** What needs no person is made when it is first needed. */
  async #made(setup: KeptServer, owner: Owner, principal: UserPrincipal | null): Promise<Held | null> {
    if (setup.mode !== 'machine' && setup.mode !== 'enterprise') return null
    if (setup.mode === 'enterprise' && principal === null) return null
    await makeConnection(this.#deps, this.#renewer, { setup, owner, principal })
    return this.#held(setup.record.uid, owner)
  }

  /** Opens the tokens; a row that was tampered with is told apart here. */
  async #opened({ record: server }: KeptServer, held: Held): Promise<LiveConnection> {
    const { id, owner } = held.record
    const row = await this.#read(server.uid, owner)
    if (row === undefined || row.record.id !== id) throw needOf(held.record, server, true)
    if (row.tokens === null && row.record.status === 'ready' && !isSelfMade(row.record)) {
      await judge(this.#deps, row.record, { status: 'needs_reauth', reason: 'unsealed' })
      throw needOf({ ...row.record, status: 'needs_reauth', reason: 'unsealed' }, server)
    }
    held.live ??= this.#lives.get(id)?.deref() ?? this.#opens(server, row)
    held.live.adopt(row)
    return held.live
  }

  #opens(server: KeptServer['record'], row: OpenedConnection): LiveConnection {
    const live = new LiveConnection(this, server, row)
    this.#lives.set(row.record.id, new WeakRef(live))
    this.#collected.register(live, row.record.id)
    return live
  }

  /** A connection in memory is another than it was, by whomever. */
  #noticed(owner: Owner, server: ServerUid, before: Held | null, now: Held | null): void {
    const known = before ?? now
    // Dropped here for want of use, it may still be held by what is open at the server.
    const live = known?.live ?? (known && this.#lives.get(known.record.id)?.deref())
    if (before !== null && before.record.id !== now?.record.id) {
      live?.end()
      this.#tellEnded(server, before.record.id, owner)
    } else if (now !== null && live) this.#reading.add(this.#reread(now.record, live))
    for (const waiter of this.#waiters) if (waiter.owner === owner && waiter.server === server) waiter.done()
  }

  #tellEnded(server: ServerUid, poolKey: string, owner: Owner): void {
    for (const listener of this.#listeners) listener(server, poolKey, owner)
  }

  /** What is in use is read with its tokens before the change counts as followed. */
  async #reread({ serverUid, owner }: ConnectionRecord, live: LiveConnection): Promise<void> {
    live.adopt(await this.#read(serverUid, owner))
  }

  #read(server: ServerUid, owner: Owner): Promise<OpenedConnection | undefined> {
    return openConnectionRow(this.#deps.store.db, this.#deps.sealer, server, owner)
  }

  #waited(server: ServerUid, owner: Owner, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', aborted)
      }
      const aborted = (): void => {
        end()
        reject(signal.reason)
      }
      const waiter: Waiter = {
        owner,
        server,
        done: () => {
          end()
          resolve()
        },
      }
      this.#waiters.add(waiter)
      signal.addEventListener('abort', aborted, { once: true })
      if (signal.aborted) aborted()
    })
  }
}

function fixedOf({ fixed }: KeptServer): LiveCredential {
  if (fixed instanceof Trouble) throw fixed
  return fixed
}

function isShared(owner: Owner): owner is 'admin' | 'machine' {
  return owner === 'admin' || owner === 'machine'
}

function isSelfMade({ kind }: ConnectionRecord): boolean {
  return kind === 'machine' || kind === 'enterprise'
}

function userOf(owner: Owner): UserId {
  return owner.slice('user:'.length) as UserId
}

function ownerOf(whose: Exclude<Whose, 'fixed'>): Owner {
  return typeof whose === 'string' ? whose : ownerOfUser(whose.id)
}

function missing(setup: KeptServer, owner: Owner): ConnectionNeeded | Trouble {
  const needed = neededFor(setup, owner)
  needed.credential = missingName(kindOf(setup) ?? 'oauth', isShared(owner) ? owner : 'user')
  return needed
}

function neededFor(setup: KeptServer, owner: Owner): ConnectionNeeded | Trouble {
  if (owner === 'admin') return closed('{server} needs to be connected by an administrator first.')
  if (owner === 'machine' || setup.mode === 'enterprise')
    return closed('{server} is not connected yet. Try again in a moment.')
  return new ConnectionNeeded('connect', setup.record)
}
