import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, LOGS, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import { addProvider, giveRole, signIn } from '../../test/support/people.ts'
import { readOrganization } from '../identity/organization.ts'

const ORGANIZATION = '/access/organizations'

describe.each(DATABASE_KINDS)('the organisation over the API, on %s', (kind) => {
  let room: AdminRoom
  beforeAll(async () => {
    room = await openAdminRoom(kind)
  })
  afterAll(() => room.end())

  const settle = (body: unknown, method = 'PUT') => room.ask(method, ORGANIZATION, { body })
  const read = async () => (await room.ask('GET', ORGANIZATION)).body.result

  test('is there before anybody settled anything, as it is in force', async () => {
    expect(await read()).toEqual({
      name: 'Portico',
      session_duration: '24h',
      strict_service_token_auth: expect.any(Boolean),
      grant_lifetime: '336h',
      access_token_lifetime: '15m',
      local_sign_in: 'on',
      key_rotation_interval_days: 42,
      service_token_inactivity: { enabled: false, action: 'disable', inactivity_threshold_days: 90 },
    })
  })

  test('PUT and PATCH settle what is given, leave the rest, and the audit names the fields', async () => {
    const body = { name: 'Acme', session_duration: '90m', access_token_lifetime: '5m', strict_service_token_auth: true }
    expect((await settle(body)).body.result).toMatchObject(body)
    const idle = { enabled: true, action: 'delete', inactivity_threshold_days: 60 }
    const more = { grant_lifetime: '48h', key_rotation_interval_days: 7, service_token_inactivity: idle }
    expect((await settle(more, 'PATCH')).body.result).toMatchObject({ ...body, ...more })
    expect(await readOrganization(room.at.store.db)).toMatchObject({
      ...{ name: 'Acme', sessionLifetime: 90 * 60_000, accessTokenLifetime: 300_000, grantLifetime: 48 * 3_600_000 },
      ...{ strictServiceTokenAuth: true, keyRotation: 7 * 86_400_000, localSignIn: 'on' },
      serviceTokenInactivity: { enabled: true, action: 'delete', thresholdDays: 60 },
    })
    const rows = await room.ask('GET', `${LOGS}?method=PATCH /access/organizations&phase=ended`)
    expect(rows.body.result[0]).toMatchObject({
      change: {
        object: 'organization',
        fields: ['grant_lifetime', 'key_rotation_interval_days', 'service_token_inactivity'],
      },
    })
  })

  test('a duration is read back as it was written, and anew once it means something else', async () => {
    expect((await settle({ session_duration: '1440m' })).body.result.session_duration).toBe('1440m')
    expect((await settle({ name: 'Acme' })).body.result.session_duration).toBe('1440m')
    expect((await settle({ session_duration: '5400s' })).body.result.session_duration).toBe('5400s')
  })

  test('what decides nothing here is kept, shown, taken away by null, and named in a notice', async () => {
    const kept = {
      auth_domain: 'acme.cloudflareaccess.com',
      login_design: { header_text: 'Hello', background_color: '#fff' },
      mfa_config: { allowed_authenticators: ['totp'], session_duration: '24h' },
      deny_unmatched_requests: false,
    }
    const answer = await settle(kept)
    expect(answer.body.result).toMatchObject(kept)
    expect(answer.body.messages).toEqual([
      {
        code: 11100,
        message:
          'Kept and shown, and decides nothing in this portal: auth_domain, deny_unmatched_requests, login_design, mfa_config.',
      },
    ])
    const fewer = await settle({ login_design: null, mfa_config: null })
    expect(fewer.body.messages).toEqual([])
    expect(fewer.body.result).not.toHaveProperty('login_design')
    expect(await read()).toMatchObject({ auth_domain: 'acme.cloudflareaccess.com', deny_unmatched_requests: false })
  })

  test('POST settles it too, as Cloudflare creates one, and asks for name and auth_domain', async () => {
    expect((await settle({ name: 'Only' }, 'POST')).body.errors[0]?.message).toBe('auth_domain: is required')
    const made = await settle({ name: 'Made', auth_domain: 'made.acme.test', session_duration: '8h' }, 'POST')
    expect(made.body.result).toMatchObject({ name: 'Made', auth_domain: 'made.acme.test', session_duration: '8h' })
  })

  test.each([
    ['a lock that is none here', { mfa_required_for_all_apps: true }, 'mfa_required_for_all_apps: is not enforced'],
    ['an access token for longer than an hour', { access_token_lifetime: '61m' }, 'access_token_lifetime: give'],
    ['an access token for less than a minute', { access_token_lifetime: '59s' }, 'access_token_lifetime: give'],
    ['a browser that never signs out', { session_duration: 'forever' }, 'session_duration: give'],
    ['more than a year', { grant_lifetime: '9000h' }, 'grant_lifetime: give'],
    ['half a second', { session_duration: '60.5s' }, 'session_duration: give'],
    ['a word that is no switch', { local_sign_in: 'maybe' }, 'local_sign_in:'],
    ['a field that nobody knows', { sesion_duration: '24h' }, 'unknown field "sesion_duration"'],
  ])('%s is refused and nothing is settled', async (_, body, message) => {
    const before = await read()
    const answer = await settle({ name: 'Never', ...body })
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0]?.message).toContain(message)
    expect(await read()).toEqual(before)
  })

  test('local sign-in goes only once an owner has come in through a provider that is still there', async () => {
    const { store } = room.at
    const people = { store, sealer: room.deps.sealer, browsers: room.browsers }
    const off = () => settle({ name: 'Renamed too', local_sign_in: 'off' })
    const refused = await off()
    expect(refused).toMatchObject({ status: 409, body: { errors: [{ code: 11009 }] } })
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect(await read()).toMatchObject({ name: 'Made', local_sign_in: 'on' })

    await giveRole(store, 'owner', 'olga@acme.test')
    await giveRole(store, 'admin', 'adam@acme.test')
    await signIn(people, 'olga@acme.test', { provider: 'local', issuer: 'portico:local' })
    expect((await off()).status).toBe(409)
    await signIn(people, 'olga@acme.test')
    expect((await off()).status).toBe(409)
    await addProvider(store, 'mail', 'onetimepin')
    await signIn(people, 'olga@acme.test', { provider: 'mail', issuer: 'portico:pin' })
    expect((await off()).status).toBe(409)
    await addProvider(store, 'company')
    await store.db.updateTable('users').set({ disabled_at: 1 }).where('email', '=', 'olga@acme.test').execute()
    await signIn(people, 'adam@acme.test')
    expect((await off()).status).toBe(409)
    await store.db.updateTable('users').set({ disabled_at: null }).execute()
    expect((await off()).body.result).toMatchObject({ local_sign_in: 'off' })
    expect((await settle({ local_sign_in: 'on' })).body.result).toMatchObject({ local_sign_in: 'on' })
  })

  test('who may only read settles nothing', async () => {
    const token = await room.token('auditor')
    expect((await room.ask('GET', ORGANIZATION, { token })).status).toBe(200)
    expect((await room.ask('PUT', ORGANIZATION, { token, body: { name: 'x' } })).status).toBe(403)
    const narrow = await room.token('admin', { scopes: ['organization:read', 'users:write'] })
    expect((await room.ask('PATCH', ORGANIZATION, { token: narrow, body: { name: 'x' } })).status).toBe(403)
  })
})
