/**
 * What one portal has, under its public names, for every caller alike; what one caller may see of it is `Visible`. Of a personal server it
 * is what the shared credential saw: a preview, for whoever has not connected an account (`overlay.ts` has the others).
 * Each definition is turned into its listed JSON once; a list is a join of those parts, cached by who sees what.
 * A catalog is immutable: a change of inventory or configuration makes another.
 */
import { digest } from '../base/secret.ts'
import type { Scope } from '../policy/coverage.ts'
import type { Capability } from '../policy/model.ts'
import type { CapabilityKind, Definition, Inventory } from '../upstream/model.ts'
import { capabilityOf } from './capability.ts'
import { type Claim, type NamedServer, type Names, nameAll, nameBare } from './names.ts'
import type { Renderer } from './render.ts'
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
  /** Not as it was approved: it keeps its names, and nobody sees or reaches it. */
  held: boolean
  /** Not this caller's: it keeps its names, so that they never become anybody else's, and is as unknown as if it were not there. */
  hidden: boolean
  /** The definition as this portal shows it, JSON text; empty where it is held. */
  listed: string
  /** As it was approved. */
  definition: Definition
  /** As the rules see it. */
  capability: Capability
  /** Which rules speak of it. */
  scope: Scope
}

/** What a caller may see: of which servers, by index, and what of them. Callers with the same `key` see the same. */
export interface Visible {
  readonly key: string
  readonly has: readonly boolean[]
  may(entry: Pick<Entry, 'scope' | 'capability'>): boolean
}

export interface Catalog {
  readonly spec: PortalSpec
  /** By the exact public name, else by the bare original name. Says nothing of whether the caller may. */
  find(kind: CapabilityKind, name: string): Entry | undefined
  /** What one caller sees of one kind. */
  list(kind: CapabilityKind, visible: Visible): Listing
  /** Every entry, seen or not: for templates and reports. */
  entries(kind: CapabilityKind): readonly Entry[]
  /** What lost a name, in words for the admin. */
  reports(): readonly string[]
}

export interface Listing {
  /** In portal order, as JSON texts. */
  readonly parts: readonly string[]
  /** Changes exactly when the list changes. */
  fingerprint(): string
  /** Bytes that are made of the parts once and then kept. @param key says which */
  kept(key: number, make: (parts: readonly string[]) => Buffer): Buffer
}

/** For every caller; what overlays are made from. */
export interface BaseCatalog extends Catalog {
  readonly mount: number | null
}

export interface CatalogSource {
  spec: PortalSpec
  /** Index of the one server of a single-server mount, whose names are un-prefixed; null for the whole portal. */
  mount: number | null
  inventory(server: ServerSpec): Inventory | undefined
  render: Renderer
}

export function buildCatalog(source: CatalogSource): BaseCatalog {
  const servers = source.spec.servers.map((server, index) =>
    source.mount === null || source.mount === index ? source.inventory(server) : undefined,
  )
  const tables: Record<CapabilityKind, Table> = {
    tool: namedTable('tool', source, servers),
    prompt: namedTable('prompt', source, servers),
    resource: ownedTable('resource', source, servers),
    template: ownedTable('template', source, servers),
  }
  const cache = new ListCache()
  return {
    spec: source.spec,
    mount: source.mount,
    reports: () => Object.values(tables).flatMap((table) => [...table.reports, ...table.bare().reports]),
    find: (kind, name) => tables[kind].exact.get(name) ?? tables[kind].bare().names.get(name),
    entries: (kind) => tables[kind].ordered,
    list: (kind, visible) => cache.get(kind, visible, () => tables[kind].ordered),
  }
}

interface Table {
  ordered: readonly Entry[]
  exact: ReadonlyMap<string, Entry>
  reports: readonly string[]
  /** Worked out when somebody first uses a bare name, and kept. */
  bare(): Bare
}

interface Bare {
  names: ReadonlyMap<string, Entry>
  reports: readonly string[]
}

