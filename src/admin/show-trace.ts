/** The walk through the rules of one level, as the API shows it. */
import type { LevelTraced, RuleTraced } from '../contract/policy-explanation.ts'
import type { CriterionTrace, RuleTrace } from '../policy/explain.ts'
import { listPolicies } from '../policy/policy-store.ts'
import type { Level } from '../portal/explain-access.ts'
import type { Db } from '../store/open.ts'

/** By the id of a policy: the application whose own it is. */
export type Owners = ReadonlyMap<string, string>

export async function readOwners(db: Db): Promise<Owners> {
  const own = (await listPolicies(db)).filter(({ appId }) => appId !== null)
  return new Map(own.map(({ id, appId }) => [id, appId ?? '']))
}

export function showLevel({ level, id, about, trace }: Level, owners: Owners): LevelTraced {
  const { decision, rules, nearest } = trace
  return {
    ...{ level, id, about: about === null ? null : `${about.kind} ${about.name}` },
    verdict: decision.allow ? (decision.maybe ? 'depends' : 'allowed') : 'denied',
    rule: decision.rule,
    rules: rules.map((rule) => showRule(rule, owners)),
    nearest_miss:
      nearest === null
        ? null
        : {
            policy: nearest.policy,
            name: nearest.name,
            missing: nearest.missing.map(showCriterion),
            also: [...nearest.also],
          },
  }
}

export function showRule(rule: RuleTrace, owners: Owners): RuleTraced {
  const { policy, name, decision, verdict, reached, inForce, criteria, says } = rule
  return {
    ...{ policy, name, app_id: owners.get(policy) ?? null, decision, verdict, reached, in_force: inForce },
    ...{ criteria: criteria.map(showCriterion), says },
  }
}

function showCriterion({ part, criterion, truth, why, counts }: CriterionTrace): RuleTraced['criteria'][number] {
  return { part, criterion, truth: truth === 'unknown' ? 'unknown' : truth ? 'true' : 'false', why, counts }
}
