/** What stands in somebody's way beyond the policies: what is not there, not approved, switched off, not connected. */
import type { ServerUid } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { OBSTACLES, type Obstacle, type ObstacleShown } from '../contract/policy-explanation.ts'
import { listGrants } from '../identity/grant-store.ts'
import type { Entry } from '../portal/catalog.ts'
import type { Explained } from '../portal/explain-access.ts'
import { loadSwitchedOff } from '../portal/session-store.ts'
import type { PortalSpec, ServerSpec } from '../portal/spec.ts'
import type { Target } from '../portal/target.ts'
import { listConnections } from '../upstream/connections/connection-store.ts'
import type { AdminDeps } from './deps.ts'
import type { SimulatedCaller } from './simulated-caller.ts'

export interface Way {
  spec: PortalSpec
  /** Null where the portal or a server as such is asked about. */
  target: Target | null
  server: ServerSpec | null
  caller: SimulatedCaller
  explained: Explained
}

export async function obstaclesIn(deps: AdminDeps, way: Way): Promise<ObstacleShown[]> {
  const { target, caller, explained } = way
  const found: ObstacleShown[] = []
  if (caller.stopped !== null) found.push({ what: 'disabled', says: caller.stopped, blocks: true })
  if (target?.kind === 'nothing') found.push(blocking('no-such-name'))
  if (target?.kind === 'capability') found.push(...obstaclesOf(target.entry).map(blocking))
  if (explained.loose !== null) {
    const says = `${sentence('arguments').slice(0, -1)}: ${explained.loose}`
    found.push({ what: 'arguments', says, blocks: true })
  }
  const server = target?.kind === 'capability' ? target.entry.server : way.server
  return server === null ? found : [...found, ...(await obstaclesAt(deps, way, server))]
}

/** What stands in everybody's way to one capability; all of it blocks. */
export function obstaclesOf({ enabled, hidden, held }: Pick<Entry, 'enabled' | 'hidden' | 'held'>): Obstacle[] {
  return [
    ...(enabled ? [] : ['switched-off-by-admin' as const]),
    ...(hidden ? ['not-theirs' as const] : []),
    ...(held ? ['held' as const] : []),
  ]
}

/** The same of a whole server, for one caller. */
export async function obstaclesAt(
  deps: AdminDeps,
  { spec, caller }: Pick<Way, 'spec' | 'caller'>,
  server: ServerSpec,
): Promise<ObstacleShown[]> {
  const { principal } = caller
  const found: ObstacleShown[] = []
  if (server.onBehalf && principal.kind !== 'user') found.push(blocking('personal'))
  if (server.onBehalf && principal.kind === 'user' && !(await hasConnection(deps, server.uid, principal)))
    found.push(remark('no-connection', 'A call asks them to connect one.'))
  found.push(...(await switchedOff(deps, spec, { principal, server })))
  const { status, error } = deps.upstreams.health(server.uid)
  if (status === 'error') found.push(remark('down', error ?? ''))
  return found
}

async function hasConnection(
  { store }: AdminDeps,
  server: ServerUid,
  principal: Principal & { kind: 'user' },
): Promise<boolean> {
  const own = await listConnections(store.db, { server, user: principal.id })
  return own.some(({ status }) => status === 'ready')
}

/** By the clients that a person let in, each of which has switches of its own; a bot has one set. */
async function switchedOff(
  { store }: AdminDeps,
  spec: PortalSpec,
  { principal, server }: { principal: Principal; server: ServerSpec },
): Promise<ObstacleShown[]> {
  const isOff = async (grant: string) => (await loadSwitchedOff(store, `grant:${grant}`)).includes(server.uid)
  if (principal.kind !== 'user') return (await isOff(principal.grant)) ? [blocking('switched-off')] : []
  const grants = (await listGrants(store.db, principal.id)).filter(({ portalUid }) => portalUid === spec.uid)
  const found: ObstacleShown[] = []
  for (const { id, clientName } of grants) {
    if (await isOff(id)) found.push(remark('switched-off', `The client is "${clientName}".`))
  }
  return found
}

function blocking(what: Obstacle): ObstacleShown {
  return { what, says: sentence(what), blocks: true }
}

/** Worth knowing, and no obstacle to every call. */
function remark(what: Obstacle, more: string): ObstacleShown {
  return { what, says: `${sentence(what)} ${more}`.trim(), blocks: false }
}

function sentence(what: Obstacle): string {
  const words = OBSTACLES[what]
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}.`
}
