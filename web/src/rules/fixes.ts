/** From an explanation to what an admin can do about it: where each thing is changed, and with what filled in. */
import type { ExplanationShown, LevelTraced, RuleTraced } from '../../../src/contract/policy-explanation.ts'

/** A policy, and the application whose own it is, or null. */
interface Meant {
  policy: string
  name: string
  app: string | null
}

export type Fix =
  /** A deny speaks of them: they are made an exception. */
  | ({ kind: 'except'; email: string } & Meant)
  /** Nothing lets them in: they are added to what almost does. */
  | ({ kind: 'include'; email: string } & Meant)
  | ({ kind: 'open' } & Meant)
  | { kind: 'write' }
  | { kind: 'server'; server: string; tab: string }
  | { kind: 'portal'; portal: string; tab: string }
  | { kind: 'person'; person: string }
  | { kind: 'token' }
  | { kind: 'ask'; name: string }

export function fixesOf(explained: ExplanationShown): Fix[] {
  if (explained.verdict === 'allowed') return []
  const ofWay = explained.obstacles.filter(({ blocks }) => blocks).flatMap(({ what }) => ofObstacle(what, explained))
  const ofRules = explained.levels
    .filter(({ verdict }) => verdict === 'denied')
    .flatMap((level) => ofLevel(level, explained))
  const meant = explained.asked.did_you_mean.map((name): Fix => ({ kind: 'ask', name }))
  const all = [...ofWay, ...meant, ...ofRules]
  const seen = new Set<string>()
  return all.filter((fix) => {
    const key = JSON.stringify(fix)
    return !seen.has(key) && seen.add(key) !== undefined
  })
}

const MOST_RULES = 3

function ofLevel({ level, id, rule, rules, nearest_miss: nearest }: LevelTraced, explained: ExplanationShown): Fix[] {
  const email = addressOf(explained)
  const decider = rules.find(({ policy }) => policy === rule)
  if (decider !== undefined) {
    const meant = meantBy(decider)
    const except: Fix[] = email === null ? [] : [{ kind: 'except', ...meant, email }]
    return [...except, { kind: 'open', ...meant }]
  }
  const near = nearest === null ? [] : rules.filter(({ policy }) => policy === nearest.policy)
  const missed = rules.filter((one) => one.verdict === 'missed' && isAllow(one) && !near.includes(one))
  const candidates = [...near, ...missed].slice(0, MOST_RULES)
  if (candidates.length > 0) return candidates.map((one) => ofMiss(one, email))
  return level === 'server' && rules.length === 0
    ? [{ kind: 'server', server: id, tab: 'settings' }]
    : [{ kind: 'write' }]
}

/** Where only the include is not met, one more row there is all that is missing. */
function ofMiss(rule: RuleTraced, email: string | null): Fix {
  const { reached, in_force: force } = rule
  const meant = meantBy(rule)
  const failing = rule.criteria.filter(({ part, counts }) =>
    part === 'exclude' ? counts : part === 'require' && !counts,
  )
  const isAlone = failing.length === 0 && (reached === 'yes' || reached === 'call') && force === 'yes'
  return email !== null && isAllow(rule) && isAlone ? { kind: 'include', ...meant, email } : { kind: 'open', ...meant }
}

function meantBy({ policy, name, app_id: app }: RuleTraced): Meant {
  return { policy, name, app }
}

/** `allow` speaks of people; an address in a `non_identity` or a `bypass` would meet nobody. */
function isAllow({ decision }: RuleTraced): boolean {
  return decision === 'allow'
}

/** Criteria name people by their address; who has none cannot be named so. */
function addressOf({ who }: ExplanationShown): string | null {
  return who.kind === 'user' && who.label.includes('@') ? who.label : null
}

function ofObstacle(what: string, { who, asked }: ExplanationShown): Fix[] {
  const { portal, server } = asked
  const ofServer = (tab: string): Fix[] => (server === null ? [] : [{ kind: 'server', server, tab }])
  switch (what) {
    case 'held':
      return ofServer('held')
    case 'down':
      return ofServer('')
    case 'switched-off-by-admin':
      return [{ kind: 'portal', portal, tab: 'tools' }]
    case 'personal':
    case 'no-connection':
      return [{ kind: 'portal', portal, tab: 'servers' }]
    case 'disabled':
      return who.kind === 'user' ? [{ kind: 'person', person: who.id }] : [{ kind: 'token' }]
    default:
      return []
  }
}
