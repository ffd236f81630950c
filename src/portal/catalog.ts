/**
 * What one portal has, under its public names, for every caller alike; what one caller may see of it is `Visible`. Of a personal server it
 * is what the shared credential saw: a preview, for whoever has not connected an account (`overlay.ts` has the others).
 * Each definition is turned into its listed JSON once; a list is a join of those parts (`listing.ts`), cached by who sees what.
 * A catalog is immutable: a change of inventory or configuration makes another, of what did not change (`catalog-parts.ts`).
 */
import type { Scope } from '../policy/coverage.ts'
import type { Capability } from '../policy/model.ts'
import type { CapabilityKind, Definition, Inventory } from '../upstream/model.ts'
import { ruled } from './capability.ts'
import { type CatalogMemory, nameParts, newCatalogMemory, type PartSource } from './catalog-parts.ts'
import { ListCache, type Listing } from './listing.ts'
import { type NamedUris, ownedTable, urisOf } from './owned.ts'
import { namesInterface, type Point, withPointers } from './pointers.ts'
import type { Renderer } from './render.ts'
import type { ServerUris } from './server-uris.ts'
import type { Curation, PortalSpec, ServerSpec } from './spec.ts'
import { Strip } from './strip.ts'
import { type TaskSupport, taskSupportOf } from './task-support.ts'

export interface Entry {
  kind: CapabilityKind
  server: ServerSpec
  /** Index of the server in portal order, into `Visible`. */
  serverIndex: number
  publicName: string
  /** The upstream's own name, or URI. */
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
  /** How it is run as a task of 2025-11-25; null for nearly everything. */
  tasks: TaskSupport | null
  /** The same definition for clients that know such tasks; where it would be no other, it is not there. */
  listedWithTasks?: string
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
  /**
   * What one caller sees of one kind.
   *
   * @param showsTasks for a client that knows tasks of 2025-11-25
   */
  list(kind: CapabilityKind, visible: Visible, showsTasks?: boolean): Listing
  /** Every entry, seen or not: for templates and reports. */
  entries(kind: CapabilityKind): readonly Entry[]
  /** How a server's own URIs are shown, by its index; null where they are shown as they are, as nearly everywhere. */
  uris(server: number): ServerUris | null
  /** What lost a name, in words for the admin. */
  reports(): readonly string[]
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
  /** What the catalog before this one left; altered. */
  memory?: CatalogMemory
}

export function buildCatalog(source: CatalogSource): BaseCatalog {
  const servers = source.spec.servers.map((server, index) =>
    source.mount === null || source.mount === index ? source.inventory(server) : undefined,
  )
  const owned = {
    resource: ownedTable('resource', source, servers, heldNames('resource', servers)),
    template: ownedTable('template', source, servers, heldNames('template', servers)),
  }
  const uris = urisOf(source, owned)
  const tables: Record<CapabilityKind, Table> = {
    ...{
      tool: namedTable('tool', { ...source, ...uris }, servers),
      prompt: namedTable('prompt', { ...source, ...uris }, servers),
    },
    ...owned,
  }
  const cache = new ListCache()
  const hasTasks = tables.tool.ordered.some(({ listedWithTasks }) => listedWithTasks !== undefined)
  return {
    spec: source.spec,
    mount: source.mount,
    reports: () => Object.values(tables).flatMap((table) => [...table.reports, ...table.bare().reports]),
    find: (kind, name) => tables[kind].exact.get(name) ?? tables[kind].bare().names.get(name),
    entries: (kind) => tables[kind].ordered,
    uris: uris.uris,
    list: (kind, visible, showsTasks = false) =>
      showsTasks && hasTasks
        ? cache.get(`${kind} with tasks`, visible, () => [new Strip(tables[kind].ordered, true, withTasks)])
        : cache.get(kind, visible, () => tables[kind].strips ?? [new Strip(tables[kind].ordered)]),
  }
}

/** As a client that knows tasks of 2025-11-25 has it listed. */
export function withTasks({ listed, listedWithTasks }: Entry): string {
  return listedWithTasks ?? listed
}

export interface Table {
  readonly ordered: readonly Entry[]
  readonly exact: ReadonlyMap<string, Entry>
  /** All of it, for lists; where there are none, one is made. */
  readonly strips?: readonly Strip[]
  readonly reports: readonly string[]
  /** Worked out when somebody first uses a bare name, and kept. */
  bare(): Bare
}

