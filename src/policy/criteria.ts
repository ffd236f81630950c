/**
 * One criterion, one answer: does it speak of this caller? The answer is true, false or unknown, and unknown is never
 * rounded: it satisfies neither `include` nor `require`, and always satisfies `exclude` and any deny. So a fact that is
 * missing, or a criterion that this program does not know (written by a newer one), can only close, never open.
 */
import { SELECTOR_SHAPES, type Selector } from '../contract/criteria.ts'
import type { Condition, Criterion } from './model.ts'
import { type Judged, type Lookups, NEEDS_NOTHING, NOTHING_TO_LOOK_UP, type Prepare } from './selector.ts'
import { OF_PEOPLE } from './selectors-of-people.ts'
import { OF_REQUESTS } from './selectors-of-requests.ts'

const PREPARE: { [S in Selector]: Prepare<S> } = {
  ...OF_PEOPLE,
  ...OF_REQUESTS,
  group: ({ id }, lookups) => lookups.group(id) ?? `there is no group ${id}`,
}

/** Never throws: what is malformed, or not known to this program, is unknown of every caller, and says why. */
export function prepareCriterion(json: Criterion, lookups: Lookups = NOTHING_TO_LOOK_UP): Condition {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
  const keys = isObject ? Object.keys(json) : []
  const selector = keys[0] ?? ''
  const judged = keys.length === 1 ? prepare(selector, json[selector], lookups) : 'a criterion names one selector'
  if (typeof judged === 'string') return unknownCondition(json, selector, judged)
  const { judge, why, needs = NEEDS_NOTHING, addresses } = judged
  return { json, selector, needs, addresses, judge, why }
}

export function unknownCondition(json: Criterion, selector: string, why: string): Condition {
  return { json, selector, needs: NEEDS_NOTHING, addresses: undefined, judge: () => 'unknown', why: () => why }
}

function prepare(selector: string, argument: unknown, lookups: Lookups): Judged | string {
  if (!isSelector(selector)) return `this program does not know the selector "${selector}"`
  const parsed = SELECTOR_SHAPES[selector].safeParse(argument)
  if (!parsed.success) return `it is not as "${selector}" is written: ${parsed.error.issues[0]?.message ?? ''}`
  // The shape and the preparation of one selector belong together, which the compiler cannot see of a union.
  return (PREPARE[selector] as (argument: unknown, lookups: Lookups) => Judged | string)(parsed.data, lookups)
}

function isSelector(text: string): text is Selector {
  return Object.hasOwn(SELECTOR_SHAPES, text)
}
