/** A rule in plain language: pure, so that what stands beside a form is always what the form says. */
import type { ApprovalGroupInput } from '../../../src/contract/policy.ts'
import type { ReachInput } from '../../../src/contract/reach.ts'
import { LABEL_WORDS } from '../words/common.ts'
import { joined, type Names, orGap } from './names.ts'
import { type Criterion, openCriterion, phraseOf } from './selectors.ts'

export interface Criteria {
  include: readonly Criterion[]
  require: readonly Criterion[]
  exclude: readonly Criterion[]
}

export interface Rule extends Criteria {
  decision: string
  /** The other fields, as the API has them. */
  extra: Readonly<Record<string, unknown>>
}

/** @returns the whole of it, a sentence each */
export function readRule(rule: Rule, names: Names): string[] {
  return [readWho(rule, names), ...readReach(rule.extra.capabilities), ...readTerms(rule), ...readTimes(rule)]
}

/** `Lets in anybody whose email ends in @acme.com, but not anybody who comes from Portugal.` */
export function readWho({ decision, ...criteria }: Criteria & { decision: string }, names: Names): string {
  const who = peopleOf(criteria, names, EVERYBODY[decision] ?? 'everybody')
  switch (decision) {
    case 'allow':
      return `Lets in ${who}.`
    case 'deny':
      return `Keeps out ${who}.`
    case 'bypass':
      return `Lets in, without asking who they are, ${who}.`
    case 'non_identity':
      return `Lets in service tokens: ${who}.`
    default:
      return `Says “${decision}” of ${who}.`
  }
}

const EVERYBODY: Readonly<Record<string, string>> = {
  allow: 'everybody who is signed in',
  deny: 'everybody',
  bypass: 'everybody',
  non_identity: 'all of them',
}

/** `Anybody whose email ends in @acme.com.` */
export function readGroup(criteria: Criteria, names: Names): string {
  const who = peopleOf(criteria, names, 'everybody')
  return `${who.charAt(0).toUpperCase()}${who.slice(1)}.`
}

function peopleOf({ include, require, exclude }: Criteria, names: Names, everybody: string): string {
  const phrases = (criteria: readonly Criterion[]) => criteria.map((one) => phraseOf(one, names))
  const isAll = include.some((one) => openCriterion(one).selector === 'everyone')
  const first = include.length === 0 ? 'nobody yet' : isAll ? everybody : `anybody ${joined(phrases(include), 'or')}`
  const also = require.filter((one) => openCriterion(one).selector !== 'everyone')
  const needed = also.length === 0 ? '' : `, if it is also somebody ${joined(phrases(also), 'and')}`
  const struck = exclude.length === 0 ? '' : `, but not anybody ${joined(phrases(exclude), 'or')}`
  return `${first}${needed}${struck}`
}

const KINDS: Readonly<Record<string, readonly [one: string, many: string]>> = {
  tool: ['tool', 'tools'],
  prompt: ['prompt', 'prompts'],
  resource: ['resource', 'resources'],
  template: ['resource template', 'resource templates'],
}

const HINTS: Readonly<Record<string, readonly [yes: string, no: string]>> = {
  readOnlyHint: ['only reads', 'may change things'],
  destructiveHint: ['may destroy things', 'destroys nothing'],
  idempotentHint: ['may be called again without harm', 'does more each time it is called'],
  openWorldHint: ['reaches the outside world', 'stays inside'],
}

/** @param capabilities as the API has them; nothing is said of a rule of everything */
function readReach(capabilities: unknown): string[] {
  const entries = (capabilities ?? []) as readonly ReachInput[]
  const read = entries.map(readEntry)
  if (read.includes('everything')) return ['Speaks of everything.']
  return entries.length === 0 ? [] : [`Speaks only of ${joined(read, 'or')}.`]
}

/** `the tool create_issue of github, where it may destroy things` */
export function readEntry(entry: ReachInput): string {
  const { servers = [], kinds = [], names = [], patterns = [] } = entry
  const many = names.length !== 1 || patterns.length > 0
  const what = joined(
    kinds.map((kind) => KINDS[kind]?.[many ? 1 : 0] ?? kind),
    'and',
  )
  const called = [...names, ...patterns.map((pattern) => `names like ${pattern}`)]
  const noun = what === '' ? (called.length === 0 ? 'everything' : '') : `the ${what}`
  const named = called.length === 0 ? '' : joined(called, 'and')
  const of = servers.length === 0 ? '' : `of ${joined(servers, 'and')}`
  const where = conditionsOf(entry)
  const head = [noun, named, of].filter((part) => part !== '').join(' ')
  return where.length === 0 ? head : `${head}, where ${joined(where, 'and')}`
}

