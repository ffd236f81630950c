/** Which servers may be used on behalf of each user. The portal's own account at a server is nobody's own. */
import { listPortals } from '../portal/portal-store.ts'
import type { Db } from '../store/open.ts'
import { listServers, type StoredServer } from '../upstream/server-store.ts'
import { invalid } from './refusal.ts'

export const MACHINE_IS_SHARED =
  'must be false: this server has auth_mode "client_credentials", so everyone uses the portal\'s own account there'

/** Where the mapping does not say. */
export function isOnBehalfUsually({ authType, authMode }: StoredServer): boolean {
  return authType === 'oauth' && authMode !== 'client_credentials'
}

/**
 * Looked at after a change, in its transaction.
 *
 * @param id of one server; left out: all of them
 * @throws ApiRefusal 400 naming the portals that map such a server on behalf of users
 */
export async function refuseMachineOnBehalf(db: Db, id?: string): Promise<void> {
  const machines = (await listServers(db)).filter(
    (server) => server.authMode === 'client_credentials' && (id === undefined || server.id === id),
  )
  if (machines.length === 0) return
  const portals = await listPortals(db)
  for (const { uid, id: server } of machines) {
    const mapped = portals.filter(({ mappings }) =>
      mappings.some(({ serverUid, onBehalf }) => serverUid === uid && onBehalf),
    )
    if (mapped.length === 0) continue
    const names = mapped.map((portal) => `"${portal.id}"`).join(', ')
    throw invalid(
      'auth_credentials',
      `auth_mode "client_credentials" is one account for everyone, and "${server}" is used on behalf of each user in the portal ${names}. Set on_behalf to false there first.`,
    )
  }
}
