/**
 * The one decision: may this caller pass these policies? Pure, from its arguments alone, so that list, call, search and
 * "why?" can never disagree. Source of the semantics: Cloudflare Access policies; what they reach is ours.
 *
 * Order, for one list of policies:
 * 1. `bypass` and `non_identity` policies, top to bottom: the first match allows. `non_identity` speaks of service tokens only.
 * 2. `allow` and `deny` policies, top to bottom: the first match decides. `allow` speaks of people only, because a
 *    service token is let in by a `non_identity` policy and by nothing else (strict service-token authentication).
 * 3. Nothing matched: denied.
 *
 * A policy matches when some `include` is true, every `require` is true and no `exclude` is true, when it is in force at that
 * time, and when it reaches what is asked about. An unknown criterion counts against the caller each time.
 *
 * While listing, arguments are not known: a deny that depends on them is passed over, an allow that depends on them is a maybe.
 */
import type { AddressIndex } from './address-index.ts'
import type { CallFacts, Capability, Condition, Decision, Facts, Policy, Reach } from './model.ts'

/** What is asked about: a portal as such, one of its servers, one capability, or one call. */
export interface Question {
  /** Null: may the caller be here at all? */
  serverId: string | null
  capability: Capability | null
  call: CallFacts | null
}

export const TO_ENTER: Question = { serverId: null, capability: null, call: null }

/** `call`: it depends on the call, which is not known. `passed`: it speaks of the capability, and not of this call. */
export type Reached = 'yes' | 'no' | 'call' | 'passed' | 'unknown'

export interface Met {
  facts: Facts
  /** Whether a policy's criteria hold of the caller. */
  met(policy: Policy): boolean
}

/**
 * What a walk came to: the little that cannot be worked out afterwards without judging again, so that noting it costs
 * nothing. `expand-notes.ts` says of each policy what it came to.
 */
export interface Notes {
  /** The places of the policies whose criteria hold of the caller, of those that were judged. */
  met: number[]
  /** The place of the policy that ended the walk; null where it came to the end of the list. */
  end: number | null
}

export function openNotes(): Notes {
  return { met: [], end: null }
}

/** Of a policy, the parts of its reach that cover the capability that is asked about; null where it has no reach. */
export type Parts = readonly Reach[] | null

/** @param index of this list, where many callers are decided upon */
export function decide(
  policies: readonly Policy[],
  facts: Facts,
  question: Question = TO_ENTER,
  { notes, index }: { notes?: Notes; index?: AddressIndex } = {},
): Decision {
  const met = (policy: Policy) => meets(policy, facts)
  return decideMet(policies, question, { facts, met }, { notes, places: index?.places(policies, facts) })
}

export interface Known {
  /** By the place of the policy, where it was found out before. */
  parts?: readonly Parts[] | undefined
  /** Of the policies that may speak of the caller, in the order of the walk: no other is looked at. Left out: of all. */
  places?: readonly number[] | undefined
  notes?: Notes | undefined
}

/** The same where it is known already which policies speak of the caller. */
export function decideMet(policies: readonly Policy[], question: Question, who: Met, known: Known = {}): Decision {
  const { parts, places, notes } = known
  const { facts } = who
  const { kind } = facts.principal
  let perhaps: Decision | null = null
  let isOpen = false
  let because: Decision['because'] = 'policy'
  for (const at of places ?? inOrderOfWalk(policies)) {
    const policy = policies[at] as Policy
    if (!speaksOfKind(policy, kind)) continue
    const reached = policy.reach === null ? 'yes' : reachOf(policy, question, facts, parts?.[at])
    if (!isJudged(policy, reached) || !who.met(policy)) continue
    notes?.met.push(at)
    if (keepsOut(policy)) {
      if (reached === 'call') isOpen = true
      // `deny`, and every decision that this program does not know.
      else return ended(notes, at, perhaps ?? denied(policy.id, whatOf(policy, question)))
    } else if (reached === 'yes') {
      return ended(notes, at, allowed(policy, !isFirst(policy) && (isOpen || perhaps !== null)))
    } else if (reached === 'call') perhaps ??= allowed(policy, true)
    else because = whatOf(policy, question)
  }
  return perhaps ?? denied(null, because)
}

function ended(notes: Notes | undefined, at: number, decision: Decision): Decision {
  if (notes !== undefined) notes.end = at
  return decision
}

