/** What the authorization server is given, and what `clients/` does for it. */
import type { Audit } from '../../audit/event.ts'
import type { Clock } from '../../base/clock.ts'
import type { PortalUid } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import type { KeyRing, Sealer } from '../../base/secret.ts'
import type { Store } from '../../store/open.ts'
import type { OrganizationKeeper } from '../organization.ts'
import type { Adapter, Client } from './library.ts'
import type { ClientShown, ResourcePortal } from './model.ts'

export interface OauthRooms {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  keys: KeyRing
  audit: Audit
  clock: Clock
  log: Log
  organization: OrganizationKeeper
  /** The base URL without a slash at its end; every absolute URL is made of it and of nothing that a request says. */
  issuer: string
  clients: ClientRooms
  /** The portal that an identifier means, or null where it is none of ours. */
  describePortal(resource: string): ResourcePortal | null
  /** The identifier of the portal that is meant when a client names none. @param host the guarded Host header */
  defaultResource(host: string): string
  /** The policies' word, asked at each authorization and each refresh. */
  mayEnter(principal: UserPrincipal, portal: PortalUid): boolean
  /** Asks the person's provider again, where it can be asked. */
  recheck(identityId: string): Promise<'still' | 'gone' | 'unknown'>
  /** A page of ours for what cannot be sent back to the client. */
  showProblem(error: string, description: string | undefined): Promise<Response>
}

export interface ClientRooms {
  /** Clients that registered, or that an admin wrote down; a secret stands in their metadata as its SHA-256. */
  adapter: Adapter
  /** @returns the registration as the library can take it, or what to answer */
  register(body: unknown, clientIp: string): Promise<Registration>
  /** Whether the document of a client may be fetched now. */
  mayFetch(clientId: string, clientIp: string): Promise<boolean>
  /** For documents and key sets of clients. */
  fetch(url: string | URL, options?: RequestInit): Promise<Response>
  show(client: Client): Promise<ClientShown>
  /** The redirect URI as consents know it: without its port where it is loopback. */
  redirectKey(uri: string): string
  /** For people to read: the host, or the scheme of a private-use URI. */
  redirectHost(uri: string): string
  isLoopback(uri: string): boolean
  /** Whether the portal takes a redirect that the client has registered. */
  mayRedirect(portal: PortalUid, uri: string): boolean
}

export type Registration =
  | { kind: 'metadata'; metadata: Record<string, unknown> }
  | { kind: 'refused'; status: number; error: string; description: string; retryAfter?: number }
