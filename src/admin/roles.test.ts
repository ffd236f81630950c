import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type AdminRoom, openAdminRoom } from '../../test/admin-room.ts'
import { addProvider, giveRole, signIn } from '../../test/support/people.ts'
import { findLink } from '../identity/local/link-store.ts'
import { listRoleMembers } from '../identity/role-store.ts'

const ROLES = '/access/roles'
const LINKS = '/admin/links'

describe('/access/roles', () => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom()
  })
  afterEach(() => room.end())

  const add = (body: object, token?: string) =>
    room.ask('POST', ROLES, { body, ...(token === undefined ? {} : { token }) })
  const members = async () =>
    (await listRoleMembers(room.at.store.db)).map(({ role, who }) => [
      role,
      who.kind === 'email' ? who.email : who.group,
    ])

  test('gives roles to addresses and groups, lists them, and takes them away', async () => {
    await addProvider(room.at.store)
    const ada = await add({ role: 'owner', email: 'Ada@Acme.test' })
    expect(ada.body.result).toMatchObject({
      role: 'owner',
      email: 'ada@acme.test',
      group: null,
      created_by: 'owner token',
    })
    const ops = await add({ role: 'admin', group: 'Ops', identity_provider_id: 'company' })
    expect(ops.body.result).toMatchObject({ email: null, group: 'Ops', identity_provider_id: 'company' })
    expect((await room.ask('GET', ROLES)).body.result.map(({ id }) => id)).toEqual([
      ada.body.result.id,
      ops.body.result.id,
    ])
    expect((await room.ask('GET', `${ROLES}?search=ops`)).body.result).toHaveLength(1)
    const gone = await room.ask('DELETE', `${ROLES}/${ops.body.result.id}`)
    expect([gone.status, gone.body.result]).toEqual([200, { id: ops.body.result.id }])
    expect((await room.ask('DELETE', `${ROLES}/${ops.body.result.id}`)).status).toBe(404)
    expect(await members()).toEqual([['owner', 'ada@acme.test']])
  })

  test.each([
    { when: 'neither', body: { role: 'admin' } },
    { when: 'both', body: { role: 'admin', email: 'a@b.test', group: 'g', identity_provider_id: 'company' } },
    { when: 'a group of no provider', body: { role: 'admin', group: 'g' } },
    { when: 'an address at a provider', body: { role: 'admin', email: 'a@b.test', identity_provider_id: 'company' } },
    { when: 'a provider that is not there', body: { role: 'admin', group: 'g', identity_provider_id: 'nowhere' } },
    { when: 'no such role', body: { role: 'root', email: 'a@b.test' } },
    { when: 'no address', body: { role: 'admin', email: 'b.test' } },
  ])('$when is 400, and nobody has a role', async ({ body }) => {
    await addProvider(room.at.store)
    expect((await add(body)).status).toBe(400)
    expect(await members()).toEqual([])
  })

  // [SIGNIN-7]
  test('the last owner is not taken away, and the same member is not made twice: 409', async () => {
    const owner = await add({ role: 'owner', email: 'ada@acme.test' })
    expect((await add({ role: 'owner', email: 'ADA@acme.test' })).status).toBe(409)
    const refused = await room.ask('DELETE', `${ROLES}/${owner.body.result.id}`)
    expect(refused.status).toBe(409)
    expect(refused.body.errors[0]?.message).toContain('This is the last owner')
    expect(await members()).toEqual([['owner', 'ada@acme.test']])
    expect((await room.audit.query({ limit: 1, phase: 'ended', plane: 'admin' }))[0]).toMatchObject({
      outcome: 'refused',
    })
  })

  // [SIGNIN-8]
  test('nobody gives or takes away a role that is more than they hold: 403', async () => {
    const owner = await add({ role: 'owner', email: 'ada@acme.test' })
    await add({ role: 'owner', email: 'bob@acme.test' })
    const lesser = [
      await room.token('admin'),
      await room.token('owner', { scopes: ['roles:read', 'roles:write', 'users:write'] }),
    ]
    for (const token of lesser) {
      expect((await add({ role: 'owner', email: 'eve@acme.test' }, token)).status).toBe(403)
      expect((await room.ask('DELETE', `${ROLES}/${owner.body.result.id}`, { token })).status).toBe(403)
    }
    expect((await add({ role: 'admin', email: 'eve@acme.test' }, lesser[1])).status).toBe(403)
    expect((await add({ role: 'admin', email: 'eve@acme.test' }, lesser[0])).status).toBe(200)
    expect(await members()).toEqual([
      ['owner', 'ada@acme.test'],
      ['owner', 'bob@acme.test'],
      ['admin', 'eve@acme.test'],
    ])
  })
})

