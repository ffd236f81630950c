/** Random policies, groups, lists, callers and questions, from a seed: the same seed gives the same ones. */
import type { GrantId, ServiceTokenId } from '../src/base/ids.ts'
import type { Question } from '../src/policy/decide.ts'
import type { CallFacts, Capability, Facts } from '../src/policy/model.ts'
import type { PolicySource } from '../src/policy/rule-book.ts'
import { PATTERNS } from './naive-policy.ts'
import { bot, factsOf, NOW, nobody, signedIn, stored, tool } from './policies.ts'

export interface Dice {
  /** A whole number from 0 on. */
  below(end: number): number
  pick<T>(all: readonly T[]): T
  /** True once in so many. */
  once(many: number): boolean
  some<T>(most: number, make: () => T): T[]
}

/** Mulberry32. */
export function openDice(seed: number): Dice {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (end: number) => Math.floor(next() * end)
  return {
    below,
    pick: (all) => all[below(all.length)] as (typeof all)[number],
    once: (many) => below(many) === 0,
    some: (most, make) => Array.from({ length: below(most + 1) }, make),
  }
}

const EMAILS = ['ada@acme.test', 'Bob@Acme.test', 'eve@evil.test']
const OWN_EMAILS = [...EMAILS, '"x@acme.test"@evil.test']
const DOMAINS = ['acme.test', 'EVIL.test', 'sub.acme.test']
const IPS = ['10.1.2.3', '10.200.0.1', '192.0.2.7', '::ffff:10.1.2.3']
const RANGES = ['10.0.0.0/8', '10.1.2.3', '192.0.2.0/28', '10.1.0.0/16', '0.0.0.0/0']
const COUNTRIES = ['PT', 'DE']
const PROVIDERS = ['idp', 'other']
const METHODS = ['pwd', 'mfa', 'hwk']
const GROUPS = ['Staff', 'staff', 'acme', 'acme/core', 'team@acme.test']
const CLAIMS: readonly unknown[] = ['eng', 7, true, ['eng', 'ops'], [7], { deep: 1 }]
const URLS = ['https://one.test/', 'https://two.test/']
const NAMES = ['g0', 'g1', 'g2', 'g3', 'g4', 'g5', 'nowhere']
const SERVERS = ['files', 'tracker', 'mail']
const KINDS = ['tool', 'prompt', 'resource', 'template'] as const
const TOOLS = ['delete_issue', 'get_issue', 'list_files', 'delete_all', 'send']
const HINTS = ['readOnlyHint', 'destructiveHint'] as const
const LABELS = ['reads_private', 'reads_untrusted', 'sends_out'] as const
const POINTERS = ['/path', '/count', '/deep/flag', '/list/0']
const VALUES: readonly unknown[] = [
  ...['/safe/a', '/safe', '/safe/../etc', '/SAFE/a', '/etc/passwd', '/safe/', '/safe//a', 'safe/a', '/safer/a', '42'],
  ...['e\u0301', '\u00e9', '/safe/a\u200b', 5, 42, -1, 7.5, true, false, null, ['/safe/a'], {}],
]
const WINDOWS = ['1h', '5m']

