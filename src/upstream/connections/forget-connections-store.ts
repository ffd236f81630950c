/**
 * All that the portal has made for a server at its authorization server, gone at once: what was given for one destination is of no other.
 * Nothing is revoked at the server's side, since where that would be has just changed.
 */
import type { ServerUid } from '../../base/ids.ts'
import type { Sealer } from '../../base/secret.ts'
import type { Store, Trx } from '../../store/open.ts'
import { approveScope } from '../server-store.ts'
import { dropConnectLinks } from './connect-link-store.ts'
import { deleteConnections } from './connection-store.ts'

/**
 * The shared credential, everyone's own, the portal as a registered client, ways that people are on, links, and scopes that were agreed to.
 *
 * @returns how many connections there were
 */
export async function forgetConnections(store: Store, trx: Trx, sealer: Sealer, server: ServerUid): Promise<number> {
  // Whoever makes one does this first as well: it is made before, and found here, or after, and finds the server changed.
  await store.versions.bump(trx, 'connections')
  const ended = await deleteConnections(store, trx, sealer, { server })
  await trx.deleteFrom('upstream_clients').where('server_uid', '=', server).execute()
  // Who is on the way comes back to nothing: a code of the old authorization server makes no connection any more.
  await trx.deleteFrom('connect_attempts').where('server_uid', '=', server).execute()
  await dropConnectLinks(trx, server)
  await approveScope(store, trx, server, null)
  return ended.length
}
