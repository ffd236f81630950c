/** Reads every portal with what is attached to it and resolves both levels of curation. */
import type { PolicyId, ServerUid } from '../base/ids.ts'
import type { CapabilityOverride } from '../contract/capability-override.ts'
import { parsePolicy } from '../identity/oauth/clients/policy.ts'
import { openCoverage } from '../policy/coverage.ts'
import { askedBy } from '../policy/facts.ts'
import type { Policy } from '../policy/model.ts'
import { readRuleBook } from '../policy/read-rule-book.ts'
import type { RuleBook } from '../policy/rule-book.ts'
import type { Store } from '../store/open.ts'
import { listServers, type StoredServer } from '../upstream/server-store.ts'
import { listPortals, type PortalRecord, type ServerMapping } from './portal-store.ts'
import { type Curation, curate, type Override, type PortalSpec, type ServerSpec } from './spec.ts'

export async function loadPortalSpecs(store: Store): Promise<PortalSpec[]> {
  const [portals, servers, book] = await Promise.all([
    listPortals(store.db),
    listServers(store.db),
    readRuleBook(store.db),
  ])
  const serverOf = new Map(servers.map((server) => [server.uid, server]))
  return portals.map((portal) => toSpec(portal, serverOf, book))
}

type Servers = ReadonlyMap<ServerUid, StoredServer>

function toSpec(portal: PortalRecord, servers: Servers, book: RuleBook): PortalSpec {
  const { uid, id, hostname, name, description } = portal
  const attachedServers = portal.mappings.flatMap((mapping) => {
    const server = servers.get(mapping.serverUid)
    return server ? [toServerSpec(mapping, server, book)] : []
  })
  const policies = attached(portal.policies, book)
  const own = attachedServers.map((server) => server.policies)
  return {
    uid,
    id,
    hostname,
    name,
    description,
    policies,
    coverage: openCoverage(policies, own),
    asked: askedBy([policies, ...own.map((list) => list ?? [])].flat()),
    limits: portal.limits,
    serviceTokenHeader: portal.serviceTokenHeader?.toLowerCase() ?? null,
    clientPolicy: parsePolicy(portal.clientPolicy),
    servers: attachedServers,
    hasPersonal: attachedServers.some(({ onBehalf }) => onBehalf),
  }
}

function attached(ids: readonly PolicyId[], book: RuleBook): Policy[] {
  return ids.map((id) => book.policy(id))
}

function toServerSpec(mapping: ServerMapping, server: StoredServer, book: RuleBook): ServerSpec {
  return {
    uid: server.uid,
    id: server.id,
    name: server.name,
    policies: server.policies === null ? null : attached(server.policies, book),
    limits: server.limits,
    labels: server.labels,
    toolLabels: new Map(
      (server.updatedTools ?? []).flatMap(({ name, labels = [] }) =>
        labels.length === 0 ? [] : [[name, labels] as const],
      ),
    ),
    bypassCredential: server.bypassCredential,
    defaultDisabled: mapping.defaultDisabled,
    ...whose(mapping, server),
    passesInstructions: server.instructions === 'on',
    relay: server.relay,
    isolation: server.isolation,
    tools: curations(server.updatedTools, mapping.updatedTools, mapping.defaultDisabled),
    prompts: curations(server.updatedPrompts, mapping.updatedPrompts, mapping.defaultDisabled),
  }
}

/** Enterprise-managed access is each user's own, whatever the mapping says; a server that wants no credential has nobody's. */
function whose(
  { onBehalf }: Pick<ServerMapping, 'onBehalf'>,
  { authType, authMode }: Pick<StoredServer, 'authType' | 'authMode'>,
): Pick<ServerSpec, 'onBehalf' | 'carries'> {
  if (authType === 'unauthenticated') return { onBehalf: false, carries: 'none' }
  if (onBehalf || authMode === 'enterprise') return { onBehalf: true, carries: 'yours' }
  return { onBehalf: false, carries: authMode === 'client_credentials' ? 'machine' : 'shared' }
}

type Overrides = readonly CapabilityOverride[] | null

function curations(atServer: Overrides, atPortal: Overrides, defaultDisabled: boolean): Map<string, Curation> {
  const servers = byName(atServer)
  const portals = byName(atPortal)
  const names = new Set([...servers.keys(), ...portals.keys()])
  return new Map([...names].map((name) => [name, curate(servers.get(name), portals.get(name), defaultDisabled)]))
}

function byName(overrides: Overrides): Map<string, Override> {
  return new Map((overrides ?? []).map((override) => [override.name, override]))
}