describe('/admin/links', () => {
  let room: AdminRoom
  beforeEach(async () => {
    room = await openAdminRoom()
  })
  afterEach(() => room.end())

  const make = (token?: string) =>
    room.ask('POST', LINKS, { body: { purpose: 'admin' }, ...(token === undefined ? {} : { token }) })
  const isGood = async (url: string) => (await findLink(room.at.store.db, url.slice(-43), room.clock.now())) === 'admin'

  test('gives the owner a link for an hour, and withdraws the one before', async () => {
    const one = await make()
    const two = await make()
    expect(one.body.result.url).toMatch(/^http:\/\/localhost\/setup\/link\/[\w-]{43}$/)
    expect(Date.parse(String(two.body.result.expires_at)) - room.clock.now()).toBeGreaterThan(59 * 60_000)
    expect([await isGood(String(one.body.result.url)), await isGood(String(two.body.result.url))]).toEqual([
      false,
      true,
    ])
    const recorded = JSON.stringify(await room.audit.query({ limit: 20 }))
    expect(recorded).toContain('"object":"admin_link"')
    expect(recorded).not.toContain(String(two.body.result.url).slice(-43))
  })

  // [SIGNIN-8]
  test('is for an owner token that may do everything: it makes an owner', async () => {
    for (const token of [await room.token('admin'), await room.token('owner', { scopes: ['users:write'] })]) {
      expect((await make(token)).status).toBe(403)
      const body = { purpose: 'password', email: 'ada@acme.test' }
      expect((await room.ask('POST', LINKS, { body, token })).status).toBe(403)
    }
    expect(await room.at.store.db.selectFrom('single_use_links').selectAll().execute()).toEqual([])
  })

  test('gives the owner a link for the password of one address, unless that one signs in another way', async () => {
    const ask = (body: object) => room.ask('POST', LINKS, { body })
    const made = await ask({ purpose: 'password', email: 'Ada@Acme.test' })
    expect(made.body.result.url).toMatch(/^http:\/\/localhost\/setup\/password\/[\w-]{43}$/)
    const purpose = await findLink(room.at.store.db, String(made.body.result.url).slice(-43), room.clock.now())
    expect(purpose).toBe('password:ada@acme.test')
    await signIn({ ...room.deps, browsers: room.browsers }, 'ada@acme.test')
    expect((await ask({ purpose: 'password', email: 'ada@acme.test' })).status).toBe(409)
    for (const body of [{ purpose: 'password' }, { purpose: 'admin', email: 'a@b.test' }, { purpose: 'root' }])
      expect((await ask(body)).status).toBe(400)
  })

  test('refuses where somebody is owner, and says how others become it', async () => {
    await addProvider(room.at.store)
    await giveRole(room.at.store, 'owner', 'ada@acme.test')
    expect((await make()).status).toBe(200)
    await signIn({ ...room.deps, browsers: room.browsers }, 'ada@acme.test')
    const refused = await make()
    expect(refused.status).toBe(409)
    expect(refused.body.errors[0]?.message).toContain('portico roles add owner --email')
  })
})
