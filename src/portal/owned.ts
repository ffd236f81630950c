/** The resources and templates of one portal, under the URIs that `uris.ts` gives them, and what is to be said of URIs elsewhere. */
import type { CapabilityKind, Definition, Inventory } from '../upstream/model.ts'
import { ruled } from './capability.ts'
import type { CatalogSource, Entry, Table } from './catalog.ts'
import { openServerUris, pointed, type ServerUris, type Shelf } from './server-uris.ts'
import { nameUris, type UriNames } from './uris.ts'

const NO_PLAIN_NAMES = { names: new Map(), reports: [] }

/** One of the two kinds. @param held by server: what of it is held */
export function ownedTable(
  kind: 'resource' | 'template',
  source: CatalogSource,
  inventories: readonly (Inventory | undefined)[],
  held: readonly ReadonlySet<string>[],
): Table {
  const ordered: Entry[] = []
  const exact = new Map<string, Entry>()
  const lists = inventories.map((inventory) => inventory?.[`${kind}s`] ?? [])
  const { moved, reports } = nameOwned(kind, source, lists)
  source.spec.servers.forEach((server, serverIndex) => {
    for (const definition of lists[serverIndex] ?? []) {
      const { name, hash } = definition
      const elsewhere = moved[serverIndex]?.get(name)
      const publicName = elsewhere === undefined ? name : elsewhere
      // A server may list one twice.
      if (publicName === null || exact.has(publicName)) continue
      const isHeld = held[serverIndex]?.has(name) ?? false
      // What somebody else's account may read is no preview.
      const hidden = kind === 'resource' && server.onBehalf
      const listed = isHeld || hidden ? '' : source.render(kind, definition, publicName, null)
      const rules = ruled(source.spec, { kind, server: serverIndex, definition })
      const is = { publicName, original: name, hash, enabled: true, held: isHeld, hidden, listed, tasks: null }
      const entry = { kind, server, serverIndex, ...is, ...rules }
      ordered.push(entry)
      exact.set(publicName, entry)
    }
  })
  return { ordered, exact, reports, bare: () => NO_PLAIN_NAMES }
}

/** On a single-server mount each keeps its own. */
function nameOwned(
  kind: 'resource' | 'template',
  { spec, mount }: CatalogSource,
  lists: readonly (readonly Definition[])[],
): UriNames {
  if (mount !== null) return { moved: [], reports: [] }
  const servers = spec.servers.map(({ id, resources }, index) => ({
    id,
    mode: resources.uris,
    uris: (lists[index] ?? []).map(({ name }) => name),
  }))
  return nameUris(kind, servers)
}

/** What is said of URIs, before there is a whole catalog to ask. On a single-server mount they are the server's own. */
export function urisOf(
  { spec, mount }: CatalogSource,
  owned: Readonly<Record<'resource' | 'template', Table>>,
): NamedUris {
  const table = (kind: CapabilityKind) => (kind === 'resource' || kind === 'template' ? owned[kind] : undefined)
  const shelf: Shelf = {
    spec,
    find: (kind, name) => table(kind)?.exact.get(name),
    entries: (kind) => table(kind)?.ordered ?? [],
  }
  if (mount !== null) return { uris: () => null, point: (_, uri) => uri }
  const uris = openServerUris(shelf)
  return { uris, point: (server, uri) => pointed(uri, { server, shelf, uris: uris(server) }) }
}

/** How URIs of servers are shown, by index, and where those lead that tools name. */
export interface NamedUris {
  uris(server: number): ServerUris | null
  point(server: number, uri: string): string
}
