/**
 * The catalog of callers with accounts of their own at personal servers: the portal's own, with what their accounts list in the place of
 * the preview. Names are settled once for all callers, by the shared lists, and never here: what both have keeps its name, what only the
 * portal has is hidden and its name stays taken, and what only the account has gets the name it would usually have, if nobody has it.
 * Otherwise a server could show one person a tool whose name is another's for everybody else.
 */
import { isSame } from '../upstream/inventories.ts'
import type { CapabilityKind, Definition, Inventory } from '../upstream/model.ts'
import { ruled } from './capability.ts'
import { type BaseCatalog, type Catalog, curationIn, type Entry, shown, withTasks } from './catalog.ts'
import { ListCache } from './listing.ts'
import { usualName } from './names.ts'
import type { NamedUris } from './owned.ts'
import type { Renderer } from './render.ts'
import { openServerUris, pointed, type Shelf } from './server-uris.ts'
import type { Curation, ServerSpec } from './spec.ts'
import { Strip } from './strip.ts'
import { taskSupportOf } from './task-support.ts'
import { formsOf, isWrapped, trespasses } from './uris.ts'

/** What the caller's own accounts list, by the server's index in portal order. */
export type OwnLists = ReadonlyMap<number, Inventory>

const KINDS = ['resource', 'template', 'tool', 'prompt'] as const
const FIELDS = { tool: 'tools', prompt: 'prompts', resource: 'resources', template: 'templates' } as const
const AS_IT_IS: Curation = { enabled: true, alias: null, description: null }
const MOST_OVERLAYS = 256
/** Few callers share an overlay, and each list is a reference a tool. */
const LISTS = { most: 8, keepsBytes: false }

/**
 * @param shared what the base was built from, to tell whether anything differs
 * @returns the base itself where the accounts list what it has
 */
export function overlay(
  base: BaseCatalog,
  own: OwnLists,
  { render, shared }: { render: Renderer; shared(server: ServerSpec): Inventory | undefined },
): Catalog {
  if (own.size === 0 || isAlike(base, own, shared)) return base
  const layers = new Map<CapabilityKind, Layer>()
  const layer = (kind: CapabilityKind) => layers.get(kind) as Layer
  const shelf: Shelf = {
    spec: base.spec,
    find(kind, name) {
      const { replaced, added } = layer(kind)
      const found = base.find(kind, name)
      return found === undefined ? added.get(name) : (replaced.get(found) ?? found)
    },
    entries: (kind) => layer(kind).ordered(),
  }
  const { uris, point } = urisOver(base, own, shelf)
  for (const kind of KINDS) layers.set(kind, layerOf(kind, { base, own, render, point }))
  const cache = new ListCache(LISTS)
  return {
    ...{ ...shelf, uris },
    list: (kind, visible, showsTasks = false) =>
      cache.get(showsTasks ? `${kind} with tasks` : kind, visible, () => [
        new Strip(layer(kind).ordered(), LISTS.keepsBytes, showsTasks ? withTasks : undefined),
      ]),
    reports: () => [...base.reports(), ...KINDS.flatMap((kind) => layer(kind).reports)],
  }
}

/** @param shelf what there is over the base; of resources first, for tools name them */
function urisOver(base: BaseCatalog, own: OwnLists, shelf: Shelf): NamedUris {
  if (base.mount !== null) return { uris: base.uris, point: (_, uri) => uri }
  const mine = openServerUris(shelf)
  const uris = (server: number) => (own.has(server) ? mine(server) : base.uris(server))
  return { uris, point: (server, uri) => pointed(uri, { server, shelf, uris: uris(server) }) }
}

/** Definitions are the same objects where they are the same, so this costs nothing, however many there are. */
function isAlike(base: BaseCatalog, own: OwnLists, shared: (server: ServerSpec) => Inventory | undefined): boolean {
  return [...own].every(([index, inventory]) => {
    const server = base.spec.servers[index]
    const preview = server && shared(server)
    if (preview === undefined) return KINDS.every((kind) => inventory[FIELDS[kind]].length === 0)
    if (inventory.resources.length > 0) return false
    const kinds = ['tools', 'prompts', 'templates'] as const
    if (kinds.some((field) => inventory[field] !== preview[field])) return false
    return JSON.stringify(heldOf(inventory)) === JSON.stringify(heldOf(preview))
  })
}

