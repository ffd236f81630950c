/**
 * Clients without a browser (RFC 8628): they show a code, and a person types it on our page. The library answers the device; its pages for
 * the person are shut, because they take a code from a link, and a code that comes by link is one that somebody else wants to be typed. What is
 * approved is the same grant as any other, made by our own page.
 */
import { type GrantId, newId } from '../../base/ids.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { type BrowserSession, holdBrowserSession } from '../browser-session-store.ts'
import { insertGrant } from '../grant-store.ts'
import type { Clients } from './clients/clients.ts'
import { allowsDevices, codeWasWrong, mayAskForCode, mayTryCode, readUserCode, type Trier } from './clients/device.ts'
import { DEVICE_GRANT } from './clients/registration.ts'
import type { Model, Provider } from './library.ts'
import type { PendingDevice } from './model.ts'
import { recordOauth } from './record.ts'
import { type ResourceNames, SCOPE } from './requests.ts'
import type { OauthRooms } from './rooms.ts'

interface Server {
  provider: Provider
  rooms: OauthRooms
  clients: Clients
}

/** Where a person types the code. */
export const DEVICE_PAGE = '/device'

/** What the device is told names our page, and no link that would fill the code in (RFC 8628, section 5.4). */
export function showOurDevicePage(provider: Provider, issuer: string): void {
  provider.use(async (ctx, next) => {
    await next()
    if (ctx.oidc?.route !== 'device_authorization' || ctx.status !== 200) return
    const { verification_uri_complete: _link, ...told } = ctx.body as Record<string, unknown>
    ctx.body = { ...told, verification_uri: `${issuer}${DEVICE_PAGE}`, interval: 5 }
  })
}

export interface DeviceRefusal {
  error: 'invalid_target' | 'access_denied' | 'temporarily_unavailable'
  error_description: string
}

/**
 * A device's request, as `normaliseAuthorize` makes one of a browser's.
 *
 * @returns the form as the library is to read it, or why there is none
 */
export async function normaliseDevice(
  form: URLSearchParams,
  { host, clientIp }: { host: string; clientIp: string },
  names: ResourceNames,
  { store, audit, portalClientPolicy }: Pick<OauthRooms, 'store' | 'audit' | 'portalClientPolicy'>,
): Promise<URLSearchParams | DeviceRefusal> {
  if (form.getAll('resource').join('') === '') form.set('resource', names.defaultResource(host))
  const [resource = '', ...more] = form.getAll('resource')
  const portal = more.length === 0 ? names.portalOf(resource) : null
  if (portal === null) return { error: 'invalid_target', error_description: 'this is no address of this portal' }
  if (!allowsDevices(portalClientPolicy(portal.uid))) {
    return {
      error: 'access_denied',
      error_description: 'this portal lets no devices in; an admin turns it on in its oauth_configuration',
    }
  }
  if (!(await mayAskForCode(store, clientIp))) {
    audit.refused('bad-client', clientIp)
    return {
      error: 'temporarily_unavailable',
      error_description: 'too many codes were asked for; try again in ten minutes',
    }
  }
  form.set('scope', SCOPE)
  return form
}

/**
 * Looks for the device that shows a code. A wrong one is counted, and after some nothing is looked for any more.
 *
 * @param typed by the person, never taken from a link
 */
export async function findDevice(
  typed: string,
  trier: Trier,
  { provider, rooms, clients }: Server,
): Promise<PendingDevice | 'wrong' | 'locked-out'> {
  const { store, audit } = rooms
  if (!(await mayTryCode(store, trier))) return 'locked-out'
  const code = readUserCode(typed)
  const found = code === null ? undefined : await provider.DeviceCode.findByUserCode(code)
  const pending =
    found === undefined || code === null ? null : await describe(found, code, { provider, rooms, clients })
  if (pending !== null) return pending
  await codeWasWrong(store, trier)
  audit.refused('bad-client', trier.clientIp)
  return 'wrong'
}

/** @returns null for a code that is over, was answered, or belongs to a portal that takes no devices any more */
async function describe(
  found: Model,
  code: string,
  { provider, rooms, clients }: Server,
): Promise<PendingDevice | null> {
  const { clientId, params, accountId, error, isExpired, deviceInfo, iat } = found
  if (isExpired === true || accountId !== undefined || error !== undefined) return null
  const client = await provider.Client.find(String(clientId))
  const resource = (params as Record<string, unknown> | undefined)?.resource
  const portal = typeof resource === 'string' ? rooms.describePortal(resource) : null
  if (client === undefined || !client.grantTypeAllowed(DEVICE_GRANT) || portal === null) return null
  if (!allowsDevices(rooms.portalClientPolicy(portal.uid))) return null
  const { ip = '' } = (deviceInfo ?? {}) as { ip?: string }
  return {
    client: await clients.show(client),
    portal,
    resource: String(resource),
    code: `${code.slice(0, 4)}-${code.slice(4)}`,
    askedFrom: ip,
    startedAt: Number(iat) * 1000,
  }
}

/** @returns `over` where the device went away, or was answered in another window meanwhile */
export async function approveDevice(
  pending: PendingDevice,
  session: BrowserSession,
  { provider, rooms, clients }: Server,
): Promise<'approved' | 'not-allowed' | 'over'> {
  const { store } = rooms
  const { client, portal, resource } = pending
  const { userId, identityId, email, label, identity } = session
  const id = newId<GrantId>(store.clock.now())
  const said = { method: 'allow device', who: { id: userId, label }, portal: portal.id, client: client.name }
  const principal: UserPrincipal = { kind: 'user', id: userId, email, label, grant: id, identity }
  if (!rooms.mayEnter(principal, portal.uid)) {
    await recordOauth(rooms, { ...said, error: 'not-allowed' })
    return 'not-allowed'
  }
  const code = await stillWaiting(pending, provider)
  if (code === null) return 'over'
  const isSignedIn = await store.write(async (trx) => {
    if (!(await holdBrowserSession(store, trx, session.id))) return false
    await insertGrant(store, trx, {
      ...{ id, userId, identityId, portalUid: portal.uid, redirectUri: null, resource },
      ...{ clientId: client.id, clientName: client.name },
    })
    return true
  })
  if (!isSignedIn) {
    await recordOauth(rooms, { ...said, error: 'not-allowed' })
    return 'not-allowed'
  }
  const grant = new provider.Grant({ jti: id, accountId: userId, clientId: client.id })
  grant.addResourceScope(resource, SCOPE)
  await grant.save()
  await clients.noteUse(client.id)
  await recordOauth(rooms, { ...said, change: { object: 'grant', id, fields: [] } })
  const authTime = Math.floor(session.createdAt / 1000)
  await Object.assign(code, { accountId: userId, grantId: id, scope: SCOPE, resource, authTime }).save()
  return 'approved'
}

/** The device is told that the person said no, the next time that it asks. */
export async function denyDevice(
  pending: PendingDevice,
  session: BrowserSession,
  { provider, rooms }: Server,
): Promise<void> {
  const { client, portal } = pending
  const who = { id: session.userId, label: session.label }
  await recordOauth(rooms, { method: 'allow device', who, portal: portal.id, client: client.name, error: 'denied' })
  const code = await stillWaiting(pending, provider)
  if (code === null) return
  await Object.assign(code, { error: 'access_denied', errorDescription: 'the person said no' }).save()
}

async function stillWaiting({ code }: PendingDevice, provider: Provider): Promise<Model | null> {
  const found = await provider.DeviceCode.findByUserCode(code.replace('-', ''))
  if (found === undefined || found.isExpired === true) return null
  return found.accountId === undefined && found.error === undefined ? found : null
}
