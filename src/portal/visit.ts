/**
 * One caller in one portal, for one request: who, where, by which client, and what that adds up to. What can be kept
 * between requests (decisions, visible servers) is kept in a `Standing`, good until configuration, inventories,
 * policies or the caller's own switches change.
 */
import type { ActorSnapshot } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import { type DeedId, newId, type ServerUid } from '../base/ids.ts'
import { type Principal, principalKey } from '../base/principal.ts'
import type { Access } from '../policy/compile.ts'
import { openCoverage } from '../policy/coverage.ts'
import type { Origin } from '../policy/model.ts'
import type { ClientFacts } from '../protocol/model.ts'
import type { Inventory } from '../upstream/model.ts'
import type { AccessKeeper } from './access.ts'
import type { Catalog, Visible } from './catalog.ts'
import type { Mode } from './context/mode.ts'
import type { Directory } from './directory.ts'
import type { OwnLists } from './overlay.ts'
import type { Session } from './sessions.ts'
import type { Place, PortalSpec } from './spec.ts'
import type { Toggles } from './toggles.ts'

export interface Standing {
  /** The portal as it is now, which may not be as it was when the request arrived. */
  readonly spec: PortalSpec
  readonly access: Access
  readonly catalog: Catalog
  readonly visible: Visible
  readonly switchedOff: ReadonlySet<ServerUid>
  readonly actor: ActorSnapshot
  /** On a single-server mount, also one that mounts nothing: names are un-prefixed and the portal's own tools are not there. */
  readonly mounted: boolean
  /** What the caller's own accounts at personal servers list, by the server's index; empty for nearly everybody. */
  readonly own: OwnLists
  /** An account of the caller's own may be connected any moment, and its lists are not here yet: no list should be kept. */
  readonly isExpecting: boolean
  /** Milliseconds since 1970 when a policy begins or ends, and all of this may be another; infinite where none does. */
  readonly until: number
}

export interface Visit extends Standing {
  readonly principal: Principal
  readonly client: ClientFacts
  /** The 2025-era session, or null. */
  readonly session: Session | null
  /** How much of the tools its model is shown. */
  readonly mode: Mode
  /** What the caller's server switches hang off: the session, or the grant. */
  readonly owner: string
  readonly clientIp: string
  /** Where the request came from. */
  readonly origin: Origin
  readonly traceparent: string | null
  newDeed(): DeedId
  /** The same caller as of now: after a wait, what may be done is decided again. */
  anew(as?: Principal): Promise<Visit>
}

export interface Caller {
  principal: Principal
  client: ClientFacts
  session: Session | null
  mode: Mode
  clientIp: string
  origin: Origin
  traceparent: string | null
}

/** Whose standing it is. */
export interface Who {
  principal: Principal
  /** What the caller's switches hang off. */
  owner: string
  origin: Origin
}

export interface Visitors {
  /** By which what is kept ends. */
  readonly clock: Clock
  newDeed(): DeedId
  visit(place: Place, caller: Caller): Promise<Visit>
  /** For streams, which look again each time something changes. */
  standing(place: Place, who: Who): Promise<Standing>
}

/** Places and sessions of one principal whose standing is kept; the oldest goes. */
const KEPT = 128

interface Kept {
  owner: string
  uid: string
  mount: number | null
  epoch: number
  switches: unknown
  /** Where it came from, as far as a policy looks at that; else empty. */
  from: string
  /** Milliseconds since 1970 until when what was decided holds. */
  until: number
  /** Zero where nothing of the caller's own matters. */
  ownEpoch: number
  own: OwnKept | null
  standing: Standing
}

interface OwnKept {
  /** `user:<id>` */
  owner: string
  servers: readonly ServerUid[]
  /** When what these accounts list was last asked for. */
  readAt: number
}

const NO_LISTS: OwnLists = new Map()
const LOOK_AGAIN_MS = 10 * 60_000
/** The same where something is missing: it could not be had a moment ago, and no call can ask for what is not listed. */
const LOOK_SOON_MS = 5000

export function ownerOf(principal: Principal, session: Session | null): string {
  return session === null ? `grant:${principal.grant}` : sessionOwner(session)
}

export function sessionOwner({ id }: Session): string {
  return `session:${id}`
}

/** What people's own accounts see: `upstream/`, as far as this room needs it. */
export interface OwnAccounts {
  /** Null where there is none, undefined where it was not read. */
  ownInventory(server: ServerUid, principal: Principal): Inventory | null | undefined
  readOwn(principal: Principal, servers: readonly ServerUid[]): Promise<void>
}

export interface VisitorRooms {
  directory: Directory
  toggles: Toggles
  clock: Clock
  accounts: OwnAccounts
  accesses: AccessKeeper
}