/** Of what a preview shows. */
function heldOf({ held }: Inventory) {
  return held.filter(({ kind }) => kind !== 'resource')
}

interface Layer {
  /** An entry of the base and what the caller has in its place. */
  replaced: ReadonlyMap<Entry, Entry>
  /** What only the accounts have, by public name. */
  added: ReadonlyMap<string, Entry>
  reports: readonly string[]
  /** In portal order; what is added stands behind what its server has. Made for each list: it is long, and one caller's. */
  ordered(): readonly Entry[]
}

interface Making {
  base: BaseCatalog
  own: OwnLists
  render: Renderer
  point: NamedUris['point']
}

function layerOf(kind: CapabilityKind, making: Making): Layer {
  const { base, own } = making
  const entries = base.entries(kind)
  const replaced = new Map<Entry, Entry>()
  const added = new Map<string, Entry>()
  const reports: string[] = []
  const makers = new Map(
    [...own].map(([index, inventory]) => [index, new Maker(kind, { ...making, index, inventory })]),
  )
  for (const entry of entries) {
    const mine = makers.get(entry.serverIndex)?.inPlaceOf(entry)
    if (mine !== undefined && mine !== entry) replaced.set(entry, mine)
  }
  for (const maker of makers.values()) {
    for (const definition of maker.rest()) {
      const entry = maker.added(definition, added)
      if (entry === null) reports.push(maker.lost(definition))
      else added.set(entry.publicName, entry)
    }
  }
  return { replaced, added, reports, ordered: () => inOrder(entries, replaced, [...added.values()]) }
}

function inOrder(
  entries: readonly Entry[],
  replaced: ReadonlyMap<Entry, Entry>,
  added: readonly Entry[],
): readonly Entry[] {
  const all = [...entries.map((entry) => replaced.get(entry) ?? entry), ...added]
  // Stable: within a server the order stays.
  return added.length === 0 ? all : all.sort((a, b) => a.serverIndex - b.serverIndex)
}

/** What one account has of one kind, as entries. */
class Maker {
  readonly #kind: CapabilityKind
  readonly #from: Making & { index: number; inventory: Inventory }
  readonly #server: ServerSpec
  readonly #definitions: Map<string, Definition>
  readonly #held: ReadonlySet<string>

  constructor(kind: CapabilityKind, from: Making & { index: number; inventory: Inventory }) {
    this.#kind = kind
    this.#from = from
    this.#server = from.base.spec.servers[from.index] as ServerSpec
    this.#definitions = new Map(from.inventory[FIELDS[kind]].map((one) => [one.name, one]))
    const held = from.inventory.held.filter((one) => one.kind === kind)
    this.#held = new Set(held.map(({ name }) => name))
  }

