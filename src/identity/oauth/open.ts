/**
 * The portal as authorization server (OAuth 2.1; RFC 7009, 7591, 7592, 8414, 8707, 9207), on oidc-provider. In front of the library stands what
 * real clients need (`prepare.ts`, `clients/`), behind it our own store, and beside it our own pages: who the person is and whether they consent is
 * never the library's to say.
 */
import type { GrantId, UserId } from '../../base/ids.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { deriveKey, newSecret, nextSecret } from '../../base/secret.ts'
import { readGrant, revokeGrants } from '../grant-store.ts'
import { readIdentity } from '../identity-store.ts'
import { labelOf } from '../label.ts'
import { openStartBudget } from '../providers/start-budget.ts'
import { readUser } from '../user-store.ts'
import { makeAdapters } from './artifact-store.ts'
import { approve, deny, describe, isRemembered } from './authorize.ts'
import { isBegunHere, markBegun } from './begun-here.ts'
import { isClientSecret } from './clients/client-store.ts'
import { type Clients, openClients } from './clients/clients.ts'
import { isSameRedirect } from './clients/redirect-uri.ts'
import { libraryConfiguration } from './configuration.ts'
import { approveDevice, denyDevice, findDevice, showOurDevicePage } from './devices.ts'
import { type Client, currentContext, type Payload, Provider } from './library.ts'
import type { AuthorizationServer } from './model.ts'
import { prepare } from './prepare.ts'
import { recordOauth } from './record.ts'
import type { OauthRooms } from './rooms.ts'

export function openAuthorizationServer(rooms: OauthRooms): AuthorizationServer {
  // The desk asks the library whether it would take a client, and the library asks the desk for those that it has.
  const clients = openClients(rooms, async (metadata) => void new provider.Client(metadata))
  const provider: Provider = makeProvider(rooms, clients)
  const listener = provider.callback()
  const server = { provider, rooms, clients, starts: openStartBudget(rooms.clock) }
  return {
    async handle(request, response, clientIp) {
      const prepared = await prepare(request, response, clientIp, server)
      if (prepared !== null) await listener(prepared, response)
    },
    async pending(uid, cookie) {
      if (!isBegunHere(uid, cookie, rooms.issuer)) return null
      const interaction = await provider.Interaction.find(uid)
      return interaction === undefined ? null : describe(interaction, server)
    },
    isRemembered: (pending, session) => isRemembered(pending, session, server),
    approve: (pending, session, options) => approve(pending, session, options, server),
    deny: (pending, session) => deny(pending, session, server),
    findDevice: (typed, from) => findDevice(typed, from, server),
    approveDevice: (pending, session) => approveDevice(pending, session, server),
    denyDevice: (pending, session) => denyDevice(pending, session, server),
  }
}

/** Node's codes of a connection whose other side went away. */
const BROKEN_OFF = /^(?:ECONNRESET|EPIPE|HPE_\w+|ERR_STREAM_\w+)$/

