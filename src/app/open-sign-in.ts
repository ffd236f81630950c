/**
 * Wires what people sign in with: identity providers, local accounts, the authorization server for their clients, the pages. Part of `app.ts`, which
 * opens everything else; like that it decides nothing.
 *
 * Where the portal asks for any free port, the address under which people sign in is known only when it listens. What needs it is made
 * then, and who comes before waits.
 */
import type { Audit } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import type { Egress } from '../base/egress.ts'
import type { GrantId, PortalUid, UserId } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { UserPrincipal } from '../base/principal.ts'
import { openSafeFetch } from '../base/safe-fetch.ts'
import { openMac, type Sealer } from '../base/secret.ts'
import type { Config } from '../config.ts'
import { type AccessEndpoints, openAccessEndpoints } from '../identity/assertions/endpoints.ts'
import type { SigningKeys } from '../identity/assertions/keys.ts'
import { type BrowserSessions, forgetBrowserSessions } from '../identity/browser-session-store.ts'
import { forgetGrants } from '../identity/grant-store.ts'
import { makeFirstOwner } from '../identity/local/bootstrap.ts'
import { openLocal } from '../identity/local/local.ts'
import type { Local } from '../identity/local/model.ts'
import type { Passwords } from '../identity/local/password.ts'
import { forgetClients } from '../identity/oauth/clients/client-store.ts'
import { allowsDevices } from '../identity/oauth/clients/device.ts'
import { DOCUMENT_LIMITS } from '../identity/oauth/clients/metadata-document.ts'
import { openClientPolicy } from '../identity/oauth/clients/policy-keeper.ts'
import { answerWellKnown } from '../identity/oauth/metadata.ts'
import type { AuthorizationServer, ResourcePortal } from '../identity/oauth/model.ts'
import type { OauthRooms } from '../identity/oauth/rooms.ts'
import { forgetArtifacts } from '../identity/oauth/spent-store.ts'
import type { OrganizationKeeper } from '../identity/organization.ts'
import type { Providers } from '../identity/providers/providers.ts'
import type { PageCaller, SelectionWays, SetUpWays } from '../pages/deps.ts'
import type { Pages } from '../pages/index.ts'
import type { AccessKeeper } from '../portal/access.ts'
import type { Directory } from '../portal/directory.ts'
import { type Addresses, resourcesOf } from '../portal/resources.ts'
import type { PortalSpec } from '../portal/spec.ts'
import type { Store } from '../store/open.ts'
import type { Upstreams } from '../upstream/model.ts'
import { clientDocument } from '../upstream/oauth/client-document.ts'
import { lazyAuthorizationServer } from './lazy-authorization-server.ts'

export interface SignInNeeds {
  config: Config
  store: Store
  sealer: Sealer
  audit: Audit
  clock: Clock
  log: Log
  egress: Egress
  directory: Directory
  accesses: AccessKeeper
  browsers: BrowserSessions
  organization: OrganizationKeeper
  keys: SigningKeys
  passwords: Passwords
  providers: Providers
  /** Switching servers, for the page that does it. */
  selection: SelectionWays
  /** For the pages where people connect accounts at servers. */
  upstreams: Pick<Upstreams, 'desk' | 'ownInventory' | 'readOwn'>
  /** The base URL under which people sign in; asked for only while the portal listens. */
  issuer(): string
  hostname: Addresses['hostname']
  originOf: Addresses['originOf']
}

export interface SignIn {
  local: Local
  providers: Providers
  /** Makes what needs the address, and the REST API. */
  begin(setUp: SetUpWays): void
  /** Node handler of everything below `/oauth/`. */
  oauth: AuthorizationServer['handle']
  /** Pages, metadata, and what is below `/cdn-cgi/access/`. */
  rest(request: Request, caller: PageCaller & { what: string }): Promise<Response>
  /** Deletes what is over. */
  forget(): Promise<void>
  close(): Promise<void>
}

interface Begun {
  server: AuthorizationServer
  pages(): Promise<Pages>
  access: AccessEndpoints
}

