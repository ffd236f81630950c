/**
 * What a walk came to, by policy, where somebody asks. A walk notes only whose criteria hold: of the others that it came to they do
 * not, whether it judged them or was told so by an index, and what each reaches is worked out here once more.
 */
import { isFirst, isJudged, type Notes, type Question, type Reached, reachOf, speaksOfKind } from './decide.ts'
import type { Facts, Policy } from './model.ts'

export interface Noted {
  /** `unasked`: the walk ended before, or it speaks of other kinds of callers. */
  reached: Reached | 'unasked'
  /** Whether its criteria hold of the caller; null where that did not matter. */
  met: boolean | null
}

/**
 * @param notes of a walk through these policies with these facts and this question
 * @returns one for each policy, the same whether the walk went by an index or not
 */
export function expandNotes(
  policies: readonly Policy[],
  facts: Facts,
  question: Question,
  notes: Notes,
): readonly Noted[] {
  const met = new Set(notes.met)
  return policies.map((policy, at) => {
    if (!speaksOfKind(policy, facts.principal.kind) || !wasComeTo(policies, at, notes.end))
      return { reached: 'unasked', met: null }
    const reached = reachOf(policy, question, facts)
    return { reached, met: isJudged(policy, reached) ? met.has(at) : null }
  })
}

/** @param end where the walk ended; null where nothing ended it */
function wasComeTo(policies: readonly Policy[], at: number, end: number | null): boolean {
  if (end === null) return true
  const [isEarly, endedEarly] = [at, end].map((place) => isFirst(policies[place] as Policy))
  return isEarly === endedEarly ? at <= end : isEarly === true
}
