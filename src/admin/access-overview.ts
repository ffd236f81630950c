/** `/access/ai-controls/mcp/portals/{id}/access`: all that somebody may use in a portal, tool by tool, and which policies say so. */
import type { PortalId } from '../base/ids.ts'
import type { AccessOverview, AccessOverviewQuery, ToolOverlooked } from '../contract/access-overview.ts'
import type { ObstacleShown } from '../contract/policy-explanation.ts'
import { listPolicies } from '../policy/policy-store.ts'
import { judgeAccess, openJudge } from '../portal/explain-access.ts'
import { type Overlooked, overviewAccess } from '../portal/overview-access.ts'
import type { PortalSpec } from '../portal/spec.ts'
import { PORTAL } from '../portal/target.ts'
import type { Db } from '../store/open.ts'
import { catalogOf, factsOf } from './explanations.ts'
import { obstaclesAt, obstaclesOf } from './obstacles.ts'
import { pageOf } from './paging.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { type SimulatedCaller, simulateCaller } from './simulated-caller.ts'

/** Nobody is asked, no evaluator is told, and nothing is called. */
export async function getAccessOverview({ deps, id, query }: Call<unknown, AccessOverviewQuery>): Promise<Outcome> {
  const { db } = deps.store
  const spec = deps.directory.byId(id as PortalId)
  if (spec === undefined) throw notFound('portal', id)
  const now = deps.clock.now()
  const caller = await simulateCaller(db, query, now)
  const facts = await factsOf(deps, caller, { spec, ask: { ip: query.ip }, now })
  const catalog = await catalogOf(deps, spec, caller)
  const overlooked = overviewAccess({ spec, facts, catalog, kind: query.kind ?? 'tool' })
  const ofServers = new Map<string, ObstacleShown[]>()
  for (const server of spec.servers) ofServers.set(server.id, await obstaclesAt(deps, { spec, caller }, server))
  const show = showerOf({ caller, ofServers, policies: await namesOf(db) })
  const all = overlooked.map(show)
  const wanted = all.filter(
    ({ server, verdict }) =>
      (query.server === undefined || server === query.server) &&
      (query.verdict === undefined || verdict === query.verdict),
  )
  const page = pageOf(wanted, query, ({ name, original, decided_by: by }) => [
    ...[name, original],
    ...by.map(({ name: policy }) => policy ?? ''),
  ])
  const enter = judgeAccess({ spec, facts, target: PORTAL, server: null, input: null }, openJudge(spec, facts))
  const result: AccessOverview = {
    portal: spec.id,
    who: whoIs(caller),
    enter: caller.stopped === null ? enter.verdict : 'denied',
    counts: countsOf(all),
    servers: serversOf(spec, all, ofServers),
    tools: [...page.items],
    unknown: [...(caller.stopped === null ? [] : [caller.stopped]), ...caller.unknown],
  }
  return { result, info: page.info }
}

interface NamedPolicy {
  name: string
  appId: string | null
}

async function namesOf(db: Db): Promise<ReadonlyMap<string, NamedPolicy>> {
  return new Map((await listPolicies(db)).map(({ id, name, appId }) => [id, { name, appId }]))
}

interface Known {
  caller: SimulatedCaller
  ofServers: ReadonlyMap<string, readonly ObstacleShown[]>
  policies: ReadonlyMap<string, NamedPolicy>
}

function showerOf({ caller, ofServers, policies }: Known): (one: Overlooked) => ToolOverlooked {
  const stopped = caller.stopped === null ? [] : (['disabled'] as const)
  return ({ entry, verdict, deciders, waitsFor, terms }) => {
    const blocking = (ofServers.get(entry.server.id) ?? []).filter(({ blocks }) => blocks).map(({ what }) => what)
    const obstacles = [...stopped, ...obstaclesOf(entry), ...blocking]
    return {
      ...{ server: entry.server.id, name: entry.publicName, original: entry.original },
      verdict: obstacles.length > 0 ? 'denied' : verdict,
      decided_by: deciders.map(({ level, decision: { rule: policy } }) => {
        const known = policy === null ? undefined : policies.get(policy)
        return { level, policy, name: known?.name ?? policy, app_id: known?.appId ?? null }
      }),
      depends_on: [...waitsFor],
      asks: (['approval', 'purpose', 'step_up'] as const).filter((what) =>
        terms.some((one) => one.terms[what === 'step_up' ? 'stepUp' : what] !== null),
      ),
      obstacles,
    }
  }
}

function whoIs({ principal }: SimulatedCaller): AccessOverview['who'] {
  const { kind, id } = principal
  return { kind, id, label: principal.kind === 'user' ? principal.label : principal.name }
}

function countsOf(tools: readonly ToolOverlooked[]): AccessOverview['counts'] {
  const counts = { allowed: 0, denied: 0, depends: 0 }
  for (const { verdict } of tools) counts[verdict]++
  return counts
}

function serversOf({ servers }: PortalSpec, tools: readonly ToolOverlooked[], ofServers: Known['ofServers']) {
  const byServer = Map.groupBy(tools, ({ server }) => server)
  return servers.map(({ id, name }) => ({
    ...{ id, name, counts: countsOf(byServer.get(id) ?? []), obstacles: [...(ofServers.get(id) ?? [])] },
  }))
}
