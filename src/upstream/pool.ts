/**
 * All connections to all servers. A connection is keyed by server, credential and isolation, is opened when it is first
 * needed and by one opener however many wait, and is replaced when it is gone. Each server has its own sockets and its
 * own waiting: a dead one holds up nobody else.
 */
import type { Clock } from '../base/clock.ts'
import type { Egress } from '../base/egress.ts'
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { type Principal, principalKey } from '../base/principal.ts'
import type { StdioConfig } from '../config/stdio.ts'
import { NOTHING_ASKABLE } from '../protocol/asked.ts'
import type { Notification } from '../protocol/model.ts'
import { isPlaceOf, keyIn, type Placing, placeAt } from './asked-places.ts'
import { ChildSlots } from './child-slots.ts'
import type { Connection } from './connection.ts'
import type { LiveCredential } from './connections/model.ts'
import { VERDICT_MS, type Verdict } from './detect.ts'
import type { PortalInfo } from './encode.ts'
import type { Limits, Outgoing, Watch } from './exchange.ts'
import { ADMIN } from './inventory-store.ts'
import type { AssertFor, UpstreamCall } from './model.ts'
import { type Opened, type Opening, openConnection } from './open-connection.ts'
import type { ServerSetup } from './setup.ts'
import { Trouble, whileOpening } from './trouble.ts'

/** The key of the connection that the portal itself uses, and that all share where isolation allows it. */
export const SHARED = 'shared'

/**
 * The key of a connection: what is shared is shared among those who use the same credential, and nobody else.
 *
 * @param isolation as `isolationKey` says
 */
export function keyOf({ poolKey, inventory }: LiveCredential, isolation: string): string {
  if (poolKey === '') return isolation
  // One person's own is never the shared one, even where it is their only one.
  return inventory === ADMIN || isolation !== SHARED ? `${poolKey}/${isolation}` : `${poolKey}/own`
}

/** Whether several callers, and the portal itself, use the connection of this key. */
function isShared(key: string): boolean {
  return key === SHARED || key.endsWith(`/${SHARED}`)
}

/** Which connection a call must take, among those of its credential. */
export function isolationKey(setup: ServerSetup, call: Pick<UpstreamCall, 'principal' | 'session'>): string {
  switch (setup.record.isolation) {
    case 'shared':
    case 'per_credential':
      return SHARED
    case 'per_user':
      return principalKey(call.principal)
    case 'per_session':
      return `${principalKey(call.principal)}/${call.session ?? 'stateless'}`
  }
}

interface Slot {
  /** Of whom can be asked nothing, where several share it: it stays. Others are given up when nobody uses them. */
  isLasting: boolean
  connection: Connection | null
  opening: Promise<Connection> | null
  usedSinceTick: boolean
  idleMs: number
  openedAt: number
  /** Openings that failed or did not live, in a row. */
  failures: number
  notBefore: number
}

/** An open connection, since when it is, and whether all use it. */
interface HeldConnection {
  connection: Connection
  /** Milliseconds since 1970. */
  openedAt: number
  isShared: boolean
}

interface Line {
  setup: ServerSetup
  verdict: Verdict | null
  slots: Map<string, Slot>
}

/** Whether others of the same key, for callers that can be asked something else, are open or about to be. */
function hasSiblings(line: Line | undefined, key: string, slot: Slot): boolean {
  for (const [place, other] of line?.slots ?? []) {
    if (other !== slot && isPlaceOf(key, place) && (other.connection?.isOpen || other.opening !== null)) return true
  }
  return false
}

export interface PoolDeps {
  clock: Clock
  log: Log
  limits: Limits
  watch: Watch
  portal: PortalInfo
  /** The way to every address. */
  egress: Pick<Egress, 'connector'>
  stdio: StdioConfig
  /** Says who calls, signed, to the servers that ask. */
  assertFor: AssertFor
  /** The `Mcp-Param-*` headers that a server's tool wants, names and values in turn. */
  paramHeaders(server: ServerUid, out: Outgoing, inventory: string): readonly string[]
  /** @param inventory whose lists it speaks of @param place the key of the connection that it came on */
  onNotification(server: ServerUid, notification: Notification, inventory: string, place: string): void
}

/** Who wants a connection. */
export interface Seat extends Placing {
  credential: LiveCredential
  /** Whose call needs it; what the portal itself asks on a connection of one user speaks of that user. */
  principal?: Principal | null
}

/** Connections of single users, sessions and sets of what can be asked are given up after this; the shared one of an HTTP server costs nothing. */
const PRIVATE_IDLE_MS = 600_000
/** A child that lived this long, or answered this much, does its work and may start again at once. */
const HEALTHY_MS = 60_000
const HEALTHY_ANSWERS = 25
const FIRST_PAUSE_MS = 250
const LAST_PAUSE_MS = 60_000
/** A call waits this long for a pause to end; beyond, it is told at once. */
const PATIENCE_MS = 5000

