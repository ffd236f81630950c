/** Which policy came closest to letting a caller in, and what it lacked. */
import type { PolicyId } from '../base/ids.ts'
import { decide, isFirst, keepsOut, type Question } from './decide.ts'
import type { CriterionTrace } from './explain.ts'
import type { Facts, Policy } from './model.ts'

export interface Miss {
  policy: PolicyId
  name: string
  /** The criteria that stand in the way, and nothing else: of `include`, any one of those that are there would do. */
  missing: readonly CriterionTrace[]
  /** What else stands in the way, in words. */
  also: readonly string[]
  /** Names of the policies above it that keep the caller out; `also` speaks of each. */
  above: readonly string[]
  /** How many things would have to be otherwise. */
  short: number
}

type TraceCriteria = (policy: Policy, facts: Facts) => readonly CriterionTrace[]

/** Policies that are looked at: beyond, nobody reads on. */
const MOST = 1000
/** To speak of something else altogether is further away than to lack a criterion or two. */
const ELSEWHERE = 3

export function findNearest(
  policies: readonly Policy[],
  facts: Facts,
  question: Question,
  traceCriteria: TraceCriteria,
): Miss | null {
  let nearest: Miss | null = null
  // Those that would decide, were they come to.
  const denies = policies.filter((policy) => keepsOut(policy) && decide([policy], facts, question).rule === policy.id)
  const places = new Map(policies.map((policy, at) => [policy, at]))
  const candidates = policies.filter((policy) => couldLetIn(policy, facts)).slice(0, MOST)
  for (const policy of candidates) {
    const place = isFirst(policy) ? 0 : (places.get(policy) ?? 0)
    const above = denies.filter((deny) => (places.get(deny) ?? 0) < place).slice(0, MOST_DENIES)
    const miss = missOf(policy, { denies: above, facts, question, traceCriteria })
    if (nearest === null || isNearer(miss, nearest)) nearest = miss
  }
  return nearest
}

/** Of two that are as far, the one that is about this caller. */
function isNearer(one: Miss, other: Miss): boolean {
  return one.short < other.short || (one.short === other.short && one.missing.length < other.missing.length)
}

function couldLetIn(policy: Policy, { principal }: Facts): boolean {
  if (policy.decision === 'allow') return principal.kind === 'user'
  return policy.decision === 'bypass' || (policy.decision === 'non_identity' && principal.kind === 'service')
}

interface Asked {
  /** Such as are looked at before it and keep the caller out. */
  denies: readonly Policy[]
  facts: Facts
  question: Question
  traceCriteria: TraceCriteria
}

function missOf(policy: Policy, { denies, facts, question, traceCriteria }: Asked): Miss {
  const criteria = traceCriteria(policy, facts)
  const includes = criteria.filter(({ part }) => part === 'include')
  const isIncluded = includes.some(({ counts }) => counts)
  const others = criteria.filter(({ part, counts }) => (part === 'require' ? !counts : part === 'exclude' && counts))
  const also: string[] = []
  let short = (isIncluded ? 0 : 1) + others.length
  const { now } = facts
  const isOver = policy.until !== null && now >= policy.until
  if (isOver || (policy.from !== null && now < policy.from)) {
    also.push(isOver ? 'its time is over' : 'its time has not come')
    short++
  }
  const [words, further] = farFrom(policy, facts, question)
  if (words !== null) also.push(words)
  const above = denies.map(({ name }) => name)
  also.push(...above.map((name) => `the policy "${name}" before it keeps them out`))
  return {
    ...{ policy: policy.id, name: policy.name, also, above },
    missing: [...(isIncluded ? [] : includes), ...others],
    short: short + further + denies.length,
  }
}

/** Asked of the same walk, as if this policy were there alone and held of everybody. */
function farFrom(policy: Policy, facts: Facts, question: Question): [string | null, number] {
  const held: Policy = { ...policy, include: [YES], require: [], exclude: [], from: null, until: null }
  const { allow, because } = decide([held], facts, question)
  if (allow) return [null, 0]
  if (because === 'arguments') return ['it speaks of calls with other arguments', 1]
  if (because === 'flow') return ['it does not speak of this call after what was called before', 1]
  return ['it speaks of other things than this', ELSEWHERE]
}

const MOST_DENIES = 10

const YES = {
  json: {},
  selector: 'everyone',
  needs: { origin: false, external: [] },
  judge: () => true,
  why: () => '',
} as const
