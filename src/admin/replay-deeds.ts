/**
 * What was asked of the portal's capabilities in the last days, decided again by the policies of now and by changed ones. The audit keeps
 * who, what and from where, and never what with: where a rule looks at arguments it cannot be told. The facts of whom are those of now.
 */
import type { AuditRow } from '../audit/event.ts'
import type { UsedShown } from '../contract/policy-explanation.ts'
import type { Decision } from '../policy/model.ts'
import type { Entry } from '../portal/catalog.ts'
import { type Change, isUntouched, judge, type Outcome, outcomeOf, type Side } from '../portal/compare-access.ts'
import { type Ruled, ruledBy, type Verdict } from '../portal/explain-access.ts'

/** Deeds of one caller with one capability from one address. */
export interface Deeds {
  actor: AuditRow['actor']
  portal: string
  server: string
  /** The server's own name. */
  original: string
  /** As it was asked for. */
  asked: string
  method: string
  ip: string | null
  times: number
  /** How often it was let through. */
  allowed: number
  lastAt: number
}

/** Adds one row to what was counted; rows about no capability are not counted. */
export function countDeed(all: Map<string, Deeds>, row: AuditRow): void {
  const { actor, portal, server, original, capability, method, clientIp } = row
  if (portal === undefined || server === undefined || original === undefined) return
  const ip = clientIp ?? null
  const key = JSON.stringify([actor.kind, actor.id, portal, server, original, method, ip])
  const allowed = row.decision === 'allow' ? 1 : 0
  const known = all.get(key)
  if (known === undefined) {
    const of = { actor, portal, server, original, asked: capability ?? original, method, ip }
    all.set(key, { ...of, times: 1, allowed, lastAt: row.at })
    return
  }
  known.times++
  known.allowed += allowed
  known.lastAt = Math.max(known.lastAt, row.at)
}

export interface Replayed {
  outcome: Outcome
  before: Verdict
  after: Verdict
  rules: UsedShown['rules']
  kind: string
  /** Why it cannot be told, or what to know beside it. */
  note: string | null
}

export interface Replay {
  change: Change
  /** The caller, from where it came. */
  sides: { before: Side; after: Side }
  /** The capability as it is listed now. */
  entry: Entry
}

export function replayDeeds(deeds: Deeds, { change, sides, entry }: Replay): Replayed {
  const target = { name: entry.kind === 'template' ? deeds.asked : entry.publicName, entry }
  const [ruledBefore, ruledAfter] = [ruledBy(change.before, target), ruledBy(change.after, target)]
  const { before, after } = sides
  const was = judgeAll(before, ruledBefore)
  const isAlike = ruledBefore.every(({ scope }, at) => {
    const next = ruledAfter[at]
    return next !== undefined && isUntouched(change, scope, next.scope)
  })
  const will = isAlike ? was : judgeAll(after, ruledAfter)
  const outcome = isAlike ? 'same' : outcomeOf(was, will)
  return {
    ...{ outcome, before: was.verdict, after: will.verdict, kind: entry.kind },
    rules: [named(before, was.decision), named(after, will.decision)],
    note: noteOn(deeds, { was: was.verdict, will: will.verdict, ruled: [...ruledBefore, ...ruledAfter] }),
  }
}

function named({ spec }: Side, { rule }: Decision): UsedShown['rules'][0] {
  if (rule === null) return null
  const all = [spec.policies, ...spec.servers.map(({ policies }) => policies ?? [])].flat()
  return { id: rule, name: all.find(({ id }) => id === rule)?.name ?? rule }
}

/** What is read through a template is decided twice; the worse counts. */
function judgeAll(side: Side, ruled: readonly Ruled[]): ReturnType<typeof judge> {
  const all = ruled.map(({ scope, capability }) => judge(side, scope, capability))
  const worst =
    all.find(({ verdict }) => verdict === 'denied') ?? all.find(({ verdict }) => verdict === 'depends') ?? all[0]
  if (worst === undefined) throw new Error('a capability has no rules to be judged by')
  return worst
}

function noteOn(
  deeds: Deeds,
  { was, will, ruled }: { was: Verdict; will: Verdict; ruled: readonly Ruled[] },
): string | null {
  if (was === 'depends' || will === 'depends') {
    if (ruled.some(({ scope }) => scope.readsArguments))
      return 'a rule looks at the arguments, which the audit does not keep'
    if (ruled.some(({ scope }) => scope.readsFlow)) return 'a rule looks at what was called before'
    return 'a rule looks at what only a request has: the address, a certificate, an evaluator’s answer'
  }
  if (was === 'denied' && deeds.allowed > 0) return 'was let through then, and the policies of now say no'
  if (was === 'allowed' && deeds.allowed === 0) return 'was refused then, and the policies of now say yes'
  return null
}

/** What a deed of this method may have been about. */
export function kindsOf(method: string): readonly Entry['kind'][] {
  if (method.startsWith('tools/')) return ['tool']
  if (method.startsWith('prompts/')) return ['prompt']
  if (method.startsWith('resources/')) return ['resource', 'template']
  return ['prompt', 'template', 'resource']
}
