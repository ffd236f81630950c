import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { type LocalRoom, openLocalRoom, PASSWORD, VISITOR } from '../../../test/local-room.ts'
import { addProvider, giveRole, signIn } from '../../../test/support/people.ts'
import { switchUser } from '../people-store.ts'
import { listRoleMembers } from '../role-store.ts'
import { roleOf } from '../roles.ts'
import { findOrCreateUser } from '../user-store.ts'
import { makeAdminLink } from './admin-link.ts'
import { makeFirstOwner } from './bootstrap.ts'
import type { NewOwner } from './model.ts'

const ADA = 'ada@acme.test'
const OWNER: NewOwner = { email: ' Ada@ACME.test', name: ' Ada\u202e Lovelace ', password: PASSWORD }
const OVER = { kind: 'refused', reason: 'link-over' }

describe.each(DATABASE_KINDS)('the admin link on %s', (kind) => {
  let room: LocalRoom
  beforeEach(async () => {
    room = await openLocalRoom(kind)
  })
  afterEach(() => room.end())

  const make = async (): Promise<string> => {
    const made = await makeAdminLink(room.store, 'test')
    if (made === 'admin-exists') throw new Error('somebody is owner')
    return made.path.replace('/setup/link/', '')
  }
  const use = (token: string, owner: Partial<NewOwner> = {}, local = room.local) =>
    local.consumeAdminLink(token, { ...OWNER, ...owner }, VISITOR)

  // [SIGNIN-1]
  test('is looked at as often as anybody likes, then used once, and makes the owner', async () => {
    const token = await make()
    expect(token).toMatch(/^[\w-]{43}$/)
    expect([await room.local.readAdminLink(token), await room.local.readAdminLink(token)]).toEqual([true, true])
    const done = await use(token)
    if (done.kind !== 'signed-in') throw new Error(done.kind)
    const { session } = await room.needs.browsers.look(done.setCookie.split(';')[0] ?? '')
    expect(session).toMatchObject({ email: ADA, label: ADA, identity: { provider: 'local' } })
    expect(session && (await roleOf(room.store.db, session))).toBe('owner')
    expect(await room.local.hasAdmin()).toBe(true)
    expect(await room.local.readAdminLink(token)).toBe(false)
    expect(await use(token, { email: 'eve@acme.test' })).toEqual(OVER)
    expect(await listRoleMembers(room.store.db)).toHaveLength(1)
    const again = await room.local.signIn({ email: ADA, password: PASSWORD, from: VISITOR })
    expect(again).toMatchObject({ kind: 'signed-in', who: { userId: done.who.userId } })
  })

  test('all of it is recorded: the use, the sign-in, and the second try', async () => {
    const token = await make()
    await use(token)
    await use(token)
    const rows = await room.audit.query({ limit: 20, phase: 'ended', plane: 'sign-in' })
    expect(
      rows.map(({ method, outcome, error, change }) => [method, outcome, error ?? null, change?.fields ?? null]),
    ).toEqual([
      ['sign-in link', 'refused', 'link-over', null],
      ['sign-in link', 'answered', null, []],
      ['admin link', 'answered', null, ['local_account', 'role']],
    ])
    expect(JSON.stringify(await room.audit.query({ limit: 50 }))).not.toContain(token)
  })

  test('two who use it at once, on two replicas, are one owner', async () => {
    const token = await make()
    const other = kind === 'postgres' ? await room.again() : room.local
    const answers = await Promise.all([use(token), use(token, { email: 'eve@acme.test' }, other)])
    expect(answers.map((answer) => answer.kind).sort()).toEqual(['refused', 'signed-in'])
    expect(await listRoleMembers(room.store.db)).toHaveLength(1)
    expect(await room.store.db.selectFrom('local_accounts').select('user_id').execute()).toHaveLength(1)
  })

  test.each([
    { when: 'no address', wrong: { email: 'ada' }, says: 'Give your e-mail address.' },
    { when: 'a short password', wrong: { password: 'short' }, says: 'at least 12' },
    { when: 'the address for a password', wrong: { password: ADA }, says: 'is the address' },
  ])('$when is told, and leaves the link as it is', async ({ wrong, says }) => {
    const token = await make()
    expect(await use(token, wrong)).toEqual({ kind: 'invalid', problems: [expect.stringContaining(says)] })
    expect(await room.local.readAdminLink(token)).toBe(true)
    expect((await use(token)).kind).toBe('signed-in')
  })

  test('the address of somebody who signs in already is not taken over by it', async () => {
    await signIn(room.needs, ADA)
    const token = await make()
    expect(await use(token)).toEqual({
      kind: 'invalid',
      problems: [expect.stringContaining('portico roles add owner --email ada@acme.test')],
    })
    expect(await room.store.db.selectFrom('local_accounts').selectAll().execute()).toEqual([])
    expect((await use(token, { email: 'root@acme.test' })).kind).toBe('signed-in')
  })

  test('neither is that of somebody whom an admin switched off, who could not come in by it', async () => {
    const { id } = await room.store.write((trx) => findOrCreateUser(room.store, trx, ADA))
    const token = await make()
    await room.store.write((trx) => switchUser(room.store, trx, id, 'off'))
    expect((await use(token)).kind).toBe('invalid')
    await room.store.write((trx) => switchUser(room.store, trx, id, 'on'))
    // Known by an access token alone: nobody's account yet.
    expect(await use(token)).toMatchObject({ kind: 'signed-in', who: { userId: id } })
  })

  test('ends after an hour, and when a newer one is made', async () => {
    const first = await make()
    const second = await make()
    expect(await room.local.readAdminLink(first)).toBe(false)
    expect(await use(first)).toEqual(OVER)
    room.move(60 * 60_000)
    expect(await room.local.readAdminLink(second)).toBe(false)
    expect(await use(second)).toEqual(OVER)
  })

  test('is neither made nor good once somebody is owner, whoever made them so', async () => {
    await addProvider(room.store)
    const token = await make()
    // One who is named and has never come is nobody's admin yet.
    await giveRole(room.store, 'owner', 'grace@acme.test')
    expect(await room.local.readAdminLink(token)).toBe(true)
    await signIn(room.needs, 'grace@acme.test')
    expect(await room.local.readAdminLink(token)).toBe(false)
    expect(await use(token)).toEqual(OVER)
    expect(await makeAdminLink(room.store, 'test')).toBe('admin-exists')
  })

  test('what is no token at all is over, without a look at the database', async () => {
    for (const token of ['', 'x', `${'a'.repeat(43)}'`, '../../etc']) {
      expect(await room.local.readAdminLink(token)).toBe(false)
      expect(await use(token)).toEqual(OVER)
    }
  })

  test('only its digest is kept', async () => {
    const token = await make()
    const kept = JSON.stringify(await room.store.db.selectFrom('single_use_links').selectAll().execute())
    expect(kept).not.toContain(token)
    expect(kept).not.toContain(Buffer.from(token, 'base64url').toString('hex'))
    room.move(26 * 60 * 60_000)
    await room.local.forget()
    expect(await room.store.db.selectFrom('single_use_links').selectAll().execute()).toEqual([])
  })

  describe('the first owner from the settings', () => {
    const owner = { email: ADA, password: PASSWORD }

    // [SIGNIN-6]
    test('is made once, even by replicas that start at once, and never made again', async () => {
      const made = await Promise.all([makeFirstOwner(room.needs, owner), makeFirstOwner(room.needs, owner)])
      expect(made.sort()).toEqual([false, true])
      expect((await room.local.signIn({ ...owner, from: VISITOR })).kind).toBe('signed-in')
      const changed = { ...owner, password: 'another password' }
      expect(await makeFirstOwner(room.needs, changed)).toBe(false)
      expect(await room.local.signIn({ ...changed, from: VISITOR })).toEqual({
        ...{ kind: 'refused', reason: 'wrong-credentials' },
      })
      await room.store.db.deleteFrom('role_members').execute()
      await room.store.db.deleteFrom('users').execute()
      expect(await makeFirstOwner(room.needs, owner)).toBe(false)
    })

    test('is not made where somebody is owner, and takes nobody over', async () => {
      await use(await make())
      expect(await makeFirstOwner(room.needs, { ...owner, email: 'eve@acme.test' })).toBe(false)
      expect(await listRoleMembers(room.store.db)).toHaveLength(1)
    })
  })
})
