import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom, PORTALS } from '../../test/admin-room.ts'

describe('API tokens', () => {
  let room: AdminRoom
  beforeAll(async () => {
    room = await openAdminRoom()
  })
  afterAll(() => room.end())
  const mint = (body: object, token?: string) =>
    room.ask('POST', '/tokens/api', { body: { name: 't', ...body }, ...(token === undefined ? {} : { token }) })

  test('a token makes none with a higher role, a wider scope or a longer life', async () => {
    const admin = await room.token('admin')
    const narrow = await room.token('admin', { scopes: ['api_tokens:write', 'portals:read'] })
    const expiresAt = room.clock.now() + 3_600_000
    const brief = await room.token('owner', { expiresAt })
    expect((await mint({ role: 'owner' }, admin)).status).toBe(403)
    expect((await mint({ role: 'admin' }, admin)).status).toBe(200)
    expect((await mint({ role: 'auditor' }, admin)).status).toBe(200)
    expect((await mint({ role: 'admin' }, narrow)).status).toBe(403)
    expect((await mint({ role: 'auditor' }, narrow)).status).toBe(403)
    expect((await mint({ role: 'admin', scopes: ['portals:write'] }, narrow)).status).toBe(403)
    expect((await mint({ role: 'admin', scopes: ['portals:read'] }, narrow)).status).toBe(200)
    expect((await mint({ role: 'owner' }, brief)).status).toBe(403)
    expect((await mint({ role: 'owner', expires_at: new Date(expiresAt + 1).toISOString() }, brief)).status).toBe(403)
    expect((await mint({ role: 'owner', expires_at: new Date(expiresAt).toISOString() }, brief)).status).toBe(200)
    expect((await mint({ role: 'god' })).status).toBe(400)
    expect((await mint({ role: 'admin', scopes: ['everything'] })).status).toBe(400)
  })

  test('a minted token works until it is revoked, and is shown once', async () => {
    const made = (await mint({ role: 'auditor' })).body.result
    const token = String(made.token)
    expect((await room.ask('GET', PORTALS, { token })).status).toBe(200)
    expect(JSON.stringify((await room.ask('GET', '/tokens/api')).body)).not.toContain(token)
    await room.ask('DELETE', `/tokens/api/${made.id}`)
    expect((await room.ask('GET', PORTALS, { token })).status).toBe(401)
  })

  test("the last owner token stays, and an admin cannot revoke an owner's", async () => {
    const all = (await room.ask('GET', '/tokens/api?per_page=1000')).body.result
    const lasting = all.filter((token) => token.role === 'owner' && token.expires_at === null)
    expect(lasting).toHaveLength(1)
    const path = `/tokens/api/${lasting[0]?.id}`
    expect((await room.ask('DELETE', path, { token: await room.token('admin') })).status).toBe(403)
    const refused = await room.ask('DELETE', path)
    expect(refused.status).toBe(409)
    const second = (await mint({ role: 'owner' })).body.result
    expect((await room.ask('DELETE', path, { token: String(second.token) })).status).toBe(200)
  })
})
