/**
 * The portals as they are configured now, in memory, and their catalogs. Read anew when the store says that something
 * changed; `epoch` grows each time, so that whatever was computed from it can tell that it is old. What concerns one person alone
 * (their own connections and lists) has an epoch of its own, and touches nobody else's catalog.
 */
import type { PortalId, PortalUid } from '../base/ids.ts'
import type { Store } from '../store/open.ts'
import type { Inventory, InventoryChange } from '../upstream/model.ts'
import { type BaseCatalog, buildCatalog, type Catalog } from './catalog.ts'
import { type CatalogMemory, newCatalogMemory } from './catalog-parts.ts'
import { Overlays, type OwnLists } from './overlay.ts'
import { type LoadedSpecs, loadPortalSpecs } from './portal-specs.ts'
import { makeRenderer } from './render.ts'
import type { Place, PortalSpec, ServerSpec } from './spec.ts'

export interface Directory {
  readonly epoch: number
  /** Grows when what this person's own accounts see may be another than it was. @param owner `user:<id>` */
  ownEpoch(owner: string): number
  byId(id: PortalId): PortalSpec | undefined
  /** The portal whose hostname it is, else undefined. @param hostname lower case, without port */
  byHostname(hostname: string): PortalSpec | undefined
  all(): readonly PortalSpec[]
  /** For everybody, or as a caller sees it whose own accounts list something. */
  catalog(place: Place, own?: OwnLists): Catalog
  /** The same portal as it is now, or undefined if it is gone. */
  current(uid: PortalUid): PortalSpec | undefined
  /** After configuration, policies or inventories changed. @param listener told whom it concerns, or null for everybody */
  onChange(listener: (owner: string | null) => void): void
}

export interface DirectorySource {
  store: Store
  /** What the portal's shared credential saw at a server. */
  inventory(server: ServerSpec): Inventory | undefined
  onInventoryChanged(listener: (change: InventoryChange) => void): void
}

/** The inventory of shared credentials. */
const SHARED = 'admin'
/** People whose changes are told apart; beyond, all count as changed. */
const MOST_OWN = 50_000

export async function openDirectory(source: DirectorySource): Promise<Directory> {
  const { store } = source
  const render = makeRenderer()
  const catalogs = new Map<string, BaseCatalog>()
  const memories = new Map<PortalUid, CatalogMemory>()
  const listeners: ((owner: string | null) => void)[] = []
  const own = new OwnEpochs()
  const overlays = new Overlays()
  let loaded: LoadedSpecs | undefined
  let specs: readonly PortalSpec[] = []
  let ids = new Map<PortalId, PortalSpec>()
  let hostnames = new Map<string, PortalSpec>()
  let epoch = 1

  function changed(): void {
    epoch++
    catalogs.clear()
    overlays.clear()
    for (const listener of listeners) listener(null)
  }

  /** One after the other: of two at once the older could come last, and stay. */
  let reading: Promise<void> = Promise.resolve()
  function read(): Promise<void> {
    reading = reading.then(readOnce, readOnce)
    return reading
  }

  async function readOnce(): Promise<void> {
    loaded = await loadPortalSpecs(store, loaded)
    specs = loaded.specs
    ids = new Map(specs.map((spec) => [spec.id, spec]))
    hostnames = new Map(specs.map((spec) => [spec.hostname, spec]))
    for (const uid of memories.keys()) if (!specs.some((spec) => spec.uid === uid)) memories.delete(uid)
  }

  for (const topic of ['portals', 'servers', 'policies'] as const) {
    store.versions.changed(topic, async () => {
      await read()
      changed()
    })
  }
  source.onInventoryChanged(({ credential, kinds }) => {
    if (credential === SHARED) return changed()
    own.raise(credential)
    // Without a kind, no list is known to be another one: streams have nothing to look at.
    if (kinds.length > 0) for (const listener of listeners) listener(credential)
  })
  // Listened first and read then: what changes in between is read again.
  await read()

  function memoryOf({ uid }: PortalSpec): CatalogMemory {
    const memory = memories.get(uid) ?? newCatalogMemory()
    memories.set(uid, memory)
    return memory
  }

  function baseOf({ spec, mount }: Place): BaseCatalog {
    const key = `${spec.uid} ${mount ?? ''}`
    let catalog = catalogs.get(key)
    if (!catalog) {
      catalog = buildCatalog({ spec, mount, inventory: source.inventory, render, memory: memoryOf(spec) })
      catalogs.set(key, catalog)
    }
    return catalog
  }

  return {
    get epoch() {
      return epoch
    },
    ownEpoch: (owner) => own.of(owner),
    byId: (id) => ids.get(id),
    byHostname: (hostname) => hostnames.get(hostname),
    all: () => specs,
    current: (uid) => specs.find((spec) => spec.uid === uid),
    onChange: (listener) => void listeners.push(listener),
    catalog(place, lists) {
      const base = baseOf(place)
      return lists === undefined ? base : overlays.get(base, lists, { render, shared: source.inventory })
    },
  }
}

class OwnEpochs {
  readonly #raised = new Map<string, number>()
  #count = 1
  /** Of whoever is not in the map. */
  #floor = 1

  of(owner: string): number {
    return this.#raised.get(owner) ?? this.#floor
  }

  raise(owner: string): void {
    if (this.#raised.size >= MOST_OWN) {
      this.#raised.clear()
      this.#floor = ++this.#count
    }
    this.#raised.set(owner, ++this.#count)
  }
}
