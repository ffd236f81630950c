/**
 * The one decision: may this caller pass these policies? Pure, from its arguments alone, so that list, call, search and
 * "why?" can never disagree. Source of the semantics: Cloudflare Access policies.
 *
 * Order:
 * 1. `non_identity` policies, top to bottom, for service tokens only: the first match allows.
 * 2. `allow` and `deny` policies, top to bottom: the first match decides. `allow` speaks of people only, because a
 *    service token is let in by a `non_identity` policy and by nothing else (strict service-token authentication).
 * 3. Nothing matched: denied.
 *
 * A policy matches when some `include` is true, every `require` is true and no `exclude` is true. An unknown criterion
 * counts against the caller each time (see criteria.ts).
 */
import type { PolicyId } from '../base/ids.ts'
import type { Principal } from '../base/principal.ts'
import { type Criterion, judge } from './criteria.ts'

export interface Policy {
  id: PolicyId
  decision: string
  include: readonly Criterion[]
  require: readonly Criterion[]
  exclude: readonly Criterion[]
}

export interface Decision {
  allow: boolean
  /** The policy that decided, or null where none spoke: silence is a no. */
  rule: PolicyId | null
}

export function decide(policies: readonly Policy[], principal: Principal): Decision {
  if (principal.kind === 'service') {
    const admitted = policies.find((policy) => policy.decision === 'non_identity' && matches(policy, principal))
    if (admitted) return { allow: true, rule: admitted.id }
  }
  for (const policy of policies) {
    if (policy.decision === 'allow') {
      if (principal.kind === 'user' && matches(policy, principal)) return { allow: true, rule: policy.id }
    } else if (policy.decision === 'non_identity') {
      // Spoke above, and of service tokens only.
    } else if (denies(policy, principal)) {
      // `deny`, and every decision that this program does not know.
      return { allow: false, rule: policy.id }
    }
  }
  return { allow: false, rule: null }
}

function matches(policy: Policy, principal: Principal): boolean {
  return (
    policy.include.some((criterion) => judge(criterion, principal) === true) &&
    policy.require.every((criterion) => judge(criterion, principal) === true) &&
    !policy.exclude.some((criterion) => judge(criterion, principal) !== false)
  )
}

/** For a deny, doubt matches: unknown counts as true in `include` and `require`, and as false in `exclude`. */
function denies(policy: Policy, principal: Principal): boolean {
  return (
    policy.include.some((criterion) => judge(criterion, principal) !== false) &&
    policy.require.every((criterion) => judge(criterion, principal) !== false) &&
    !policy.exclude.some((criterion) => judge(criterion, principal) === true)
  )
}
