/** The middle of an authorization, where a person decides: what is asked of them, and what becomes of their yes or no. */
import { type GrantId, newId } from '../../base/ids.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { type BrowserSession, holdBrowserSession } from '../browser-session-store.ts'
import { findConsent, rememberConsent } from '../consent-store.ts'
import { insertGrant } from '../grant-store.ts'
import { begunAt } from './artifact-store.ts'
import { type Clients, redirectFacts } from './clients/clients.ts'
import type { Model, Provider } from './library.ts'
import type { Pending } from './model.ts'
import { recordOauth } from './record.ts'
import { SCOPE } from './requests.ts'
import type { OauthRooms } from './rooms.ts'

interface Server {
  provider: Provider
  rooms: OauthRooms
  clients: Clients
}

/** @returns null where the client, the portal or the redirect is none that could be let in any more */
export async function describe(interaction: Model, { provider, rooms, clients }: Server): Promise<Pending | null> {
  const params = interaction.params as Readonly<Record<string, unknown>>
  const clientId = text(params.client_id)
  const resource = text(params.resource)
  const redirectUri = text(params.redirect_uri)
  const client = clientId === null ? undefined : await provider.Client.find(clientId)
  const portal = resource === null ? null : rooms.describePortal(resource)
  if (client === undefined || portal === null || resource === null) return null
  const deviceCode = text(interaction.deviceCode)
  if (redirectUri === null && deviceCode === null) return null
  const shown = await clients.show(client)
  if (redirectUri !== null && !clients.mayRedirect(portal.uid, shown.kind, redirectUri)) return null
  const redirect = redirectUri === null ? null : redirectFacts(redirectUri)
  const startedAt = await begunAt(rooms.store.db, interaction.jti)
  if (startedAt === null) return null
  const asked = (text(params.prompt) ?? '').split(' ')
  return {
    uid: interaction.jti,
    client: shown,
    portal,
    resource,
    redirectUri,
    redirectHost: redirect?.host ?? null,
    isLoopback: redirect?.isLoopback === true,
    scopes: [SCOPE],
    prompts: (['login', 'consent'] as const).filter((prompt) => asked.includes(prompt)),
    deviceCode,
    startedAt,
  }
}

export function isRemembered(pending: Pending, session: BrowserSession, { rooms }: Server): Promise<boolean> {
  return findConsent(rooms.store.db, consentOf(pending, session))
}

export async function approve(
  pending: Pending,
  session: BrowserSession,
  { remember }: { remember: boolean },
  { provider, rooms, clients }: Server,
): Promise<string | 'not-allowed'> {
  const { store } = rooms
  const { client, portal, redirectUri, resource } = pending
  const id = newId<GrantId>(store.clock.now())
  const said = { method: 'allow client', who: personOf(session), portal: portal.id, client: client.name }
  if (!rooms.mayEnter(principalOf(session, id), portal.uid)) {
    await recordOauth(rooms, { ...said, error: 'not-allowed' })
    return 'not-allowed'
  }
  const isSignedIn = await store.write(async (trx) => {
    if (!(await holdBrowserSession(store, trx, session.id))) return false
    const { userId, identityId } = session
    const made = { id, userId, identityId, portalUid: portal.uid, redirectUri, resource }
    await insertGrant(store, trx, { ...made, clientId: client.id, clientName: client.name })
    if (remember) await rememberConsent(store, trx, consentOf(pending, session))
    return true
  })
  if (!isSignedIn) {
    await recordOauth(rooms, { ...said, error: 'not-allowed' })
    return 'not-allowed'
  }
  const grant = new provider.Grant({ jti: id, accountId: session.userId, clientId: client.id })
  grant.addResourceScope(resource, SCOPE)
  await grant.save()
  await clients.noteUse(client.id)
  await recordOauth(rooms, { ...said, change: { object: 'grant', id, fields: [] } })
  const login = { accountId: session.userId, remember: false, ts: Math.floor(session.createdAt / 1000) }
  return finish(pending.uid, { login, consent: { grantId: id } }, provider)
}

export async function deny(pending: Pending, session: BrowserSession, { provider, rooms }: Server): Promise<string> {
  const { uid, client, portal } = pending
  const said = { method: 'allow client', who: personOf(session), portal: portal.id, client: client.name }
  await recordOauth(rooms, { ...said, error: 'denied' })
  return finish(uid, { error: 'access_denied', error_description: 'The person said no.' }, provider)
}

function personOf({ userId, label }: BrowserSession): { id: string; label: string } {
  return { id: userId, label }
}

/** @returns where the browser goes on. It is tied to the browser that began by a cookie, which the library looks at there. */
async function finish(uid: string, result: object, provider: Provider): Promise<string> {
  const interaction = await provider.Interaction.find(uid)
  if (interaction === undefined) return '/'
  interaction.result = result
  await interaction.save(interaction.remainingTTL)
  return String(interaction.returnTo)
}

function consentOf(pending: Pending, session: BrowserSession) {
  const { client, portal, redirectUri } = pending
  const redirect = redirectUri === null ? 'device' : redirectFacts(redirectUri).key
  return { userId: session.userId, clientId: client.id, redirect, portalUid: portal.uid }
}

function principalOf(session: BrowserSession, grant: GrantId): UserPrincipal {
  const { userId, email, label, identity } = session
  return { kind: 'user', id: userId, email, label, grant, identity }
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