export class Pool {
  readonly #deps: PoolDeps
  readonly #lines = new Map<ServerUid, Line>()
  readonly #children: ChildSlots
  readonly #closing = new Set<Promise<void>>()
  /** Out of use, closed as soon as their last call has ended. */
  readonly #retired = new Set<Connection>()
  readonly #pauses = new Set<() => void>()
  #isClosed = false

  constructor(deps: PoolDeps) {
    this.#deps = deps
    this.#children = new ChildSlots(deps.stdio.maxChildren)
  }

  /**
   * The open connection, or the promise of one.
   *
   * @throws Trouble
   */
  lease(setup: ServerSetup, seat: Seat): Connection | Promise<Connection> {
    if (this.#isClosed) throw new Trouble('busy', 'the portal is closing')
    const { key, credential, principal = null, askable = NOTHING_ASKABLE, isLook = false } = seat
    const line = this.#line(setup)
    const place = placeAt(line.verdict?.era ?? null, seat)
    const slot = this.#slot(line, place, place === key && isShared(key))
    slot.usedSinceTick = true
    const { connection } = slot
    if (connection?.isOpen) return connection
    const alone = isShared(key) ? null : principal
    const declared = place === key ? NOTHING_ASKABLE : askable
    const whose = { key, place, alone, credential, askable: declared, isLook: isLook && place !== key }
    slot.opening ??= this.#open(setup, whose, slot).finally(() => {
      slot.opening = null
    })
    return slot.opening
  }

  /** Closes what was opened for a look; at a server of 2026 nothing was. */
  async endLook(setup: ServerSetup, seat: Placing): Promise<void> {
    const line = this.#lines.get(setup.record.uid)
    const place = placeAt(null, { ...seat, isLook: true })
    const slot = line?.slots.get(place)
    if (slot === undefined || place === seat.key) return
    line?.slots.delete(place)
    await this.#drop(slot)
  }

  /** The key under which a connection is, for `current`; null where it is given up. */
  placeOfOpen(setup: ServerSetup, connection: Connection): string | null {
    for (const [place, slot] of this.#lines.get(setup.record.uid)?.slots ?? [])
      if (slot.connection === connection) return place
    return null
  }

  /** Under which key the pool has, or would have, the connection of a seat. */
  placeOf(setup: ServerSetup, seat: Placing): string {
    const line = this.#lines.get(setup.record.uid)
    return line === undefined ? seat.key : placeAt(line.verdict?.era ?? null, seat)
  }

  /** Gives up every connection of one credential as soon as its calls have ended: it was ended, or is another by now. */
  forgetCredential(uid: ServerUid, poolKey: string): void {
    for (const [key, slot] of this.#lines.get(uid)?.slots ?? []) {
      if (!key.startsWith(`${poolKey}/`)) continue
      const { connection } = slot
      slot.connection = null
      if (connection !== null) this.#retired.add(connection)
      this.#lines.get(uid)?.slots.delete(key)
    }
  }

  /** The open connection of a key, as `placeOf` says, where there is one. */
  current(setup: ServerSetup, key: string): Connection | null {
    const line = this.#lines.get(setup.record.uid)
    const connection = line?.setup === setup ? line.slots.get(key)?.connection : null
    return connection?.isOpen ? connection : null
  }

  /** What a server holds now; connections that only wait for their last calls count too little to be told. */
  *held({ record }: ServerSetup): Generator<HeldConnection> {
    for (const [place, { connection, openedAt }] of this.#lines.get(record.uid)?.slots ?? [])
      if (connection?.isOpen) yield { connection, openedAt, isShared: isShared(keyIn(place)) }
  }

  /** What is remembered of a server proved wrong, or its connection did: the next call finds out anew. */
  forget(setup: ServerSetup, connection: Connection | null): void {
    const line = this.#lines.get(setup.record.uid)
    if (line === undefined) return
    line.verdict = null
    if (connection === null) return
    for (const slot of line.slots.values()) {
      if (slot.connection !== connection) continue
      slot.connection = null
      this.#retired.add(connection)
    }
  }

  /** Finds out anew what a server speaks once a day, for the next connection; calls in flight end where they are. */
  forgetOld(setup: ServerSetup): void {
    const line = this.#lines.get(setup.record.uid)
    if (line === undefined || line.verdict === null || setup.transport !== null) return
    if (this.#deps.clock.now() - line.verdict.at <= VERDICT_MS) return
    for (const slot of line.slots.values()) this.forget(setup, slot.connection)
  }

  /** Closes every connection of a server that was changed or deleted. What is in flight fails as lost. */
  closeServer(uid: ServerUid): Promise<void> {
    const line = this.#lines.get(uid)
    this.#lines.delete(uid)
    const closed = [...(line?.slots.values() ?? [])].map((slot) => this.#drop(slot))
    return Promise.all(closed).then(() => {})
  }

  /** Stops children and private connections that nobody used for a while. */
  tick(tickMs: number): void {
    for (const connection of this.#retired) {
      if (connection.inFlight > 0) continue
      this.#retired.delete(connection)
      void this.#close(connection)
    }
    for (const line of this.#lines.values()) {
      for (const [key, slot] of line.slots) {
        const { connection } = slot
        const isUsed = slot.usedSinceTick || slot.opening !== null || (connection !== null && connection.inFlight > 0)
        slot.idleMs = isUsed ? 0 : slot.idleMs + tickMs
        slot.usedSinceTick = false
        if (slot.idleMs < this.#idleLimit(line, slot)) continue
        void this.#drop(slot)
        if (!slot.isLasting) line.slots.delete(key)
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const openings = [...this.#lines.values()].flatMap((line) => [...line.slots.values()].map((slot) => slot.opening))
    for (const wake of this.#pauses) wake()
    for (const uid of [...this.#lines.keys()]) void this.closeServer(uid)
    for (const connection of this.#retired) void this.#close(connection)
    await Promise.allSettled(openings)
    await Promise.all(this.#closing)
  }

  #line(setup: ServerSetup): Line {
    const { uid } = setup.record
    const known = this.#lines.get(uid)
    if (known !== undefined && known.setup === setup) return known
    void this.closeServer(uid)
    const line: Line = { setup, verdict: null, slots: new Map() }
    this.#lines.set(uid, line)
    return line
  }

  #slot(line: Line, key: string, isLasting: boolean): Slot {
    let slot = line.slots.get(key)
    if (slot === undefined) {
      slot = {
        isLasting,
        connection: null,
        opening: null,
        usedSinceTick: true,
        idleMs: 0,
        openedAt: 0,
        failures: 0,
        notBefore: 0,
      }
      line.slots.set(key, slot)
    }
    return slot
  }

  #idleLimit(line: Line, { isLasting }: Slot): number {
    if (line.setup.record.transport !== null) return this.#deps.stdio.idleStopMs
    return isLasting ? Number.POSITIVE_INFINITY : PRIVATE_IDLE_MS
  }

  async #open(
    setup: ServerSetup,
    whose: Pick<Opening, 'key' | 'alone' | 'credential' | 'askable' | 'isLook'> & { place: string },
    slot: Slot,
  ): Promise<Connection> {
    const { clock } = this.#deps
    const line = this.#lines.get(setup.record.uid)
    this.#countEnd(setup, slot)
    await this.#pause(slot)
    let opened: Opened
    try {
      opened = await openConnection(this.#deps, {
        setup,
        ...whose,
        hasSiblings: hasSiblings(line, whose.key, slot),
        verdict: line?.verdict ?? null,
        children: this.#children,
      })
    } catch (error) {
      if (setup.record.transport !== null) this.#countFailure(slot)
      throw whileOpening(error)
    }
    const { connection, verdict } = opened
    // The server may have been changed, deleted or closed while we knocked, and the credential may have ended.
    const isGone = this.#lines.get(setup.record.uid) !== line || line?.slots.get(whose.place) !== slot
    if (this.#isClosed || isGone || line === undefined) {
      await connection.close()
      throw new Trouble('unsent', 'the server changed')
    }
    slot.connection = connection
    slot.openedAt = clock.now()
    slot.idleMs = 0
    line.verdict = verdict
    const { inventory } = whose.credential
    const { uid } = setup.record
    // A look listens to nobody: what a server says to a session that was just opened would cause the next look.
    if (whose.isLook) return connection
    connection.listen((notification) => this.#deps.onNotification(uid, notification, inventory, whose.place))
    return connection
  }

  /** A child that ended soon after its start counts as a failure, so that one that dies on every call is not run in a loop. */
  #countEnd(setup: ServerSetup, slot: Slot): void {
    if (slot.connection === null || setup.record.transport === null) return
    const isHealthy = slot.connection.answered >= HEALTHY_ANSWERS || this.#deps.clock.now() - slot.openedAt > HEALTHY_MS
    if (isHealthy) slot.failures = 0
    slot.connection = null
    this.#countFailure(slot)
  }

  #countFailure(slot: Slot): void {
    slot.failures++
    // The first restart is at once: a child may die for any reason, once.
    const pause = slot.failures === 1 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** (slot.failures - 2), LAST_PAUSE_MS)
    slot.notBefore = this.#deps.clock.now() + pause
  }

  async #pause(slot: Slot): Promise<void> {
    const ms = slot.notBefore - this.#deps.clock.now()
    if (ms <= 0) return
    if (ms > PATIENCE_MS) throw new Trouble('unsent', 'the child failed too often and is given a rest')
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#pauses.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#pauses.add(wake)
    })
    if (this.#isClosed) throw new Trouble('unsent', 'the portal is closing')
  }

  #drop(slot: Slot): Promise<void> {
    const { connection } = slot
    slot.connection = null
    return connection === null ? Promise.resolve() : this.#close(connection)
  }

  #close(connection: Connection): Promise<void> {
    const closed: Promise<void> = connection
      .close()
      .catch((error: unknown) => this.#deps.log.warn({ err: error }, 'a connection did not close'))
      .then(() => {
        this.#closing.delete(closed)
      })
    this.#closing.add(closed)
    return closed
  }
}
