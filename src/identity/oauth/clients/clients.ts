/** What the authorization server asks about clients, whichever way they came: where they are found, who they are to a person, and where they may be sent. */

import type { PortalUid } from '../../../base/ids.ts'
import { type Adapter, type Client, currentContext } from '../library.ts'
import type { ClientShown } from '../model.ts'
import type { NodeRequest, NodeResponse } from '../node.ts'
import type { OauthRooms } from '../rooms.ts'
import { clientAdapter, noteClientUse, readClient } from './client-store.ts'
import { openKeyFetches } from './key-fetches.ts'
import { openMetadataDocuments } from './metadata-document.ts'
import { type ClientKind, mayRedirect } from './policy.ts'
import { judgeRedirectUri } from './redirect-uri.ts'
import { handleRegistration } from './registration-desk.ts'
import { showClient } from './show-client.ts'

export interface Clients {
  adapter: Adapter
  /** The registration endpoint and what lies below it. */
  register(request: NodeRequest, response: NodeResponse, clientIp: string): Promise<void>
  /** Whether the document of a client may be fetched now. */
  mayFetch(clientId: string, clientIp: string): boolean
  fetch: OauthRooms['fetch']
  show(client: Client): Promise<ClientShown>
  /** Whether a portal takes a redirect that the library found among the client's own. */
  mayRedirect(portal: PortalUid, kind: ClientKind, uri: string): boolean
  /** That somebody let the client in: only that keeps a registration alive. */
  noteUse(clientId: string): Promise<void>
}

/** How a redirect URI is remembered and shown. One that cannot be judged is shown as it is, and remembered by nothing else. */
export function redirectFacts(uri: string): { key: string; host: string; isLoopback: boolean } {
  const verdict = judgeRedirectUri(uri, [uri])
  if (!verdict.ok) return { key: uri, host: uri, isLoopback: false }
  return { key: verdict.key, host: verdict.host, isLoopback: verdict.kind === 'loopback' }
}

/** @param validate the library's own schema; throws where it would not take these clients */
export function openClients(
  rooms: OauthRooms,
  validate: (metadata: Record<string, unknown>) => Promise<void>,
): Clients {
  const { store, audit, clock, log, issuer, clientPolicy: policy } = rooms
  const fetchKeys = openKeyFetches({ clock, fetch: rooms.fetch, clientIp: () => currentContext()?.ip ?? '' })
  const documents = openMetadataDocuments({ clock, policy, fetch: rooms.fetch, fetchKeys })
  const desk = { store, audit, clock, policy, url: `${issuer}/oauth/register`, validate }
  const kindOf = async ({ clientId, clientIdMetadataDocument: isDocument }: Client): Promise<ClientKind> => {
    if (isDocument === true) return 'metadata-url'
    return (await readClient(store, store.db, clientId))?.kind ?? 'registered'
  }
  return {
    adapter: clientAdapter(store),
    register: (request, response, clientIp) => handleRegistration(request, response, clientIp, desk),
    mayFetch: (clientId, clientIp) => documents.mayFetch(clientId, clientIp),
    async fetch(input, init) {
      try {
        return await documents.fetch(input, init)
      } catch (error) {
        // The person sees a page, and only here does anybody learn why.
        log.info(
          { err: error, client: String(input instanceof Request ? input.url : input) },
          'the document of a client could not be used',
        )
        throw error
      }
    },
    show: async (client) => showClient(client, await kindOf(client)),
    mayRedirect: (portal, kind, uri) =>
      mayRedirect(policy(), uri, kind) && mayRedirect(rooms.portalClientPolicy(portal), uri, kind),
    noteUse: (clientId) => noteClientUse(store, clientId),
  }
}
