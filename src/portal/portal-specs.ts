/**
 * Reads every portal with what is attached to it and resolves both levels of curation. What says the same as the last time is the same
 * object, so that what was made of it need not be made again.
 */
import { isDeepStrictEqual } from 'node:util'
import type { PolicyId, ServerUid } from '../base/ids.ts'
import type { CapabilityOverride } from '../contract/capability-override.ts'
import { parsePolicy } from '../identity/oauth/clients/policy.ts'
import { type Coverage, openCoverage } from '../policy/coverage.ts'
import { askedBy } from '../policy/facts.ts'
import type { Policy } from '../policy/model.ts'
import { type ReadRules, readRulesAgain } from '../policy/read-rule-book.ts'
import type { RuleBook } from '../policy/rule-book.ts'
import type { Store } from '../store/open.ts'
import { listServers, type StoredServer } from '../upstream/server-store.ts'
import { listPortals, type PortalRecord, type ServerMapping } from './portal-store.ts'
import { areSame } from './remembered.ts'
import { type Curation, curate, type Override, type PortalSpec, type ServerSpec } from './spec.ts'

export interface LoadedSpecs {
  specs: readonly PortalSpec[]
  rules: ReadRules
}

/** @param before what was loaded the last time */
export async function loadPortalSpecs(store: Store, before?: LoadedSpecs): Promise<LoadedSpecs> {
  const [portals, servers, rules] = await Promise.all([
    listPortals(store.db),
    listServers(store.db),
    readRulesAgain(store.db, before?.rules),
  ])
  const serverOf = new Map(servers.map((server) => [server.uid, server]))
  const former = new Map(before?.specs.map((spec) => [spec.uid, spec]))
  const specs = portals.map((portal) =>
    toSpec(portal, { servers: serverOf, book: rules.book, former: former.get(portal.uid) }),
  )
  return { specs, rules }
}

type Servers = ReadonlyMap<ServerUid, StoredServer>

interface Sources {
  servers: Servers
  book: RuleBook
  /** The same portal as it was. */
  former: PortalSpec | undefined
}

function toSpec(portal: PortalRecord, { servers, book, former }: Sources): PortalSpec {
  const { uid, id, hostname, name, description } = portal
  const formerServers = new Map(former?.servers.map((server) => [server.uid, server]))
  const attachedServers = portal.mappings.flatMap((mapping) => {
    const server = servers.get(mapping.serverUid)
    return server ? [asItWas(toServerSpec(mapping, server, book), formerServers.get(server.uid))] : []
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
    coverage: formerCoverage(former, policies, attachedServers) ?? openCoverage(policies, own),
    asked: askedBy([policies, ...own.map((list) => list ?? [])].flat()),
    limits: portal.limits,
    serviceTokenHeader: portal.serviceTokenHeader?.toLowerCase() ?? null,
    clientPolicy: parsePolicy(portal.clientPolicy),
    codeMode: portal.codeMode,
    contextMode: portal.contextMode,
    servers: attachedServers,
    hasPersonal: attachedServers.some(({ onBehalf }) => onBehalf),
  }
}

/** Policies are compared as objects: a prepared one has more to it than can be looked at. */
function asItWas(server: ServerSpec, former: ServerSpec | undefined): ServerSpec {
  if (former === undefined || !arePoliciesSame(server.policies, former.policies)) return server
  return isDeepStrictEqual({ ...server, policies: null }, { ...former, policies: null }) ? former : server
}

function arePoliciesSame(some: readonly Policy[] | null, others: readonly Policy[] | null): boolean {
  return some === null || others === null ? some === others : areSame(some, others)
}

/** Which policies speak of what depends on them and on the servers, in order, and on nothing else. */
function formerCoverage(
  former: PortalSpec | undefined,
  policies: readonly Policy[],
  servers: readonly ServerSpec[],
): Coverage | null {
  if (former === undefined || !areSame(former.policies, policies)) return null
  const isSame =
    former.servers.length === servers.length &&
    servers.every(({ uid, id, policies }, index) => {
      const was = former.servers[index]
      return was?.uid === uid && was.id === id && arePoliciesSame(was.policies, policies)
    })
  return isSame ? former.coverage : null
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
    resources: server.resources,
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
