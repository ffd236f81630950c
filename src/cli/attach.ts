/** Which servers stand behind a portal. A portal is written whole, so it is read first and sent back with the change. */
import type { z } from 'zod'
import type { Api } from './api.ts'
import { CliError, usageError } from './cli-error.ts'
import { one, PATHS, SHAPES } from './paths.ts'

export type Portal = z.infer<typeof SHAPES.portal>

/** The portal that `/mcp` leads to when no host name says otherwise. */
export async function findPortal(api: Api, id: string | undefined): Promise<Portal> {
  if (id !== undefined) return api.get(one(PATHS.portals, id), SHAPES.portal)
  const portals = await api.list(PATHS.portals, SHAPES.portal)
  const found =
    portals.find(({ hostname }) => hostname === 'localhost') ?? (portals.length === 1 ? portals[0] : undefined)
  if (found !== undefined) return found
  throw new CliError('There is no default portal.', { hint: 'Name one with --portal ID; see "portico portals list".' })
}

export interface How {
  /** Only the tools that an override enables are shown. */
  isOffAtFirst?: boolean
  /** Whether calls carry each person's own account; left out: as it is, or as is usual for the server. */
  onBehalf?: boolean | undefined
}

/** @returns false when it was attached already, and is as it was told now */
export async function attachServer(api: Api, portal: Portal, serverId: string, how: How = {}): Promise<boolean> {
  const { isOffAtFirst = false, onBehalf } = how
  const isThere = portal.servers.some(({ server_id }) => server_id === serverId)
  if (isThere && onBehalf === undefined) return false
  const own = onBehalf === undefined ? {} : { on_behalf: onBehalf }
  const servers = isThere
    ? portal.servers.map((server) => (server.server_id === serverId ? { ...server, ...own } : server))
    : [...portal.servers, { server_id: serverId, ...(isOffAtFirst ? { default_disabled: true } : {}), ...own }]
  await api.put(one(PATHS.portals, portal.id), SHAPES.portal, { servers })
  return !isThere
}

/** What `--shared` and `--own` say; undefined where neither was given. @throws CliError where both were */
export function onBehalfOf({ shared, own }: { shared?: true; own?: true }): boolean | undefined {
  if (shared === true && own === true) throw usageError('Give --shared or --own, not both.')
  return shared === true ? false : own
}

/** @returns false when it was not attached */
export async function detachServer(api: Api, portal: Portal, serverId: string): Promise<boolean> {
  const servers = portal.servers.filter(({ server_id }) => server_id !== serverId)
  if (servers.length === portal.servers.length) return false
  await api.put(one(PATHS.portals, portal.id), SHAPES.portal, { servers })
  return true
}
