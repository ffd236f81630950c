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

/** @param where whose policies these are, as it stands in sentences: `the portal default` */
export function explain(
  policies: readonly Policy[],
  facts: Facts,
  question: Question = TO_ENTER,
  where = 'this application',
): Trace {
  const notes = openNotes()
  const decision = decide(policies, facts, question, { notes })
  const noted = expandNotes(policies, facts, question, notes)
  const rules = policies.map((policy, at) => traceRule(policy, facts, noted[at] as Noted))
  if (decision.allow) return { decision, rules, nearest: null, wouldChange: [] }
  const nearest = findNearest(policies, facts, question, traceCriteria)
  return { decision, rules, nearest, wouldChange: whatWouldChange({ policies, decision, facts, nearest, where }) }
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
  unasked: 'Another policy decided first.',
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
  else if (verdict === 'missed' && reached !== 'passed') words.push('The caller does not meet its criteria.')
  else if (verdict === 'matched') words.push('The caller meets its criteria.')
  return words.join(' ')
}

interface Refused {
  policies: readonly Policy[]
  decision: Decision
  facts: Facts
  nearest: Miss | null
  where: string
}

/** Whole sentences, for whoever reads them in whatever program: each says one thing that could be otherwise, and why it matters. */
function whatWouldChange({ policies, decision, facts, nearest, where }: Refused): readonly string[] {
  const deny = decision.rule === null ? undefined : policies.find(({ id }) => id === decision.rule)
  const words = deny === undefined ? [] : [sayDeny(deny, facts, where)]
  if (nearest === null) return [...words, `No policy of ${where} ${NOBODY[facts.principal.kind]}`]
  const isBelow = nearest.missing.length === 0 && nearest.also.length === nearest.above.length
  return [...words, isBelow ? sayOrder(nearest, where) : sayMiss(nearest, where)]
}

function sayDeny(deny: Policy, facts: Facts, where: string): string {
  const met = traceCriteria(deny, facts).filter(({ part, counts }) => part !== 'exclude' && counts)
  const reasons = (['include', 'require'] as const).flatMap((part) => {
    const own = met.filter((one) => one.part === part)
    return own.length === 0 ? [] : [`its "${part}" is met (${saysOf(own)})`]
  })
  const why = reasons.length === 0 ? '' : ` It keeps them out because ${reasons.join(', and ')}.`
  return `The policy "${deny.name}" of ${where} would have to make an exception of them in "exclude", or be taken away.${why}`
}

/** It lacks nothing but its place. */
function sayOrder({ name, above }: Miss, where: string): string {
  const denies = above.map((one) => `"${one}"`).join(', ')
  return `The policy "${name}" of ${where} would let them in if it stood before ${denies}: the first that matches decides.`
}

function sayMiss({ name, missing, also }: Miss, where: string): string {
  const of = (part: CriterionTrace['part']) => missing.filter((one) => one.part === part).slice(0, MOST_SAID)
  const includes = of('include')
  const reasons = [
    ...(includes.length === 0 ? [] : [`nothing in its "include" is met (${saysOf(includes)})`]),
    ...of('require').map((one) => `its "require" is not met (${saysOf([one])})`),
    ...of('exclude').map((one) => `its "exclude" makes an exception of them (${saysOf([one])})`),
    ...also.slice(0, MOST_SAID),
  ]
  return `The policy "${name}" of ${where} comes closest to letting them in, and does not, because ${reasons.join(', and ')}.`
}

function saysOf(criteria: readonly CriterionTrace[]): string {
  const said = criteria.slice(0, MOST_SAID)
  return said.map(({ truth, why }) => (truth === 'unknown' ? `${why}, which counts against them` : why)).join('; ')
}

const MOST_SAID = 10
const NOBODY = {
  user: 'lets in people: attach one with the decision "allow" that includes them.',
  service: 'lets in service tokens: attach one with the decision "non_identity" that includes this one.',
  anonymous: 'lets in callers who did not sign in: they sign in first.',
} as const