/** Whether a policy is looked at for such callers at all. */
export function speaksOfKind({ decision }: Policy, kind: Facts['principal']['kind']): boolean {
  if (decision === 'allow') return kind === 'user'
  return decision !== 'non_identity' || kind === 'service'
}

/** Whether it matters if the policy's criteria hold. */
export function isJudged(policy: Policy, reached: Reached): boolean {
  return reached === 'yes' || (reached !== 'no' && (reached !== 'passed' || !keepsOut(policy)))
}

/** @returns the places of all policies in the order in which they are looked at */
export function inOrderOfWalk(policies: readonly Policy[]): readonly number[] {
  const first: number[] = []
  const others: number[] = []
  for (let at = 0; at < policies.length; at++) (isFirst(policies[at] as Policy) ? first : others).push(at)
  return first.length === 0 ? others : first.concat(others)
}

/** Whether a policy is one of those that are looked at before any other. */
export function isFirst({ decision }: Policy): boolean {
  return decision === 'bypass' || decision === 'non_identity'
}

/** Whether a policy keeps out whom it matches; so does one whose decision this program does not know. */
export function keepsOut(policy: Policy): boolean {
  return policy.decision !== 'allow' && !isFirst(policy)
}

function allowed({ id, decision, terms }: Policy, maybe: boolean): Decision {
  return {
    allow: true,
    maybe,
    rule: id,
    terms: terms === null ? [] : [{ policy: id, terms }],
    bypass: decision === 'bypass',
    because: 'policy',
  }
}

function denied(rule: Decision['rule'], because: Decision['because']): Decision {
  return { allow: false, maybe: false, rule, terms: [], bypass: false, because }
}

/** What of a call made a rule say no. What it says of a capability whatever the call is no matter of arguments. */
function whatOf({ reach }: Policy, { capability }: Question): Decision['because'] {
  if (reach === null || capability === null) return 'policy'
  const parts = reach.filter((one) => one.covers(capability))
  if (parts.some(({ call }) => call === null)) return 'policy'
  if (parts.some(({ readsArguments }) => readsArguments)) return 'arguments'
  return parts.some(({ flowWindow }) => flowWindow !== null) ? 'flow' : 'policy'
}

/** @param parts those that cover the capability, where that is known */
export function reachOf(
  policy: Policy,
  { serverId, capability, call }: Question,
  facts: Facts,
  parts?: Parts,
): Reached {
  const { reach } = policy
  if (reach === null) return 'yes'
  if (capability === null) {
    // Who may use one thing here must be let in for it; who is denied one thing is not kept out, but of a server all of it.
    const isMeant = reach.some(
      (one) => one.speaksOf(serverId) && (!keepsOut(policy) || (serverId !== null && one.isWhole)),
    )
    return isMeant ? 'yes' : 'no'
  }
  let found: Reached = 'no'
  for (const one of parts ?? reach) {
    if (parts === undefined && !one.covers(capability)) continue
    if (one.call === null) return 'yes'
    if (call === null) {
      found = 'call'
      continue
    }
    const truth = one.call(capability, call, facts)
    if (truth === true) return 'yes'
    if (truth === 'unknown') found = 'unknown'
    else if (found === 'no') found = 'passed'
  }
  return found
}

/** Whether a policy's criteria hold of the caller, doubt counted against them: against a match for what lets in, for it in a deny. */
export function meets(policy: Policy, facts: Facts): boolean {
  const { from, until, include, require, exclude } = policy
  if ((from !== null && facts.now < from) || (until !== null && facts.now >= until)) return false
  const isDeny = keepsOut(policy)
  // Loops, because this is what a decision spends its time on.
  for (const condition of exclude) if (isMatch(condition, facts, !isDeny)) return false
  for (const condition of require) if (!isMatch(condition, facts, isDeny)) return false
  for (const condition of include) if (isMatch(condition, facts, isDeny)) return true
  return false
}

/**
 * @param doubt what an unknown counts as; of a fact that is assumed in the caller's favour, the other
 */
export function isMatch(condition: Condition, facts: Facts, doubt: boolean): boolean {
  const truth = condition.judge(facts)
  if (truth === true || truth === false) return truth
  return doubt !== isAssumed(condition, facts)
}

function isAssumed({ needs }: Condition, { assume }: Facts): boolean {
  if (assume === 'nothing') return false
  return needs.external.length > 0 || (assume === 'origin' && needs.origin)
}
