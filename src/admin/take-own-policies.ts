/**
 * Whether a server has policies of its own, and which. A list with nothing in it is one of two things, and they must never be taken for
 * each other: the server never had any, so the policies of its portals decide alone (null), or what it had was taken away, and nobody
 * may use it (empty). Taking policies away, by whichever way, leads to the second. Back to the first leads only saying so.
 */
import type { PolicyId } from '../base/ids.ts'
import type { ServerUpdate } from '../contract/server.ts'
import type { Db } from '../store/open.ts'
import type { StoredServer } from '../upstream/server-store.ts'
import { appIdOf } from './access-app-store.ts'
import { requirePolicies } from './known-policies.ts'
import { invalid } from './refusal.ts'

export type OwnPolicies = StoredServer['policies']
export type SentPolicies = Pick<ServerUpdate, 'policies' | 'own_policies'>

/**
 * @param before null for a server that is being made
 * @throws ApiRefusal 400 where a policy is not there, or where the portals are to decide alone while policies are attached
 */
export async function takeOwnPolicies(
  db: Db,
  sent: SentPolicies,
  before: Pick<StoredServer, 'uid' | 'policies'> | null,
): Promise<OwnPolicies> {
  const { policies, own_policies: said } = sent
  const own = before === null ? null : appIdOf(before.uid)
  const ids = policies === undefined ? (before?.policies ?? []) : await requirePolicies(db, policies, own)
  // What was read of a server before its first policy says false, and may be sent back with that policy.
  const isReadBack = before?.policies === null && policies !== undefined
  if (said === false && ids.length > 0 && !isReadBack) {
    throw invalid('own_policies', 'is false while policies are attached: send "policies": [] with it, or leave it out')
  }
  return afterSending(before?.policies ?? null, ids, said)
}

/** What a list, and perhaps a word about it, makes of what a server had. A list without that word never opens anything. */
export function afterSending(before: OwnPolicies, ids: readonly PolicyId[], said: boolean | undefined): OwnPolicies {
  return ids.length > 0 || (said ?? before !== null) ? ids : null
}

export function isNoneLeft({ policies }: Pick<StoredServer, 'policies'>): boolean {
  return policies?.length === 0
}

/** For whoever takes the last one away. */
export function noneLeft(id: string): string {
  return `The server "${id}" has policies of its own, and none is left: nobody may use it. Attach one, or send "own_policies": false to the server to let the policies of its portals decide.`
}
