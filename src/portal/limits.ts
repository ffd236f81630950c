/**
 * Which limits speak of a call, and whether one is reached. What counts is what is asked of a server: a tool's call, a prompt,
 * a read, a completion, a skill, each once, by whatever name, session, token or batch it comes; lists are the portal's own and
 * count for nothing, but for that of skills, which asks servers. A caller is who it is, not what it came with.
 */
import { principalKey } from '../base/principal.ts'
import { type Refusal, refused } from '../base/refusal.ts'
import { digest } from '../base/secret.ts'
import { type CallLimit, showLimits } from '../contract/limits-on-calls.ts'
import { type CallLimits, type Exceeded, type LimitClaim, NOTHING_TAKEN, type Taken } from './call-limits.ts'
import type { Entry } from './catalog.ts'
import type { Scene } from './scene.ts'
import type { Visit } from './visit.ts'

/** A portal or a server that has limits. */
interface Place {
  readonly uid: string
  readonly limits: readonly CallLimit[]
}

type Scope = 'portal' | 'server'

interface Prepared {
  /** The place and the limit as it reads: one that is changed counts anew. */
  key: string
  limit: CallLimit
  scope: Scope
}

interface Claim extends LimitClaim {
  readonly of: Prepared
}

/** Calls in a window, or calls at one time; where it is left out, both. */
export type LimitPart = 'calls' | 'concurrency'

export interface Limits {
  /**
   * To be asked once the policies have said yes: a caller must not learn of a limit on what it may not see.
   *
   * @returns what is to be released when the call is over, or a refusal that says which limit and when to try again
   * @throws Fault `store-unavailable` (as a rejection): what cannot be counted is not done
   */
  take(
    visit: Pick<Visit, 'spec' | 'principal'>,
    entry: Pick<Entry, 'server' | 'kind' | 'original'>,
    part?: LimitPart,
  ): Answer
  /** Refusals since the start. */
  readonly refused: number
}

type Answer = Taken | Refusal | Promise<Taken | Refusal>

export function openLimits(counting: Pick<CallLimits, 'take'>): Limits {
  // By the place as it was read: a change makes another object, and what belongs to the old one is forgotten with it.
  const known = new WeakMap<Place, readonly Prepared[]>()
  let refusals = 0

  function prepared(place: Place, scope: Scope): readonly Prepared[] {
    const found = known.get(place)
    if (found !== undefined) return found
    const made = prepare(place, scope)
    known.set(place, made)
    return made
  }

  function told(outcome: Taken | Exceeded<Claim>): Taken | Refusal {
    if (outcome.kind === 'taken') return outcome
    refusals++
    return refused('limited', null, sentenceFor(outcome))
  }

  return {
    take({ spec, principal }, entry, part) {
      const { server } = entry
      if (spec.limits.length === 0 && server.limits.length === 0) return NOTHING_TAKEN
      const limits = [...prepared(spec, 'portal'), ...prepared(server, 'server')]
      const claims = claimsOf(limits, principalKey(principal), entry)
      const outcome = counting.take(part === undefined ? claims : claims.map((claim) => partOf(claim, part)))
      return outcome instanceof Promise ? outcome.then(told) : told(outcome)
    },
    get refused() {
      return refusals
    },
  }
}

/** As the checkpoint asks. @returns null where no limit speaks of it */
export function takeLimits({ target, visit, rooms }: Scene, part?: LimitPart): Answer | null {
  return target.kind === 'capability' ? rooms.limits.take(visit, target.entry, part) : null
}

function partOf(claim: Claim, part: LimitPart): Claim {
  return part === 'calls' ? { ...claim, concurrency: null } : { ...claim, calls: null, windowMs: null }
}

/** The same limit twice would count each call twice. */
function prepare(place: Place, scope: Scope): readonly Prepared[] {
  const keys = new Map<string, Prepared>()
  for (const limit of place.limits) {
    const { per, tools, calls, windowMs, concurrency } = limit
    const key = digest(JSON.stringify([scope, place.uid, per, tools, calls, windowMs, concurrency]))
    keys.set(key, { key, limit, scope })
  }
  return [...keys.values()]
}

/** @param caller its identity, not its token @param called by its own name, whatever it was called by */
function claimsOf(
  limits: readonly Prepared[],
  caller: string,
  called: Pick<Entry, 'kind' | 'original'>,
): readonly Claim[] {
  const claims: Claim[] = []
  for (const of of limits) {
    const { per, tools, calls, windowMs, concurrency } = of.limit
    if (tools !== null && !(called.kind === 'tool' && tools.includes(called.original))) continue
    const whose = per === 'principal' ? caller : '*'
    // A name may hold anything, so it comes last.
    const key = `${of.key} ${whose} ${tools === null ? '*' : `=${called.original}`}`
    claims.push({ key, calls, windowMs, concurrency, of })
  }
  return claims
}

function sentenceFor({ claim, what, retryInMs }: Exceeded<Claim>): string {
  const { limit, scope } = claim.of
  const { calls, window, concurrency } = showLimits([limit])[0] ?? {}
  const where = scope === 'portal' ? 'this portal' : limit.tools === null ? 'this server' : 'this tool'
  const whose = limit.per === 'principal' ? 'each caller' : 'all callers together'
  const most =
    what === 'calls' ? `${numbered(calls, 'call')} in ${window}` : `${numbered(concurrency, 'call')} at a time`
  return `The limit of ${where} is reached: ${most} for ${whose}. Nothing was done. Try again in ${inSeconds(retryInMs)}.`
}

function numbered(count: number | undefined, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`
}

/** Rounded up: who comes back when it says must not be early. */
function inSeconds(ms: number): string {
  return numbered(Math.max(1, Math.ceil(ms / 1000)), 'second')
}
