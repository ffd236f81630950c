/** Which servers stand behind a portal. A portal is written whole, so it is read first and sent back with the change. */
import type { z } from 'zod'
import type { Api } from './api.ts'
import { CliError } from './cli-error.ts'
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

/** @returns false when it was attached already */
export async function attachServer(api: Api, portal: Portal, serverId: string, isOffAtFirst = false): Promise<boolean> {
  if (portal.servers.some(({ server_id }) => server_id === serverId)) return false
  const servers = [...portal.servers, { server_id: serverId, ...(isOffAtFirst ? { default_disabled: true } : {}) }]
  await api.put(one(PATHS.portals, portal.id), SHAPES.portal, { servers })
  return true
}

/** @returns false when it was not attached */
export async function detachServer(api: Api, portal: Portal, serverId: string): Promise<boolean> {
  const servers = portal.servers.filter(({ server_id }) => server_id !== serverId)
  if (servers.length === portal.servers.length) return false
  await api.put(one(PATHS.portals, portal.id), SHAPES.portal, { servers })
  return true
}
