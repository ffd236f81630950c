/**
 * What one portal has, under its public names, for every caller alike; what one caller may see of it is `Visible`.
 * Each definition is turned into its listed JSON once; a list is a join of those parts, cached by who sees what.
 * A catalog is immutable: a change of inventory or configuration makes another.
 */
import { digest } from '../base/secret.ts'
import type { CapabilityKind, Definition, Inventory } from '../upstream/model.ts'
import { type Claim, type NamedServer, nameAll } from './names.ts'
import type { Curation, PortalSpec, ServerSpec } from './spec.ts'

export interface Entry {
  kind: CapabilityKind
  server: ServerSpec
  /** Index of the server in portal order, into `Visible`. */
  serverIndex: number
  publicName: string
  /** The upstream's own name. */
  original: string
  /** Hash of the whole definition, for the audit. */
  hash: string
  enabled: boolean
  /** The definition as this portal shows it, JSON text. */
  listed: string
}

/** Which servers a caller may see, by index; `key` names the set. */
export interface Visible {
  readonly key: string
  readonly has: readonly boolean[]
}

export interface Catalog {
  readonly spec: PortalSpec
  /** By the exact public name, else by the bare original name. Says nothing of whether the caller may. */
  find(kind: CapabilityKind, name: string): Entry | undefined
  /** Listed entries of one kind, in portal order, as JSON texts. */
  list(kind: CapabilityKind, visible: Visible): readonly string[]
  /** Changes exactly when the caller's list of that kind changes. */
  fingerprint(kind: CapabilityKind, visible: Visible): string
  /** Every entry, seen or not: for templates and reports. */
  entries(kind: CapabilityKind): readonly Entry[]
  readonly reports: readonly string[]
}

/** Definitions as text without their name, kept by definition, so that a rebuilt catalog re-serialises nothing. */
export type Renderer = (definition: Definition, publicName: string, description: string | null) => string

export function makeRenderer(): Renderer {
  const nameless = new WeakMap<Definition, string>()
  return (definition, publicName, description) => {
    if (description !== null) return JSON.stringify({ ...JSON.parse(definition.json), name: publicName, description })
    let rest = nameless.get(definition)
    if (rest === undefined) {
      const { name: _, ...members } = JSON.parse(definition.json) as Record<string, unknown>
      rest = JSON.stringify(members).slice(1)
      nameless.set(definition, rest)
    }
    return `{"name":${JSON.stringify(publicName)}${rest === '}' ? '' : ','}${rest}`
  }
}

export interface CatalogSource {
  spec: PortalSpec
  /** Index of the one server of a single-server mount, whose names are un-prefixed; null for the whole portal. */
  mount: number | null
  inventory(server: ServerSpec): Inventory | undefined
  render: Renderer
}

export function buildCatalog(source: CatalogSource): Catalog {
  const servers = source.spec.servers.map((server, index) =>
    source.mount === null || source.mount === index ? source.inventory(server) : undefined,
  )
  const reports: string[] = []
  const tables: Record<CapabilityKind, Table> = {
    tool: namedTable('tool', source, servers, reports),
    prompt: namedTable('prompt', source, servers, reports),
    resource: ownedTable('resource', source, servers, reports),
    template: ownedTable('template', source, servers, reports),
  }
  const cache = new ListCache()
  return {
    spec: source.spec,
    reports,
    find: (kind, name) => tables[kind].exact.get(name) ?? tables[kind].bare.get(name),
    entries: (kind) => tables[kind].ordered,
    list: (kind, visible) => cache.get(kind, visible, tables[kind].ordered).parts,
    fingerprint: (kind, visible) => {
      const cached = cache.get(kind, visible, tables[kind].ordered)
      cached.fingerprint ??= digest(cached.parts.join())
      return cached.fingerprint
    },
  }
}

interface Table {
  ordered: Entry[]
  exact: Map<string, Entry>
  bare: Map<string, Entry>
}

const EMPTY = { tools: [], prompts: [], resources: [], templates: [] }
const UNTOUCHED: Curation = { enabled: true, alias: null, description: null }

