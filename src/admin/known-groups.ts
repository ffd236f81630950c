/** Groups in groups: how deep, and never in a circle. Judged where one is written, whichever end of the chain that is. */
import { MOST_GROUP_DEPTH } from '../contract/access-group.ts'
import type { Known, Rules } from './known-rules.ts'
import { placed } from './known-rules.ts'
import { invalid } from './refusal.ts'

type Groups = Known['groups']

/**
 * @param id the group that is written; null for a new one, which nothing can name yet
 * @throws ApiRefusal 400 with the path of the criterion that would close a circle or lead too deep
 */
export function refuseTangle(id: string | null, rules: Rules, groups: Groups): void {
  const inner = placed(rules).filter(({ selector }) => selector === 'group')
  const above = id === null ? 0 : levelsAbove(id, groups)
  for (const { path, argument } of inner) {
    const named = String(argument.id)
    if (id !== null && leadsTo(named, id, groups)) {
      throw invalid(`${path}.id`, 'would make the group a part of itself')
    }
    const depth = above + 1 + levelsBelow(named, groups)
    if (depth > MOST_GROUP_DEPTH) {
      throw invalid(`${path}.id`, `would put ${depth} groups into one another; at most ${MOST_GROUP_DEPTH} may be`)
    }
  }
}

/** Each group is looked at once, however many ways lead to it. */
function leadsTo(from: string, wanted: string, groups: Groups, seen = new Set<string>()): boolean {
  if (from === wanted) return true
  if (seen.has(from)) return false
  seen.add(from)
  return innerOf(from, groups).some((inner) => leadsTo(inner, wanted, groups, seen))
}

/** How many groups stand in one another from this one down, itself counted. */
function levelsBelow(id: string, groups: Groups, known = new Map<string, number>()): number {
  const made = known.get(id)
  if (made !== undefined) return made
  // Written before those below are looked at, so that a circle that is in the store already ends here.
  known.set(id, 1)
  const levels = 1 + Math.max(0, ...innerOf(id, groups).map((inner) => levelsBelow(inner, groups, known)))
  known.set(id, levels)
  return levels
}

/** The longest chain of groups that this one stands in, itself not counted. */
function levelsAbove(id: string, groups: Groups): number {
  const holders = new Map<string, string[]>()
  for (const [outer] of groups) {
    for (const inner of innerOf(outer, groups)) holders.set(inner, [...(holders.get(inner) ?? []), outer])
  }
  const known = new Map<string, number>()
  const climb = (from: string): number => {
    const made = known.get(from)
    if (made !== undefined) return made
    known.set(from, 0)
    const levels = Math.max(0, ...(holders.get(from) ?? []).map((outer) => 1 + climb(outer)))
    known.set(from, levels)
    return levels
  }
  return climb(id)
}

function innerOf(id: string, groups: Groups): string[] {
  const group = groups.get(id)
  if (group === undefined) return []
  return placed(group).flatMap(({ selector, argument }) => (selector === 'group' ? [String(argument.id)] : []))
}
