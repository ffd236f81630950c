/** What the configuration file declared once and declares no more. */
import { deleteGroup, type GroupRecord, listGroups, updateGroup } from '../policy/group-store.ts'
import { deleteList, type ListHead, listLists, updateList } from '../policy/list-store.ts'
import { deletePolicy, listPolicies, type PolicyRecord, updatePolicy } from '../policy/policy-store.ts'
import { deletePortal, listPortals, type PortalRecord, updatePortal } from '../portal/portal-store.ts'
import { deleteServer, listServers, type StoredServer, updateServer } from '../upstream/server-store.ts'
import { forgetApp } from './access-app-store.ts'
import type { Applying } from './declared.ts'
import { policyUses } from './known-policies.ts'
import { usesOf } from './rule-uses.ts'

/** A file that no longer names something has taken it away. */
export async function removeUndeclared(applying: Applying): Promise<void> {
  const { needs, trx, shapes, note } = applying
  const declared = (list: readonly { id: string }[], id: string): boolean => list.some((shape) => shape.id === id)
  for (const portal of (await listPortals(trx)).filter(isFromFile)) {
    if (declared(shapes.portals, portal.id)) continue
    await note('remove', 'portal', portal.id)
    await forgetApp(needs.store, trx, portal.uid)
    await deletePortal(needs.store, trx, portal.uid)
  }
  for (const server of (await listServers(trx)).filter(isFromFile)) {
    if (declared(shapes.servers, server.id)) continue
    await note('remove', 'server', server.id)
    await forgetApp(needs.store, trx, server.uid)
    await deleteServer(needs.store, trx, server.uid)
  }
  const uses = await policyUses(trx)
  for (const policy of (await listPolicies(trx)).filter(isFromFile)) {
    if (declared(shapes.policies, policy.id)) continue
    const users = uses.get(policy.id) ?? []
    // A portal of the file may be about to let it go, and one of the API may not: only then does it stay.
    const kept = users.filter((user) => !shapes.portals.some((portal) => user === `portal "${portal.id}"`))
    if (kept.length > 0) {
      needs.log.warn(
        { policy: policy.id, users: kept },
        'a policy left the configuration file and is still in use: it now belongs to the API',
      )
      await handOverPolicy(applying, policy)
      continue
    }
    await note('remove', 'policy', policy.id)
    await deletePolicy(needs.store, trx, policy.id)
  }
  const groups = (await listGroups(trx)).filter((group) => isFromFile(group) && !declared(shapes.groups, group.id))
  await removeUnnamed(applying, 'group', groups)
  const lists = (await listLists(trx)).filter((list) => isFromFile(list) && !declared(shapes.lists, list.id))
  await removeUnnamed(applying, 'list', lists)
}

/** Groups that only stand in one another go together; what something else still names stays, and belongs to the API. */
async function removeUnnamed(
  { needs, trx, author, note }: Applying,
  what: 'group' | 'list',
  records: readonly (GroupRecord | ListHead)[],
): Promise<void> {
  let left = records
  for (let before = -1; before !== left.length; ) {
    before = left.length
    const named: (GroupRecord | ListHead)[] = []
    for (const record of left) {
      if ((await usesOf(trx, what, record.id)).length > 0) {
        named.push(record)
        continue
      }
      await note('remove', what, record.id)
      await (what === 'group' ? deleteGroup : deleteList)(needs.store, trx, record.id)
    }
    left = named
  }
  for (const record of left) {
    needs.log.warn(
      { [what]: record.id },
      `a ${what} left the configuration file and is still named: it now belongs to the API`,
    )
    await handOverNamed({ needs, trx, author, note }, record)
  }
}

async function handOverNamed(
  { needs, trx, author, note }: Pick<Applying, 'needs' | 'trx' | 'author' | 'note'>,
  record: GroupRecord | ListHead,
): Promise<void> {
  const change = { author: { ...author, origin: 'api' as const } }
  if ('include' in record) {
    await note('update', 'group', record.id)
    await updateGroup(needs.store, trx, record.id, { content: record, ...change })
    return
  }
  await note('update', 'list', record.id)
  await updateList(needs.store, trx, record.id, { content: record, ...change })
}

/** Leaves everything as it is and lets the API change it. */
export async function giveUpDeclared(applying: Applying): Promise<void> {
  const { trx, needs } = applying
  const policies = (await listPolicies(trx)).filter(isFromFile)
  const servers = (await listServers(trx)).filter(isFromFile)
  const portals = (await listPortals(trx)).filter(isFromFile)
  const named = [...(await listGroups(trx)).filter(isFromFile), ...(await listLists(trx)).filter(isFromFile)]
  if (policies.length + servers.length + portals.length + named.length === 0) return
  needs.log.warn('there is no configuration file any more: what it declared stays, and now belongs to the API')
  for (const record of named) await handOverNamed(applying, record)
  for (const policy of policies) await handOverPolicy(applying, policy)
  for (const server of servers) await handOverServer(applying, server)
  for (const portal of portals) await handOverPortal(applying, portal)
}

async function handOverPolicy({ needs, trx, author, note }: Applying, policy: PolicyRecord): Promise<void> {
  await note('update', 'policy', policy.id)
  await updatePolicy(needs.store, trx, policy.id, { content: policy, author: { ...author, origin: 'api' } })
}

async function handOverServer({ needs, trx, author, note }: Applying, server: StoredServer): Promise<void> {
  await note('update', 'server', server.id)
  const change = { content: server, secrets: {} }
  await updateServer(needs.store, trx, server.uid, {
    change,
    author: { ...author, origin: 'api' },
    sealer: needs.sealer,
  })
}

async function handOverPortal({ needs, trx, author, note }: Applying, portal: PortalRecord): Promise<void> {
  await note('update', 'portal', portal.id)
  await updatePortal(needs.store, trx, portal.uid, { content: portal, author: { ...author, origin: 'api' } })
}

function isFromFile(record: { origin: 'api' | 'file' }): boolean {
  return record.origin === 'file'
}