  inPlaceOf(entry: Entry): Entry {
    const definition = this.#definitions.get(entry.original)
    this.#definitions.delete(entry.original)
    if (definition === undefined) return entry.hidden ? entry : { ...entry, hidden: true, listed: '' }
    const held = this.#held.has(entry.original)
    if (!entry.hidden && isSame(entry.definition, definition) && entry.held === held) return entry
    const { listedWithTasks: _theirs, ...rest } = entry
    const show = { held, hidden: false, ...this.#show(definition, entry.publicName) }
    return { ...rest, hash: definition.hash, ...show, ...this.#ruled(definition) }
  }

  /** What the base does not have. */
  rest(): Definition[] {
    return [...this.#definitions.values()]
  }

  /** @returns null where its name is somebody's */
  added(definition: Definition, taken: ReadonlyMap<string, Entry>): Entry | null {
    const publicName = this.#nameOf(definition, taken)
    const { base, index } = this.#from
    if (publicName === null || base.find(this.#kind, publicName) !== undefined || taken.has(publicName)) return null
    return {
      kind: this.#kind,
      server: this.#server,
      serverIndex: index,
      publicName,
      original: definition.name,
      hash: definition.hash,
      enabled: this.#curation(definition).enabled,
      held: this.#held.has(definition.name),
      hidden: false,
      ...this.#show(definition, publicName),
      ...this.#ruled(definition),
    }
  }

  #ruled(definition: Definition) {
    const { base, index } = this.#from
    return ruled(base.spec, { kind: this.#kind, server: index, definition })
  }

  lost({ name }: Definition): string {
    return `${this.#server.id}: the ${this.#kind} "${name}" of a person's own account was dropped, its name is not free`
  }

  #nameOf({ name }: Definition, taken: ReadonlyMap<string, Entry>): string | null {
    if (this.#kind === 'resource' || this.#kind === 'template') return this.#uriOf(name, taken)
    const { alias } = this.#curation({ name })
    const { base } = this.#from
    if (base.mount === null) {
      const ids = new Set<string>(base.spec.servers.map(({ id }) => id))
      return usualName(ids, this.#server.id, { original: name, alias })
    }
    const isFree = alias !== null && !this.#definitions.has(alias) && base.find(this.#kind, alias) === undefined
    return isFree ? alias : name
  }

  /** As `uris.ts` names what all share. @returns null where nothing is free */
  #uriOf(uri: string, taken: ReadonlyMap<string, Entry>): string | null {
    const { base } = this.#from
    const { id, resources } = this.#server
    if (base.mount !== null) return uri
    const ids = base.spec.servers.map((one) => one.id)
    const isFree = (one: string) => base.find(this.#kind, one) === undefined && !taken.has(one)
    const keepsOwn = !isWrapped(resources.uris, uri) && !trespasses(uri, id, ids) && isFree(uri)
    return keepsOwn ? uri : (formsOf(id, uri).find(isFree) ?? null)
  }

  #curation({ name }: Pick<Definition, 'name'>): Curation {
    if (this.#kind === 'resource' || this.#kind === 'template') return AS_IT_IS
    return curationIn(this.#server, FIELDS[this.#kind], name)
  }

  #show(definition: Definition, publicName: string): Pick<Entry, 'listed' | 'tasks' | 'listedWithTasks'> {
    const { render, inventory } = this.#from
    const { description } = this.#curation(definition)
    const tasks = this.#kind === 'tool' ? taskSupportOf(definition, inventory) : null
    const point = (uri: string) => this.#from.point(this.#from.index, uri)
    const isHeld = this.#held.has(definition.name)
    return shown(render, { kind: this.#kind, definition, publicName }, isHeld, { description, tasks, point })
  }
}

/**
 * Overlays by what they are made of: accounts that list the same share one. Bounded; whoever uses one keeps it for as long as it is right.
 */
export class Overlays {
  readonly #made = new Map<string, Catalog>()
  readonly #numbers = new WeakMap<object, number>()
  #count = 0

  get(base: BaseCatalog, own: OwnLists, from: Parameters<typeof overlay>[2]): Catalog {
    const key = [
      `${this.#numberOf(base)}`,
      ...[...own].map(([index, inventory]) => this.#keyOf(index, inventory)),
    ].join(' ')
    const known = this.#made.get(key)
    if (known !== undefined) return known
    const made = overlay(base, own, from)
    if (this.#made.size >= MOST_OVERLAYS) this.#made.delete(this.#made.keys().next().value ?? '')
    this.#made.set(key, made)
    return made
  }

  /** The catalogs that they lie on are others now. */
  clear(): void {
    this.#made.clear()
  }

  /** Lists are the same objects where they are the same. */
  #keyOf(index: number, inventory: Inventory): string {
    const lists = KINDS.map((kind) => this.#numberOf(inventory[FIELDS[kind]]))
    return `${index}:${lists.join('.')}:${inventory.held.length === 0 ? '' : JSON.stringify(inventory.held)}`
  }

  #numberOf(thing: object): number {
    const known = this.#numbers.get(thing)
    if (known !== undefined) return known
    this.#numbers.set(thing, ++this.#count)
    return this.#count
  }
}
