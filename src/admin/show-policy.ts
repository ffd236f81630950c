/** A policy as the API shows it. */
import type { PolicyShown } from '../contract/policy.ts'
import type { PolicyRecord } from '../policy/policy-store.ts'
import { shownStamps, shownTime } from './times.ts'

/** @param uses what names each policy, as `policyUses` says it */
export function showPolicy(policy: PolicyRecord, uses: ReadonlyMap<string, readonly string[]>): PolicyShown {
  return {
    ...policy.extra,
    id: policy.id,
    name: policy.name,
    decision: policy.decision,
    include: [...policy.include],
    exclude: [...policy.exclude],
    require: [...policy.require],
    reusable: policy.appId === null,
    app_count: uses.get(policy.id)?.length ?? 0,
    updated_at: shownTime(policy.modifiedAt),
    ...shownStamps(policy),
  }
}
