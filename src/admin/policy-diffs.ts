/** `/access/policy-diffs`: who would gain or lose what by a change of policies, before it is made. Changes nothing. */
import type { Audit, AuditRow } from '../audit/event.ts'
import type { Principal } from '../base/principal.ts'
import {
  DIFF_DAYS,
  type DiffAsk,
  type DiffShown,
  type HoldsShown,
  type UsedShown,
} from '../contract/policy-explanation.ts'
import { listKnownPeople } from '../identity/known-people-store.ts'
import { listServiceTokens } from '../identity/service-token-store.ts'
import type { Facts, Origin } from '../policy/model.ts'
import { NOWHERE } from '../policy/model.ts'
import type { Catalog, Entry } from '../portal/catalog.ts'
import { type Change, changesFor, groupsOf, type Held, sideOf } from '../portal/compare-access.ts'
import { editedSpec } from '../portal/edited-spec.ts'
import type { PortalSpec } from '../portal/spec.ts'
import { type Budget, openBudget } from './budget.ts'
import type { AdminDeps } from './deps.ts'
import { readEdits, requireAttachable } from './edited-policies.ts'
import { countDeed, type Deeds, kindsOf, type Replayed, replayDeeds } from './replay-deeds.ts'
import type { Call, Outcome } from './route.ts'
import { type SimulatedCaller, simulateAnybody, simulateBot, simulatePerson } from './simulated-caller.ts'
import { shownTime } from './times.ts'

const DAY_MS = 86_400_000
const PAGE = 1000
const MOST_SHOWN = 500
const MOST_EXAMPLES = 5
/** Different deeds that are kept apart while the audit is read: strangers from ever other addresses make one each. */
const MOST_DEEDS = 100_000
/** Reading the audit, replaying it, and then comparing what everybody may do. The program serves others meanwhile. */
const READ_MS = 10_000
const REPLAY_MS = 10_000
const EVERYBODY_MS = 10_000

export async function diffPolicies({ deps, body }: Call<DiffAsk>): Promise<Outcome> {
  const { db } = deps.store
  await requireAttachable(db, body)
  const edited = await readEdits(db, body)
  const portals = new Map(
    deps.directory.all().map((spec): [string, Portal] => {
      const change = { before: spec, after: editedSpec(spec, edited.edits), changed: edited.changed }
      return [spec.id, { change, catalog: deps.directory.catalog({ spec, mount: null }) }]
    }),
  )
  const callers = await everyCaller(deps)
  const since = deps.clock.now() - (body.days ?? DIFF_DAYS) * DAY_MS
  const replayed = await replay(deps, { since, portals, callers })
  const everybody = await compareAll(deps, { portals, callers })
  const result: DiffShown = {
    since: shownTime(since),
    facts_of: 'now',
    ...replayed,
    everybody,
    changed: [...edited.changed],
  }
  return { result }
}

interface Portal {
  change: Change
  catalog: Catalog
}

interface Ground {
  portals: ReadonlyMap<string, Portal>
  /** By `user:<id>` or `service:<id>`. */
  callers: ReadonlyMap<string, SimulatedCaller>
}

async function everyCaller({ store, clock }: AdminDeps): Promise<Map<string, SimulatedCaller>> {
  const people = (await listKnownPeople(store.db)).map(simulatePerson)
  const now = clock.now()
  const bots = (await listServiceTokens(store.db)).map((token) => simulateBot(token, now))
  return new Map([...people, ...bots].map((caller) => [`${caller.principal.kind}:${caller.principal.id}`, caller]))
}

async function factsOf(deps: AdminDeps, principal: Principal, origin: Origin): Promise<Facts> {
  // No evaluator is asked for a simulation of so many.
  const { facts } = await deps.facts.gather(principal, origin, { origin: true, external: [] })
  return facts
}

async function replay(deps: AdminDeps, ground: Ground & { since: number }) {
  const { deeds, read, truncated } = await readDeeds(deps.audit, ground.since, openBudget(deps.clock, READ_MS))
  // Its own time: what was read, and then not looked at, would tell nothing.
  const budget = openBudget(deps.clock, REPLAY_MS)
  const used = new Map<string, UsedShown>()
  const untold = new Map<string, { why: string; times: number; examples: Set<string> }>()
  let [replayed, unchanged] = [0, 0]
  for (const one of deeds) {
    if (await budget.isSpent()) break
    const outcome = await decideAgain(deps, ground, one)
    if ('why' in outcome) {
      const known = untold.get(outcome.why) ?? { why: outcome.why, times: 0, examples: new Set<string>() }
      known.times += one.times
      if (known.examples.size < MOST_EXAMPLES) known.examples.add(`${one.actor.label} ${one.asked}`)
      untold.set(outcome.why, known)
      continue
    }
    replayed += one.times
    if (outcome.outcome === 'same') unchanged += one.times
    else addUse(used, one, outcome)
  }
  const all = [...used.values()].sort((a, b) => b.times - a.times)
  return {
    deeds: { read, replayed, unchanged, truncated: truncated || budget.wasSpent || all.length > MOST_SHOWN },
    used: all.slice(0, MOST_SHOWN),
    cannot_tell: [...untold.values()].map((one) => ({ ...one, examples: [...one.examples] })),
  }
}