/** Selectors with an argument each; now and then one that nobody knows, or that is malformed. */
export function randomCriterion(dice: Dice): Record<string, unknown> {
  const provider = dice.pick(PROVIDERS)
  const said = { identity_provider_id: provider }
  const claim = dice.pick(['eng', '7', 'true', 'ops', 'no'])
  return dice.pick<() => Record<string, unknown>>([
    () => ({ everyone: {} }),
    () => ({ everyone: {} }),
    () => ({ email: { email: dice.pick(EMAILS) } }),
    () => ({ email_domain: { domain: dice.pick(DOMAINS) } }),
    () => ({ email_list: { id: dice.pick(['people', 'machines', 'nowhere']) } }),
    () => ({ ip: { ip: dice.pick(RANGES) } }),
    () => ({ ip_list: { id: dice.pick(['people', 'machines', 'nowhere']) } }),
    () => ({ geo: { country_code: dice.pick(COUNTRIES) } }),
    () => ({ group: { id: dice.pick(NAMES) } }),
    () => ({ group: { id: dice.pick(NAMES) } }),
    () => ({ service_token: { token_id: dice.pick(['s1', 's2']) } }),
    () => ({ any_valid_service_token: {} }),
    () => ({ certificate: {} }),
    () => ({ common_name: { common_name: dice.pick(['ci', 'other']) } }),
    () => ({ login_method: { id: provider } }),
    () => ({ auth_method: { auth_method: dice.pick(METHODS) } }),
    () => ({ auth_context: { id: 'x', ac_id: dice.pick(['c1', 'c2']), ...said } }),
    () => ({ oidc: { claim_name: dice.pick(['role', 'level']), claim_value: claim, ...said } }),
    () => ({ azureAD: { id: dice.pick(GROUPS), ...said } }),
    () => ({ okta: { name: dice.pick(GROUPS), ...said } }),
    () => ({ gsuite: { email: 'Team@acme.test', ...said } }),
    () => ({ 'github-organization': { name: 'Acme', ...(dice.once(2) ? { team: 'core' } : {}), ...said } }),
    () => ({ external_evaluation: { evaluate_url: dice.pick(URLS), keys_url: 'https://keys.test/' } }),
    () => ({ saml: { attribute_name: 'a', attribute_value: 'b', ...said } }),
    () => ({ device_posture: { integration_uid: 'd' } }),
    () => ({ linked_app_token: { app_uid: 'a' } }),
    () => ({ user_risk_score: { user_risk_score: ['low'] } }),
    () => ({ cloudflare_account_member: {} }),
    () => ({ moon_phase: { phase: 'full' } }),
    () => ({ constructor: {} }),
    () => ({ email: { address: 'ada@acme.test' } }),
    () => ({ everyone: {}, certificate: {} }),
  ])()
}

export interface RandomWorld {
  policies: PolicySource[]
  groups: { id: string; name: string; include: Criteria; require: Criteria; exclude: Criteria }[]
  lists: { id: string; name: string; type: string; items: { value: string }[] }[]
}

type Criteria = Record<string, unknown>[]

export function randomWorld(dice: Dice): RandomWorld {
  const criteria = (most: number): Criteria => dice.some(most, () => randomCriterion(dice))
  return {
    policies: Array.from({ length: 5 }, (_, at) => randomPolicy(dice, `p${at}`)),
    groups: NAMES.filter((name) => name !== 'nowhere').map((id) => ({
      ...{ id, name: id, include: [randomCriterion(dice), ...criteria(2)] },
      ...{ require: criteria(1), exclude: criteria(1) },
    })),
    lists: [
      { id: 'people', name: 'people', type: 'EMAIL', items: dice.some(3, () => ({ value: dice.pick(EMAILS) })) },
      { id: 'machines', name: 'machines', type: 'IP', items: dice.some(3, () => ({ value: dice.pick(RANGES) })) },
    ],
  }
}

const DECISIONS = ['allow', 'allow', 'allow', 'deny', 'deny', 'non_identity', 'bypass', 'quarantine']

function randomPolicy(dice: Dice, id: string): PolicySource {
  const extra: Record<string, unknown> = {}
  if (dice.once(2)) extra.capabilities = [randomEntry(dice), ...dice.some(1, () => randomEntry(dice))]
  if (dice.once(6)) extra.valid_from = new Date(NOW + dice.pick([-60_000, 0, 60_000])).toISOString()
  if (dice.once(6)) extra.valid_until = new Date(NOW + dice.pick([-60_000, 0, 60_000])).toISOString()
  return stored(id, dice.pick(DECISIONS), {
    include: [randomCriterion(dice), ...dice.some(2, () => randomCriterion(dice))],
    require: dice.some(1, () => randomCriterion(dice)),
    exclude: dice.some(1, () => randomCriterion(dice)),
    extra,
  })
}

function randomEntry(dice: Dice): Record<string, unknown> {
  const several = <T>(all: readonly T[]): T[] => [...new Set([dice.pick(all), dice.pick(all)])]
  const entry: Record<string, unknown> = {}
  if (dice.once(3)) entry.servers = several(SERVERS)
  if (dice.once(4)) entry.kinds = several(KINDS)
  if (dice.once(4)) entry.names = several(TOOLS)
  if (dice.once(4)) entry.patterns = several(Object.keys(PATTERNS))
  if (dice.once(6)) entry.annotations = { [dice.pick(HINTS)]: dice.once(2) }
  if (dice.once(6)) entry.labels = several(LABELS)
  if (dice.once(8)) entry.flow = { window: dice.pick(WINDOWS) }
  if (dice.once(2) || Object.keys(entry).length === 0)
    entry.arguments = [randomArgument(dice), ...dice.some(1, () => randomArgument(dice))]
  return entry
}

