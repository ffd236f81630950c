/** What the authorization server is given. */
import type { Audit } from '../../audit/event.ts'
import type { Clock } from '../../base/clock.ts'
import type { PortalUid } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import type { SafeFetch } from '../../base/safe-fetch.ts'
import type { KeyRing, Sealer } from '../../base/secret.ts'
import type { Store } from '../../store/open.ts'
import type { OrganizationKeeper } from '../organization.ts'
import type { ClientPolicy } from './clients/policy.ts'
import type { ResourcePortal } from './model.ts'

export interface OauthRooms {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  keys: KeyRing
  audit: Audit
  clock: Clock
  log: Log
  organization: Pick<OrganizationKeeper, 'current'>
  /** The base URL without a slash at its end; every absolute URL is made of it and of nothing that a request says. */
  issuer: string
  /** Whether clients may be known by a metadata document. */
  clientDocuments: boolean
  /** For documents and keys of clients, opened with `DOCUMENT_LIMITS`. */
  fetch: SafeFetch
  /** The organisation's rules for clients. */
  clientPolicy(): ClientPolicy | null
  /** A portal's own. */
  portalClientPolicy(portal: PortalUid): ClientPolicy | null
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
