/**
 * Why a decision is as it is: the same walk as `decide`, noting what it came to, and then in words what each criterion was
 * compared with. It looks at nothing that the decision does not look at, and changes nothing.
 */
import type { PolicyId } from '../base/ids.ts'
import { decide, isMatch, keepsOut, openNotes, type Question, TO_ENTER } from './decide.ts'
import { expandNotes, type Noted } from './expand-notes.ts'
import type { Condition, Criterion, Decision, Facts, Policy, Truth } from './model.ts'
import { findNearest, type Miss } from './nearest-miss.ts'

export interface CriterionTrace {
  part: 'include' | 'require' | 'exclude'
  criterion: Criterion
  truth: Truth
  /** What was compared with what, or why it is not known. */
  why: string
  /** Whether it counts as met, doubt counted against the caller: of an `exclude`, whether it strikes. */
  counts: boolean
}

export interface RuleTrace {
  policy: PolicyId
  name: string
  decision: string
  /** `matched`: its criteria hold and it speaks of this. `skipped`: it was not come to, or does not speak of this. */
  verdict: 'matched' | 'missed' | 'skipped'
  reached: Noted['reached']
  inForce: 'yes' | 'not-yet' | 'over'
  /** Empty where it was skipped. */
  criteria: readonly CriterionTrace[]
  /** One sentence. */
  says: string
}

export interface Trace {
  decision: Decision
  rules: readonly RuleTrace[]
  /** Of a no: the policy that came closest to letting the caller in; null where none could. */
  nearest: Miss | null
  /** Of a no: what would make it a yes, in words. */
  wouldChange: readonly string[]
}

export function explain(policies: readonly Policy[], facts: Facts, question: Question = TO_ENTER): Trace {
  const notes = openNotes()
  const decision = decide(policies, facts, question, { notes })
  const noted = expandNotes(policies, facts, question, notes)
  const rules = policies.map((policy, at) => traceRule(policy, facts, noted[at] as Noted))
  if (decision.allow) return { decision, rules, nearest: null, wouldChange: [] }
  const nearest = findNearest(policies, facts, question, traceCriteria)
  return { decision, rules, nearest, wouldChange: whatWouldChange({ policies, decision, facts, nearest }) }
}

function traceRule(policy: Policy, facts: Facts, { reached, met }: Noted): RuleTrace {
  const inForce = inForceOf(policy, facts)
  const isSkipped = met === null
  const verdict = isSkipped ? 'skipped' : met && reached !== 'passed' ? 'matched' : 'missed'
  return {
    ...{ policy: policy.id, name: policy.name, decision: policy.decision, verdict, inForce },
    reached,
    criteria: isSkipped ? [] : traceCriteria(policy, facts),
    says: sayOf(policy, facts, { verdict, inForce, reached }),
  }
}

function inForceOf({ from, until }: Policy, { now }: Facts): RuleTrace['inForce'] {
  if (from !== null && now < from) return 'not-yet'
  return until !== null && now >= until ? 'over' : 'yes'
}

function traceCriteria(policy: Policy, facts: Facts): readonly CriterionTrace[] {
  const isDeny = keepsOut(policy)
  const trace = (part: CriterionTrace['part'], conditions: readonly Condition[]) =>
    conditions.map((condition): CriterionTrace => {
      const counts = isMatch(condition, facts, part === 'exclude' ? !isDeny : isDeny)
      return { part, criterion: condition.json, truth: condition.judge(facts), why: condition.why(facts), counts }
    })
  return [...trace('include', policy.include), ...trace('require', policy.require), ...trace('exclude', policy.exclude)]
}

type Said = Pick<RuleTrace, 'verdict' | 'inForce' | 'reached'>

const REACHED: Readonly<Record<RuleTrace['reached'], string>> = {
  yes: '',
  no: 'It does not speak of what is asked about.',
  call: 'Whether it speaks of a call depends on what the call is.',
  passed: 'It speaks of this capability, and not of this call.',
  unknown: 'It cannot be told whether it speaks of this call, which counts against the caller.',
  unasked: 'It was not come to.',
}

function sayOf(policy: Policy, { principal }: Facts, { verdict, inForce, reached }: Said): string {
  const { problems = [] } = policy
  const words = problems.length > 0 ? [`It cannot be read or enforced as it stands: ${problems.join('; ')}.`] : []
  if (reached === 'unasked' && policy.decision === 'non_identity' && principal.kind !== 'service')
    return [...words, 'It speaks of service tokens only.'].join(' ')
  if (reached === 'unasked' && policy.decision === 'allow' && principal.kind !== 'user')
    return [...words, 'It speaks of people who signed in only.'].join(' ')
  if (REACHED[reached] !== '') words.push(REACHED[reached])
  if (verdict === 'skipped') return words.join(' ')
  if (inForce !== 'yes') words.push(inForce === 'over' ? 'Its time is over.' : 'Its time has not come.')
  else if (verdict === 'missed' && reached !== 'passed') words.push('Its criteria do not hold of the caller.')
  else if (verdict === 'matched') words.push('Its criteria hold of the caller.')
  return words.join(' ')
}

interface Refused {
  policies: readonly Policy[]
  decision: Decision
  facts: Facts
  nearest: Miss | null
}

function whatWouldChange({ policies, decision, facts, nearest }: Refused): readonly string[] {
  const words: string[] = []
  const deny = decision.rule === null ? undefined : policies.find(({ id }) => id === decision.rule)
  if (deny !== undefined) {
    const met = traceCriteria(deny, facts).filter(({ part, counts }) => part !== 'exclude' && counts)
    const because = met.map(({ why }) => why).slice(0, MOST_SAID)
    words.push(`The policy "${deny.name}" keeps out: ${because.join('; ')}`)
  }
  if (nearest !== null) {
    const missing = [...nearest.missing.map(({ part, why }) => `${part}: ${why}`), ...nearest.also].slice(0, MOST_SAID)
    if (missing.length > 0) words.push(`The policy "${nearest.name}" would let in but for this: ${missing.join('; ')}`)
  } else words.push(NOBODY[facts.principal.kind])
  return words
}

const MOST_SAID = 10
const NOBODY = {
  user: 'No policy here lets in people: add one with the decision "allow".',
  service: 'No policy here lets in service tokens: add one with the decision "non_identity".',
  anonymous: 'No policy here lets in callers who did not sign in: sign in first.',
} as const
