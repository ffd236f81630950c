/**
 * One caller before and after a change of policies: what they gain, what they lose, and where it cannot be told. Capabilities of which
 * the same policies speak, before and after, are looked at once.
 */
import type { Access } from '../policy/compile.ts'
import type { Scope } from '../policy/coverage.ts'
import type { Capability, Decision, Facts } from '../policy/model.ts'
import type { Catalog, Entry } from './catalog.ts'
import { accessOf, type Verdict } from './explain-access.ts'
import type { PortalSpec } from './spec.ts'

export interface Change {
  before: PortalSpec
  after: PortalSpec
  /** Policies that say something else than before, by id. */
  changed: ReadonlySet<string>
}

/** One caller in one portal before or after. */
export interface Side {
  spec: PortalSpec
  access: Access
  /** With what a question cannot know taken in the caller's favour. */
  expected: Access
}

export interface Judged {
  verdict: Verdict
  decision: Decision
}

/** `cannot_tell`: it depends on what is not known, on one side at least. */
export type Outcome = 'gains' | 'loses' | 'same' | 'cannot_tell'

export function sideOf(spec: PortalSpec, facts: Facts): Side {
  const assume = facts.origin.ip === null ? 'origin' : 'answers'
  return { spec, access: accessOf(spec, facts), expected: accessOf(spec, { ...facts, assume }) }
}

export function judge({ access, expected }: Side, scope: Scope, capability: Capability): Judged {
  const decision = access.of(scope, capability)
  if (decision.allow) return { verdict: decision.maybe ? 'depends' : 'allowed', decision }
  return { verdict: expected.of(scope, capability).allow ? 'depends' : 'denied', decision }
}

/** Of two different sets of policies: doubt is never rounded. */
export function outcomeOf(before: Judged, after: Judged): Outcome {
  if (before.verdict === 'depends' || after.verdict === 'depends') return 'cannot_tell'
  if (before.verdict === after.verdict) return 'same'
  return after.verdict === 'allowed' ? 'gains' : 'loses'
}

/** Whether the same policies, saying the same, speak of it before and after: then nobody gains or loses it. */
export function isUntouched({ changed }: Change, before: Scope, after: Scope): boolean {
  const idsOf = ({ portal, own }: Scope) =>
    JSON.stringify([portal.map(({ id }) => id), own?.map(({ id }) => id) ?? null])
  if (idsOf(before) !== idsOf(after)) return false
  return [...after.portal, ...(after.own ?? [])].every(({ id }) => !changed.has(id))
}

/** Capabilities of which the same policies speak, before and after the change. */
export interface Group {
  before: Scope
  after: Scope
  entries: readonly Entry[]
}

const KINDS = ['tool', 'prompt', 'resource', 'template'] as const

/** @param catalog of the portal as it is; what nobody is offered, and what the change does not touch, is left out */
export function groupsOf(change: Change, catalog: Catalog): Group[] {
  const { before, after } = change
  const groups = new Map<string, Group & { entries: Entry[] }>()
  for (const entry of KINDS.flatMap((kind) => catalog.entries(kind))) {
    if (!entry.enabled || entry.held || entry.hidden) continue
    const scopes = {
      before: before.coverage.scopeOf(entry.capability),
      after: after.coverage.scopeOf(entry.capability),
    }
    const key = `${scopes.before.id} ${scopes.after.id}`
    const known = groups.get(key)
    if (known === undefined) groups.set(key, { ...scopes, entries: [entry] })
    else known.entries.push(entry)
  }
  return [...groups.values()].filter((group) => !isUntouched(change, group.before, group.after))
}

export interface Held {
  outcome: Exclude<Outcome, 'same'>
  entries: readonly Entry[]
}

/** What the change makes of all that a caller may do there. */
export function changesFor(change: Change, groups: readonly Group[], facts: Facts): Held[] {
  const [before, after] = [sideOf(change.before, facts), sideOf(change.after, facts)]
  return groups.flatMap((group) => {
    const reachable = group.entries.filter(({ server }) => !server.onBehalf || facts.principal.kind === 'user')
    const [first] = reachable
    if (first === undefined) return []
    const outcome = outcomeOf(
      judge(before, group.before, first.capability),
      judge(after, group.after, first.capability),
    )
    return outcome === 'same' ? [] : [{ outcome, entries: reachable }]
  })
}
