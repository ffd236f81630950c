/** Which policies there are, and where each is attached. */
import type { PolicyId } from '../base/ids.ts'
import { listPolicies } from '../policy/policy-store.ts'
import { listPortals } from '../portal/portal-store.ts'
import type { Db } from '../store/open.ts'
import { listServers } from '../upstream/server-store.ts'
import { invalid } from './refusal.ts'

/**
 * @param own the application of the portal or server, whose own policies may stand in its list; null where it has none yet
 * @throws ApiRefusal 400 where an id names no policy, or another application's own, or stands twice
 */
export async function requirePolicies(
  db: Db,
  ids: readonly string[],
  own: string | null = null,
): Promise<readonly PolicyId[]> {
  if (ids.length === 0) return []
  const policies = await listPolicies(db)
  const known = new Set<string>(
    policies.filter(({ appId }) => appId === null || appId === own).map((policy) => policy.id),
  )
  for (const [index, id] of ids.entries()) {
    if (!known.has(id)) throw invalid(`policies.${index}`, 'names no policy; list the policies to see their ids')
    if (ids.indexOf(id) !== index) throw invalid(`policies.${index}`, 'stands twice in the list')
  }
  return ids as readonly PolicyId[]
}

/** For each policy: the portals and servers that name it, as a reader would say them. */
export async function policyUses(db: Db): Promise<ReadonlyMap<string, readonly string[]>> {
  const uses = new Map<string, string[]>()
  const note = (policies: readonly PolicyId[], user: string): void => {
    for (const policy of policies) uses.set(policy, [...(uses.get(policy) ?? []), user])
  }
  for (const portal of await listPortals(db)) note(portal.policies, `portal "${portal.id}"`)
  for (const server of await listServers(db)) note(server.policies ?? [], `server "${server.id}"`)
  return uses
}