function conditionsOf({
  annotations = {},
  labels = [],
  arguments: given = [],
  expression,
  flow,
}: ReachInput): string[] {
  const hints = Object.entries(annotations).map(([hint, isSo]) => `it ${HINTS[hint]?.[isSo ? 0 : 1] ?? hint}`)
  return [
    ...hints,
    ...labels.map((label) => `it ${LABEL_WORDS[label].toLowerCase()}`),
    ...given.map(readArgument),
    ...(expression === undefined ? [] : [`the expression ${orGap(expression)} holds`]),
    ...(flow === undefined
      ? []
      : [
          `the call would be the third of reading private data, reading untrusted text and sending out within ${flow.window}`,
        ]),
  ]
}

type ArgumentCondition = NonNullable<ReachInput['arguments']>[number]

function readArgument(condition: ArgumentCondition): string {
  const place = condition.pointer === '' ? 'the arguments as a whole' : `the argument ${condition.pointer}`
  if ('equals' in condition) return `${place} is ${JSON.stringify(condition.equals)}`
  if (condition.one_of !== undefined)
    return `${place} is ${joined(
      condition.one_of.map((one) => JSON.stringify(one)),
      'or',
    )}`
  if (condition.matches !== undefined) return `${place} matches ${orGap(condition.matches)}`
  if (condition.under !== undefined) return `${place} is a path in or below ${orGap(condition.under)}`
  if (condition.range !== undefined) return `${place} ${readRange(condition.range)}`
  return condition.present ? `${place} is given` : `${place} is not given`
}

function readRange({ min, max }: { min?: number | undefined; max?: number | undefined }): string {
  if (min === undefined) return `is at most ${max}`
  return max === undefined ? `is at least ${min}` : `lies between ${min} and ${max}`
}

function readTerms({ extra }: Rule): string[] {
  const groups = (extra.approval_groups ?? []) as readonly ApprovalGroupInput[]
  const stepUp = extra.step_up as { auth_method?: string | string[]; max_age?: string } | null | undefined
  const prompt = extra.purpose_justification_prompt
  return [
    ...(extra.approval_required === true
      ? [
          `Asks for approval before each call${groups.length === 0 ? '' : `: ${joined(groups.map(readApprovers), 'and')}`}.`,
        ]
      : []),
    ...(extra.purpose_justification_required === true
      ? [`Asks what for before each call${typeof prompt === 'string' && prompt !== '' ? `: “${prompt}”` : ''}.`]
      : []),
    ...(stepUp === null || stepUp === undefined ? [] : [readStepUp(stepUp)]),
    ...readMfa(extra.mfa_config),
  ]
}

export const AUTHENTICATORS = ['totp', 'biometrics', 'security_key'] as const
const FACTORS: Readonly<Record<string, string>> = {
  totp: 'a one-time code',
  biometrics: 'biometrics',
  security_key: 'a security key',
}

/** With neither kinds nor a time it asks nothing; with a time alone, any kind will do. */
function readMfa(config: unknown): string[] {
  const {
    mfa_disabled,
    allowed_authenticators: kinds = [],
    session_duration: age,
  } = (config ?? {}) as {
    mfa_disabled?: boolean
    allowed_authenticators?: readonly string[]
    session_duration?: string
  }
  if (mfa_disabled === true || (kinds.length === 0 && age === undefined)) return []
  const factors = (kinds.length === 0 ? AUTHENTICATORS : kinds).map((kind) => FACTORS[kind] ?? kind)
  const within = age === undefined ? '' : ` within the last ${orGap(age)}`
  return [`They must have signed in with ${joined(factors, 'or')}${within}; who has not is asked to do it again.`]
}

function readApprovers({
  approvals_needed: needed,
  email_addresses: emails = [],
  email_list_uuid,
}: ApprovalGroupInput) {
  const from = [...emails, ...(email_list_uuid === undefined ? [] : ['the people of a list'])]
  return `${needed} of ${orGap(joined(from, 'and'))}`
}

function readStepUp({ auth_method: method, max_age: age }: { auth_method?: string | string[]; max_age?: string }) {
  const by = method === undefined ? '' : ` by ${orGap(joined([method].flat(), 'or'))}`
  const within = age === undefined ? '' : ` within the last ${orGap(age)}`
  return `They must have signed in${by}${within}; who has not is asked to do it again.`
}

function readTimes({ extra }: Rule): string[] {
  const { valid_from: from, valid_until: until } = extra
  if (typeof from === 'string' && typeof until === 'string') return [`Holds from ${from} until ${until}.`]
  if (typeof from === 'string') return [`Holds from ${from} on.`]
  return typeof until === 'string' ? [`Holds until ${until}.`] : []
}
