/** People for tests, as sign-in leaves them behind: an account, a browser that is signed in, a client that was let in. */
import { type GrantId, newId, type PortalId, type PortalUid, type UserId } from '../../src/base/ids.ts'
import type { Role } from '../../src/base/principal.ts'
import { digest, newSecret, type Sealer } from '../../src/base/secret.ts'
import type { BrowserSessions } from '../../src/identity/browser-session-store.ts'
import { insertGrant } from '../../src/identity/grant-store.ts'
import { saveSignIn, type Vouched } from '../../src/identity/identity-store.ts'
import { insertRoleMember } from '../../src/identity/role-store.ts'
import { insertPortal } from '../../src/portal/portal-store.ts'
import type { Store } from '../../src/store/open.ts'

export interface People {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  browsers: BrowserSessions
}

export interface SignedInPerson {
  userId: UserId
  identityId: string
  sessionId: string
  /** The Cookie header of their browser. */
  cookie: string
}

const HOUR = 3_600_000

/** @param more laid over what the provider `company` says of them */
export async function signIn({ store, sealer, browsers }: People, email: string, more: Partial<Vouched> = {}) {
  const vouched: Vouched = {
    ...{ provider: 'company', issuer: 'https://idp.acme.test', subject: `subject of ${email}`, email, name: null },
    ...{ groups: [], amr: ['pwd'], claims: {}, idToken: null, refreshToken: null },
    ...more,
  }
  return store.write(async (trx): Promise<SignedInPerson> => {
    const who = await saveSignIn(store, trx, vouched, sealer)
    if (who === 'disabled') throw new Error(`${email} is disabled`)
    const { userId, identityId } = who
    const from = { clientIp: '192.0.2.7', userAgent: 'Browser of a test', lifetime: HOUR }
    const { id, setCookie } = await browsers.open(trx, { userId, identityId, ...from })
    return { userId, identityId, sessionId: id, cookie: setCookie.split(';')[0] ?? '' }
  })
}

export async function giveRole(store: Store, role: Role, email: string): Promise<void> {
  await store.write((trx) => insertRoleMember(store, trx, { role, who: { kind: 'email', email }, createdBy: 'test' }))
}

/** A provider under the id that `signIn` names, so that it is there to be looked up. */
export async function addProvider({ db }: Store, id = 'company', type: 'oidc' | 'onetimepin' = 'oidc'): Promise<void> {
  const stamps = { created_at: 0, created_by: 'test', modified_at: 0, modified_by: 'test', origin: 'api' as const }
  await db
    .insertInto('identity_providers')
    .values({ id, name: id, type, config: '{}', client_secret_sealed: null, position: 0, ...stamps })
    .execute()
}

/** A portal that clients can be let into. */
export async function addPortal(store: Store, id = 'team'): Promise<PortalUid> {
  const portal = {
    ...{ id: id as PortalId, hostname: `${id}.acme.test`, name: id, description: null, codeMode: 'opt_in' as const },
    ...{ secureWebGateway: false, policies: [], mappings: [], serviceTokenHeader: null },
  }
  return store.write((trx) => insertPortal(store, trx, portal, { label: 'test', origin: 'api' }))
}

/** @param expiresAt of the access token, in milliseconds since 1970 @returns the token that the client holds */
export async function letClientIn(store: Store, who: SignedInPerson, portalUid: PortalUid, expiresAt: number) {
  const now = store.clock.now()
  const grantId = newId<GrantId>(now)
  const token = newSecret('ptat')
  const { userId, identityId } = who
  const client = { clientId: 'c1', clientName: 'A client', redirectUri: null, resource: 'http://localhost/mcp' }
  await store.write(async (trx) => {
    await insertGrant(store, trx, { id: grantId, userId, identityId, portalUid, ...client })
    await trx
      .insertInto('access_tokens')
      .values({
        ...{ id: newId(now), token_digest: digest(token), user_id: userId, grant_id: grantId, portal_uid: portalUid },
        ...{ name: null, created_at: now, created_by: 'c1', expires_at: expiresAt, revoked_at: null },
      })
      .execute()
  })
  return { token, grantId }
}