export function openVisitors({ directory, toggles, clock, accounts, accesses }: VisitorRooms): Visitors {
  // By the principal as the authenticator keeps it: what belongs to a forgotten token is forgotten with it.
  const kept = new WeakMap<Principal, Kept[]>()
  // Random bits once, then counting: unique like any other id, and no system call for each deed.
  const prefix = newId<DeedId>(clock.now())
  let count = 0
  const newDeed = () => `${prefix}.${(count++).toString(36)}` as DeedId

  async function standing(place: Place, { principal, owner, origin }: Who): Promise<Standing> {
    let hasRead = false
    for (;;) {
      const switches = toggles.peek(owner) ?? (await toggles.load(owner))
      // A body may take its time, and so may the switches. What was decided by the portal of then must not be kept as of now.
      const here = asItIs(place, directory)
      const { uid } = here.spec
      const mine = kept.get(principal) ?? []
      const from = here.spec.asked.origin ? originKey(origin) : ''
      const known = mine.find(
        (one) => one.owner === owner && one.uid === uid && one.mount === here.mount && one.from === from,
      )
      if (known && known.epoch === directory.epoch && known.switches === switches && isGood(known)) {
        if (known.own !== null) lookAgain(known.own, principal)
        return known.standing
      }
      const own = here.spec.hasPersonal && principal.kind === 'user' ? principalKey(principal) : null
      const of = { epoch: directory.epoch, ownEpoch: own === null ? 0 : directory.ownEpoch(own) }
      const asked = accesses.of(here.spec, principal, origin)
      const { access, until } = asked instanceof Promise ? await asked : asked
      // What evaluators said took its time, and was said of the portal as it was.
      if (of.epoch !== directory.epoch) continue
      const made = stand(here, principal, { access, switchedOff: switches, directory, accounts })
      if (made.unread.length > 0 && !hasRead) {
        await accounts.readOwn(principal, made.unread)
        hasRead = true
        continue
      }
      const rest = mine.filter((one) => one !== known).slice(1 - KEPT)
      const mineNow = own === null ? null : { owner: own, servers: made.personal, readAt: clock.now() }
      const at = { owner, uid, mount: here.mount, switches, from, until, ...of, own: mineNow }
      kept.set(principal, [...rest, { ...at, standing: made.standing }])
      return made.standing
    }
  }

  function isGood(known: Kept): boolean {
    return clock.now() < known.until && isOwnCurrent(known, directory)
  }

  /** Somebody who is here for days hears of what their accounts list now, and waits for none of it. */
  function lookAgain(own: OwnKept, principal: Principal): void {
    const now = clock.now()
    const waited = now - own.readAt
    if (own.servers.length === 0 || waited < LOOK_SOON_MS) return
    const isWhole = own.servers.every((server) => accounts.ownInventory(server, principal) != null)
    if (isWhole && waited < LOOK_AGAIN_MS) return
    own.readAt = now
    // Where the store is away, what was read before is good for another while.
    accounts.readOwn(principal, own.servers).catch(() => {})
  }

  async function visit(place: Place, caller: Caller): Promise<Visit> {
    const { principal, session, origin } = caller
    const owner = ownerOf(principal, session)
    const anew = (as: Principal = principal) => visit(place, { ...caller, principal: as })
    return { ...(await standing(place, { principal, owner, origin })), ...caller, owner, newDeed, anew }
  }

  return { clock, newDeed, standing, visit }
}

function originKey({ ip, certificate }: Origin): string {
  return certificate === null ? (ip ?? '') : `${ip ?? ''} ${certificate.present} ${certificate.commonName ?? ''}`
}

/** The same place by the configuration of now. A portal that is gone lets nobody in, and a server that is gone mounts nothing. */
function asItIs(place: Place, directory: Directory): Place {
  const { spec, mount } = place
  const current = directory.byId(spec.id)
  if (current === spec) return place
  if (current === undefined || current.uid !== spec.uid)
    return { spec: { ...spec, policies: [], servers: [], coverage: openCoverage([], []) }, mount: null }
  if (mount === null) return { spec: current, mount }
  const mounted = spec.servers[mount]?.uid
  return { spec: current, mount: current.servers.findIndex(({ uid }) => uid === mounted) }
}

function isOwnCurrent({ own, ownEpoch }: Kept, directory: Directory): boolean {
  return own === null || directory.ownEpoch(own.owner) === ownEpoch
}

interface Stood {
  standing: Standing
  /** The personal servers that the caller may see. */
  personal: readonly ServerUid[]
  /** Those of them of which nobody has read yet what the caller's own account sees. */
  unread: readonly ServerUid[]
}

function stand(
  place: Place,
  principal: Principal,
  has: { access: Access; switchedOff: ReadonlySet<ServerUid>; directory: Directory; accounts: OwnAccounts },
): Stood {
  const { spec, mount } = place
  const { access, switchedOff, directory, accounts } = has
  const isVisible = spec.servers.map(
    ({ uid, onBehalf }, index) =>
      (mount === null || mount === index) &&
      access.servers.get(uid)?.allow === true &&
      !switchedOff.has(uid) &&
      // A bot has no account of its own, and is never lent anybody's.
      !(onBehalf && principal.kind !== 'user'),
  )
  const personal: ServerUid[] = []
  const unread: ServerUid[] = []
  const lists = new Map<number, Inventory>()
  if (spec.hasPersonal) {
    spec.servers.forEach(({ uid, onBehalf }, index) => {
      if (!onBehalf || isVisible[index] !== true) return
      personal.push(uid)
      const inventory = accounts.ownInventory(uid, principal)
      if (inventory === undefined) unread.push(uid)
      else if (inventory !== null) lists.set(index, inventory)
    })
  }
  const standing: Standing = {
    spec,
    access,
    catalog: lists.size === 0 ? directory.catalog(place) : directory.catalog(place, lists),
    visible: {
      has: isVisible,
      key: isVisible.map((yes) => (yes ? '1' : '0')).join('') + access.key,
      may: ({ scope, capability }) => access.of(scope, capability).allow,
    },
    switchedOff,
    actor: snapshot(principal),
    mounted: mount !== null,
    own: lists.size === 0 ? NO_LISTS : lists,
    isExpecting: personal.length > lists.size,
    until: access.until,
  }
  return { standing, personal, unread }
}

function snapshot(principal: Principal): ActorSnapshot {
  const { kind, id, grant } = principal
  return { kind, id, grant, label: principal.kind === 'user' ? principal.label : principal.name }
}