const NOTHING_BARE: Bare = { names: new Map(), reports: [] }

const EMPTY = { tools: [], prompts: [], resources: [], templates: [], held: [] }
const UNTOUCHED: Curation = { enabled: true, alias: null, description: null }

function namedTable(
  kind: 'tool' | 'prompt',
  source: CatalogSource,
  inventories: readonly (Inventory | undefined)[],
): Table {
  const servers = source.spec.servers
  const field = kind === 'tool' ? 'tools' : 'prompts'
  const definitions = inventories.map((inventory) => (inventory ?? EMPTY)[field])
  const held = heldNames(kind, inventories)
  const curationOf = (server: number, item: number) => {
    const spec = servers[server]
    const definition = definitions[server]?.[item]
    return spec && definition ? curationIn(spec, field, definition.name) : UNTOUCHED
  }
  const entryFor = ({ server, item }: Claim, publicName: string): Entry => {
    const spec = servers[server] as ServerSpec
    const definition = definitions[server]?.[item] as Definition
    const curation = curationOf(server, item)
    const isHeld = held[server]?.has(definition.name) ?? false
    return {
      kind,
      server: spec,
      serverIndex: server,
      publicName,
      original: definition.name,
      hash: definition.hash,
      enabled: curation.enabled,
      held: isHeld,
      hidden: false,
      listed: isHeld ? '' : source.render(kind, definition, publicName, curation.description),
      ...ruled(source.spec, { kind, server, definition }),
    }
  }
  const named: NamedServer[] = servers.map((spec, server) => ({
    id: spec.id,
    items: (definitions[server] ?? []).map((definition, item) => ({
      original: definition.name,
      alias: curationOf(server, item).alias,
    })),
  }))
  return source.mount === null ? prefixed(named, entryFor) : unprefixed(named, source.mount, entryFor)
}

/** What the admin made of one tool or prompt. */
export function curationIn(spec: ServerSpec, field: 'tools' | 'prompts', original: string): Curation {
  return spec[field].get(original) ?? (spec.defaultDisabled ? { ...UNTOUCHED, enabled: false } : UNTOUCHED)
}

type MakeEntry = (claim: Claim, publicName: string) => Entry

function prefixed(named: readonly NamedServer[], entryFor: MakeEntry): Table {
  const names = nameAll(named)
  const ordered: Entry[] = []
  const exact = new Map<string, Entry>()
  for (const [name, claim] of names.public) {
    const entry = entryFor(claim, name)
    ordered.push(entry)
    exact.set(name, entry)
  }
  let bare: Bare | null = null
  return {
    ordered,
    exact,
    reports: names.reports,
    bare() {
      bare ??= bareOf(named, names, ordered)
      return bare
    },
  }
}

function bareOf(named: readonly NamedServer[], names: Names, ordered: readonly Entry[]): Bare {
  const found = nameBare(named, names)
  const byOriginal = new Map(ordered.map((entry) => [`${entry.serverIndex} ${entry.original}`, entry]))
  const entries = new Map<string, Entry>()
  for (const [original, { server }] of found.bare) {
    const entry = byOriginal.get(`${server} ${original}`)
    if (entry) entries.set(original, entry)
  }
  return { names: entries, reports: found.reports }
}

/** On a single-server mount names stay the server's own; an alias that meets another tool's name gives way. */
function unprefixed(named: readonly NamedServer[], mount: number, entryFor: MakeEntry): Table {
  const ordered: Entry[] = []
  const exact = new Map<string, Entry>()
  const names = new Map<string, Entry>()
  const reports: string[] = []
  const items = named[mount]?.items ?? []
  const originals = new Set(items.map((item) => item.original))
  items.forEach(({ original, alias }, item) => {
    const name = alias === null || originals.has(alias) ? original : alias
    if (exact.has(name)) {
      reports.push(`${named[mount]?.id}: "${original}" was dropped, "${name}" belongs to another capability`)
      return
    }
    const entry = entryFor({ server: mount, item }, name)
    ordered.push(entry)
    exact.set(name, entry)
    if (name !== original) names.set(original, entry)
  })
  return { ordered, exact, reports, bare: () => ({ names, reports: [] }) }
}

