/**
 * `npm run bench:policy`: what rules cost. A decision with its trace over 100 rules and 50 groups, which are of addresses
 * (an index says which may speak of the caller) or of a provider's (all are judged), the same without, what a
 * caller's compiled rules cost to make over 10,000 tools where rules reach single tools, and to ask. No socket, no store.
 *
 * The figures are CPU time of this thread, the median of the rounds, so that a busy machine says the same as an idle one.
 */
import { parseArgs } from 'node:util'
import type { GrantId, PolicyId, ServerUid, UserId } from '../src/base/ids.ts'
import { openAddressIndex } from '../src/policy/address-index.ts'
import { compileAccess } from '../src/policy/compile.ts'
import { openCoverage } from '../src/policy/coverage.ts'
import { decide, openNotes } from '../src/policy/decide.ts'
import { explain } from '../src/policy/explain.ts'
import type { GroupSource } from '../src/policy/groups.ts'
import { type Capability, type Facts, NO_ANNOTATIONS, NOWHERE, type Policy } from '../src/policy/model.ts'
import { makeRuleBook, type PolicySource } from '../src/policy/rule-book.ts'
import { median } from './figures.ts'

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '7' } } })
const rounds = Number(options.rounds)

const RULES = 100
const GROUPS = 50
const SERVERS = 200
const TOOLS_EACH = 50
const DECISION_US = 5
const COMPILE_MS = 30

const groupsByAddress = Array.from({ length: GROUPS }, (_, at) => ({
  ...{ id: `g${at}`, name: `g${at}`, require: [] },
  exclude: [{ email: { email: `left${at}@team${at}.example.com` } }],
  include: [{ email_domain: { domain: `team${at}.example.com` } }, { email: { email: `lead${at}@example.com` } }],
}))
const groupsOfProvider = groupsByAddress.map((group, at) => ({
  ...group,
  include: [
    { okta: { name: `staff${at}`, identity_provider_id: 'idp' } },
    { email: { email: `lead${at}@example.com` } },
  ],
}))

function policy(at: number, more: Partial<PolicySource> = {}): PolicySource {
  return {
    ...{ id: `p${at}` as PolicyId, name: `p${at}`, decision: at % 4 === 0 ? 'deny' : 'allow' },
    ...{ include: [{ group: { id: `g${at % GROUPS}` } }], require: [], exclude: [], extra: {} },
    ...more,
  }
}

function prepared(sources: readonly PolicySource[], groups: readonly GroupSource[]): Policy[] {
  const book = makeRuleBook({ policies: sources, groups, lists: [] })
  return sources.map(({ id }) => book.policy(id))
}

/** A new caller each time: nothing may be known from the one before. */
function facts(at: number, email = `somebody${at}@example.com`, names: readonly string[] = []): Facts {
  const said = { provider: 'idp', issuer: 'https://idp.test', subject: `u${at}`, groups: names, amr: [], claims: {} }
  const who = { id: `u${at}` as UserId, email, label: email, grant: `g${at}` as GrantId, identity: said }
  const known = { origin: NOWHERE, country: null, external: new Map(), now: 0, assume: 'nothing' } as const
  return { principal: { kind: 'user', ...who }, ...known }
}

/** @returns microseconds of CPU for one, the median of the rounds */
function measure(times: number, work: (at: number) => unknown): number {
  const figures: number[] = []
  let kept: unknown = null
  for (let round = 0; round <= rounds; round++) {
    const before = process.threadCpuUsage()
    for (let at = 0; at < times; at++) kept = work(at)
    const { user, system } = process.threadCpuUsage(before)
    // The first one warms up.
    if (round > 0) figures.push((user + system) / times)
  }
  if (kept === undefined) throw new Error('nothing was measured')
  return median(figures)
}

function report(what: string, value: number, unit: 'us' | 'ms', bound: number | null): void {
  const judged = bound === null ? '' : ` (at most ${bound}: ${value <= bound ? 'kept' : 'EXCEEDED'})`
  console.log(`${what}: ${value.toFixed(unit === 'us' ? 2 : 1)} ${unit}${judged}`)
}

