/**
 * All that one caller may use in one portal, by the very decisions that their lists are made of. Capabilities of which the same policies
 * speak are judged once, so ten thousand cost little more than one.
 */
import type { Asking, Decision, Facts } from '../policy/model.ts'
import type { Catalog, Entry } from './catalog.ts'
import { type Judge, type Judged, judgeAccess, openJudge } from './explain-access.ts'
import type { PortalSpec } from './spec.ts'

export interface Decider {
  level: 'portal' | 'server'
  decision: Decision
}

/** What the policies make of one capability; nothing is said of what else may stand in the way. */
export interface Overlooked extends Pick<Judged, 'verdict' | 'waitsFor'> {
  entry: Entry
  /** Of a no, the one that says it; else all that say yes. */
  deciders: readonly Decider[]
  terms: readonly Asking[]
}

/** What is named, and called with arguments that are not known here. */
export type OverviewKind = 'tool' | 'prompt'

export interface OverviewAsked {
  spec: PortalSpec
  facts: Facts
  catalog: Catalog
  kind: OverviewKind
}

/** In the order of the catalog; also what nobody is offered, such as what is held, but nothing that other people’s accounts alone list. */
export function overviewAccess({ spec, facts, catalog, kind }: OverviewAsked): Overlooked[] {
  const judge = openJudge(spec, facts)
  const known = new Map<number, Omit<Overlooked, 'entry'>>()
  const theirs = catalog.entries(kind).filter(({ hidden }) => !hidden)
  return theirs.map((entry) => {
    const { id } = entry.scope
    const made = known.get(id) ?? judgeOne({ spec, facts, judge }, entry)
    known.set(id, made)
    return { entry, ...made }
  })
}

interface Bench {
  spec: PortalSpec
  facts: Facts
  judge: Judge
}

function judgeOne({ spec, facts, judge }: Bench, entry: Entry): Omit<Overlooked, 'entry'> {
  const target = { kind: 'capability', name: entry.publicName, entry } as const
  const { verdict, terms, waitsFor } = judgeAccess({ spec, facts, target, server: null, input: null }, judge)
  const levels = judge().levels(entry.scope, entry.capability)
  const deciders = levels.map((decision, at): Decider => ({ level: at === 0 ? 'portal' : 'server', decision }))
  const refusing = deciders.filter(({ decision }) => !decision.allow)
  return { verdict, terms, waitsFor, deciders: refusing.length > 0 ? refusing : deciders }
}
