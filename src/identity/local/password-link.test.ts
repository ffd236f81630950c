import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { type LocalRoom, openLocalRoom, PASSWORD, VISITOR } from '../../../test/local-room.ts'
import { signIn } from '../../../test/support/people.ts'
import { changeOrganization } from '../organization.ts'
import { makeAdminLink } from './admin-link.ts'
import { makePasswordLink } from './password-link.ts'

const ADA = 'ada@acme.test'
const NEXT = 'the next long password'
const OVER = { kind: 'refused', reason: 'link-over' }

describe.each(DATABASE_KINDS)('the password link on %s', (kind) => {
  let room: LocalRoom
  beforeEach(async () => {
    room = await openLocalRoom(kind)
  })
  afterEach(() => room.end())

  const make = async (email = ADA): Promise<string> => {
    const made = await makePasswordLink(room.store, email, 'test')
    if (made === 'taken') throw new Error('taken')
    return made.path.replace('/setup/password/', '')
  }
  const set = (token: string, password = NEXT) => room.local.consumePasswordLink(token, password, VISITOR)
  const enter = async (password: string) =>
    (await room.local.signIn({ email: ADA, password, from: VISITOR })).kind === 'signed-in'

  // [SIGNIN-9]
  test('sets a new password once, and ends what the account had until then', async () => {
    await room.account(ADA)
    const before = await room.local.signIn({ email: ADA, password: PASSWORD, from: VISITOR })
    const token = await make()
    expect([await room.local.readPasswordLink(token), await room.local.readPasswordLink(token)]).toEqual([ADA, ADA])
    expect(await set(token)).toEqual({ kind: 'set', email: ADA })
    if (before.kind !== 'signed-in') throw new Error(before.reason)
    expect((await room.needs.browsers.look(before.setCookie.split(';')[0] ?? '')).session).toBeNull()
    expect([await enter(PASSWORD), await enter(NEXT)]).toEqual([false, true])
    expect(await room.local.readPasswordLink(token)).toBeNull()
    expect(await set(token, 'yet another password')).toEqual(OVER)
    const [row] = await room.audit.query({ limit: 9, phase: 'ended', method: 'password link', outcome: 'answered' })
    expect(row).toMatchObject({ actor: { label: ADA }, change: { object: 'user', fields: ['password'] } })
  })

  test('opens what wrong tries had locked', async () => {
    await room.account(ADA)
    for (let i = 0; i < 6; i++) await enter('wrong password')
    expect(await enter(PASSWORD)).toBe(false)
    await set(await make())
    expect(await enter(NEXT)).toBe(true)
  })

  // [SIGNIN-9]
  test('makes the account of an address that has none, without any role', async () => {
    expect(await set(await make())).toEqual({ kind: 'set', email: ADA })
    expect(await enter(NEXT)).toBe(true)
    expect(await room.local.hasAdmin()).toBe(false)
  })

  test('of two who use it at once one sets the password', async () => {
    const token = await make()
    const done = await Promise.all([set(token), set(token, 'another long password')])
    expect(done.map((one) => one.kind).sort()).toEqual(['refused', 'set'])
  })

  test('a password that is not taken leaves it as it is', async () => {
    const token = await make()
    expect(await set(token, 'short')).toMatchObject({ kind: 'invalid', email: ADA })
    expect(await set(token)).toMatchObject({ kind: 'set' })
  })

  test('is not made for somebody who signs in another way, nor good once they do', async () => {
    const token = await make()
    await signIn(room.needs, ADA)
    expect(await makePasswordLink(room.store, ADA, 'test')).toBe('taken')
    expect(await set(token)).toEqual(OVER)
    expect(await room.store.db.selectFrom('local_accounts').selectAll().execute()).toEqual([])
  })

  test('is good for its own purpose alone, and the admin link for its own', async () => {
    const password = await make()
    const made = await makeAdminLink(room.store, 'test')
    const admin = made === 'admin-exists' ? '' : made.path.replace('/setup/link/', '')
    expect([await room.local.readPasswordLink(admin), await room.local.readAdminLink(password)]).toEqual([null, false])
    expect(await set(admin)).toEqual(OVER)
    const owner = { email: 'eve@acme.test', name: '', password: PASSWORD }
    expect(await room.local.consumeAdminLink(password, owner, VISITOR)).toEqual(OVER)
    expect([await room.local.readPasswordLink(password), await room.local.readAdminLink(admin)]).toEqual([ADA, true])
  })

  test('ends after an hour, by a newer one for the same address, and with local sign-in', async () => {
    const [first, other] = [await make(), await make('eve@acme.test')]
    const second = await make()
    expect([await room.local.readPasswordLink(first), await room.local.readPasswordLink(other)]).toEqual([
      ...[null, 'eve@acme.test'],
    ])
    await room.store.write((trx) => changeOrganization(room.store, trx, { localSignIn: 'off' }))
    expect(await set(second)).toEqual(OVER)
    await room.store.write((trx) => changeOrganization(room.store, trx, { localSignIn: 'on' }))
    room.move(60 * 60_000)
    expect(await set(second)).toEqual(OVER)
  })
})
