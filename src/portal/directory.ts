/**
 * The portals as they are configured now, in memory, and their catalogs. Read anew when the store says that something
 * changed; `epoch` grows each time, so that whatever was computed from it can tell that it is old.
 */
import type { PortalId, PortalUid } from '../base/ids.ts'
import type { Store } from '../store/open.ts'
import type { Inventory, InventoryChange } from '../upstream/model.ts'
import { buildCatalog, type Catalog } from './catalog.ts'
import { loadPortalSpecs } from './portal-specs.ts'
import { makeRenderer } from './render.ts'
import type { Place, PortalSpec, ServerSpec } from './spec.ts'

export interface Directory {
  readonly epoch: number
  byId(id: PortalId): PortalSpec | undefined
  /** The portal whose hostname it is, else undefined. @param hostname lower case, without port */
  byHostname(hostname: string): PortalSpec | undefined
  all(): readonly PortalSpec[]
  catalog(place: Place): Catalog
  /** The same portal as it is now, or undefined if it is gone. */
  current(uid: PortalUid): PortalSpec | undefined
  /** After configuration, policies or inventories changed. */
  onChange(listener: () => void): void
}

export interface DirectorySource {
  store: Store
  /** What the portal's shared credential saw at a server. */
  inventory(server: ServerSpec): Inventory | undefined
  onInventoryChanged(listener: (change: InventoryChange) => void): void
}

export async function openDirectory(source: DirectorySource): Promise<Directory> {
  const { store } = source
  const render = makeRenderer()
  const catalogs = new Map<string, Catalog>()
  const listeners: (() => void)[] = []
  let specs: readonly PortalSpec[] = []
  let ids = new Map<PortalId, PortalSpec>()
  let hostnames = new Map<string, PortalSpec>()
  let epoch = 1

  function changed(): void {
    epoch++
    catalogs.clear()
    for (const listener of listeners) listener()
  }

  async function read(): Promise<void> {
    specs = await loadPortalSpecs(store)
    ids = new Map(specs.map((spec) => [spec.id, spec]))
    hostnames = new Map(specs.map((spec) => [spec.hostname, spec]))
  }

  for (const topic of ['portals', 'servers', 'policies'] as const) {
    store.versions.changed(topic, async () => {
      await read()
      changed()
    })
  }
  source.onInventoryChanged(changed)
  // Listened first and read then: what changes in between is read again.
  await read()

  return {
    get epoch() {
      return epoch
    },
    byId: (id) => ids.get(id),
    byHostname: (hostname) => hostnames.get(hostname),
    all: () => specs,
    current: (uid) => specs.find((spec) => spec.uid === uid),
    onChange: (listener) => void listeners.push(listener),
    catalog({ spec, mount }) {
      const key = `${spec.uid} ${mount ?? ''}`
      let catalog = catalogs.get(key)
      if (!catalog) {
        catalog = buildCatalog({ spec, mount, inventory: source.inventory, render })
        catalogs.set(key, catalog)
      }
      return catalog
    },
  }
}
