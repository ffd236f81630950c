/** A rule while it is being written: rows with keys and texts of fields, and how they become what the API takes, and back. */
import type { PolicyShown } from '../../../src/contract/policy.ts'
import type { ReachInput } from '../../../src/contract/reach.ts'
import { openReach, type ReachDraft, reachOf } from './reach-draft.ts'
import type { Rule } from './read-rule.ts'
import { type Criterion, openCriterion, type Value } from './selectors.ts'

export const PARTS = ['include', 'require', 'exclude'] as const
export type Part = (typeof PARTS)[number]

export interface CriterionDraft {
  key: number
  selector: string
  value: Value
}

export type CriteriaDraft = Readonly<Record<Part, readonly CriterionDraft[]>>

export interface Draft extends CriteriaDraft {
  name: string
  decision: string
  reach: readonly ReachDraft[]
  /** The other fields, as the API has them. */
  extra: Readonly<Record<string, unknown>>
}

let last = 0
/** Rows have no names of their own, and keep their place on the page by this. */
export function newKey(): number {
  last += 1
  return last
}

export function newCriterion(selector = 'email', value: Value = {}): CriterionDraft {
  return { key: newKey(), selector, value }
}

export function newDraft(): Draft {
  return { name: '', decision: 'allow', include: [newCriterion()], require: [], exclude: [], reach: [], extra: {} }
}

export function openCriteria(shown: Readonly<Record<Part, readonly Criterion[]>>): CriteriaDraft {
  const rows = (part: Part) => shown[part].map((one): CriterionDraft => ({ key: newKey(), ...openCriterion(one) }))
  return { include: rows('include'), require: rows('require'), exclude: rows('exclude') }
}

/** What the portal alone sets is no part of a draft. */
const STAMPS = [
  ...['id', 'name', 'decision', 'include', 'require', 'exclude', 'capabilities', 'reusable', 'app_count', 'precedence'],
  ...['updated_at', 'created_at', 'created_by', 'modified_at', 'modified_by', 'origin'],
]

export function openDraft(shown: PolicyShown): Draft {
  const extra = Object.fromEntries(Object.entries(shown).filter(([name]) => !STAMPS.includes(name)))
  const { name, decision, capabilities } = shown
  const reach = ((capabilities ?? []) as readonly ReachInput[]).map(openReach)
  return { name, decision, ...openCriteria(shown), reach, extra }
}

/** What is left empty is left out: an optional field has no empty value. */
function filled(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== '' && one !== undefined))
}

export function criteriaOf(draft: CriteriaDraft): Record<Part, Criterion[]> {
  const list = (part: Part) => draft[part].map(({ selector, value }): Criterion => ({ [selector]: filled(value) }))
  return { include: list('include'), require: list('require'), exclude: list('exclude') }
}

/** @returns what is read aloud of it while it is written */
export function ruleOf(draft: Draft): Rule {
  const capabilities = draft.reach.length === 0 ? undefined : draft.reach.map(reachOf)
  return { decision: draft.decision, ...criteriaOf(draft), extra: { ...draft.extra, capabilities } }
}

/** @param before as it is stored: what it had and the draft has not is taken away by name. @returns the body of a write */
export function bodyOf(draft: Draft, before?: PolicyShown): Record<string, unknown> {
  const { decision, extra, ...criteria } = ruleOf(draft)
  const had = Object.keys(before ?? {}).filter((name) => !STAMPS.includes(name) || name === 'capabilities')
  const gone = Object.fromEntries(had.map((name) => [name, null]))
  const given = Object.fromEntries(Object.entries(extra).filter(([, value]) => value !== undefined))
  return { name: draft.name.trim(), decision, ...criteria, ...(before === undefined ? {} : gone), ...given }
}

/** The same body where a policy is written out to be asked about: nothing is there to be taken away. */
export function askedBodyOf(draft: Draft): Record<string, unknown> {
  const body = bodyOf(draft)
  return { ...body, name: body.name === '' ? 'A new policy' : body.name }
}

/**
 * One person more in a part of a rule, however often that is asked for.
 *
 * @returns the draft with it
 */
export function withPerson<D extends CriteriaDraft>(draft: D, part: Part, email: string): D {
  const isThere = draft[part].some(({ selector, value }) => selector === 'email' && value.email === email)
  return isThere ? draft : { ...draft, [part]: [...draft[part], newCriterion('email', { email })] }
}
