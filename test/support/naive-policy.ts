/**
 * What may be seen and done, worked out a second time and as simply as can be, from what policies say and nothing that the program
 * made of them: no scopes, no compiled patterns, nothing kept. Slow, and meant to be read. Random policies for it to judge.
 */
import type { Chance } from '../fuzz/chance.ts'

export type Decision = 'allow' | 'deny' | 'non_identity' | 'bypass' | 'someday'
export type Who = Record<string, unknown>

export interface Entry {
  servers?: string[]
  kinds?: string[]
  names?: string[]
  patterns?: string[]
  annotations?: Record<string, boolean>
  arguments?: { pointer: string; equals?: string; one_of?: string[]; present?: true; absent?: true }[]
}

export interface Rule {
  decision: Decision
  include: Who[]
  require: Who[]
  exclude: Who[]
  capabilities: Entry[] | null
}

/** What is attached to the portal and, by id, to its servers: nothing said leaves it to the portal's, and none left is another thing. */
export interface RuleSet {
  portal: Rule[]
  servers: Record<string, Rule[] | null>
}

export interface Caller {
  kind: 'user' | 'service'
  email: string | null
}

export interface Thing {
  server: string
  kind: 'tool' | 'prompt' | 'resource' | 'template'
  name: string
  annotations: Record<string, boolean>
}

export type Input = Record<string, unknown>
type Truth = boolean | 'unknown'

/** May the caller be in the portal at all? */
export function mayEnter({ portal }: RuleSet, caller: Caller): boolean {
  return passes(portal, caller, (rule) => rule.capabilities === null || letsIn(rule))
}

/** May the caller know of the server? */
export function isNamed(rules: RuleSet, caller: Caller, server: string): boolean {
  const reaches = (rule: Rule) =>
    rule.capabilities === null ||
    rule.capabilities.some((entry) => {
      const isHere = entry.servers === undefined || entry.servers.includes(server)
      return isHere && (letsIn(rule) || Object.keys(entry).every((key) => key === 'servers'))
    })
  return mayEnter(rules, caller) && gatesOf(rules, server).every((gate) => passes(gate, caller, reaches))
}

/** Is there some call of it that would pass? Then it is listed. */
export function isListed(rules: RuleSet, caller: Caller, thing: Thing): boolean {
  // What depends on the arguments is taken as they would have to be: an allow reaches, a deny does not.
  const reaches = (rule: Rule) =>
    rule.capabilities === null ||
    rule.capabilities.some((entry) => covers(entry, thing) && (entry.arguments === undefined || letsIn(rule)))
  return mayEnter(rules, caller) && gatesOf(rules, thing.server).every((gate) => passes(gate, caller, reaches))
}

/** Does this very call pass? */
export function mayCall(rules: RuleSet, caller: Caller, { thing, input }: { thing: Thing; input: Input }): boolean {
  const reaches = (rule: Rule) =>
    rule.capabilities === null ||
    rule.capabilities.some((entry) => {
      if (!covers(entry, thing)) return false
      const truth = fits(entry, input)
      return truth === true || (truth === 'unknown' && !letsIn(rule))
    })
  return mayEnter(rules, caller) && gatesOf(rules, thing.server).every((gate) => passes(gate, caller, reaches))
}

/** A server that never had policies of its own has only the portal's before it; one that has none left lets nobody pass. */
function gatesOf({ portal, servers }: RuleSet, server: string): Rule[][] {
  const own = servers[server] ?? null
  return own === null ? [portal] : [portal, own]
}

function letsIn({ decision }: Rule): boolean {
  return decision === 'allow' || decision === 'bypass' || decision === 'non_identity'
}

function passes(rules: readonly Rule[], caller: Caller, reaches: (rule: Rule) => boolean): boolean {
  const speaking = rules.filter((rule) => reaches(rule) && speaksOf(rule, caller))
  const isFirst = ({ decision }: Rule) =>
    decision === 'bypass' || (decision === 'non_identity' && caller.kind === 'service')
  if (speaking.some(isFirst)) return true
  const decided = speaking.find(
    ({ decision }) => decision === 'deny' || decision === 'someday' || (decision === 'allow' && caller.kind === 'user'),
  )
  return decided?.decision === 'allow'
}

function speaksOf(rule: Rule, caller: Caller): boolean {
  const isDeny = !letsIn(rule)
  const met = (who: Who) => {
    const truth = isMeant(who, caller)
    return truth === 'unknown' ? isDeny : truth
  }
  const spared = (who: Who) => {
    const truth = isMeant(who, caller)
    return truth === 'unknown' ? !isDeny : truth
  }
  return rule.include.some(met) && rule.require.every(met) && !rule.exclude.some(spared)
}

function isMeant(who: Who, { kind, email }: Caller): Truth {
  const [[selector, value] = ['', {}]] = Object.entries(who)
  switch (selector) {
    case 'everyone':
      return true
    case 'any_valid_service_token':
      return kind === 'service'
    case 'email':
      return email === (value as { email: string }).email
    case 'email_domain':
      return email?.endsWith(`@${(value as { domain: string }).domain}`) ?? false
    default:
      return 'unknown'
  }
}