function randomArgument(dice: Dice): Record<string, unknown> {
  const said = dice.pick<() => Record<string, unknown>>([
    () => ({ equals: dice.pick(VALUES.filter((value) => typeof value !== 'object')) }),
    () => ({ one_of: [dice.pick(['/etc/passwd', '42', 5]), dice.pick([true, null, '\u00e9'])] }),
    () => ({ matches: dice.pick(Object.keys(PATTERNS)) }),
    () => ({ under: dice.pick(['/safe', '/etc']) }),
    () => ({ range: dice.pick([{ min: 0 }, { max: 10 }, { min: 5, max: 42 }]) }),
    () => ({ present: true }),
    () => ({ absent: true }),
  ])()
  return { pointer: dice.pick(POINTERS), ...said }
}

export function randomFacts(dice: Dice): Facts {
  const external = new Map<string, boolean>()
  for (const url of URLS) if (dice.once(2)) external.set(`${url} https://keys.test/`, dice.once(2))
  return factsOf(randomPrincipal(dice), {
    origin: {
      ip: dice.once(3) ? null : dice.pick(IPS),
      certificate: dice.once(2) ? null : { present: dice.once(2), commonName: dice.pick([null, 'ci']) },
    },
    country: dice.pick([null, ...COUNTRIES]),
    external,
    now: NOW + dice.pick([-60_000, -1, 0, 59_999, 60_000]),
  })
}

function randomPrincipal(dice: Dice): Facts['principal'] {
  if (dice.once(5)) return dice.once(2) ? bot : { ...bot, id: 's2' as ServiceTokenId }
  if (dice.once(10)) return { ...nobody, grant: 'a1' as GrantId }
  const email = dice.once(4) ? null : dice.pick(OWN_EMAILS).toLowerCase()
  const claims: Record<string, unknown> = {}
  if (dice.once(2)) claims.role = dice.pick(CLAIMS)
  if (dice.once(2)) claims.acrs = dice.some(2, () => dice.pick(['c1', 'c2']))
  const known = { provider: dice.pick(PROVIDERS), amr: dice.some(2, () => dice.pick(METHODS)), claims }
  const groups = dice.once(3) ? null : dice.some(2, () => dice.pick(GROUPS))
  const person = signedIn({ ...known, groups }, email)
  return dice.once(6) ? { ...person, identity: null } : person
}

export function randomQuestion(dice: Dice): Question {
  const serverId = dice.pick(SERVERS)
  if (dice.once(5)) return { serverId: dice.once(2) ? null : serverId, capability: null, call: null }
  const capability = randomCapability(dice, serverId)
  return { serverId, capability, call: dice.once(2) ? null : randomCall(dice) }
}

export function randomCapability(dice: Dice, serverId: string): Capability {
  return tool(dice.pick(TOOLS), {
    ...{ server: SERVERS.indexOf(serverId), serverId, kind: dice.once(2) ? 'tool' : dice.pick(KINDS) },
    annotations: {
      ...{ readOnlyHint: dice.once(2), destructiveHint: dice.once(2) },
      ...{ idempotentHint: false, openWorldHint: true },
    },
    labels: [...new Set(dice.some(2, () => dice.pick(LABELS)))],
  })
}

function randomCall(dice: Dice): CallFacts {
  const input: Record<string, unknown> = {}
  if (!dice.once(4)) input.path = dice.pick(VALUES)
  if (!dice.once(3)) input.count = dice.pick(VALUES)
  if (dice.once(2)) input.deep = dice.once(2) ? { flag: dice.pick(VALUES) } : dice.pick(VALUES)
  if (dice.once(2)) input.list = dice.some(2, () => dice.pick(VALUES))
  const answers = { '300000': dice.once(2), '3600000': dice.once(2) } as Readonly<Record<string, boolean>>
  const flow = dice.once(3) ? null : { completes: (windowMs: number) => answers[String(windowMs)] ?? false }
  return { arguments: input, flow }
}
