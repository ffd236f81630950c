/**
 * A second evaluator of policies, written from the prose of ARCHITECTURE.md and of Cloudflare's documentation and not from ours:
 * it prepares nothing, keeps nothing, and takes its time. Truth is a number: 0 false, 1 true, 1/2 unknown; so "and" is the
 * least, "or" the greatest, and "not" what is left to 1 (Kleene). It knows only such values as `random-policies.ts` makes.
 */

import type { Question } from '../src/policy/decide.ts'
import type { CallFacts, Capability, Facts } from '../src/policy/model.ts'

export interface NaiveWorld {
  // biome-ignore lint/suspicious/noExplicitAny: it reads whatever stands in the store, as a stranger would
  policies: readonly any[]
  // biome-ignore lint/suspicious/noExplicitAny: the same
  groups: ReadonlyMap<string, any>
  lists: ReadonlyMap<string, { type: string; items: readonly { value: string }[] }>
}

export interface NaiveDecision {
  allow: boolean
  /** Whether a call may come out otherwise than another. */
  depends: boolean
  rule: string | null
}

// biome-ignore lint/suspicious/noExplicitAny: JSON
type Json = any
const HALF = 0.5

const and = (all: readonly number[]): number => Math.min(1, ...all)
const or = (all: readonly number[]): number => Math.max(0, ...all)
const is = (truth: boolean): number => (truth ? 1 : 0)

export function naively(world: NaiveWorld, facts: Facts, question: Question): NaiveDecision {
  const { capability, call } = question
  if (capability === null || call !== null) return { ...walk(world, facts, question, new Set()), depends: false }
  // A list does not know the call, so each rule that looks at it may turn out either way: try all of them.
  const open = world.policies.filter((policy) => hangsOnCall(policy, capability)).map(({ id }) => id)
  const ways = Array.from({ length: 2 ** open.length }, (_, way) => new Set(open.filter((_, at) => way & (1 << at))))
  const outcomes = ways.map((met) => walk(world, facts, question, met))
  const allow = outcomes.some((outcome) => outcome.allow)
  return { allow, depends: allow && !outcomes.every((outcome) => outcome.allow), rule: outcomes[0]?.rule ?? null }
}

/** @param spoken while listing, the policies that are taken to speak of the call */
function walk(world: NaiveWorld, facts: Facts, question: Question, spoken: ReadonlySet<string>) {
  const { kind } = facts.principal
  const speaks = (policy: Json) => reachTruth(policy, question, spoken)
  for (const policy of world.policies) {
    const isFirst = policy.decision === 'bypass' || (policy.decision === 'non_identity' && kind === 'service')
    if (isFirst && speaks(policy) === 1 && holds(world, policy, facts) === 1) return { allow: true, rule: policy.id }
  }
  for (const policy of world.policies) {
    if (policy.decision === 'bypass' || policy.decision === 'non_identity') continue
    if (policy.decision === 'allow') {
      if (kind === 'user' && speaks(policy) === 1 && holds(world, policy, facts) === 1)
        return { allow: true, rule: policy.id }
    } else if (speaks(policy) > 0 && holds(world, policy, facts) > 0) return { allow: false, rule: policy.id }
  }
  return { allow: false, rule: null }
}

function holds(world: NaiveWorld, policy: Json, facts: Facts): number {
  const { valid_from: from, valid_until: until } = policy.extra
  if (from !== undefined && facts.now < Date.parse(from)) return 0
  if (until !== undefined && facts.now >= Date.parse(until)) return 0
  return threeParts(world, policy, facts, 0)
}

function threeParts(world: NaiveWorld, rule: Json, facts: Facts, depth: number): number {
  const judge = (criterion: Json) => truthOf(world, criterion, facts, depth)
  return and([or(rule.include.map(judge)), and(rule.require.map(judge)), 1 - or(rule.exclude.map(judge))])
}

/** Longest way from a group to one that names no group that exists; Infinity in a circle. */
function depthOf(world: NaiveWorld, id: string, above: readonly string[] = []): number {
  if (above.includes(id)) return Number.POSITIVE_INFINITY
  const group = world.groups.get(id)
  if (group === undefined) return 0
  const inner = [...group.include, ...group.require, ...group.exclude].flatMap((one: Json) => one.group?.id ?? [])
  return 1 + Math.max(0, ...inner.map((one: string) => depthOf(world, one, [...above, id])))
}

