/**
 * How the URIs of one server are shown in one portal, wherever they come up: in what it answers, in what it tells of, in the tools that
 * name them. Nearly no server has any that is not shown as it is, and nearly no answer is looked into for that.
 */
import { belongsTo } from '../protocol/uri-template.ts'
import type { Catalog, Entry } from './catalog.ts'
import { isFetched, isWrapped, outward, trespasses, withId } from './uris.ts'

export interface ServerUris {
  /** Under which URI the portal shows what the server calls so. */
  outward(uri: string): string
}

/** The catalog, as far as it says whose a URI is. */
export type Shelf = Pick<Catalog, 'spec' | 'find' | 'entries'>

/** What is read under a URI: what is listed so, else what is covered by the one template that fits. */
export function holderOf(shelf: Pick<Shelf, 'find' | 'entries'>, uri: string): Entry | undefined {
  return shelf.find('resource', uri) ?? templateFor(shelf, uri)
}

/**
 * Two servers whose templates both fit make the URI nobody's: order must not decide who receives what may be a secret. Of
 * one server's own templates, one that is held or hidden takes nothing from the others.
 */
function templateFor(shelf: Pick<Shelf, 'entries'>, uri: string): Entry | undefined {
  let found: Entry | undefined
  for (const entry of shelf.entries('template')) {
    if (!belongsTo(uri, entry.publicName)) continue
    if (found && found.server.uid !== entry.server.uid) return undefined
    if (found === undefined || found.held || found.hidden) found = entry
  }
  return found
}

/** @returns by the server's index; null where all is shown as the server calls it. Worked out when somebody first asks. */
export function openServerUris(shelf: Shelf): (server: number) => ServerUris | null {
  let moved: ReadonlyMap<number, Moved> | null = null
  const made = new Map<number, ServerUris>()
  return (server) => {
    moved ??= movedIn(shelf)
    const mine = moved.get(server)
    if (mine === undefined) return null
    const known = made.get(server) ?? { outward: (uri: string) => shownAs(uri, { shelf, server, moved: mine }) }
    made.set(server, known)
    return known
  }
}

/** What of one server is not shown under its own URI. */
interface Moved {
  resources: Map<string, Entry>
  templates: Entry[]
}

function movedIn({ spec, entries }: Shelf): ReadonlyMap<number, Moved> {
  const moved = new Map<number, Moved>()
  const at = (server: number): Moved => {
    const known = moved.get(server) ?? { resources: new Map(), templates: [] }
    moved.set(server, known)
    return known
  }
  spec.servers.forEach(({ resources }, server) => {
    if (resources.uris === 'wrapped') at(server)
  })
  for (const kind of ['resource', 'template'] as const) {
    for (const entry of entries(kind)) {
      if (entry.publicName === entry.original) continue
      if (kind === 'resource') at(entry.serverIndex).resources.set(entry.original, entry)
      else at(entry.serverIndex).templates.push(entry)
    }
  }
  return moved
}

interface Showing {
  shelf: Shelf
  server: number
  moved: Moved
}

/**
 * 1. As it is listed. 2. As it is, where that leads to the same server, or a client may fetch it by itself. 3. Below a template of it.
 * 4. With the server's id, where all have it.
 */
function shownAs(uri: string, { shelf, server, moved }: Showing): string {
  const listed = moved.resources.get(uri)
  if (listed !== undefined) return listed.publicName
  if (isFetched(uri) || holderOf(shelf, uri)?.serverIndex === server) return uri
  for (const template of moved.templates) {
    const covered = outward(template, uri)
    if (covered !== null) return covered
  }
  const spec = shelf.spec.servers[server]
  return spec !== undefined && isWrapped(spec.resources.uris, uri) ? withId(spec.id, uri) : uri
}

/**
 * Where a tool's own word of a resource leads: to what its server has under that URI, and never to what another server has under it,
 * which would be shown as if it were this one's. Then it leads nowhere.
 */
export function pointed(
  uri: string,
  { server, shelf, uris }: { server: number; shelf: Shelf; uris: ServerUris | null },
): string {
  const shown = uris?.outward(uri) ?? uri
  if (shown !== uri) return shown
  const { servers } = shelf.spec
  const spec = servers[server]
  if (spec === undefined) return uri
  const holder = holderOf(shelf, uri)
  const isOthers = holder !== undefined && holder.serverIndex !== server
  const ids = servers.map(({ id }) => id)
  return isOthers || trespasses(uri, spec.id, ids) ? withId(spec.id, uri) : uri
}
