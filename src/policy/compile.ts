/**
 * Decisions for one principal in one portal, made once and looked up by scope afterwards: the hot path never walks a
 * rule, unless a rule looks at the call. Good until the policies, what they are attached to, or the facts change.
 */
import type { ServerUid } from '../base/ids.ts'
import { possibleFor } from './address-index.ts'
import type { Coverage, Scope } from './coverage.ts'
import { decideMet, type Known, type Met, meets, type Question, TO_ENTER } from './decide.ts'
import type { CallFacts, Capability, Decision, Facts, Policy } from './model.ts'

export interface Gate {
  uid: ServerUid
  id: string
  /** The server's own policies; null where it has none, and the portal's decide alone. Empty lets nobody in. */
  policies: readonly Policy[] | null
}

export interface Access {
  /** May the principal enter the portal at all? */
  enter: Decision
  /** By server: the portal's policies and the server's own, both must allow. */
  servers: ReadonlyMap<ServerUid, Decision>
  /** What the principal may do with the capabilities of a scope, arguments unknown. */
  of(scope: Scope, capability: Capability): Decision
  /** What that decision is made of: what the portal's policies say, and then the server's own where it has some and is come to. */
  levels(scope: Scope, capability: Capability): readonly Decision[]
  /** One call: the same with arguments and history known. */
  call(scope: Scope, capability: Capability, call: CallFacts): Decision
  /** Callers with the same key see the same of the same capabilities: which of the policies with a reach speak of them. */
  key: string
  /** Milliseconds since 1970 until when it may be kept: a policy begins or ends then. */
  until: number
}

export interface Rules {
  portal: readonly Policy[]
  gates: readonly Gate[]
  coverage: Coverage
}

export function compileAccess({ portal, gates, coverage }: Rules, facts: Facts): Access {
  const who = metOnce(facts)
  const all = [portal, ...gates.map(({ policies }) => policies ?? [])].flat()
  const places = coverage.index.places(portal, facts)
  const enter = decideMet(portal, TO_ENTER, who, { places })
  const servers = new Map<ServerUid, Decision>()
  for (const { uid, id, policies } of gates) {
    const question = { ...TO_ENTER, serverId: id }
    servers.set(uid, enter.allow ? both(portal, policies, question, who, { places }) : enter)
  }
  const known: (Decision | undefined)[] = []
  const judge = ({ portal: ofPortal, own, parts }: Scope, question: Question): Decision =>
    enter.allow ? both(ofPortal, own, question, who, { parts }) : enter
  return {
    enter,
    servers,
    of(scope, capability) {
      const kept = known[scope.id]
      if (kept !== undefined) return kept
      const made = judge(scope, { serverId: capability.serverId, capability, call: null })
      known[scope.id] = made
      return made
    },
    levels({ portal: ofPortal, own, parts }, capability) {
      if (!enter.allow) return [enter]
      const question = { serverId: capability.serverId, capability, call: null }
      const atPortal = passes(ofPortal, question, who, { parts: parts.portal })
      return own === null || !atPortal.allow ? [atPortal] : [atPortal, passes(own, question, who, { parts: parts.own })]
    },
    call: (scope, capability, call) => judge(scope, { serverId: capability.serverId, capability, call }),
    key: keyOf(all, who),
    until: nextChange(all, facts.now),
  }
}

/** Portal gate and server gate: what the one allows the other may deny, and what each asks for is asked for. */
function both(
  portal: readonly Policy[],
  own: readonly Policy[] | null,
  question: Question,
  who: Met,
  { places, parts }: { places?: Known['places']; parts?: Scope['parts'] },
): Decision {
  const atPortal = passes(portal, question, who, { places, parts: parts?.portal })
  if (own === null || !atPortal.allow) return atPortal
  const atServer = passes(own, question, who, { parts: parts?.own })
  if (!atServer.allow) return atServer
  return {
    ...atServer,
    maybe: atPortal.maybe || atServer.maybe,
    terms: [...atPortal.terms, ...atServer.terms],
    bypass: atPortal.bypass || atServer.bypass,
  }
}

/**
 * Who signed in, and whom the other policies let in as well and ask for nothing, is not there by the bypass alone: nobody has less than
 * they would have without it. Everybody else whom it let in is lent no credential.
 */
function passes(policies: readonly Policy[], question: Question, who: Met, known: Known): Decision {
  const decision = decideMet(policies, question, who, known)
  if (!decision.bypass || who.facts.principal.kind === 'anonymous') return decision
  const others = policies.filter((policy) => policy.decision !== 'bypass')
  const { allow, maybe, terms } = decideMet(others, question, who)
  return allow && !maybe && terms.length === 0 ? { ...decision, bypass: false } : decision
}

/** Each policy's criteria are looked at once a caller, however many tools it speaks of. */
function metOnce(facts: Facts): Met {
  const isPossible = possibleFor(facts)
  const known = new Map<Policy, boolean>()
  return {
    facts,
    met(policy) {
      const kept = known.get(policy)
      if (kept !== undefined) return kept
      const made = isPossible(policy) && meets(policy, facts)
      known.set(policy, made)
      return made
    },
  }
}

/** What a decision about a capability depends on, beside the servers that the caller may see: which policies speak of the caller. */
function keyOf(policies: readonly Policy[], { facts, met }: Met): string {
  if (policies.every(({ reach }) => reach === null)) return ''
  return `${facts.principal.kind} ${policies.map((policy) => (met(policy) ? '1' : '0')).join('')}`
}

function nextChange(policies: readonly Policy[], now: number): number {
  let next = Number.POSITIVE_INFINITY
  for (const { from, until } of policies) {
    for (const time of [from, until]) if (time !== null && time > now && time < next) next = time
  }
  return next
}
