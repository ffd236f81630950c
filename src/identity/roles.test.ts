import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { addProvider, giveRole, type People, signIn } from '../../test/support/people.ts'
import { openSealer } from '../base/secret.ts'
import { openBrowserSessions } from './browser-session-store.ts'
import { disableUser } from './last-owner.ts'
import { findUserByEmail, switchUser } from './people-store.ts'
import { deleteProvider } from './providers/provider-store.ts'
import { deleteRoleMember, insertRoleMember, listRoleMembers, type MemberOf } from './role-store.ts'
import { hasAdmin, mayTurnOffLocal, roleOf } from './roles.ts'

const ADA = 'ada@acme.test'
const byGroup = (group: string, provider = 'company'): MemberOf => ({ kind: 'group', group, provider })

describe.each(DATABASE_KINDS)('roles on %s', (kind) => {
  let at: TestStore
  let people: People
  beforeEach(async () => {
    at = await freshStore(kind)
    const { store } = at
    people = {
      ...{ store, sealer: openSealer(TEST_KEYS, 'store') },
      browsers: openBrowserSessions(store, () => 'http://127.0.0.1:8787'),
    }
  })
  afterEach(() => at.end())

  const add = (role: 'owner' | 'admin' | 'auditor', who: MemberOf) =>
    at.store.write((trx) => insertRoleMember(at.store, trx, { role, who, createdBy: 'test' }))
  const remove = (id: string, store = at.store) => store.write((trx) => deleteRoleMember(store, trx, id))

  test.each([
    { when: 'an address', email: ADA, groups: [], then: 'auditor' },
    { when: 'a group', email: null, groups: ['ops'], then: 'admin' },
    { when: 'both: the higher', email: ADA, groups: ['x', 'ops'], then: 'admin' },
    { when: 'groups that are not known', email: null, groups: null, then: null },
    { when: 'another group', email: null, groups: ['OPS', 'op'], then: null },
    { when: 'an address that does not count', email: null, groups: [], then: null },
  ])('$when: $then', async ({ email, groups, then }) => {
    await add('auditor', { kind: 'email', email: ADA })
    await add('admin', byGroup('ops'))
    expect(await roleOf(at.store.db, { email, identity: { provider: 'company', groups } })).toBe(then)
  })

  test('a group of one provider is nothing at another, where anybody may have made one of that name', async () => {
    await add('owner', byGroup('ops'))
    expect(await roleOf(at.store.db, { email: null, identity: { provider: 'other', groups: ['ops'] } })).toBeNull()
    expect(await roleOf(at.store.db, { email: null, identity: null })).toBeNull()
  })

  test('the same member is there once', async () => {
    expect(await add('admin', { kind: 'email', email: ADA })).not.toBeNull()
    expect(await add('admin', { kind: 'email', email: ADA })).toBeNull()
  })

  // [SIGNIN-7]
  test('the last owner stays; of two who are removed at once, on two replicas, one stays', async () => {
    await add('owner', { kind: 'email', email: ADA })
    await add('owner', byGroup('ops'))
    const admin = (await add('admin', { kind: 'email', email: ADA })) ?? ''
    const owners = (await listRoleMembers(at.store.db)).filter(({ role }) => role === 'owner')
    // SQLite has one process.
    const other = kind === 'postgres' ? await at.again() : at.store
    const [one, two] = owners.map(({ id }) => id)
    const done = await Promise.all([remove(one ?? ''), remove(two ?? '', other)])
    if (other !== at.store) await other.close()
    expect(done.sort()).toEqual(['last-owner', 'removed'])
    expect(await remove(admin)).toBe('removed')
    expect(await remove(admin)).toBe('gone')
  })

  test('who came by a provider that was removed since is no owner who could come', async () => {
    await addProvider(at.store)
    await giveRole(at.store, 'owner', ADA)
    const { userId } = await signIn(people, ADA)
    expect(await hasAdmin(at.store.db)).toBe(true)
    await signIn(people, 'eve@acme.test', { provider: 'local', issuer: 'portico:local' })
    await giveRole(at.store, 'owner', 'eve@acme.test')
    await at.store.write((trx) => deleteProvider(at.store, trx, 'company'))
    const eve = await findUserByEmail(at.store.db, 'eve@acme.test')
    expect(await at.store.write((trx) => disableUser(at.store, trx, eve ?? { id: userId, email: null }))).toBe(
      'last-owner',
    )
    await at.store.write((trx) => switchUser(at.store, trx, eve?.id ?? '', 'off'))
    expect(await hasAdmin(at.store.db)).toBe(false)
  })

  test('there is an admin once an owner has come, by address or group, and is not switched off', async () => {
    await addProvider(at.store)
    await add('owner', byGroup('ops'))
    await giveRole(at.store, 'admin', 'eve@acme.test')
    await signIn(people, 'eve@acme.test')
    await signIn(people, 'bob@acme.test', { groups: null })
    expect(await hasAdmin(at.store.db)).toBe(false)
    const { userId } = await signIn(people, ADA, { groups: ['ops'] })
    expect(await hasAdmin(at.store.db)).toBe(true)
    await at.store.write((trx) => switchUser(at.store, trx, userId, 'off'))
    expect(await hasAdmin(at.store.db)).toBe(false)
  })

  test('local sign-in may go only after an owner came by an identity provider that is there', async () => {
    await giveRole(at.store, 'owner', ADA)
    await signIn(people, 'eve@acme.test')
    expect(await mayTurnOffLocal(at.store.db)).toBe(false)
    await signIn(people, ADA, { provider: 'local', issuer: 'portico:local' })
    await addProvider(at.store, 'pin', 'onetimepin')
    await signIn(people, ADA, { provider: 'pin', issuer: 'portico:onetimepin' })
    expect(await mayTurnOffLocal(at.store.db)).toBe(false)
    await signIn(people, ADA)
    expect(await mayTurnOffLocal(at.store.db)).toBe(false)
    await addProvider(at.store)
    expect(await mayTurnOffLocal(at.store.db)).toBe(true)
  })
})
