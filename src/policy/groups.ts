/**
 * Groups, prepared once for all that name them. A group holds of a caller when some `include` is true, every `require` is true
 * and no `exclude` is true; where one of them is not known and would matter, the group is unknown (Kleene's strong logic).
 * A group that leads to itself, or deeper than eight, is unknown whole: such are refused when written, and here they close.
 */
import { MOST_GROUP_DEPTH } from '../contract/access-group.ts'
import { anyOf } from './address-index.ts'
import { prepareCriterion, unknownCondition } from './criteria.ts'
import type { PreparedList } from './lists.ts'
import type { Condition, Criterion, Facts, Truth } from './model.ts'
import { type Judged, type Lookups, NEEDS_NOTHING } from './selector.ts'

/** As `group-store.ts` reads it. */
export interface GroupSource {
  id: string
  name: string
  include: readonly Criterion[]
  require: readonly Criterion[]
  exclude: readonly Criterion[]
}

/** Criteria of one list; what is no list is one criterion that is not known. */
export function prepareAll(list: unknown, lookups: Lookups): readonly Condition[] {
  if (!Array.isArray(list)) return [unknownCondition({}, '', 'what stands in the store is no list of criteria')]
  return list.map((json: Criterion) => prepareCriterion(json, lookups))
}

/** @returns what criteria look up: the groups by id, and the lists as given */
export function openGroups(groups: readonly GroupSource[], list: (id: string) => PreparedList | undefined): Lookups {
  const sources = new Map(groups.map((group) => [group.id, group]))
  const depths = depthsOf(sources)
  const prepared = new Map<string, Judged>()
  const lookups: Lookups = {
    list,
    group(id) {
      const known = prepared.get(id)
      if (known !== undefined) return { needs: NEEDS_NOTHING, ...known }
      const source = sources.get(id)
      if (source === undefined) return undefined
      // Ends, because a group that is prepared here stands above those that it names.
      const made = depths.has(id) ? prepareGroup(source, lookups) : endless(source)
      prepared.set(id, made)
      return { needs: NEEDS_NOTHING, ...made }
    },
  }
  return lookups
}

/** How deep each group goes, itself counted; those are missing that go deeper than is allowed, or round in a circle. */
function depthsOf(sources: ReadonlyMap<string, GroupSource>): ReadonlyMap<string, number> {
  const named = new Map([...sources.values()].map((group) => [group.id, groupsIn(group)]))
  const depths = new Map<string, number>()
  let waiting = [...sources.keys()]
  for (let depth = 1; depth <= MOST_GROUP_DEPTH && waiting.length > 0; depth++) {
    const ready = waiting.filter((id) => named.get(id)?.every((inner) => depths.has(inner) || !sources.has(inner)))
    for (const id of ready) depths.set(id, depth)
    waiting = waiting.filter((id) => !depths.has(id))
  }
  return depths
}

function groupsIn({ include, require, exclude }: GroupSource): readonly string[] {
  const all: Criterion[] = [include, require, exclude].flatMap((list) => (Array.isArray(list) ? list : []))
  return all.map(groupIn).filter((id) => id !== null)
}

function groupIn(json: Criterion): string | null {
  const id = (json as { group?: { id?: unknown } } | null)?.group?.id
  return typeof id === 'string' ? id : null
}

function endless({ name }: GroupSource): Judged {
  const why = `the group "${name}" leads to itself, or deeper than ${MOST_GROUP_DEPTH} groups`
  return { judge: () => 'unknown', why: () => why }
}

function prepareGroup(source: GroupSource, lookups: Lookups): Judged {
  const { name } = source
  const [include, require, exclude] = [source.include, source.require, source.exclude].map((list) =>
    prepareAll(list, lookups),
  ) as [readonly Condition[], readonly Condition[], readonly Condition[]]
  // A group includes somebody, or it is not what was written.
  const included = include.length > 0 ? include : [unknownCondition({}, '', `the group "${name}" includes nothing`)]
  const all = [...included, ...require, ...exclude]
  const judge = onceFor((facts) => judgeGroup(facts, included, require, exclude))
  return {
    judge,
    // A group is false where no include holds, whatever else it says.
    addresses: anyOf(included),
    why(facts) {
      const parts = (label: string, list: readonly Condition[]) =>
        list.slice(0, MOST_SAID).map((one) => `${label}: ${sayOf(one, facts)}`)
      const said = [...parts('include', included), ...parts('require', require), ...parts('exclude', exclude)]
      const words = said.slice(0, MOST_SAID).join('; ')
      return `of the group "${name}": ${words.length > LONGEST_SAID ? `${words.slice(0, LONGEST_SAID)}…` : words}`
    },
    needs: {
      origin: all.some(({ needs }) => needs.origin),
      external: [...new Map(all.flatMap(({ needs }) => needs.external.map((one) => [one.key, one] as const))).values()],
    },
  }
}

/** A group inside says only what it is: all that stands in it would be words without end. */
function sayOf(condition: Condition, facts: Facts): string {
  const truth = String(condition.judge(facts))
  return condition.selector === 'group'
    ? `the group ${groupIn(condition.json)} is ${truth}`
    : `${condition.selector} is ${truth} (${condition.why(facts)})`
}

const MOST_SAID = 20
const LONGEST_SAID = 1000

/**
 * However many policies and groups name one group, it is judged once for the same facts: without this, eight floors of ten
 * groups each would be a hundred million judgements. The facts of a decision are one object that nobody changes.
 */
function onceFor(judge: (facts: Facts) => Truth): (facts: Facts) => Truth {
  let last: Facts | null = null
  let truth: Truth = 'unknown'
  return (facts) => {
    if (last !== facts) {
      truth = judge(facts)
      last = facts
    }
    return truth
  }
}

/** Some include, every require, no exclude: false where one of the three is false for sure, unknown where one is not known. */
function judgeGroup(
  facts: Facts,
  include: readonly Condition[],
  require: readonly Condition[],
  exclude: readonly Condition[],
): Truth {
  let truth: Truth = false
  for (const condition of include) {
    const one = condition.judge(facts)
    if (one !== false) truth = one
    if (one === true) break
  }
  if (truth === false) return false
  for (const condition of require) {
    const one = condition.judge(facts)
    if (one === false) return false
    if (one === 'unknown') truth = one
  }
  for (const condition of exclude) {
    const one = condition.judge(facts)
    if (one === true) return false
    if (one === 'unknown') truth = one
  }
  return truth
}
