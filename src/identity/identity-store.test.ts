/** Whose account it is when addresses go from hand to hand, and what goes along with an address: policies and roles, and nothing else. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { addPortal, giveRole, letClientIn, type People, signIn } from '../../test/support/people.ts'
import { systemClock } from '../base/clock.ts'
import { digest, newSecret, openSealer } from '../base/secret.ts'
import { insertAccessToken } from './access-token-store.ts'
import { openAuthenticator } from './authenticate.ts'
import { openBrowserSessions } from './browser-session-store.ts'
import { readGrant } from './grant-store.ts'
import { listIdentities } from './identity-store.ts'
import { disableUser } from './last-owner.ts'
import { switchUser } from './people-store.ts'
import { revokeUser } from './revoke-user.ts'
import { roleOf } from './roles.ts'
import { findOrCreateUser, readUser } from './user-store.ts'

const ADA = 'ada@acme.test'
const PIN = { provider: 'pin', issuer: 'portico:onetimepin', subject: ADA, amr: ['otp'] }
const HOUR = 3_600_000

describe.each(DATABASE_KINDS)('accounts and addresses on %s', (kind) => {
  let at: TestStore
  let people: People
  beforeEach(async () => {
    at = await freshStore(kind)
    people = {
      ...{ store: at.store, sealer: openSealer(TEST_KEYS, 'store') },
      browsers: openBrowserSessions(at.store, () => 'http://127.0.0.1:8787'),
    }
  })
  afterEach(() => at.end())

  const sessionOf = async (cookie: string) => (await people.browsers.look(cookie)).session
  const emailOf = async (id: string) => (await readUser(at.store.db, id))?.email
  const shown = (token: string) => ({
    ...{ authorization: `Bearer ${token}`, clientId: undefined, clientSecret: undefined, serviceToken: undefined },
  })

  test('an address that is given to somebody new takes neither clients nor tokens along, and leaves them without it', async () => {
    const portal = await addPortal(at.store)
    const authenticator = openAuthenticator(at.store, systemClock)
    await giveRole(at.store, 'admin', ADA)
    const minted = newSecret('ptat')
    await at.store.write(async (trx) => {
      const { id } = await findOrCreateUser(at.store, trx, ADA)
      const made = { userId: id, portalUid: portal, name: null, createdBy: 'test', expiresAt: null }
      await insertAccessToken(at.store, trx, { ...made, digest: digest(minted) })
    })
    const old = await signIn(people, ADA, { subject: 'ada' })
    const client = await letClientIn(at.store, old, portal, systemClock.now() + HOUR)
    const before = await authenticator.authenticate(shown(minted))
    expect(before?.principal).toMatchObject({ id: old.userId, email: ADA })

    const young = await signIn(people, ADA, { subject: 'ada the younger' })
    expect(young.userId).not.toBe(old.userId)
    for (const token of [minted, client.token]) {
      const now = await authenticator.authenticate(shown(token))
      expect(now?.principal).toMatchObject({ id: old.userId, email: null })
    }
    const [oldSession, youngSession] = [await sessionOf(old.cookie), await sessionOf(young.cookie)]
    expect(await roleOf(at.store.db, { email: oldSession?.email ?? null, identity: null })).toBeNull()
    expect(await roleOf(at.store.db, { email: youngSession?.email ?? null, identity: null })).toBe('admin')
    expect(await at.store.db.selectFrom('grants').select('user_id').execute()).toEqual([{ user_id: old.userId }])
  })

  test('a PIN proves an address, so it opens the account of who has the address now', async () => {
    const portal = await addPortal(at.store)
    const old = await signIn(people, ADA, { subject: 'ada' })
    const oldByPin = await signIn(people, ADA, PIN)
    expect(oldByPin.userId).toBe(old.userId)
    const client = await letClientIn(at.store, oldByPin, portal, systemClock.now() + HOUR)
    const young = await signIn(people, ADA, { subject: 'ada the younger' })

    const youngByPin = await signIn(people, ADA, PIN)
    expect(youngByPin.userId).toBe(young.userId)
    expect(await emailOf(young.userId)).toBe(ADA)
    expect(await emailOf(old.userId)).toBeNull()
    // What the old one had by PIN was had by the mailbox, which is another’s now.
    expect(await sessionOf(oldByPin.cookie)).toBeNull()
    expect((await readGrant(at.store.db, client.grantId))?.revokedAt ?? null).not.toBeNull()
    expect(await openAuthenticator(at.store, systemClock).authenticate(shown(client.token))).toBeNull()
    expect((await sessionOf(old.cookie))?.userId).toBe(old.userId)
  })

  test('a PIN for the former address of somebody who is called otherwise now opens an account of its own', async () => {
    const person = await signIn(people, ADA, { subject: 'ada' })
    await signIn(people, ADA, PIN)
    await signIn(people, 'ada.lovelace@acme.test', { subject: 'ada' })
    const byPin = await signIn(people, ADA, PIN)
    expect(byPin.userId).not.toBe(person.userId)
    expect(await emailOf(person.userId)).toBe('ada.lovelace@acme.test')
  })

  test('an address that its provider does not vouch for any more is nobody’s', async () => {
    await giveRole(at.store, 'owner', ADA)
    const before = await signIn(people, ADA, { subject: 'ada' })
    const after = await signIn(people, ADA, { subject: 'ada', email: null, name: ADA })
    expect(after.userId).toBe(before.userId)
    for (const { cookie } of [before, after]) {
      const session = await sessionOf(cookie)
      expect(session).toMatchObject({ userId: before.userId, email: null })
      expect(await roleOf(at.store.db, { email: session?.email ?? null, identity: null })).toBeNull()
    }
  })

  test.each([ADA, 'ada＠acme.test'])(
    'who calls themselves %s, and has no address, is not shown as if they had it',
    async (name) => {
      const portal = await addPortal(at.store)
      const person = await signIn(people, ADA, { subject: 'mallory', email: null, name })
      const { token } = await letClientIn(at.store, person, portal, systemClock.now() + HOUR)
      const told = `${name} (unverified)`
      expect(await sessionOf(person.cookie)).toMatchObject({ email: null, label: told })
      const known = await openAuthenticator(at.store, systemClock).authenticate(shown(token))
      expect(known?.principal).toMatchObject({ email: null, label: told })
    },
  )

  test('an address for which another account of the same person stands stays', async () => {
    const { userId } = await signIn(people, ADA, { subject: 'ada' })
    await signIn(people, ADA, { provider: 'second', issuer: 'https://second.test', subject: 'ada' })
    await signIn(people, ADA, { subject: 'ada', email: null })
    expect(await emailOf(userId)).toBe(ADA)
    await signIn(people, ADA, { provider: 'second', issuer: 'https://second.test', subject: 'ada', email: null })
    expect(await emailOf(userId)).toBeNull()
    expect(await listIdentities(at.store.db, userId)).toHaveLength(2)
  })

  test('who is switched off while they sign in is not signed in', async () => {
    const { userId } = await signIn(people, ADA, { subject: 'ada' })
    const other = kind === 'postgres' ? await at.again() : at.store
    for (let i = 0; i < 8; i++) {
      const user = await readUser(at.store.db, userId)
      const [, signedIn] = await Promise.allSettled([
        other.write((trx) => disableUser(other, trx, user ?? { id: userId, email: ADA })),
        signIn(people, ADA, { subject: 'ada' }),
      ])
      // Whichever was first, nothing is left that comes alive when the person is switched on again.
      await at.store.write((trx) => switchUser(at.store, trx, userId, 'on'))
      if (signedIn?.status === 'fulfilled') expect(await sessionOf(signedIn.value.cookie)).toBeNull()
      await at.store.write((trx) => revokeUser(at.store, trx, userId, 'revoked'))
    }
    if (other !== at.store) await other.close()
  })

  test('of many who come for the first time at once with one account all are one person', async () => {
    const other = kind === 'postgres' ? { ...people, store: await at.again() } : people
    const all = await Promise.all(
      Array.from({ length: 6 }, (_, i) => signIn(i % 2 === 0 ? people : other, ADA, { subject: 'ada', email: ADA })),
    )
    if (other !== people) await other.store.close()
    expect(new Set(all.map(({ userId }) => userId)).size).toBe(1)
    expect(new Set(all.map(({ identityId }) => identityId)).size).toBe(1)
    expect(await at.store.db.selectFrom('users').select('id').execute()).toHaveLength(1)
  })
})