interface Bare {
  names: ReadonlyMap<string, Entry>
  reports: readonly string[]
}

const EMPTY = { tools: [], prompts: [], resources: [], templates: [], held: [] }
const UNTOUCHED: Curation = { enabled: true, alias: null, description: null }

function namedTable(
  kind: 'tool' | 'prompt',
  source: CatalogSource & NamedUris,
  inventories: readonly (Inventory | undefined)[],
): Table {
  const { spec, mount, render } = source
  const field = kind === 'tool' ? 'tools' : 'prompts'
  const heldAt = heldNames(kind, inventories)
  function makeEntry({ server, index }: PartSource, definition: Definition, publicName: string): Entry {
    const curation = curationIn(server, field, definition.name)
    const held = heldAt[index]?.has(definition.name) ?? false
    return {
      ...{ kind, server, serverIndex: index, publicName, original: definition.name, hash: definition.hash },
      ...{ enabled: curation.enabled, held, hidden: false },
      ...shown(render, { kind, definition, publicName }, held, {
        description: curation.description,
        tasks: kind === 'tool' ? taskSupportOf(definition, inventories[index]) : null,
        point: (uri) => source.point(index, uri),
      }),
      ...ruled(spec, { kind, server: index, definition }),
    }
  }
  const aliasOf = (server: ServerSpec, { name }: Definition) => curationIn(server, field, name).alias
  const sources = spec.servers.map((server, index) => {
    const inventory = inventories[index]
    return { server, index, inventory, definitions: (inventory ?? EMPTY)[field] }
  })
  if (mount !== null) return unprefixed(sources[mount], aliasOf, makeEntry)
  const memory = (source.memory ?? newCatalogMemory())[kind]
  const looksAround = (definition: Definition) => kind === 'tool' && namesInterface(definition)
  return nameParts(sources, { coverage: spec.coverage, memory, aliasOf, makeEntry, looksAround })
}

/** What the admin made of one tool or prompt. */
export function curationIn(spec: ServerSpec, field: 'tools' | 'prompts', original: string): Curation {
  return spec[field].get(original) ?? (spec.defaultDisabled ? { ...UNTOUCHED, enabled: false } : UNTOUCHED)
}

/** On a single-server mount names stay the server's own; an alias that meets another tool's name gives way. */
function unprefixed(
  source: PartSource | undefined,
  aliasOf: (server: ServerSpec, definition: Definition) => string | null,
  makeEntry: (source: PartSource, definition: Definition, publicName: string) => Entry,
): Table {
  const ordered: Entry[] = []
  const exact = new Map<string, Entry>()
  const names = new Map<string, Entry>()
  const reports: string[] = []
  // No server is mounted where the URL names none.
  if (source === undefined) return { ordered, exact, reports, bare: () => ({ names, reports }) }
  const originals = new Set(source.definitions.map(({ name }) => name))
  for (const definition of source.definitions) {
    const original = definition.name
    const alias = aliasOf(source.server, definition)
    const name = alias === null || originals.has(alias) ? original : alias
    if (exact.has(name)) {
      reports.push(`${source.server.id}: "${original}" was dropped, "${name}" belongs to another capability`)
      continue
    }
    const entry = makeEntry(source, definition, name)
    ordered.push(entry)
    exact.set(name, entry)
    if (name !== original) names.set(original, entry)
  }
  return { ordered, exact, reports, bare: () => ({ names, reports: [] }) }
}

/** A tool or prompt as it is listed. */
export function shown(
  render: Renderer,
  of: { kind: CapabilityKind; definition: Definition; publicName: string },
  isHeld: boolean,
  { description, tasks, point }: { description: string | null; tasks: TaskSupport | null; point: Point },
): Pick<Entry, 'listed' | 'tasks' | 'listedWithTasks'> {
  if (isHeld) return { listed: '', tasks }
  const { kind, definition, publicName } = of
  const listed = render(kind, definition, publicName, description)
  const all =
    tasks === null
      ? { listed, tasks }
      : { listed, tasks, listedWithTasks: render(kind, definition, publicName, description, true) }
  return kind === 'tool' ? withPointers(all, definition, point) : all
}

/** By server: what of this kind is held. */
function heldNames(kind: CapabilityKind, inventories: readonly (Inventory | undefined)[]): ReadonlySet<string>[] {
  return inventories.map((inventory) => {
    const held = inventory?.held ?? EMPTY.held
    return new Set(held.filter((one) => one.kind === kind).map(({ name }) => name))
  })
}
