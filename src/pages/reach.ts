/** What the person at a browser may reach in a portal: the same decision as when a client of theirs asks. */
import type { GrantId } from '../base/ids.ts'
import type { UserPrincipal } from '../base/principal.ts'
import type { BrowserSession } from '../identity/browser-session-store.ts'
import { compileAccess } from '../policy/compile.ts'
import type { Directory } from '../portal/directory.ts'
import type { PortalSpec } from '../portal/spec.ts'

export interface ReachedServer {
  id: string
  name: string
  /** How many tools are offered there; none while the server was never reached. */
  tools: number
}

/** @returns null for who may not enter the portal at all */
export function reachOf(directory: Directory, spec: PortalSpec, session: BrowserSession): ReachedServer[] | null {
  const access = compileAccess(spec.policies, spec.servers, principalOf(session))
  if (!access.enter.allow) return null
  const tools = directory.catalog({ spec, mount: null }).entries('tool')
  return spec.servers.flatMap(({ uid, id, name }, index) =>
    access.servers.get(uid)?.allow === true
      ? [{ id, name, tools: tools.filter((tool) => tool.serverIndex === index && tool.enabled && !tool.held).length }]
      : [],
  )
}

/** Portals that the person may enter. */
export function reachedPortals(directory: Directory, session: BrowserSession): readonly PortalSpec[] {
  const principal = principalOf(session)
  return directory.all().filter((spec) => compileAccess(spec.policies, [], principal).enter.allow)
}

function principalOf({ id, userId, email, label, identity }: BrowserSession): UserPrincipal {
  // Nothing is decided by the grant, and a browser has none.
  return { kind: 'user', id: userId, email, label, grant: `browser:${id}` as GrantId, identity }
}