function truthOf(world: NaiveWorld, criterion: Json, facts: Facts, depth: number): number {
  const names = Object.keys(criterion)
  if (names.length !== 1) return HALF
  const selector = names[0] as string
  const value = criterion[selector]
  const { principal, origin } = facts
  switch (selector) {
    case 'everyone':
      return 1
    case 'service_token':
      return is(principal.kind === 'service' && principal.id === value.token_id)
    case 'any_valid_service_token':
      return is(principal.kind === 'service')
    case 'group': {
      const group = world.groups.get(value.id)
      return group === undefined || depthOf(world, value.id) > 8 ? HALF : threeParts(world, group, facts, depth + 1)
    }
    case 'ip':
      return origin.ip === null ? HALF : is(inRange(origin.ip, value.ip))
    case 'ip_list': {
      const list = world.lists.get(value.id)
      if (list?.type !== 'IP' || origin.ip === null) return HALF
      return is(list.items.some((item) => inRange(origin.ip as string, item.value)))
    }
    case 'geo':
      return facts.country === null ? HALF : is(facts.country === value.country_code)
    case 'certificate':
      return origin.certificate === null ? HALF : is(origin.certificate.present)
    case 'common_name':
      if (origin.certificate === null) return HALF
      return is(origin.certificate.present && origin.certificate.commonName === value.common_name)
    case 'external_evaluation': {
      const answer = facts.external.get(`${value.evaluate_url} ${value.keys_url}`)
      return answer === undefined ? HALF : is(answer)
    }
    default:
      return ofPerson(world, selector, value, facts)
  }
}

function ofPerson(world: NaiveWorld, selector: string, value: Json, { principal }: Facts): number {
  if (['email', 'email_domain', 'email_list'].includes(selector)) {
    if (selector === 'email' && typeof value.email !== 'string') return HALF
    const list = selector === 'email_list' ? world.lists.get(value.id) : undefined
    if (selector === 'email_list' && list?.type !== 'EMAIL') return HALF
    if (principal.kind === 'service') return 0
    if (principal.kind === 'anonymous' || principal.email === null) return HALF
    const own = principal.email
    if (selector === 'email') return is(own === value.email.toLowerCase())
    if (selector === 'email_domain') return is(own.split('@').at(-1) === value.domain.toLowerCase())
    return is((list?.items ?? []).some((item) => item.value.toLowerCase() === own))
  }
  const known = [
    'login_method',
    'auth_method',
    'auth_context',
    'oidc',
    'azureAD',
    'okta',
    'gsuite',
    'github-organization',
  ]
  if (!known.includes(selector)) return HALF
  if (principal.kind === 'service') return 0
  if (principal.kind === 'anonymous' || principal.identity === null) return HALF
  const { provider, amr, claims, groups } = principal.identity
  if (selector === 'login_method') return is(provider === value.id)
  if (selector === 'auth_method') return amr.length === 0 ? HALF : is(amr.includes(value.auth_method))
  if (provider !== value.identity_provider_id) return 0
  if (selector === 'oidc' || selector === 'auth_context') {
    const name = selector === 'oidc' ? value.claim_name : 'acrs'
    const wanted = selector === 'oidc' ? value.claim_value : value.ac_id
    if (!(name in claims)) return HALF
    const said = [claims[name]].flat()
    if (said.some((one) => typeof one !== 'object' && `${one}` === wanted)) return 1
    return said.some((one) => typeof one === 'object') ? HALF : 0
  }
  if (groups === null) return HALF
  if (selector === 'okta') return is(groups.includes(value.name))
  const name =
    selector === 'azureAD'
      ? value.id
      : selector === 'gsuite'
        ? value.email
        : [value.name, value.team].filter(Boolean).join('/')
  return is(groups.map((one) => one.toLowerCase()).includes(name.toLowerCase()))
}

/** IPv4 and its mapped form alone, as numbers. */
function inRange(ip: string, range: string): boolean {
  const numberOf = (text: string) =>
    text
      .replace('::ffff:', '')
      .split('.')
      .reduce((sum, part) => sum * 256 + Number(part), 0)
  const [first = '', bits = '32'] = range.split('/')
  const size = 2 ** (32 - Number(bits))
  return Math.floor(numberOf(ip) / size) === Math.floor(numberOf(first) / size)
}

function hangsOnCall(policy: Json, capability: Capability): boolean {
  const covering = entriesOf(policy).filter((entry) => covers(entry, capability))
  return covering.length > 0 && covering.every((entry) => 'arguments' in entry || 'flow' in entry)
}

function entriesOf(policy: Json): readonly Json[] {
  return policy.extra.capabilities ?? []
}

