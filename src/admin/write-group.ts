/** Groups on their way into the store, from the API and from the configuration file alike. */
import type { GroupCreate, GroupUpdate } from '../contract/access-group.ts'
import type { GroupContent, GroupRecord } from '../policy/group-store.ts'
import { listPolicies } from '../policy/policy-store.ts'
import type { Db } from '../store/open.ts'
import { refuseTangle } from './known-groups.ts'
import { type Known, readKnown, refuseUnknown, refuseUselessIn } from './known-rules.ts'
import { ApiRefusal, invalid } from './refusal.ts'

export function newGroupContent(body: GroupCreate): GroupContent {
  return {
    name: body.name,
    include: body.include,
    exclude: body.exclude ?? [],
    require: body.require ?? [],
    isDefault: body.is_default ?? false,
  }
}

/** What is left out stays; null empties. */
export function changedGroupContent(before: GroupRecord, body: GroupUpdate): GroupContent {
  return {
    name: body.name ?? before.name,
    include: body.include ?? before.include,
    exclude: body.exclude === undefined ? before.exclude : (body.exclude ?? []),
    require: body.require === undefined ? before.require : (body.require ?? []),
    isDefault: body.is_default === undefined ? before.isDefault : (body.is_default ?? false),
  }
}

/**
 * @param before the group as it is; null for a new one
 * @throws ApiRefusal 400 with the path of the field
 */
export async function refuseBadGroup(db: Db, before: GroupRecord | null, content: GroupContent): Promise<void> {
  const known = await readKnown(db)
  refuseUnknown(content, known)
  refuseTangle(before?.id ?? null, content, known.groups)
  if (before !== null) await refuseForBypass(db, known, { ...before, ...content })
}

/** A group may be a part of a policy that lets anybody in, which speaks of nobody's identity. */
async function refuseForBypass(db: Db, known: Known, after: GroupRecord): Promise<void> {
  const groups = new Map(known.groups).set(after.id, after)
  for (const policy of await listPolicies(db)) {
    if (policy.decision !== 'bypass') continue
    try {
      refuseUselessIn(policy.decision, policy, groups)
    } catch (error) {
      if (!(error instanceof ApiRefusal)) throw error
      throw invalid(
        'include',
        `the policy "${policy.name}" decides "bypass" and names this group: it may not speak of people`,
      )
    }
  }
}
