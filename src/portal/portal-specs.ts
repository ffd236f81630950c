/** Reads every portal with what is attached to it and resolves both levels of curation. */
import type { PolicyId, ServerUid } from '../base/ids.ts'
import type { CapabilityOverride } from '../contract/capability-override.ts'
import { parsePolicy } from '../identity/oauth/clients/policy.ts'
import type { Policy } from '../policy/decide.ts'
import { listPolicies } from '../policy/policy-store.ts'
import type { Store } from '../store/open.ts'
import { listServers, type StoredServer } from '../upstream/server-store.ts'
import { listPortals, type PortalRecord, type ServerMapping } from './portal-store.ts'
import { type Curation, curate, type Override, type PortalSpec, type ServerSpec } from './spec.ts'

export async function loadPortalSpecs(store: Store): Promise<PortalSpec[]> {
  const [portals, servers, policies] = await Promise.all([
    listPortals(store.db),
    listServers(store.db),
    listPolicies(store.db),
  ])
  const serverOf = new Map(servers.map((server) => [server.uid, server]))
  const policyOf = new Map(policies.map((policy) => [policy.id, policy]))
  return portals.map((portal) => toSpec(portal, serverOf, policyOf))
}

type Servers = ReadonlyMap<ServerUid, StoredServer>
type Policies = ReadonlyMap<PolicyId, Policy>

function toSpec(portal: PortalRecord, servers: Servers, policies: Policies): PortalSpec {
  const { uid, id, hostname, name, description } = portal
  return {
    uid,
    id,
    hostname,
    name,
    description,
    policies: attached(portal.policies, policies),
    serviceTokenHeader: portal.serviceTokenHeader?.toLowerCase() ?? null,
    clientPolicy: parsePolicy(portal.clientPolicy),
    servers: portal.mappings.flatMap((mapping) => {
      const server = servers.get(mapping.serverUid)
      return server ? [toServerSpec(mapping, server, policies)] : []
    }),
  }
}

/** An id that leads nowhere stays in its place as a deny: what was meant to restrict must not vanish. */
function attached(ids: readonly PolicyId[], policies: Policies): Policy[] {
  return ids.map(
    (id) => policies.get(id) ?? { id, decision: 'missing', include: [{ everyone: {} }], require: [], exclude: [] },
  )
}

function toServerSpec(mapping: ServerMapping, server: StoredServer, policies: Policies): ServerSpec {
  return {
    uid: server.uid,
    id: server.id,
    name: server.name,
    policies: attached(server.policies, policies),
    defaultDisabled: mapping.defaultDisabled,
    onBehalf: mapping.onBehalf,
    passesInstructions: server.instructions === 'on',
    tools: curations(server.updatedTools, mapping.updatedTools, mapping.defaultDisabled),
    prompts: curations(server.updatedPrompts, mapping.updatedPrompts, mapping.defaultDisabled),
  }
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