export async function openSignIn(needs: SignInNeeds): Promise<SignIn> {
  const { config, log, egress, directory, issuer, store, providers } = needs
  const { smtp } = config
  const mailer = smtp && (await import('../identity/local/mailer.ts')).openMailer(smtp, egress, log)
  const mayReceive = (email: string) =>
    directory.all().some((spec) => mayEnter(needs.accesses, spec, somebodyAt(email)))
  const local = await openLocal({ ...needs, mac: openMac(config.keys, 'pin'), mailer, mayReceive })
  if (config.bootstrap !== null) await makeFirstOwner(needs, config.bootstrap)
  const policy = await openClientPolicy(store)
  const begun = Promise.withResolvers<Begun>()
  const wellKnown = (request: Request, { origin }: PageCaller): Response => {
    const registration = policy.current()?.dynamic_client_registration?.enabled !== false
    const device = directory.all().some((spec) => allowsDevices(spec.clientPolicy))
    const documents = registration && config.clientDocuments
    return answerWellKnown(request, origin, { issuer: issuer(), device, registration, documents })
  }
  return {
    local,
    providers,
    begin(setUp) {
      const server = openServer(needs, providers, () => policy.current())
      const deps = { ...needs, local, providers, setUp, authorizations: server }
      let opened: Pages | null = null
      // A client that has its token meets no page, and a start need not read them all.
      const pages = async () => {
        opened ??= (await import('../pages/index.ts')).createPages({
          ...deps,
          desk: needs.upstreams.desk,
          accounts: needs.upstreams,
        })
        return opened
      }
      begun.resolve({ server, pages, access: openAccessEndpoints(needs) })
    },
    oauth: async (request, response, clientIp) => (await begun.promise).server.handle(request, response, clientIp),
    async rest(request, caller) {
      const { pages, access } = await begun.promise
      if (caller.what === 'access') return access.fetch(request)
      if (caller.what === 'client-document' && request.method === 'GET') return Response.json(clientDocument(issuer()))
      return caller.what === 'well-known' ? wellKnown(request, caller) : (await pages()).fetch(request, caller)
    },
    async forget() {
      await forgetGrants(store)
      await forgetArtifacts(store)
      await forgetBrowserSessions(store)
      await store.write((trx) => forgetClients(store, trx))
      await local.forget()
    },
    async close() {
      policy.close()
      await local.close()
    },
  }
}

function openServer(
  needs: SignInNeeds,
  providers: Providers,
  clientPolicy: OauthRooms['clientPolicy'],
): AuthorizationServer {
  const { config, directory, egress, hostname, originOf } = needs
  const issuer = needs.issuer()
  const resources = resourcesOf(directory, { issuer, hostname, originOf })
  const describe = ({ uid, id, name, description }: PortalSpec, url: string): ResourcePortal => ({
    ...{ uid, id, name, description, url },
  })
  return lazyAuthorizationServer({
    ...needs,
    keys: config.keys,
    issuer,
    fetch: openSafeFetch(egress, { ...DOCUMENT_LIMITS, allowed: config.allowedDocuments }),
    clientDocuments: config.clientDocuments,
    clientPolicy,
    portalClientPolicy: (uid) => directory.current(uid)?.clientPolicy ?? null,
    describePortal(resource) {
      const spec = resources.portalOf(resource)
      return spec === null ? null : describe(spec, resource)
    },
    defaultResource: resources.fallback,
    mayEnter(principal: UserPrincipal, uid: PortalUid) {
      const spec = directory.current(uid)
      return spec !== undefined && mayEnter(needs.accesses, spec, principal)
    },
    recheck: (identityId) => providers.recheck(identityId),
    showProblem: async (error) => (await import('../pages/problem.ts')).authorizationProblem(error),
  })
}

/** From wherever it will be: each call that follows is decided for itself. */
function mayEnter(accesses: AccessKeeper, spec: PortalSpec, principal: UserPrincipal): boolean {
  return accesses.expected(spec, principal, null).enter.allow
}

/** Somebody of whom nothing is known but the address. */
function somebodyAt(email: string): UserPrincipal {
  return { kind: 'user', id: '' as UserId, email, label: email, grant: '' as GrantId, identity: null }
}