function covers(entry: Entry, { server, kind, name, annotations }: Thing): boolean {
  if (entry.servers !== undefined && !entry.servers.includes(server)) return false
  if (entry.kinds !== undefined && !entry.kinds.includes(kind)) return false
  if (entry.names !== undefined && !entry.names.includes(name)) return false
  if (entry.patterns !== undefined && !entry.patterns.some((one) => new RegExp(`^(?:${one})$`, 'u').test(name)))
    return false
  const hints = Object.entries(entry.annotations ?? {})
  // What is not said is destructive, open to the world and not read-only; only tools say anything.
  return hints.every(
    ([hint, wanted]) => (annotations[hint] ?? (hint === 'destructiveHint' || hint === 'openWorldHint')) === wanted,
  )
}

function fits(entry: Entry, input: Input): Truth {
  const truths = (entry.arguments ?? []).map(({ pointer, equals, one_of, present, absent }): Truth => {
    const name = pointer.slice(1)
    const isThere = Object.hasOwn(input, name)
    if (present) return isThere
    if (absent) return !isThere
    if (!isThere) return 'unknown'
    return (one_of ?? [equals]).includes(String(input[name]))
  })
  return truths.includes(false) ? false : truths.includes('unknown') ? 'unknown' : true
}

const PEOPLE: Who[] = [
  { everyone: {} },
  { everyone: {} },
  { email: { email: 'ada@acme.test' } },
  { email: { email: 'bob@other.test' } },
  { email_domain: { domain: 'acme.test' } },
  { any_valid_service_token: {} },
  { future: {} },
]
/** Own names, and what must mean nothing to a rule: an alias, public names. */
const NAMES = [
  'list',
  'read',
  'write',
  'wipe',
  'brief',
  'report',
  'put',
  'alpha_list',
  'shared://note',
  'beta://open/{name}',
]
const URIS = ['alpha://open/one', 'alpha://closed/two', 'beta://open/two', 'gamma://closed/one']
const PATTERNS = ['w.*', '.*', 'list|read', '(alpha|beta)://open/.*', '.*closed.*', '[a-z]+://.*']
const HINTS = ['readOnlyHint', 'destructiveHint', 'openWorldHint']
const KINDS = ['tool', 'prompt', 'resource', 'template']
export const PATHS = ['/safe/a', '/etc/b']

/** Bounded, and often meeting: two or three at the portal, a few at some servers. */
export function randomRules(chance: Chance, servers: readonly string[]): RuleSet {
  const several = (most: number) => Array.from({ length: 1 + chance.below(most) }, () => randomRule(chance, servers))
  const own = servers.map((id) => [id, chance.oneIn(2) ? (chance.oneIn(4) ? [] : null) : several(3)])
  const portal = several(4)
  // Half of the sets let nearly everybody in, or most would show nothing at all.
  if (chance.oneIn(2)) {
    portal.push({ ...ruleOf('allow'), include: [{ everyone: {} }] })
    portal.unshift({ ...ruleOf('non_identity'), include: [{ any_valid_service_token: {} }] })
  }
  return { portal, servers: Object.fromEntries(own) as RuleSet['servers'] }
}

function ruleOf(decision: Decision): Rule {
  return { decision, include: [], require: [], exclude: [], capabilities: null }
}

function randomRule(chance: Chance, servers: readonly string[]): Rule {
  const decision = chance.pick([
    'allow',
    'allow',
    'allow',
    'deny',
    'deny',
    'non_identity',
    'bypass',
    'someday',
  ] as const)
  const entries = () => Array.from({ length: 1 + chance.below(2) }, () => randomEntry(chance, servers))
  return {
    ...ruleOf(decision),
    include: [chance.pick(PEOPLE), ...(chance.oneIn(3) ? [chance.pick(PEOPLE)] : [])],
    require: chance.oneIn(6) ? [chance.pick(PEOPLE)] : [],
    exclude: chance.oneIn(5) ? [chance.pick(PEOPLE)] : [],
    capabilities: chance.oneIn(4) ? null : entries(),
  }
}

function randomEntry(chance: Chance, servers: readonly string[]): Entry {
  const entry: Entry = {}
  if (chance.oneIn(3)) entry.servers = [chance.pick(servers), chance.pick(servers)]
  if (chance.oneIn(3)) entry.kinds = [chance.pick(KINDS), chance.pick(KINDS)]
  if (chance.oneIn(4)) entry.names = [chance.pick(NAMES), chance.pick(NAMES), chance.pick(URIS)]
  if (chance.oneIn(4)) entry.patterns = [chance.pick(PATTERNS)]
  if (chance.oneIn(4)) entry.annotations = { [chance.pick(HINTS)]: chance.oneIn(2) }
  if (chance.oneIn(4)) entry.arguments = [randomArgument(chance)]
  if (Object.keys(entry).length === 0) entry.kinds = [chance.pick(KINDS)]
  return entry
}

function randomArgument(chance: Chance): NonNullable<Entry['arguments']>[number] {
  const pointer = chance.pick(['/path', '/path', '/path', '/uri', '/about'])
  if (chance.oneIn(5)) return chance.oneIn(2) ? { pointer, present: true } : { pointer, absent: true }
  if (chance.oneIn(3)) return { pointer, one_of: [...PATHS, 'alpha://open/one'].slice(chance.below(2)) }
  return { pointer, equals: chance.pick([...PATHS, 'alpha://open/one']) }
}
