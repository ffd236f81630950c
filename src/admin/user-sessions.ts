/** `/access/users/{id}/…`: what a person is signed in with now, what a provider said of them last, and where they were not let in. */
import type { AuditRow } from '../audit/event.ts'
import type { ActiveSessionShown, FailedLoginShown, IdentityShown } from '../contract/user.ts'
import { type BrowserSession, endBrowserSessions, listBrowserSessions } from '../identity/browser-session-store.ts'
import { type GrantRecord, listGrants, revokeGrants } from '../identity/grant-store.ts'
import { type IdentityRecord, listIdentities } from '../identity/identity-store.ts'
import { readOrganization } from '../identity/organization.ts'
import { providerType } from '../identity/people-store.ts'
import type { UserRecord } from '../identity/user-store.ts'
import { listPortals, type PortalRecord } from '../portal/portal-store.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'
import { existing } from './users.ts'

/** So many of a person's failed sign-ins are shown; the log has all. */
const MOST_FAILED = 100

export async function listActiveSessions({ deps, id }: Call): Promise<Outcome> {
  const user = await existing(deps.store.db, id)
  return { result: (await activeOf(user, deps)).map(({ shown }) => shown) }
}

export async function getActiveSession(call: Call): Promise<Outcome> {
  const { deps, id, params } = call
  const user = await existing(deps.store.db, id)
  const nonce = params.nonce ?? ''
  const found = (await activeOf(user, deps)).find(({ shown }) => shown.metadata.nonce === nonce)
  const accounts = await listIdentities(deps.store.db, id)
  const identity = accounts.find((account) => account.id === found?.identityId)
  if (found === undefined || identity === undefined) throw notFound('active session', nonce)
  const facts = await showIdentity(identity, user, call)
  const ip = found.ip === null ? {} : { ip: found.ip }
  return { result: { ...facts, iat: found.shown.metadata.iat, isActive: true, ...ip } }
}

/** Ends one browser, or one client, of a person; everybody who may end sign-ins may end anybody's. */
export async function endActiveSession({ deps, id, params }: Call): Promise<Outcome> {
  const { store } = deps
  const nonce = params.nonce ?? ''
  const user = await existing(store.db, id)
  const found = (await activeOf(user, deps)).find(({ shown }) => shown.metadata.nonce === nonce)
  if (found === undefined) throw notFound('active session', nonce)
  const { kind } = found.shown.metadata
  await store.write(async (trx) => {
    if (kind === 'browser') await endBrowserSessions(store, trx, { id: nonce })
    else await revokeGrants(store, trx, { id: nonce }, 'revoked')
  })
  const object = kind === 'browser' ? 'browser_session' : 'grant'
  return { result: { nonce, kind }, change: { object, id: nonce, fields: ['ended'] } }
}

export async function listUserIdentities(call: Call): Promise<Outcome> {
  const user = await existing(call.deps.store.db, call.id)
  const accounts = await listIdentities(call.deps.store.db, user.id)
  return { result: await Promise.all(accounts.map((account) => showIdentity(account, user, call))) }
}

export async function getLastSeenIdentity(call: Call): Promise<Outcome> {
  const user = await existing(call.deps.store.db, call.id)
  const [last] = await listIdentities(call.deps.store.db, user.id)
  if (last === undefined) throw notFound('identity of this user, who has never signed in:', user.email ?? user.id)
  return { result: await showIdentity(last, user, call) }
}

/** By address: who was not let in called themselves so, and nobody has proven that it was they. */
export async function listFailedLogins({ deps, id }: Call): Promise<Outcome> {
  const { email } = await existing(deps.store.db, id)
  if (email === null) return { result: [] }
  const rows = await deps.audit.query({
    ...{ plane: 'sign-in', phase: 'ended', outcome: 'refused', actor: email, limit: MOST_FAILED },
  })
  return { result: rows.map((row) => showFailed(row, { id, email })) }
}

function showFailed(row: AuditRow, user: { id: string; email: string }): FailedLoginShown {
  return {
    expiration: 0,
    metadata: {
      datetime: shownTime(row.at),
      reason: row.error ?? '',
      method: row.method,
      ip: row.clientIp ?? null,
      user_email: user.email,
      user_uuid: user.id,
      ray_id: row.deed,
    },
  }
}

interface Active {
  shown: ActiveSessionShown
  identityId: string
  ip: string | null
}

async function activeOf(user: UserRecord, { store, clock }: Call['deps']): Promise<Active[]> {
  // Nothing of theirs is let in, whatever is written down.
  if (user.disabledAt !== null) return []
  const now = clock.now()
  const { grantLifetime } = await readOrganization(store.db)
  const portals = new Map((await listPortals(store.db)).map((portal) => [portal.uid, portal]))
  const browsers = (await listBrowserSessions(store.db, user.id, now)).map((session) => ofBrowser(session, now))
  const clients = (await listGrants(store.db, user.id)).map((grant) =>
    ofClient(grant, { portal: portals.get(grant.portalUid), expiresAt: grant.lastUsedAt + grantLifetime, now }),
  )
  return [...browsers, ...clients.filter(({ shown }) => shown.metadata.ttl > 0)]
}

function ofBrowser(session: BrowserSession, now: number): Active {
  const { id, userAgent, createdAt, expiresAt, identityId, clientIp } = session
  const shown = showSession({ id, name: userAgent, kind: 'browser', apps: {}, createdAt, expiresAt, now })
  return { shown, identityId, ip: clientIp }
}

interface Reach {
  portal: PortalRecord | undefined
  expiresAt: number
  now: number
}

function ofClient({ id, clientName, createdAt, identityId }: GrantRecord, { portal, expiresAt, now }: Reach): Active {
  const apps =
    portal === undefined
      ? {}
      : { [portal.id]: { hostname: portal.hostname, name: portal.name, type: 'mcp_portal', uid: portal.uid } }
  const shown = showSession({ id, name: clientName, kind: 'client', apps, createdAt, expiresAt, now })
  return { shown, identityId, ip: null }
}

interface Session {
  id: string
  name: string
  kind: 'browser' | 'client'
  apps: ActiveSessionShown['metadata']['apps']
  createdAt: number
  expiresAt: number
  now: number
}

function showSession({ id, name, kind, apps, createdAt, expiresAt, now }: Session): ActiveSessionShown {
  const expires = seconds(expiresAt)
  const ttl = Math.max(0, seconds(expiresAt - now))
  return { name, expiration: expires, metadata: { apps, expires, iat: seconds(createdAt), nonce: id, ttl, kind } }
}

async function showIdentity(record: IdentityRecord, user: UserRecord, { deps, account }: Call): Promise<IdentityShown> {
  const type = record.provider === 'local' ? 'local' : await providerType(deps.store.db, record.provider)
  return {
    account_id: account,
    user_uuid: user.id,
    email: user.email,
    name: user.name,
    idp: { id: record.provider, type: type ?? 'unknown' },
    issuer: record.issuer,
    subject: record.subject,
    amr: [...record.amr],
    groups: record.groups === null ? null : [...record.groups],
    groups_known: record.groups !== null,
    oidc_fields: { ...record.claims },
    iat: seconds(record.signedInAt),
    auth_status: 'NONE',
    is_warp: false,
    is_gateway: false,
  }
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