function makeProvider(rooms: OauthRooms, clients: Clients): Provider {
  const { store, sealer, keys, issuer } = rooms
  const isSecure = issuer.startsWith('https:')
  const provider = new Provider(
    issuer,
    libraryConfiguration({
      adapters: makeAdapters({ store, sealer, clients: clients.adapter }),
      organization: () => rooms.organization.current(),
      now: () => rooms.clock.now(),
      cookieKeys: [deriveKey(keys, 'oauth-cookies').toString('base64url')],
      isSecure,
      isOurs: (resource) => rooms.describePortal(resource) !== null,
      mayRenew: (token) => mayRenew(token, rooms),
      clientDocuments: rooms.clientDocuments,
      mayFetch: clients.mayFetch,
      showProblem: rooms.showProblem,
      fetch: clients.fetch,
    }),
  )
  // Its host and address are those that `prepare.ts` wrote there.
  provider.proxy = true
  nameTokens(provider, deriveKey(keys, 'refresh'))
  compareDigests(provider)
  compareRedirects(provider)
  showOurDevicePage(provider, issuer)
  markBegun(provider, issuer)
  provider.on('server_error', (_ctx: unknown, error: unknown) => {
    rooms.log.error({ err: error }, 'a request to the authorization server failed')
  })
  // Else the framework under the library writes to the terminal by itself.
  provider.on('error', (error: Error & { code?: string }) => {
    if (!BROKEN_OFF.test(error.code ?? ''))
      rooms.log.error({ err: error }, 'a request to the authorization server failed')
  })
  // A client that renews what it has is in use, though nobody let it in anew.
  provider.on('grant.success', (ctx: { oidc: { client: Client } }) => {
    clients.noteUse(ctx.oidc.client.clientId).catch((cause: unknown) => {
      rooms.log.error({ err: cause }, 'that a client is in use could not be noted')
    })
  })
  provider.on('grant.revoked', (ctx: { oidc: { route: string } }, grantId: string) => {
    const error = ctx.oidc.route === 'revocation' ? undefined : 'replayed'
    const change = { object: 'grant', id: grantId, fields: ['revoked_at'] }
    recordOauth(rooms, { method: 'revoke grant', who: null, ...(error ? { error } : { change }) }).catch(
      (cause: unknown) => rooms.log.error({ err: cause }, 'the end of a grant could not be recorded'),
    )
  })
  return provider
}

/**
 * Tokens of ours can be told apart at a glance, and noise from them without a look at the database. A refresh token's successor follows from it:
 * whoever refreshes twice at once, here or on another replica, gets the same one.
 */
function nameTokens(provider: Provider, key: Buffer): void {
  provider.AccessToken.prototype.generateTokenId = function () {
    this.format = 'opaque'
    return newSecret('ptat')
  }
  provider.RefreshToken.prototype.generateTokenId = () => {
    const rotated = currentContext()?.oidc.entities.RotatedRefreshToken
    return rotated === undefined ? newSecret('ptrt') : nextSecret('ptrt', rotated.jti, key)
  }
}

/** Only the SHA-256 of a client's secret is kept, so what it shows is compared by that. */
function compareDigests(provider: Provider): void {
  Object.defineProperty(provider.Client.prototype, 'compareClientSecret', {
    value(this: Client, shown: string) {
      return isClientSecret(this.clientSecret, shown)
    },
  })
}

/** By our own rules, which are the same for each kind of client: the library's depend on what a client calls itself. */
function compareRedirects(provider: Provider): void {
  Object.defineProperty(provider.Client.prototype, 'redirectUriAllowed', {
    value(this: Client, asked: string) {
      return this.redirectUris?.some((registered) => isSameRedirect(registered, asked)) === true
    },
  })
}

/**
 * Whether a code may become tokens, and a refresh token new ones: the grant stands, the person is not switched off, their provider still
 * knows them, and the policies still let them in.
 */
async function mayRenew(token: Payload, rooms: OauthRooms): Promise<boolean> {
  const { store } = rooms
  const grant = await readGrant(store.db, token.grantId ?? '')
  if (grant === undefined || grant.revokedAt !== null) return false
  const isRefresh = token.kind === 'RefreshToken'
  if (isRefresh && (await rooms.recheck(grant.identityId)) === 'gone') {
    await store.write((trx) => revokeGrants(store, trx, { id: grant.id }, 'provider'))
    await recordOauth(rooms, {
      method: 'renew',
      who: { id: grant.userId, label: grant.userId },
      client: grant.clientName,
      error: 'provider',
    })
    return false
  }
  const [user, identity] = await Promise.all([
    readUser(store.db, grant.userId),
    readIdentity(store.db, grant.identityId),
  ])
  if (user === undefined || user.disabledAt !== null || identity === undefined) return false
  const { id, email, name } = user
  const label = labelOf(email, name, id)
  const principal: UserPrincipal = {
    kind: 'user',
    id: id as UserId,
    email,
    label,
    grant: grant.id as GrantId,
    identity,
  }
  if (rooms.mayEnter(principal, grant.portalUid)) return true
  await recordOauth(rooms, { method: 'renew', who: { id, label }, client: grant.clientName, error: 'not-allowed' })
  return false
}
