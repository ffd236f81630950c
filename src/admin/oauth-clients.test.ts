import { afterEach, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom } from '../../test/admin-room.ts'
import { DATABASE_KINDS } from '../../test/databases.ts'
import type { GrantId, PortalUid } from '../base/ids.ts'
import { digest } from '../base/secret.ts'
import { insertGrant, readGrant } from '../identity/grant-store.ts'
import { saveSignIn } from '../identity/identity-store.ts'
import { clientAdapter, insertClient } from '../identity/oauth/clients/client-store.ts'
import { openClientPolicy } from '../identity/oauth/clients/policy-keeper.ts'
import { normaliseRegistration } from '../identity/oauth/clients/registration.ts'

const PATH = '/access/oauth/clients'
const rooms: AdminRoom[] = []
afterEach(async () => {
  for (const room of rooms.splice(0)) await room.end()
})

async function open(kind: (typeof DATABASE_KINDS)[number] = 'sqlite'): Promise<AdminRoom> {
  const room = await openAdminRoom(kind)
  rooms.push(room)
  return room
}

const SECRET = {
  client_name: 'Report runner',
  redirect_uris: ['https://reports.example/cb', 'acme-agent://oauth/callback'],
  token_endpoint_auth_method: 'client_secret_basic',
}

describe.each(DATABASE_KINDS)('OAuth clients on %s', (kind) => {
  test('an admin writes one down; its secret is shown once and kept as its SHA-256', async () => {
    const room = await open(kind)
    const made = await room.ask('POST', PATH, { body: SECRET })
    expect(made.status).toBe(200)
    const { id, client_secret: secret } = made.body.result as unknown as { id: string; client_secret: string }
    expect(secret).toMatch(/^ptcs_/)
    const shown = {
      ...{ id, client_id: id, kind: 'admin', client_name: 'Report runner', redirect_uris: SECRET.redirect_uris },
      ...{ grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'client_secret_basic' },
      ...{ created_at: expect.any(String), created_by: expect.any(String), last_used_at: null, expires_at: null },
    }
    expect((await room.ask('GET', `${PATH}/${id}`)).body.result).toEqual(shown)
    expect((await room.ask('GET', PATH)).body.result).toEqual([shown])
    expect(await clientAdapter(room.at.store).find(id)).toMatchObject({ client_id: id, client_secret: digest(secret) })
    const [row] = await room.audit.query({ limit: 1, plane: 'admin', phase: 'ended' })
    expect(row).toMatchObject({ outcome: 'answered', change: { object: 'oauth_client', id } })
    expect(JSON.stringify(await room.audit.query({ limit: 50 }))).not.toContain(secret)

    const renamed = await room.ask('PUT', `${PATH}/${id}`, { body: { ...shown, client_name: 'Reports' } })
    expect([renamed.status, renamed.body.result.client_name, renamed.body.result.client_secret]).toEqual([
      200,
      'Reports',
      undefined,
    ])
    expect(await clientAdapter(room.at.store).find(id)).toMatchObject({ client_secret: digest(secret) })
    const rotated = await room.ask('PUT', `${PATH}/${id}`, { body: { rotate_client_secret: true } })
    const next = rotated.body.result.client_secret as string
    expect(next).not.toBe(secret)
    expect(await clientAdapter(room.at.store).find(id)).toMatchObject({ client_secret: digest(next) })
    await room.ask('PUT', `${PATH}/${id}`, { body: { token_endpoint_auth_method: 'none' } })
    expect(await clientAdapter(room.at.store).find(id)).not.toHaveProperty('client_secret')
  })

  test('deleting one ends what people gave it, and nothing else', async () => {
    const room = await open(kind)
    const { store, sealer } = room.deps
    const made = await Promise.all([1, 2].map(() => room.ask('POST', PATH, { body: SECRET })))
    const [gone = '', stays = ''] = made.map(({ body }) => String(body.result.id))
    const portal = await room.ask('POST', '/access/ai-controls/mcp/portals', {
      body: { id: 'main', name: 'Main', hostname: 'main.example' },
    })
    expect(portal.status).toBe(200)
    const row = await store.db.selectFrom('portals').select('uid').executeTakeFirstOrThrow()
    const who = await store.write((trx) =>
      saveSignIn(
        store,
        trx,
        {
          ...{ provider: 'local', issuer: 'local', subject: 'ada', email: 'ada@example.com', name: 'Ada' },
          ...{ groups: null, amr: [], claims: {}, idToken: null, refreshToken: null },
        },
        sealer,
      ),
    )
    if (who === 'disabled') throw new Error('a new person is not switched off')
    for (const clientId of [gone, stays]) {
      await store.write((trx) =>
        insertGrant(store, trx, {
          ...{ id: `grant-${clientId}` as GrantId, userId: who.userId, identityId: who.identityId, clientId },
          ...{
            portalUid: row.uid as PortalUid,
            clientName: 'x',
            redirectUri: null,
            resource: 'https://main.example/mcp',
          },
        }),
      )
    }
    const deleted = await room.ask('DELETE', `${PATH}/${gone}`)
    expect([deleted.status, deleted.body.result]).toEqual([200, { id: gone, grants_revoked: 1 }])
    expect((await readGrant(store.db, `grant-${gone}`))?.revokedWhy).toBe('revoked')
    expect((await readGrant(store.db, `grant-${stays}`))?.revokedAt).toBeNull()
    expect((await room.ask('GET', `${PATH}/${gone}`)).status).toBe(404)
    expect((await room.ask('DELETE', `${PATH}/${gone}`)).status).toBe(404)
  })
})

