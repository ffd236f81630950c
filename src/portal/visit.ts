/**
 * One caller in one portal, for one request: who, where, by which client, and what that adds up to. What can be kept
 * between requests (decisions, visible servers) is kept in a `Standing`, good until configuration, inventories,
 * policies or the caller's own switches change.
 */
import type { ActorSnapshot } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import { type DeedId, newId, type ServerUid } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { type Access, compileAccess } from '../policy/compile.ts'
import type { ClientFacts } from '../protocol/model.ts'
import type { Catalog, Visible } from './catalog.ts'
import type { Directory } from './directory.ts'
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
}

export interface Visit extends Standing {
  readonly principal: Principal
  readonly client: ClientFacts
  /** The 2025-era session, or null. */
  readonly session: Session | null
  /** What the caller's server switches hang off: the session, or the grant. */
  readonly owner: string
  readonly clientIp: string
  readonly traceparent: string | null
  newDeed(): DeedId
}

export interface Caller {
  principal: Principal
  client: ClientFacts
  session: Session | null
  clientIp: string
  traceparent: string | null
}

export interface Visitors {
  newDeed(): DeedId
  visit(place: Place, caller: Caller): Promise<Visit>
  /** For streams, which look again each time something changes. */
  standing(place: Place, principal: Principal, owner: string): Promise<Standing>
}

/** Places and sessions of one principal whose standing is kept; the oldest goes. */
const KEPT = 128

interface Kept {
  owner: string
  uid: string
  mount: number | null
  epoch: number
  switches: unknown
  standing: Standing
}

export function ownerOf(principal: Principal, session: Session | null): string {
  return session === null ? `grant:${principal.grant}` : sessionOwner(session)
}

export function sessionOwner({ id }: Session): string {
  return `session:${id}`
}

export function openVisitors(directory: Directory, toggles: Toggles, clock: Clock): Visitors {
  // By the principal as the authenticator keeps it: what belongs to a forgotten token is forgotten with it.
  const kept = new WeakMap<Principal, Kept[]>()
  // Random bits once, then counting: unique like any other id, and no system call for each deed.
  const prefix = newId<DeedId>(clock.now())
  let count = 0
  const newDeed = () => `${prefix}.${(count++).toString(36)}` as DeedId

  async function standing(place: Place, principal: Principal, owner: string): Promise<Standing> {
    const switches = toggles.peek(owner) ?? (await toggles.load(owner))
    // A body may take its time, and so may the switches. What was decided by the portal of then must not be kept as of now.
    const here = asItIs(place, directory)
    const { uid } = here.spec
    const mine = kept.get(principal) ?? []
    const known = mine.find((one) => one.owner === owner && one.uid === uid && one.mount === here.mount)
    if (known && known.epoch === directory.epoch && known.switches === switches) return known.standing
    const made = stand(here, principal, switches, directory)
    const rest = mine.filter((one) => one !== known).slice(1 - KEPT)
    kept.set(principal, [...rest, { owner, uid, mount: here.mount, epoch: directory.epoch, switches, standing: made }])
    return made
  }

  return {
    newDeed,
    standing,
    async visit(place, caller) {
      const owner = ownerOf(caller.principal, caller.session)
      return { ...(await standing(place, caller.principal, owner)), ...caller, owner, newDeed }
    },
  }
}

/** The same place by the configuration of now. A portal that is gone lets nobody in, and a server that is gone mounts nothing. */
function asItIs(place: Place, directory: Directory): Place {
  const { spec, mount } = place
  const current = directory.byId(spec.id)
  if (current === spec) return place
  if (current === undefined || current.uid !== spec.uid)
    return { spec: { ...spec, policies: [], servers: [] }, mount: null }
  if (mount === null) return { spec: current, mount }
  const mounted = spec.servers[mount]?.uid
  return { spec: current, mount: current.servers.findIndex(({ uid }) => uid === mounted) }
}

function stand(
  place: Place,
  principal: Principal,
  switchedOff: ReadonlySet<ServerUid>,
  directory: Directory,
): Standing {
  const { spec, mount } = place
  const access = compileAccess(spec.policies, spec.servers, principal)
  const has = spec.servers.map(
    ({ uid }, index) =>
      (mount === null || mount === index) && access.servers.get(uid)?.allow === true && !switchedOff.has(uid),
  )
  return {
    spec,
    access,
    catalog: directory.catalog(place),
    visible: { has, key: has.map((yes) => (yes ? '1' : '0')).join('') },
    switchedOff,
    actor: snapshot(principal),
    mounted: mount !== null,
  }
}

function snapshot(principal: Principal): ActorSnapshot {
  const { kind, id, grant } = principal
  return { kind, id, grant, label: principal.kind === 'user' ? principal.label : principal.name }
}