/** Newest first, for as long as there is time. */
async function readDeeds(audit: Audit, since: number, budget: Budget) {
  const counted = new Map<string, Deeds>()
  let read = 0
  for (let before: number | null = null; ; ) {
    const rows: AuditRow[] = await audit.query({
      ...{ plane: 'mcp', phase: 'ended', since, limit: PAGE },
      ...(before === null ? {} : { before }),
    })
    for (const row of rows) countDeed(counted, row)
    read += rows.length
    before = rows.at(-1)?.seq ?? null
    const isAll = rows.length < PAGE
    if (isAll || counted.size > MOST_DEEDS || (await budget.isSpent()))
      return { deeds: counted.values(), read, truncated: !isAll }
  }
}

/** Why deeds cannot be decided again at all. */
interface Untold {
  why: string
}

async function decideAgain(deps: AdminDeps, { portals, callers }: Ground, deeds: Deeds): Promise<Replayed | Untold> {
  const portal = portals.get(deeds.portal)
  if (portal === undefined) return { why: 'the portal is gone' }
  const { change, catalog } = portal
  const { kind, id } = deeds.actor
  const caller = kind === 'anonymous' ? simulateAnybody() : callers.get(`${kind}:${id}`)
  if (caller === undefined) return { why: 'who asked is not known any more' }
  const entry = entryOf(catalog, deeds)
  if (entry === undefined) return { why: 'the server does not list it any more' }
  const facts = await factsOf(deps, caller.principal, { ip: deeds.ip, certificate: null })
  const sides = { before: sideOf(change.before, facts), after: sideOf(change.after, facts) }
  return replayDeeds(deeds, { change, sides, entry })
}

function entryOf(catalog: Catalog, { server, original, method }: Deeds): Entry | undefined {
  return kindsOf(method)
    .flatMap((kind) => catalog.entries(kind))
    .find((entry) => entry.server.id === server && entry.original === original)
}

/** The same caller from several addresses is one line where the outcome is the same. */
function addUse(all: Map<string, UsedShown>, deeds: Deeds, replayed: Replayed): void {
  const { outcome, before, after, rules, kind, note } = replayed
  if (outcome === 'same') return
  const { actor, portal, server, original, times, lastAt } = deeds
  const of = {
    actor: actor.label,
    portal,
    server,
    kind,
    capability: original,
    change: outcome,
    before,
    after,
    rules,
    note,
  }
  const key = JSON.stringify([actor.id, of])
  const known = all.get(key)
  const at = shownTime(lastAt)
  if (known === undefined) all.set(key, { ...of, times, last_at: at })
  else Object.assign(known, { times: known.times + times, last_at: at > known.last_at ? at : known.last_at })
}

async function compareAll(deps: AdminDeps, { portals, callers }: Ground): Promise<DiffShown['everybody']> {
  const budget = openBudget(deps.clock, EVERYBODY_MS)
  const touched = [...portals.values()]
    .map(({ change, catalog }) => ({ change, groups: groupsOf(change, catalog) }))
    .filter(({ groups }) => groups.length > 0)
  const holders: HoldsShown[] = []
  const here = [...callers.values()].filter(({ stopped }) => stopped === null)
  for (const { principal } of here) {
    if (touched.length === 0 || (await budget.isSpent())) break
    const facts = await factsOf(deps, principal, NOWHERE)
    for (const { change, groups } of touched) {
      const held = changesFor(change, groups, facts)
      if (held.length > 0) holders.push(showHeld(principal, change.before, held))
    }
  }
  const sum = (field: 'gains' | 'loses' | 'cannot_tell') => holders.reduce((total, one) => total + one[field], 0)
  holders.sort((a, b) => b.loses + b.gains - (a.loses + a.gains))
  return {
    people: here.filter(({ principal }) => principal.kind === 'user').length,
    service_tokens: here.filter(({ principal }) => principal.kind === 'service').length,
    capabilities: touched.reduce(
      (total, { groups }) => total + groups.reduce((all, { entries }) => all + entries.length, 0),
      0,
    ),
    ...{ gains: sum('gains'), loses: sum('loses'), cannot_tell: sum('cannot_tell') },
    holders: holders.slice(0, MOST_SHOWN),
    truncated: budget.wasSpent || holders.length > MOST_SHOWN,
  }
}

const MARKS = { gains: '+', loses: '-', cannot_tell: '?' } as const

function showHeld(principal: Principal, { id }: PortalSpec, held: readonly Held[]): HoldsShown {
  const count = (outcome: Held['outcome']) =>
    held.filter((one) => one.outcome === outcome).reduce((total, { entries }) => total + entries.length, 0)
  const examples = held.flatMap(({ outcome, entries }) =>
    entries.slice(0, MOST_EXAMPLES).map(({ publicName }) => `${MARKS[outcome]}${publicName}`),
  )
  return {
    actor: principal.kind === 'user' ? principal.label : principal.name,
    portal: id,
    ...{ gains: count('gains'), loses: count('loses'), cannot_tell: count('cannot_tell') },
    examples: examples.slice(0, MOST_EXAMPLES * Object.keys(MARKS).length),
  }
}