function reachTruth(policy: Json, { serverId, capability, call }: Question, spoken: ReadonlySet<string>): number {
  if (policy.extra.capabilities === undefined) return 1
  const entries = entriesOf(policy)
  if (capability === null) {
    const here = entries.filter((entry) => serverId === null || (entry.servers?.includes(serverId) ?? true))
    if (['allow', 'non_identity', 'bypass'].includes(policy.decision)) return is(here.length > 0)
    // Who is denied one thing may be here; who is denied all of a server is not to know of it.
    return is(serverId !== null && here.some((entry) => Object.keys(entry).every((key) => key === 'servers')))
  }
  const covering = entries.filter((entry) => covers(entry, capability))
  if (call !== null) return or(covering.map((entry) => callTruth(entry, capability, call)))
  return is(covering.length > 0 && (!hangsOnCall(policy, capability) || spoken.has(policy.id)))
}

/** The patterns that `random-policies.ts` uses, as this language has them. */
export const PATTERNS: Readonly<Record<string, RegExp>> = {
  'delete_.*': /^delete_.*$/,
  '.*issue': /^.*issue$/,
  '(get|list)_[a-z]+': /^(?:get|list)_[a-z]+$/,
  '/safe/.*': /^\/safe\/.*$/,
  '[0-9]+': /^[0-9]+$/,
}

function covers(entry: Json, { serverId, kind, name, annotations, labels }: Capability): boolean {
  if (entry.servers && !entry.servers.includes(serverId)) return false
  if (entry.kinds && !entry.kinds.includes(kind)) return false
  if (entry.names && !entry.names.includes(name)) return false
  if (entry.patterns && !entry.patterns.some((one: string) => PATTERNS[one]?.test(name))) return false
  if (entry.labels && !entry.labels.every((one: string) => (labels as readonly string[]).includes(one))) return false
  const hints = Object.keys(entry.annotations ?? {}) as (keyof typeof annotations)[]
  return hints.every((hint) => annotations[hint] === entry.annotations[hint])
}

function callTruth(entry: Json, { labels }: Capability, call: CallFacts): number {
  const conditions = (entry.arguments ?? []).map((one: Json) => argumentTruth(one, call.arguments))
  if (entry.flow) {
    const window = { '1h': 3_600_000, '5m': 300_000 }[entry.flow.window as '1h' | '5m']
    conditions.push(labels.length === 0 ? 0 : call.flow === null ? HALF : is(call.flow.completes(window)))
  }
  return and(conditions)
}

function argumentTruth(condition: Json, input: Json): number {
  let there = true
  let value = input
  for (const step of condition.pointer.split('/').slice(1)) {
    there = there && value !== null && typeof value === 'object' && Object.keys(value).includes(step)
    value = there ? value[step] : undefined
  }
  if ('present' in condition) return is(there)
  if ('absent' in condition) return is(!there)
  if (!there) return HALF
  if ('range' in condition) {
    if (typeof value !== 'number') return HALF
    return is(value >= (condition.range.min ?? value) && value <= (condition.range.max ?? value))
  }
  if ('matches' in condition) return isSafeText(value) ? is(PATTERNS[condition.matches]?.test(value) ?? false) : HALF
  if ('under' in condition) return underTruth(condition.under, value)
  const wanted = 'equals' in condition ? [condition.equals] : condition.one_of
  return or(sameTyped(wanted, value).map((one: Json) => equalTruth(one, value)))
}

function sameTyped(wanted: readonly Json[], value: Json): readonly Json[] {
  const same = wanted.filter((one) => kindOf(one) === kindOf(value))
  return same.length === 0 ? [UNLIKE] : same
}

const UNLIKE = Symbol('of another type')
const kindOf = (value: Json): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value)

function equalTruth(wanted: Json, value: Json): number {
  if (wanted === UNLIKE) return HALF
  if (JSON.stringify(wanted) === JSON.stringify(value)) return 1
  return typeof value === 'string' && !isSafeText(value) ? HALF : 0
}

/** Of the values that are tried, the decomposed one and the one with a hidden character are not. */
function isSafeText(value: Json): boolean {
  return typeof value === 'string' && /^[\x20-\x7e\u00c0-\u017f\n]*$/.test(value)
}

function underTruth(directory: string, value: Json): number {
  if (typeof value !== 'string' || !/^(?:\/[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*)+$/.test(value)) return HALF
  const inside = (base: string, path: string) => base.split('/').every((part, at) => path.split('/')[at] === part)
  if (inside(directory, value)) return 1
  return inside(directory.toLowerCase(), value.toLowerCase()) ? HALF : 0
}
