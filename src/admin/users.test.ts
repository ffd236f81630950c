import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { addPortal, addProvider, giveRole, letClientIn, signIn } from '../../test/support/people.ts'
import type { PortalUid } from '../base/ids.ts'
import { type Authenticator, openAuthenticator } from '../identity/authenticate.ts'
import { recordRefusedSignIn } from '../identity/complete-sign-in.ts'

const USERS = '/access/users'
const REVOKE = '/access/organizations/revoke_user'
const HOUR = 3_600_000

describe.each(DATABASE_KINDS)('people over the API, on %s', (kind) => {
  let room: AdminRoom
  let portal: PortalUid
  let authenticator: Authenticator
  beforeAll(async () => {
    room = await openAdminRoom(kind)
    portal = await addPortal(room.at.store)
    await addProvider(room.at.store, 'company')
    authenticator = openAuthenticator(room.at.store, room.clock)
  })
  afterAll(() => room.end())

  const people = () => ({ store: room.at.store, sealer: room.deps.sealer, browsers: room.browsers })
  const come = (email: string, more: object = {}) => signIn(people(), email, more)
  const client = (who: Awaited<ReturnType<typeof come>>) =>
    letClientIn(room.at.store, who, portal, room.clock.now() + HOUR)
  const letsIn = async (token: string) =>
    (await authenticator.authenticate({
      ...{ authorization: `Bearer ${token}`, clientId: undefined, clientSecret: undefined, serviceToken: undefined },
    })) !== null
  const isSignedIn = async (cookie: string) => (await room.browsers.look(cookie)).session !== null

  test('are listed, found by address, name and search, and read', async () => {
    const ada = await come('ada@acme.test', { name: 'Ada Lovelace' })
    await come('bob@acme.test', { name: 'Bob' })
    await come('nobody@other.test', { email: null, name: 'Nameless', subject: 'n' })
    await room.ask('POST', '/tokens/access', { body: { email: 'minted@acme.test', portal: 'team' } })
    const emails = async (query: string) => (await room.ask('GET', `${USERS}${query}`)).body.result.map((u) => u.email)
    expect(await emails('')).toEqual(['ada@acme.test', 'bob@acme.test', 'minted@acme.test', null])
    expect(await emails('?email=ADA@acme.test')).toEqual(['ada@acme.test'])
    expect(await emails('?email=ada@acme')).toEqual([])
    expect(await emails('?name=lovel')).toEqual(['ada@acme.test'])
    expect(await emails('?search=nameless')).toEqual([null])
    expect(await emails('?per_page=1&page=2')).toEqual(['bob@acme.test'])
    const { result } = (await room.ask('GET', `${USERS}/${ada.userId}`)).body
    expect(result).toMatchObject({
      ...{ id: ada.userId, uid: ada.userId, seat_uid: ada.userId, email: 'ada@acme.test', name: 'Ada Lovelace' },
      ...{ access_seat: true, gateway_seat: false, active_device_count: 1, disabled_at: null },
    })
    expect(result.last_successful_login).toMatch(/^\d{4}-.*Z$/)
    const minted = (await room.ask('GET', `${USERS}?email=minted@acme.test`)).body.result[0]
    expect(minted).toMatchObject({ access_seat: false, last_successful_login: null, active_device_count: 0 })
    expect((await room.ask('GET', `${USERS}/no-such-user`)).status).toBe(404)
  })

  test('show the browsers and clients that are let in now, and no secret of any', async () => {
    const eve = await come('eve@acme.test', { groups: ['staff'], amr: ['mfa'], claims: { dept: 'x' } })
    const { token, grantId } = await client(eve)
    const answer = await room.ask('GET', `${USERS}/${eve.userId}/active_sessions`)
    expect(answer.body.result).toMatchObject([
      {
        name: 'Browser of a test',
        metadata: { nonce: eve.sessionId, kind: 'browser', apps: {}, ttl: expect.any(Number) },
      },
      {
        name: 'A client',
        metadata: {
          nonce: grantId,
          kind: 'client',
          apps: { team: { type: 'mcp_portal', hostname: 'team.acme.test' } },
        },
      },
    ])
    const text = JSON.stringify(answer.body)
    for (const secret of [token, eve.cookie.split('=')[1] ?? '']) expect(text).not.toContain(secret)

    const one = await room.ask('GET', `${USERS}/${eve.userId}/active_sessions/${eve.sessionId}`)
    expect(one.body.result).toMatchObject({
      ...{ user_uuid: eve.userId, email: 'eve@acme.test', isActive: true, ip: '192.0.2.7', account_id: 'default' },
      ...{ idp: { id: 'company', type: 'oidc' }, groups: ['staff'], groups_known: true, amr: ['mfa'] },
    })
    const ofClient = await room.ask('GET', `${USERS}/${eve.userId}/active_sessions/${grantId}`)
    expect(ofClient.body.result).toMatchObject({ isActive: true, email: 'eve@acme.test' })
    const ada = (await room.ask('GET', `${USERS}?email=ada@acme.test`)).body.result[0]
    // Another person's session is not found under this one.
    expect((await room.ask('GET', `${USERS}/${ada?.id}/active_sessions/${eve.sessionId}`)).status).toBe(404)
    room.clock.move(400 * 24 * HOUR)
    expect((await room.ask('GET', `${USERS}/${eve.userId}/active_sessions`)).body.result).toEqual([])
    room.clock.move(-400 * 24 * HOUR)
  })

  test('one browser or one client is ended, and nothing else of the person or of another', async () => {
    const kim = await come('kim@acme.test')
    const other = await come('kim@acme.test')
    const { token, grantId } = await client(kim)
    const path = `${USERS}/${kim.userId}/active_sessions`
    const lee = await come('lee@acme.test')
    expect((await room.ask('DELETE', `${USERS}/${lee.userId}/active_sessions/${grantId}`)).status).toBe(404)
    const auditor = await room.token('auditor')
    expect((await room.ask('DELETE', `${path}/${grantId}`, { token: auditor })).status).toBe(403)
    expect(await letsIn(token)).toBe(true)
    expect((await room.ask('DELETE', `${path}/${grantId}`)).body.result).toEqual({ nonce: grantId, kind: 'client' })
    expect(await letsIn(token)).toBe(false)
    expect(await isSignedIn(kim.cookie)).toBe(true)
    expect((await room.ask('DELETE', `${path}/${kim.sessionId}`)).body.result).toMatchObject({ kind: 'browser' })
    expect(await isSignedIn(kim.cookie)).toBe(false)
    expect(await isSignedIn(other.cookie)).toBe(true)
    expect((await room.ask('DELETE', `${path}/${kim.sessionId}`)).status).toBe(404)
  })

  test('show their role, who vouched for them, and each account as it was told', async () => {
    const nia = await come('nia@acme.test', { groups: ['ops'] })
    await giveRole(room.at.store, 'auditor', 'nia@acme.test')
    const { result } = (await room.ask('GET', `${USERS}/${nia.userId}`)).body
    expect(result).toMatchObject({ role: 'auditor', identity_providers: ['company'] })
    const listed = (await room.ask('GET', `${USERS}?email=nia@acme.test`)).body.result[0]
    expect(listed).toEqual(result)
    const minted = (await room.ask('GET', `${USERS}?email=minted@acme.test`)).body.result[0]
    expect(minted).toMatchObject({ role: null, identity_providers: [] })
    const identities = (await room.ask('GET', `${USERS}/${nia.userId}/identities`)).body.result
    expect(identities).toMatchObject([{ idp: { id: 'company' }, groups: ['ops'] }])
    expect((await room.ask('GET', `${USERS}/${minted?.id}/identities`)).body.result).toEqual([])
  })

  test('show what a provider said last, and groups that are not known as not known', async () => {
    const finn = await come('finn@acme.test', { groups: ['staff'] })
    room.clock.move(1000)
    await come('finn@acme.test', { groups: null, amr: ['pwd', 'otp'], claims: { dept: 'ops' } })
    const { result } = (await room.ask('GET', `${USERS}/${finn.userId}/last_seen_identity`)).body
    expect(result).toMatchObject({
      ...{ groups: null, groups_known: false, amr: ['pwd', 'otp'], oidc_fields: { dept: 'ops' } },
      ...{ issuer: 'https://idp.acme.test', subject: 'subject of finn@acme.test', idp: { id: 'company' } },
    })
    expect(JSON.stringify(result)).not.toContain('sealed')
    const minted = (await room.ask('GET', `${USERS}?email=minted@acme.test`)).body.result[0]
    expect((await room.ask('GET', `${USERS}/${minted?.id}/last_seen_identity`)).status).toBe(404)
  })

  test('show where somebody with their address was not let in, and nobody else’s', async () => {
    const ada = (await room.ask('GET', `${USERS}?email=ada@acme.test`)).body.result[0]
    const { audit, clock } = room.deps
    const from = { clientIp: '192.0.2.9', method: 'sign-in local' }
    await recordRefusedSignIn('wrong-credentials', from, 'ada@acme.test', { audit, clock })
    await recordRefusedSignIn('foreign-address', from, 'eve@acme.test', { audit, clock })
    expect((await room.ask('GET', `${USERS}/${ada?.id}/failed_logins`)).body.result).toMatchObject([
      { metadata: { reason: 'wrong-credentials', method: 'sign-in local', ip: '192.0.2.9', user_uuid: ada?.id } },
    ])
    const unnamed = (await room.ask('GET', `${USERS}?search=nameless`)).body.result[0]
    expect((await room.ask('GET', `${USERS}/${unnamed?.id}/failed_logins`)).body.result).toEqual([])
  })

  test.each([
    ['address', (who: { email: string }) => ({ email: who.email.toUpperCase() })],
    ['id', (who: { userId: string }) => ({ user_uid: who.userId })],
    ['both', (who: { email: string; userId: string }) => ({ email: who.email, user_uid: who.userId, devices: true })],
  ])('revoking by %s ends all that one person has and nothing of another', async (by, bodyOf) => {
    const email = `gil-${by}@acme.test`
    const gil = await come(email)
    const { token } = await client(gil)
    const made = await room.ask('POST', '/tokens/access', { body: { email, portal: 'team' } })
    const minted = String(made.body.result.token)
    const other = await come('other@acme.test')
    const otherClient = await client(other)
    for (const each of [token, minted, otherClient.token]) expect(await letsIn(each)).toBe(true)
    for (let time = 0; time < 2; time++) {
      const answer = await room.ask('POST', REVOKE, { body: bodyOf({ email, userId: gil.userId }) })
      expect(answer).toMatchObject({ status: 200, body: { result: true, success: true } })
    }
    for (const each of [token, minted]) expect(await letsIn(each)).toBe(false)
    expect(await isSignedIn(gil.cookie)).toBe(false)
    expect(await letsIn(otherClient.token)).toBe(true)
    expect(await isSignedIn(other.cookie)).toBe(true)
    expect(await isSignedIn((await come(email)).cookie)).toBe(true)
  })

  test('revoking says whom: an unknown address, two people, or nobody is refused', async () => {
    const hal = await come('hal@acme.test')
    const ida = await come('ida@acme.test')
    expect((await room.ask('POST', REVOKE, { body: { email: 'never@acme.test' } })).status).toBe(404)
    expect((await room.ask('POST', REVOKE, { body: {} })).status).toBe(400)
    const mixed = { email: 'hal@acme.test', user_uid: ida.userId }
    expect((await room.ask('POST', REVOKE, { body: mixed })).status).toBe(400)
    for (const { cookie } of [hal, ida]) expect(await isSignedIn(cookie)).toBe(true)
  })

  test('a disabled person has nothing and cannot sign in; enabled, they can, and get nothing back', async () => {
    const jo = await come('jo@acme.test')
    const { token } = await client(jo)
    const off = await room.ask('POST', `${USERS}/${jo.userId}/disable`)
    expect(off.body.result).toMatchObject({
      access_seat: false,
      active_device_count: 0,
      disabled_at: expect.any(String),
    })
    expect(await letsIn(token)).toBe(false)
    expect(await isSignedIn(jo.cookie)).toBe(false)
    expect((await room.ask('GET', `${USERS}/${jo.userId}/active_sessions`)).body.result).toEqual([])
    await expect(come('jo@acme.test')).rejects.toThrow('disabled')
    const made = await room.ask('POST', '/tokens/access', { body: { email: 'jo@acme.test', portal: 'team' } })
    expect(await letsIn(String(made.body.result.token))).toBe(false)
    room.clock.move(1000)
    const again = await room.ask('POST', `${USERS}/${jo.userId}/disable`)
    expect(again.body.result.disabled_at).toBe(off.body.result.disabled_at)
    const on = await room.ask('POST', `${USERS}/${jo.userId}/enable`)
    expect(on.body.result).toMatchObject({ access_seat: true, disabled_at: null })
    expect(await letsIn(token)).toBe(false)
    expect(await isSignedIn(jo.cookie)).toBe(false)
    expect(await isSignedIn((await come('jo@acme.test')).cookie)).toBe(true)
    expect((await room.ask('POST', `${USERS}/nobody/disable`)).status).toBe(404)
  })

  // [API-6]
  test('the last owner who can sign in is not disabled, and two at once do not leave nobody', async () => {
    const olga = await come('olga@acme.test')
    const otto = await come('otto@acme.test')
    await giveRole(room.at.store, 'owner', 'olga@acme.test')
    // Named, and never came: nobody who could sign in.
    await giveRole(room.at.store, 'owner', 'absent@acme.test')
    const refused = await room.ask('POST', `${USERS}/${olga.userId}/disable`)
    expect(refused).toMatchObject({
      status: 409,
      body: { errors: [{ message: expect.stringContaining('last owner') }] },
    })
    expect(await isSignedIn(olga.cookie)).toBe(true)
    await giveRole(room.at.store, 'owner', 'otto@acme.test')
    const both = await Promise.all([olga, otto].map((who) => room.ask('POST', `${USERS}/${who.userId}/disable`)))
    expect(both.map(({ status }) => status).sort()).toEqual([200, 409])
    await room.at.store.db.updateTable('users').set({ disabled_at: null }).execute()
  })

  test('who may do less than somebody neither disables nor enables them, and may still end their sign-ins', async () => {
    const admin = await room.token('admin')
    const olga = await come('olga@acme.test')
    await giveRole(room.at.store, 'admin', 'adam@acme.test')
    const adam = await come('adam@acme.test')
    for (const deed of ['disable', 'enable'])
      expect((await room.ask('POST', `${USERS}/${olga.userId}/${deed}`, { token: admin })).status).toBe(403)
    expect(await isSignedIn(olga.cookie)).toBe(true)
    expect((await room.ask('POST', `${USERS}/${adam.userId}/disable`, { token: admin })).status).toBe(200)
    const revoked = await room.ask('POST', REVOKE, { token: admin, body: { email: 'olga@acme.test' } })
    expect(revoked.status).toBe(200)
    expect(await isSignedIn(olga.cookie)).toBe(false)
    const auditor = await room.token('auditor')
    expect((await room.ask('POST', REVOKE, { token: auditor, body: { email: 'olga@acme.test' } })).status).toBe(403)
  })
})
