/**
 * What the person at a browser may reach in a portal: the same decision as when a client of theirs asks, from wherever that will be.
 * What depends on where a call comes from, or on what others say of it then, is shown here and decided at each call.
 */
import type { GrantId, ServerUid } from '../base/ids.ts'
import type { UserPrincipal } from '../base/principal.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import type { Access } from '../policy/compile.ts'
import type { OwnLists } from '../portal/overlay.ts'
import type { PortalSpec, ServerSpec } from '../portal/spec.ts'
import type { OwnAccounts } from '../portal/visit.ts'
import type { PageDeps } from './deps.ts'

export interface ReachedServer {
  id: string
  name: string
  /** How many tools are offered there; none while the server was never reached. */
  tools: number
  /** It works with each person's own account, whose tools may be others. */
  isPersonal: boolean
}

const NO_LISTS: OwnLists = new Map()

type Reaching = Pick<PageDeps, 'directory' | 'accesses'>

function accessOf(accesses: PageDeps['accesses'], spec: PortalSpec, session: BrowserSession): Access {
  return accesses.expected(spec, principalOf(session), null)
}

/** What the person's own accounts list in this portal, where that is known. */
export async function ownListsOf(
  deps: Reaching & Pick<PageDeps, 'accounts'>,
  spec: PortalSpec,
  session: BrowserSession,
): Promise<OwnLists> {
  const { accounts } = deps
  const personal = personalAt(deps, spec, session)
  if (personal.length === 0) return NO_LISTS
  const principal = principalOf(session)
  await accounts.readOwn(
    principal,
    personal.map(({ uid }) => uid),
  )
  return new Map(
    personal.flatMap((server) => {
      const inventory = accounts.ownInventory(server.uid, principal)
      return inventory ? [[spec.servers.indexOf(server), inventory] as const] : []
    }),
  )
}

/** How many tools the person's own account has at one server, as far as they are offered; null where that is not known. */
export function ownToolsOf(accounts: OwnAccounts, server: ServerUid, session: BrowserSession): number | null {
  const inventory = accounts.ownInventory(server, principalOf(session))
  if (!inventory) return null
  return inventory.tools.length - inventory.held.filter(({ kind }) => kind === 'tool').length
}

/**
 * @param own where tools are counted as the person's own accounts list them
 * @returns null for who may not enter the portal at all
 */
export function reachOf(
  { directory, accesses }: Reaching,
  spec: PortalSpec,
  session: BrowserSession,
  own: OwnLists = NO_LISTS,
): ReachedServer[] | null {
  const access = accessOf(accesses, spec, session)
  if (!access.enter.allow) return null
  const tools = directory.catalog({ spec, mount: null }, own).entries('tool')
  return spec.servers.flatMap(({ uid, id, name, onBehalf: isPersonal }, index) => {
    if (access.servers.get(uid)?.allow !== true) return []
    const offered = tools.filter(
      (tool) =>
        tool.serverIndex === index && tool.enabled && !tool.held && access.of(tool.scope, tool.capability).allow,
    )
    return [{ id, name, tools: offered.length, isPersonal }]
  })
}

/** Portals that the person may enter. */
export function reachedPortals({ directory, accesses }: Reaching, session: BrowserSession): readonly PortalSpec[] {
  return directory.all().filter((spec) => accessOf(accesses, spec, session).enter.allow)
}

/** Servers of one portal that work with each person's own account, and that this person may use there. */
export function personalAt(
  { accesses }: Pick<PageDeps, 'accesses'>,
  spec: PortalSpec,
  session: BrowserSession,
): readonly ServerSpec[] {
  const access = accessOf(accesses, spec, session)
  if (!access.enter.allow) return []
  return spec.servers.filter(({ uid, onBehalf }) => onBehalf && access.servers.get(uid)?.allow === true)
}

/** The same of all portals, each server once. */
export function personalServers(deps: Reaching, session: BrowserSession): readonly ServerSpec[] {
  const found = new Map<string, ServerSpec>()
  for (const spec of deps.directory.all())
    for (const server of personalAt(deps, spec, session)) if (!found.has(server.uid)) found.set(server.uid, server)
  return [...found.values()]
}

function principalOf({ id, userId, email, label, identity }: BrowserSession): UserPrincipal {
  // Nothing is decided by the grant, and a browser has none.
  return { kind: 'user', id: userId, email, label, grant: `browser:${id}` as GrantId, identity }
}