function namedTable(
  kind: 'tool' | 'prompt',
  source: CatalogSource,
  inventories: readonly (Inventory | undefined)[],
  reports: string[],
): Table {
  const servers = source.spec.servers
  const field = kind === 'tool' ? 'tools' : 'prompts'
  const definitions = inventories.map((inventory) => (inventory ?? EMPTY)[field])
  const curationOf = (server: number, item: number) => {
    const spec = servers[server]
    const definition = definitions[server]?.[item]
    const standing = spec && definition && spec[field].get(definition.name)
    return standing ?? (spec?.defaultDisabled ? { ...UNTOUCHED, enabled: false } : UNTOUCHED)
  }
  const entryFor = ({ server, item }: Claim, publicName: string): Entry => {
    const spec = servers[server] as ServerSpec
    const definition = definitions[server]?.[item] as Definition
    const curation = curationOf(server, item)
    return {
      kind,
      server: spec,
      serverIndex: server,
      publicName,
      original: definition.name,
      hash: definition.hash,
      enabled: curation.enabled,
      listed: source.render(definition, publicName, curation.description),
    }
  }
  const named: NamedServer[] = servers.map((spec, server) => ({
    id: spec.id,
    items: (definitions[server] ?? []).map((definition, item) => ({
      original: definition.name,
      alias: curationOf(server, item).alias,
    })),
  }))
  return source.mount === null ? prefixed(named, entryFor, reports) : unprefixed(named, source.mount, entryFor, reports)
}

type MakeEntry = (claim: Claim, publicName: string) => Entry

function prefixed(named: readonly NamedServer[], entryFor: MakeEntry, reports: string[]): Table {
  const names = nameAll(named)
  reports.push(...names.reports)
  const byClaim = new Map<string, Entry>()
  const table: Table = { ordered: [], exact: new Map(), bare: new Map() }
  for (const [name, claim] of names.public) {
    const entry = entryFor(claim, name)
    table.ordered.push(entry)
    table.exact.set(name, entry)
    byClaim.set(`${claim.server}/${claim.item}`, entry)
  }
  for (const [name, claim] of names.bare) {
    const entry = byClaim.get(`${claim.server}/${claim.item}`)
    if (entry) table.bare.set(name, entry)
  }
  return table
}

/** On a single-server mount names stay the server's own; an alias that meets another tool's name gives way. */
function unprefixed(named: readonly NamedServer[], mount: number, entryFor: MakeEntry, reports: string[]): Table {
  const table: Table = { ordered: [], exact: new Map(), bare: new Map() }
  const items = named[mount]?.items ?? []
  const originals = new Set(items.map((item) => item.original))
  items.forEach(({ original, alias }, item) => {
    const name = alias === null || originals.has(alias) ? original : alias
    if (table.exact.has(name)) {
      reports.push(`${named[mount]?.id}: "${original}" was dropped, "${name}" belongs to another capability`)
      return
    }
    const entry = entryFor({ server: mount, item }, name)
    table.ordered.push(entry)
    table.exact.set(name, entry)
    if (name !== original) table.bare.set(original, entry)
  })
  return table
}

/** Resources and templates keep their URIs: the first bearer in portal order owns one, later bearers are reported. */
function ownedTable(
  kind: 'resource' | 'template',
  source: CatalogSource,
  inventories: readonly (Inventory | undefined)[],
  reports: string[],
): Table {
  const table: Table = { ordered: [], exact: new Map(), bare: new Map() }
  source.spec.servers.forEach((server, serverIndex) => {
    for (const { name, json, hash } of (inventories[serverIndex] ?? EMPTY)[`${kind}s`]) {
      if (table.exact.has(name)) {
        reports.push(`${server.id}: the ${kind} "${name}" belongs to an earlier server`)
        continue
      }
      const entry = { kind, server, serverIndex, publicName: name, original: name, hash, enabled: true, listed: json }
      table.ordered.push(entry)
      table.exact.set(name, entry)
    }
  })
  return table
}

interface CachedList {
  parts: readonly string[]
  fingerprint: string | null
}

/** Lists by kind and visible set. Bounded: callers with sets of their own push the oldest out. */
class ListCache {
  readonly #lists = new Map<string, CachedList>()

  get(kind: CapabilityKind, visible: Visible, ordered: readonly Entry[]): CachedList {
    const key = `${kind} ${visible.key}`
    const known = this.#lists.get(key)
    if (known) return known
    const parts: string[] = []
    for (const entry of ordered) {
      if (entry.enabled && visible.has[entry.serverIndex] === true) parts.push(entry.listed)
    }
    const made = { parts, fingerprint: null }
    if (this.#lists.size >= 256) this.#lists.delete(this.#lists.keys().next().value ?? '')
    this.#lists.set(key, made)
    return made
  }
}
