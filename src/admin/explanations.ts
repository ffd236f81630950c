/** `/access/policy-explanations`: why somebody may or may not do something, of any name, by any policies, and of any deed in the audit. */
import type { AuditRow } from '../audit/event.ts'
import type { PortalId } from '../base/ids.ts'
import type { DeedQuery, ExplanationAsk, ExplanationShown } from '../contract/policy-explanation.ts'
import type { CapabilityKind, Facts } from '../policy/model.ts'
import type { Catalog } from '../portal/catalog.ts'
import { editedSpec } from '../portal/edited-spec.ts'
import { explainAccess } from '../portal/explain-access.ts'
import { type Resolved, resolveName } from '../portal/resolve-name.ts'
import type { PortalSpec, ServerSpec } from '../portal/spec.ts'
import { PORTAL } from '../portal/target.ts'
import type { JsonObject } from '../protocol/model.ts'
import { readInventory } from '../upstream/inventory-store.ts'
import type { Inventory } from '../upstream/model.ts'
import type { AdminDeps } from './deps.ts'
import { readEdits, requireAttachable } from './edited-policies.ts'
import { obstaclesIn } from './obstacles.ts'
import { invalid, notFound } from './refusal.ts'
import { kindsOf } from './replay-deeds.ts'
import type { Call, Outcome } from './route.ts'
import { showExplanation } from './show-explanation.ts'
import { readOwners } from './show-trace.ts'
import { type SimulatedCaller, simulateCaller } from './simulated-caller.ts'
import { shownTime } from './times.ts'

/** As the first start makes it; a portal with this hostname is the one that is meant when nobody names one. */
const DEFAULT_HOSTNAME = 'localhost'

export async function explainPolicies({ deps, body }: Call<ExplanationAsk>): Promise<Outcome> {
  return { result: await explain(deps, body) }
}

/** What the audit has of a deed is asked anew, by the facts and policies of now; what it was called with is not kept. */
export async function explainDeed({ deps, query }: Call<unknown, DeedQuery>): Promise<Outcome> {
  const rows = await deps.audit.query({ deed: query.deed, limit: 2 })
  const row = rows.find(({ phase }) => phase === 'ended') ?? rows[0]
  if (row === undefined) throw notFound('deed', query.deed)
  if (row.plane !== 'mcp' || row.portal === undefined) throw invalid('deed', 'was not asked of a portal over MCP')
  const result = await explain(deps, askOf(row))
  const hasAllowed = row.decision === 'allow'
  const agrees = result.verdict === 'depends' || (result.verdict === 'allowed') === hasAllowed
  const { decision = null, rule = null, error = null, outcome = null } = row
  return {
    result: { ...result, deed: { deed: row.deed, at: shownTime(row.at), decision, rule, error, outcome, agrees } },
  }
}

function askOf({ actor, portal, capability, method, clientIp }: AuditRow): ExplanationAsk {
  const kinds = kindsOf(method)
  return {
    ...whoActed(actor),
    portal,
    // Methods of the portal itself name nothing, or no capability.
    ...(capability === undefined || capability === '' ? {} : { capability }),
    ...(kinds.length === 1 && kinds[0] !== undefined ? { kind: kinds[0] } : {}),
    ...(clientIp === undefined || clientIp === '' ? {} : { ip: clientIp }),
  }
}

function whoActed({ kind, id }: AuditRow['actor']): Pick<ExplanationAsk, 'user' | 'service_token' | 'anonymous'> {
  switch (kind) {
    case 'user':
      return { user: id }
    case 'service':
      return { service_token: id }
    case 'anonymous':
      return { anonymous: true }
    default:
      throw invalid('deed', 'was not asked by anybody whom policies speak of')
  }
}

async function explain(deps: AdminDeps, ask: ExplanationAsk): Promise<ExplanationShown> {
  const { db } = deps.store
  await requireAttachable(db, ask)
  const stored = portalOf(deps, ask.portal)
  const isEdited = ask.policies !== undefined || ask.attachments !== undefined
  const spec = isEdited ? editedSpec(stored, (await readEdits(db, ask)).edits) : stored
  const now = ask.at === undefined ? deps.clock.now() : Date.parse(ask.at)
  const caller = await simulateCaller(db, ask, now)
  const facts = await factsOf(deps, caller, { spec, ask, now })
  const server = serverOf(spec, ask.server)
  const catalog = await catalogOf(deps, stored, caller)
  const resolved = resolve(catalog, ask)
  const target = resolved?.target ?? PORTAL
  const input = target.kind === 'capability' ? inputOf(target.entry.kind, ask) : null
  const explained = explainAccess({ spec, facts, target, server, input })
  const obstacles = await obstaclesIn(deps, { spec, target: resolved?.target ?? null, server, caller, explained })
  const owners = await readOwners(db)
  const about = { spec, server, facts, resolved, name: ask.capability ?? null }
  return showExplanation({ ...about, explained, obstacles, caller, owners })
}

function portalOf({ directory }: AdminDeps, id: string | undefined): PortalSpec {
  const found = id === undefined ? directory.byHostname(DEFAULT_HOSTNAME) : directory.byId(id as PortalId)
  if (found !== undefined) return found
  if (id === undefined) throw invalid('portal', 'is required: no portal has the hostname "localhost"')
  throw notFound('portal', id)
}

function serverOf({ servers, id }: PortalSpec, server: string | undefined): ServerSpec | null {
  if (server === undefined) return null
  const found = servers.find((one) => one.id === server)
  if (found === undefined) throw notFound(`server in the portal "${id}"`, server)
  return found
}

function resolve(catalog: Catalog, { capability, kind, server }: ExplanationAsk): Resolved | null {
  if (capability === undefined) return null
  return resolveName(catalog, { name: capability, kind: kind ?? null, server: server ?? null })
}

/** What is read is read with nothing but its address. */
function inputOf(kind: CapabilityKind, { capability = '', arguments: given }: ExplanationAsk): JsonObject | null {
  return kind === 'resource' || kind === 'template' ? { uri: capability } : (given ?? null)
}

/** Evaluators get a token of ours that says who came: of somebody who did not come, only where whoever explains wants it. */
export async function factsOf(
  { facts }: AdminDeps,
  { principal }: SimulatedCaller,
  { spec, ask, now }: { spec: PortalSpec; ask: Pick<ExplanationAsk, 'ip' | 'ask_evaluators'>; now: number },
): Promise<Facts> {
  const asked = ask.ask_evaluators === true ? spec.asked : { ...spec.asked, external: [] }
  const gathered = await facts.gather(principal, { ip: ask.ip ?? null, certificate: null }, asked)
  return { ...gathered.facts, now }
}

/** As they see it whose own accounts list something; nothing is asked of a server for it. */
export async function catalogOf(
  { directory, store }: AdminDeps,
  spec: PortalSpec,
  { principal }: SimulatedCaller,
): Promise<Catalog> {
  const place = { spec, mount: null }
  if (!spec.hasPersonal || principal.kind !== 'user') return directory.catalog(place)
  const own = new Map<number, Inventory>()
  for (const [index, { uid, onBehalf }] of spec.servers.entries()) {
    const inventory = onBehalf ? await readInventory(store.db, uid, `user:${principal.id}`) : undefined
    if (inventory !== undefined) own.set(index, inventory)
  }
  return own.size === 0 ? directory.catalog(place) : directory.catalog(place, own)
}
