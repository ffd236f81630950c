/** Policy tests and user checks, driven by the official SDK as it comes from npm, over a real loopback listener, on both databases. */
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'
import Cloudflare, { BadRequestError, NotFoundError, PermissionDeniedError } from 'cloudflare'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { switchUser } from '../src/identity/people-store.ts'
import { type AdminRoom, LOCAL, openAdminRoom, PORTALS, portalBody } from './admin-room.ts'
import { DATABASE_KINDS } from './databases.ts'
import { signIn } from './support/people.ts'

const account_id = 'a86a8f5c339544d7bdc89926de14fb8c'
const acme = { email_domain: { domain: 'acme.test' } }
const everyone = { everyone: {} }

describe.each(DATABASE_KINDS)('policy tests by the official SDK on %s', (kind) => {
  let room: AdminRoom
  let listener: ServerType
  let baseURL: string
  let client: Cloudflare

  beforeAll(async () => {
    room = await openAdminRoom(kind)
    listener = await new Promise<ServerType>((ready) => {
      const fetch = (request: Request) => room.fetch(request, LOCAL)
      const made = serve({ fetch, hostname: '127.0.0.1', port: 0 }, () => ready(made))
    })
    baseURL = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/client/v4`
    client = new Cloudflare({ apiToken: room.owner, baseURL })
    const people = { store: room.at.store, sealer: room.deps.sealer, browsers: room.browsers }
    for (const email of ['ada@acme.test', 'bob@acme.test', 'eve@evil.test']) await signIn(people, email)
    const gone = await signIn(people, 'gone@acme.test')
    await room.at.store.write((trx) => switchUser(room.at.store, trx, gone.userId, 'off'))
  })
  afterAll(async () => {
    await new Promise((done) => listener.close(done))
    await room.end()
  })

  const tests = () => client.zeroTrust.access.applications.policyTests
  const who = async (id: string, status?: 'success' | 'fail' | 'error') => {
    const found: (string | undefined)[] = []
    const query = { account_id, per_page: 1, ...(status === undefined ? {} : { status }) }
    for await (const { email, status } of tests().users.list(id, query)) found.push(`${email} ${status}`)
    return found
  }
  const run = async (policies: Cloudflare.ZeroTrust.Access.Applications.PolicyTestCreateParams['policies'] & {}) => {
    const { id = '', status } = await tests().create({ account_id, policies })
    expect(status).toBe('success')
    return id
  }

  // [EXPLAIN-1]
  test('a policy that is written out lets in whom it covers, page by page, and nobody who is disabled', async () => {
    const id = await run([{ name: 'Acme', decision: 'allow', include: [acme] }])
    expect(await tests().get(id, { account_id })).toEqual({
      ...{ id, status: 'complete', total_users: 4, users_approved: 2, users_blocked: 2, users_errored: 0 },
      ...{ percent_approved: 50, percent_blocked: 50, percent_errored: 0, percent_users_processed: 100 },
    })
    expect(await who(id)).toEqual([
      ...['ada@acme.test approved', 'bob@acme.test approved', 'eve@evil.test blocked', 'gone@acme.test blocked'],
    ])
    expect(await who(id, 'success')).toEqual(['ada@acme.test approved', 'bob@acme.test approved'])
    expect(await who(id, 'fail')).toEqual(['eve@evil.test blocked', 'gone@acme.test blocked'])
  })

  test('stored and written policies stand in the order in which they are given', async () => {
    const { id: stored = '' } = await client.zeroTrust.access.policies.create({
      ...{ account_id, name: 'No Bob', decision: 'deny', include: [{ email: { email: 'bob@acme.test' } }] },
    })
    const allow = { name: 'Acme', decision: 'allow' as const, include: [acme] }
    expect(await who(await run([stored, allow]), 'success')).toEqual(['ada@acme.test approved'])
    expect(await who(await run([allow, stored]), 'success')).toEqual([
      'ada@acme.test approved',
      'bob@acme.test approved',
    ])
  })

  test('where it depends on an address that only a request has, the answer is neither yes nor no', async () => {
    const office = {
      name: 'Office',
      decision: 'allow' as const,
      include: [acme],
      require: [{ ip: { ip: '192.0.2.0/24' } }],
    }
    const id = await run([office])
    expect(await who(id, 'error')).toEqual(['ada@acme.test error', 'bob@acme.test error'])
    expect(await who(id, 'fail')).toEqual(['eve@evil.test blocked', 'gone@acme.test blocked'])
  })

  test('what is no policy is refused by its place, and nothing is kept of it', async () => {
    const before = await room.at.store.db.selectFrom('policy_tests').select('id').execute()
    const bad = [
      ['no-such-policy'],
      [{ name: 'Bad', decision: 'allow' as const, include: [{ moon_phase: {} } as never] }],
      [{ name: 'Bad', decision: 'allow' as const, include: [{ group: { id: 'no-such-group' } }] }],
    ]
    for (const policies of bad) await expect(run(policies)).rejects.toBeInstanceOf(BadRequestError)
    await expect(tests().get('no-such-test', { account_id })).rejects.toBeInstanceOf(NotFoundError)
    expect(await room.at.store.db.selectFrom('policy_tests').select('id').execute()).toEqual(before)
  })

  test('an application tells of one person whether they may use it, and by which rules', async () => {
    const { id: policy = '' } = await client.zeroTrust.access.policies.create({
      ...{
        account_id,
        name: 'Acme only',
        decision: 'allow',
        include: [acme],
        exclude: [{ email: { email: 'bob@acme.test' } }],
      },
    })
    await room.ask('POST', PORTALS, { body: portalBody('checked', { policies: [policy] }) })
    const apps = await room.ask('GET', '/access/apps')
    const app = String(apps.body.result.find(({ name }) => name === 'checked')?.id)
    const check = (user: string) =>
      client.zeroTrust.access.applications.userPolicyChecks.list(app, { account_id }, { query: { user } })
    const ada = await check('ada@acme.test')
    expect(ada).toMatchObject({
      app_state: { app_uid: app, name: 'checked', status: 'approved' },
      user_identity: { email: 'ada@acme.test', account_id },
    })
    expect(ada.app_state?.policies).toMatchObject([{ name: 'Acme only', verdict: 'matched' }])
    const bob = await check('BOB@acme.test')
    expect(bob.app_state).toMatchObject({ status: 'blocked', policies: [{ verdict: 'missed' }] })
    expect((await check('gone@acme.test')).app_state?.status).toBe('blocked')
    await expect(check('nobody@acme.test')).rejects.toBeInstanceOf(NotFoundError)
    await expect(client.zeroTrust.access.applications.userPolicyChecks.list(app, { account_id })).rejects.toThrow(
      /user: is required with an API token/,
    )
  })

  test('a token that may read policies and no people learns nothing of people', async () => {
    const apiToken = await room.token('admin', { scopes: ['policies:read'] })
    const narrow = new Cloudflare({ apiToken, baseURL }).zeroTrust.access.applications.policyTests
    const policies = [{ name: 'All', decision: 'allow' as const, include: [everyone] }]
    await expect(narrow.create({ account_id, policies })).rejects.toBeInstanceOf(PermissionDeniedError)
    const id = await run(policies)
    await expect(narrow.users.list(id, { account_id })).rejects.toBeInstanceOf(PermissionDeniedError)
    expect((await narrow.get(id, { account_id })).users_approved).toBe(3)
  })
})
