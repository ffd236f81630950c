/**
 * Under which URI a portal shows a resource or a template. Most keep their own. What cannot be shown under its own is shown with its
 * server's id in it:
 *
 * - `ui://{server_id}/…`, because hosts look for interfaces there; `skill://{server_id}/…`, because clients resolve what a skill refers to
 *   against its own URI, which one without a hierarchy does not allow
 * - `portico:{server_id}:{the server's own}` else: a URI wherever that was one, and to whoever tidies URIs there is nothing in it to tidy
 *
 * Settled once a portal over all its servers, never per caller. Rules, in order:
 * 1. The URIs of a server that is wrapped are shown so, but for `https:`, which clients may fetch by themselves.
 * 2. What begins like the portal's own forms, with the id of a server that may not speak so, is shown under its own server's. So is a
 *    template that could cover such a one: what is read under a server's id goes to that server, whatever others list.
 * 3. Any other belongs to its first bearer in portal order, even while that one is hidden. Later bearers show theirs with their ids.
 * 4. Where even that is somebody's, a hash goes in between; who still collides is dropped. Each is reported.
 *
 * None of these is ever taken apart: each is a key of the catalog, and the entry says what the server calls it.
 */
import { createHash } from 'node:crypto'
import { belongsTo } from '../protocol/uri-template.ts'
import type { ResourceSettings } from '../upstream/model.ts'

/** Schemes that are kept, for what hosts do by them. */
const KEPT = ['ui://', 'skill://'] as const
const OWN_SCHEME = 'portico:'
const HASH_DIGITS = 12

export type UriMode = ResourceSettings['uris']

/** A server of the portal and what it lists of one kind. */
export interface UriServer {
  id: string
  mode: UriMode
  /** In the server's order. */
  uris: readonly string[]
}

export interface UriNames {
  /** By server: what is not shown under its own URI, and under which it is; null where there is none. */
  moved: readonly ReadonlyMap<string, string | null>[]
  /** In words for the admin. */
  reports: readonly string[]
}

/** Something that is shown, as far as its URI matters. */
export interface Shown {
  kind: string
  publicName: string
  original: string
}

/** The usual form of a URI, or of a template, with its server's id in it. */
export function withId(id: string, uri: string): string {
  const kept = keptIn(uri)
  return kept === '' ? `${OWN_SCHEME}${id}:${uri}` : `${kept}${id}/${uri.slice(kept.length)}`
}

export function nameUris(kind: 'resource' | 'template', servers: readonly UriServer[]): UriNames {
  const ids = servers.map(({ id }) => id)
  const owners = new Map<string, number>()
  const moved = servers.map(() => new Map<string, string | null>())
  const reports: string[] = []
  const movers: { server: number; uri: string; why: string | null }[] = []
  servers.forEach((of, server) => {
    for (const uri of of.uris) {
      const why = whyNot(uri, { of, ids, owner: owners.get(uri), server })
      if (why === undefined) owners.set(uri, server)
      else movers.push({ server, uri, why })
    }
  })
  for (const { server, uri, why } of movers) {
    if (moved[server]?.has(uri)) continue
    const id = ids[server] as string
    const free = formsOf(id, uri).find((form) => !owners.has(form))
    if (free !== undefined) owners.set(free, server)
    moved[server]?.set(uri, free ?? null)
    if (free === undefined) reports.push(`${id}: the ${kind} "${uri}" was dropped, no name of its own is free`)
    else if (why !== null) reports.push(`${id}: the ${kind} "${uri}" is shown as "${free}", because ${why}`)
  }
  return { moved, reports }
}

function keptIn(uri: string): string {
  return KEPT.find((scheme) => uri.startsWith(scheme)) ?? ''
}

/** In which forms a URI that is not shown as it is may be shown. */
export function formsOf(id: string, uri: string): readonly string[] {
  const hash = createHash('sha256').update(`${id}\0${uri}`).digest('hex').slice(0, HASH_DIGITS)
  const kept = keptIn(uri)
  const hashed = kept === '' ? `${hash}:${uri}` : `${kept}${hash}/${uri.slice(kept.length)}`
  return [withId(id, uri), withId(id, hashed)]
}

interface Bearing {
  of: Pick<UriServer, 'id' | 'mode'>
  /** Of all servers of the portal. */
  ids: readonly string[]
  /** Whose it is already. */
  owner: number | undefined
  server: number
}

/** @returns why it is not shown as it is, null where the admin wants it so; undefined where it is */
function whyNot(uri: string, { of, ids, owner, server }: Bearing): string | null | undefined {
  if (isWrapped(of.mode, uri)) return null
  if (trespasses(uri, of.id, ids)) return 'it begins like a name of another server'
  return owner === undefined || owner === server ? undefined : 'that belongs to an earlier server'
}

export function isWrapped(mode: UriMode, uri: string): boolean {
  return mode === 'wrapped' && !isFetched(uri)
}

/** What a client may fetch from the web by itself, and could not under a name of the portal's (MCP, resources: common URI schemes). */
export function isFetched(uri: string): boolean {
  return /^https:/i.test(uri)
}

/** Whether a URI, or one that the template covers, could be taken for what the portal shows under a server's id (rule 2). */
export function trespasses(uri: string, own: string, ids: readonly string[]): boolean {
  const kept = KEPT.find((scheme) => uri.startsWith(scheme.slice(0, -2)))
  if (!uri.startsWith(OWN_SCHEME) && kept === undefined) return false
  const open = uri.indexOf('{')
  const start = open === -1 ? uri : uri.slice(0, open)
  return ids.some((id) => {
    if (reaches(start, `${OWN_SCHEME}${id}:`, open !== -1)) return true
    return id !== own && kept !== undefined && reaches(start, `${kept}${id}/`, open !== -1)
  })
}

function reaches(start: string, space: string, isOpen: boolean): boolean {
  return start.startsWith(space) || (isOpen && space.startsWith(start))
}

/** A URI that was asked for, as the server of the entry knows it. @param uri the entry's own, or one that it covers */
export function inward(entry: Shown, uri: string): string {
  if (entry.publicName === entry.original) return uri
  if (entry.kind === 'resource') return entry.original
  const { shown, own } = startsOf(entry)
  return own + uri.slice(shown.length)
}

/** The other way round. @returns null where the server's URI is none that the entry stands for */
export function outward(entry: Shown, uri: string): string | null {
  if (entry.kind === 'resource') return uri === entry.original ? entry.publicName : null
  const { shown, own } = startsOf(entry)
  if (!uri.startsWith(own)) return null
  const seen = shown + uri.slice(own.length)
  return belongsTo(seen, entry.publicName) ? seen : null
}

/** What a template begins with for callers and for its server; what follows is the same. */
function startsOf({ publicName, original }: Shown): { shown: string; own: string } {
  if (publicName === original) return { shown: '', own: '' }
  const own = keptIn(publicName)
  return { shown: publicName.slice(0, publicName.length - original.length + own.length), own }
}