test('a client that introduced itself is shown and deleted here, and changed by itself alone', async () => {
  const room = await open()
  const { store } = room.at
  const body = { client_name: 'Agent', redirect_uris: ['http://localhost/cb'], token_endpoint_auth_method: 'none' }
  const normalised = normaliseRegistration(body, null)
  if ('error' in normalised) throw new Error(normalised.error_description)
  const metadata = { ...normalised.metadata, registration_access_token: digest('x') }
  const id = await store.write((trx) =>
    insertClient(store, trx, { kind: 'registered', metadata, createdBy: '192.0.2.7' }),
  )
  const { result } = (await room.ask('GET', `${PATH}/${id}`)).body
  expect(result).toMatchObject({ kind: 'registered', created_by: '192.0.2.7', expires_at: expect.any(String) })
  expect(JSON.stringify(result)).not.toContain(digest('x'))
  expect((await room.ask('PUT', `${PATH}/${id}`, { body: { client_name: 'Mine' } })).status).toBe(409)
  expect((await room.ask('DELETE', `${PATH}/${id}`)).status).toBe(200)
})

test('SEC-O5: an admin is told of a redirect URI that can never be used, by its place', async () => {
  const room = await open()
  const refused = [
    ...['javascript:alert(1)', 'http://a.example/cb', 'https://u@a.example/cb', 'https://a.example/cb#x', 'data:/x'],
    ...['https://a.example/../cb', 'http://localhost.evil.example/cb', 'HTTPS://a.example/cb'],
  ]
  for (const uri of refused) {
    const answer = await room.ask('POST', PATH, {
      body: { client_name: 'x', redirect_uris: ['https://a.example/', uri] },
    })
    expect([uri, answer.status]).toEqual([uri, 400])
    expect(answer.body.errors[0]?.message).toContain('redirect_uris[1]')
  }
  const wrong = [{ redirect_uris: [] }, { redirect_uris: ['https://a.example/'], logo_uri: 'https://a.example/' }]
  for (const body of wrong)
    expect((await room.ask('POST', PATH, { body: { client_name: 'x', ...body } })).status).toBe(400)
  expect((await room.ask('GET', PATH)).body.result).toEqual([])
})

test('the rules for clients are those of the organisation and those of a portal, and are in force at once', async () => {
  const room = await open()
  const keeper = await openClientPolicy(room.at.store)
  const rules = {
    dynamic_client_registration: { enabled: true, allowed_uris: ['https://claude.ai/*', 'acme://in/cb'] },
  }
  expect((await room.ask('GET', '/access/oauth/configuration')).body.result).toEqual({})
  expect((await room.ask('PUT', '/access/oauth/configuration', { body: rules })).body.result).toEqual(rules)
  expect(keeper.current()).toEqual(rules)
  const wrong = [
    { dynamic_client_registration: { allowed_uris: ['https://*.example/cb'] } },
    { dynamic_client_registration: { allowed_uris: ['javascript:/x'] } },
    { dynamic_client_registration: { allow_any: true } },
    { device_authorization: { enabled: true } },
  ]
  for (const body of wrong) expect((await room.ask('PUT', '/access/oauth/configuration', { body })).status).toBe(400)
  expect(keeper.current()).toEqual(rules)
  keeper.close()

  const portals = '/access/ai-controls/mcp/portals'
  const own = { ...rules, device_authorization: { enabled: true } }
  const named = { id: 'main', name: 'Main', hostname: 'main.example' }
  const made = await room.ask('POST', portals, { body: { ...named, oauth_configuration: own } })
  expect(made.body.result.oauth_configuration).toEqual(own)
  const kept = await room.ask('PUT', `${portals}/main`, { body: { name: 'Other' } })
  expect(kept.body.result.oauth_configuration).toEqual(own)
  const bad = { oauth_configuration: { dynamic_client_registration: { allowed_uris: ['http://a.example/*'] } } }
  const refused = await room.ask('PUT', `${portals}/main`, { body: bad })
  expect(refused.body.errors[0]?.message).toContain('oauth_configuration.dynamic_client_registration.allowed_uris.0')
  const cleared = await room.ask('PUT', `${portals}/main`, { body: { oauth_configuration: null } })
  expect(cleared.body.result).not.toHaveProperty('oauth_configuration')
})
