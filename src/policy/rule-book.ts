/**
 * Policies as they stand in the store, prepared: groups and lists looked up, patterns compiled. Made anew when one of them
 * changes. What cannot be read closes:
 *
 * | what cannot be read | in what lets in | in a deny |
 * |---|---|---|
 * | a criterion | it is unknown: not met | it is unknown: met |
 * | an entry of `capabilities` | covers nothing | covers everything |
 * | `valid_from`, `valid_until` | never in force | always in force |
 * | what is asked for (approval, purpose, step-up, isolation, a field of a newer program) | it denies | nothing: it denies anyway |
 */
import type { PolicyId } from '../base/ids.ts'
import { timeSchema } from '../contract/ids.ts'
import { anyOf } from './address-index.ts'
import { unknownCondition } from './criteria.ts'
import type { Expressions } from './expressions.ts'
import { type GroupSource, openGroups, prepareAll } from './groups.ts'
import { type ListSource, prepareList } from './lists.ts'
import { loadExpressions } from './load-expressions.ts'
import type { Condition, Policy } from './model.ts'
import type { PolicyRecord } from './policy-store.ts'
import { prepareReaches } from './reach.ts'
import { type Lookups, NOTHING_TO_LOOK_UP } from './selector.ts'
import { prepareTerms } from './terms.ts'

export interface RuleBook {
  /** An id that leads nowhere is a deny: what was meant to restrict must not vanish. */
  policy(id: PolicyId): Policy
  /** Of one that is not stored, with the groups and lists that are: a simulation. */
  prepare(source: PolicySource): Policy
}

export type PolicySource = Pick<PolicyRecord, 'id' | 'name' | 'decision' | 'include' | 'require' | 'exclude' | 'extra'>

export interface Books {
  policies: readonly PolicySource[]
  groups: readonly GroupSource[]
  lists: readonly ListSource[]
}

/** The same with the evaluator of expressions loaded, where a policy has one. */
export async function loadRuleBook(books: Books): Promise<RuleBook> {
  return makeRuleBook(books, await loadExpressions(books.policies.map(({ extra }) => extra)))
}

/** @param expressions null where no policy has one; a policy that has one all the same closes */
export function makeRuleBook({ policies, groups, lists }: Books, expressions: Expressions | null = null): RuleBook {
  const listsById = new Map(lists.map((list) => [list.id, prepareList(list)]))
  const lookups = openGroups(groups, (id) => listsById.get(id))
  const sources = new Map(policies.map((record) => [record.id, record]))
  const prepared = new Map<PolicyId, Policy>()
  return {
    policy(id) {
      const known = prepared.get(id)
      if (known !== undefined) return known
      const source = sources.get(id)
      const made = source === undefined ? missing(id) : prepare(source, lookups, expressions)
      prepared.set(id, made)
      return made
    },
    prepare: (source) => prepare(source, lookups, expressions),
  }
}

export function prepare(
  record: PolicySource,
  lookups: Lookups = NOTHING_TO_LOOK_UP,
  expressions: Expressions | null = null,
): Policy {
  const { id, name, extra } = record
  const isDeny = !LETS_IN.has(record.decision)
  const terms = isDeny ? null : prepareTerms(extra, lookups.list)
  const { from, until, problem } = prepareTimes(extra)
  const capabilities = extra.capabilities ?? null
  const reach = capabilities === null ? null : prepareReaches(capabilities, { expressions, isDeny })
  const written = prepareAll(record.include, lookups)
  const include = problem !== null && !isDeny ? [unknown(problem)] : written.length > 0 ? written : [unknown(NOBODY)]
  return {
    ...{ id, name },
    decision: typeof terms === 'string' ? `${record.decision} that cannot be enforced` : record.decision,
    include,
    addresses: anyOf(include),
    require: prepareAll(record.require, lookups),
    exclude: prepareAll(record.exclude, lookups),
    reach: reach?.reaches ?? null,
    terms: typeof terms === 'string' ? null : terms,
    ...{ from, until },
    problems: [typeof terms === 'string' ? terms : null, problem, ...(reach?.problems ?? [])].filter(
      (one) => one !== null,
    ),
  }
}

const LETS_IN: ReadonlySet<string> = new Set(['allow', 'non_identity', 'bypass'])
const NOBODY = 'the policy includes nobody, which is not what anybody can have written'

function unknown(why: string): Condition {
  return unknownCondition({}, '', why)
}

/** @returns milliseconds since 1970; no times at all where one cannot be read */
function prepareTimes({
  valid_from: from,
  valid_until: until,
}: PolicyRecord['extra']): Pick<Policy, 'from' | 'until'> & { problem: string | null } {
  const [first, last] = [from, until].map((text) => {
    if (text === undefined || text === null) return null
    return timeSchema.safeParse(text).success ? Date.parse(String(text)) : Number.NaN
  }) as [number | null, number | null]
  if (Number.isNaN(first) || Number.isNaN(last)) {
    return { from: null, until: null, problem: 'valid_from or valid_until is no time' }
  }
  return { from: first, until: last, problem: null }
}

function missing(id: PolicyId): Policy {
  return prepare({
    ...{
      id,
      name: 'missing',
      decision: 'missing' as 'deny',
      include: [{ everyone: {} }],
      require: [],
      exclude: [],
      extra: {},
    },
  })
}