/** Resources and templates keep their URIs: the first bearer in portal order owns one, later bearers are reported. */
function ownedTable(
  kind: 'resource' | 'template',
  source: CatalogSource,
  inventories: readonly (Inventory | undefined)[],
): Table {
  const ordered: Entry[] = []
  const exact = new Map<string, Entry>()
  const reports: string[] = []
  const held = heldNames(kind, inventories)
  source.spec.servers.forEach((server, serverIndex) => {
    for (const definition of (inventories[serverIndex] ?? EMPTY)[`${kind}s`]) {
      const { name, hash } = definition
      if (exact.has(name)) {
        reports.push(`${server.id}: the ${kind} "${name}" belongs to an earlier server`)
        continue
      }
      const isHeld = held[serverIndex]?.has(name) ?? false
      const names = { publicName: name, original: name }
      // What somebody else's account may read is no preview.
      const hidden = kind === 'resource' && server.onBehalf
      const listed = isHeld || hidden ? '' : source.render(kind, definition, name, null)
      const rules = ruled(source.spec, { kind, server: serverIndex, definition })
      const entry = { kind, server, serverIndex, ...names, hash, enabled: true, held: isHeld, hidden, listed, ...rules }
      ordered.push(entry)
      exact.set(name, entry)
    }
  })
  return { ordered, exact, reports, bare: () => NOTHING_BARE }
}

/** What the rules see of a definition, and which of them speak of it. */
export function ruled(
  spec: PortalSpec,
  about: { kind: CapabilityKind; server: number; definition: Definition },
): Pick<Entry, 'definition' | 'capability' | 'scope'> {
  const capability = capabilityOf(spec.servers[about.server] as ServerSpec, about)
  return { definition: about.definition, capability, scope: spec.coverage.scopeOf(capability) }
}

/** By server: what of this kind is held. */
function heldNames(kind: CapabilityKind, inventories: readonly (Inventory | undefined)[]): ReadonlySet<string>[] {
  return inventories.map((inventory) => {
    const held = inventory?.held ?? EMPTY.held
    return new Set(held.filter((one) => one.kind === kind).map(({ name }) => name))
  })
}

/** Lists by kind and visible set. Bounded: callers with sets of their own push the oldest out. */
export class ListCache {
  readonly #lists = new Map<string, Listing>()
  readonly #most: number
  readonly #keepsBytes: boolean

  /** @param keepsBytes false: for few callers, who would fill the memory with what they read once */
  constructor({ most, keepsBytes }: { most: number; keepsBytes: boolean } = { most: 256, keepsBytes: true }) {
    this.#most = most
    this.#keepsBytes = keepsBytes
  }

  get(kind: CapabilityKind, visible: Visible, ordered: () => readonly Entry[]): Listing {
    const key = `${kind} ${visible.key}`
    const known = this.#lists.get(key)
    if (known) return known
    const made = listing(ordered(), visible, this.#keepsBytes)
    if (this.#lists.size >= this.#most) this.#lists.delete(this.#lists.keys().next().value ?? '')
    this.#lists.set(key, made)
    return made
  }
}

function listing(ordered: readonly Entry[], visible: Visible, keepsBytes: boolean): Listing {
  const parts: string[] = []
  for (const entry of ordered) {
    if (entry.enabled && !entry.held && !entry.hidden && visible.has[entry.serverIndex] === true && visible.may(entry))
      parts.push(entry.listed)
  }
  const kept = new Map<number, Buffer>()
  let fingerprint: string | null = null
  return {
    parts,
    fingerprint() {
      fingerprint ??= digest(parts.join())
      return fingerprint
    },
    kept(key, make) {
      const known = kept.get(key)
      if (known) return known
      const made = make(parts)
      if (keepsBytes) kept.set(key, made)
      return made
    },
  }
}
