/** The walk through the rules of one level, as the API shows it. */
import type { LevelTraced, RuleTraced } from '../contract/policy-explanation.ts'
import type { CriterionTrace, RuleTrace } from '../policy/explain.ts'
import type { Level } from '../portal/explain-access.ts'

export function showLevel({ level, id, about, trace }: Level): LevelTraced {
  const { decision, rules, nearest } = trace
  return {
    ...{ level, id, about: about === null ? null : `${about.kind} ${about.name}` },
    verdict: decision.allow ? (decision.maybe ? 'depends' : 'allowed') : 'denied',
    rule: decision.rule,
    rules: rules.map(showRule),
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

export function showRule({ policy, name, decision, verdict, reached, inForce, criteria, says }: RuleTrace): RuleTraced {
  return { policy, name, decision, verdict, reached, in_force: inForce, criteria: criteria.map(showCriterion), says }
}

function showCriterion({ part, criterion, truth, why, counts }: CriterionTrace): RuleTraced['criteria'][number] {
  return { part, criterion, truth: truth === 'unknown' ? 'unknown' : truth ? 'true' : 'false', why, counts }
}