/** By turns nobody's, and of two rules each: in the team of a group, and one of those that it leaves out. */
const emailOf = (at: number): string | undefined =>
  at % 2 === 0 ? undefined : `left${at % GROUPS}@team${at % GROUPS}.example.com`
const callers = Array.from({ length: 2000 }, (_, at) => facts(at, emailOf(at), ['team7', 'team23', 'everybody']))
const callerAt = (at: number): Facts => callers[at % callers.length] as Facts

// The last rule is the one that lets in, so that each is come to.
const last = policy(RULES - 1, { decision: 'allow', include: [{ everyone: {} }] })
const sources = [...Array.from({ length: RULES - 1 }, (_, at) => policy(at)), last]

reportDecisions('groups of addresses', prepared(sources, groupsByAddress), DECISION_US)
// What a provider says of a person is in no index: each of these is looked at.
reportDecisions('groups of a provider', prepared(sources, groupsOfProvider), DECISION_US)

function reportDecisions(what: string, policies: readonly Policy[], bound: number): void {
  const index = openAddressIndex(policies)
  const bare = measure(100_000, (at) => decide(policies, callerAt(at), undefined, { index }))
  const traced = measure(100_000, (at) => {
    const notes = openNotes()
    return [decide(policies, callerAt(at), undefined, { notes, index }), notes]
  })
  const inWords = measure(500, (at) => explain(policies, callerAt(at)))
  report(`decision with trace, ${RULES} rules, ${GROUPS} ${what}`, traced, 'us', bound)
  report('the same without trace', bare, 'us', null)
  report('the same told in words', inWords, 'us', null)
}

const tools: Capability[] = Array.from({ length: SERVERS * TOOLS_EACH }, (_, at) => ({
  ...{ server: Math.floor(at / TOOLS_EACH), serverId: `s${Math.floor(at / TOOLS_EACH)}`, kind: 'tool', labels: [] },
  ...{ name: `${['get', 'list', 'delete', 'send'][at % 4]}_thing_${at % TOOLS_EACH}`, annotations: NO_ANNOTATIONS },
}))
const VERBS = ['get_.*', 'delete_.*', '(send|list)_[a-z]+_[0-9]+']
const reaching = prepared(
  [
    ...Array.from({ length: RULES - 1 }, (_, at) =>
      policy(at, {
        extra: {
          capabilities: [
            { servers: [`s${at}`, `s${at + 100}`], patterns: [VERBS[at % VERBS.length]] },
            { names: [`get_thing_${at % TOOLS_EACH}`], arguments: [{ pointer: '/path', under: '/safe' }] },
          ],
        },
      }),
    ),
    last,
  ],
  groupsByAddress,
)
const gates = Array.from({ length: SERVERS }, (_, at) => ({
  uid: `uid${at}` as ServerUid,
  id: `s${at}`,
  policies: null,
}))
const whole = () => {
  const made = openCoverage(reaching, [])
  return { made, scopes: tools.map((tool) => made.scopeOf(tool)) }
}
const { made: coverage, scopes } = whole()
report(`which rules speak of which of ${tools.length} tools (once a portal)`, measure(3, whole) / 1000, 'ms', null)
const compiled = measure(20, (at) => {
  const access = compileAccess({ portal: reaching, gates, coverage }, facts(at))
  return tools.map((tool, place) => access.of(scopes[place] as (typeof scopes)[number], tool).allow)
})
report(
  `one caller’s rules over ${tools.length} tools, ${coverage.scopes.length} scopes`,
  compiled / 1000,
  'ms',
  COMPILE_MS,
)
const access = compileAccess({ portal: reaching, gates, coverage }, facts(0))
const asked = measure(1000, () => {
  for (let place = 0; place < 1000; place++)
    access.of(scopes[place] as (typeof scopes)[number], tools[place] as Capability)
  return access
})
report('one decision of those, once made', asked / 1000, 'us', 0.1)
