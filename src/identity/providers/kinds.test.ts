/** What differs from provider to provider: where the groups are, whose addresses count, and the brands that depart from the standard. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  CLIENT_ID,
  CLIENT_SECRET,
  ISSUER,
  openProviderRoom,
  type ProviderRoom,
} from '../../../test/support/provider/room.ts'
import { passThrough, type RunningProvider, startProvider } from '../../../test/support/provider/start.ts'
import type { ProviderConfig } from '../../contract/identity-provider.ts'
import { readProvider, updateProvider } from './provider-store.ts'

let provider: RunningProvider
let room: ProviderRoom

beforeAll(async () => {
  provider = await startProvider()
  room = await openProviderRoom()
})
afterEach(() => provider.mode('good'))
afterAll(async () => {
  await room.end()
  await provider.stop()
})

const configOf = async (id: string) => (await readProvider(room.store.db, id))?.config ?? {}

async function factsOf(id: string, user: string) {
  const session = await room.who(await room.signIn(id, user))
  return {
    email: session.email,
    label: session.label,
    groups: session.identity.groups,
    claims: session.identity.claims,
  }
}

describe('groups', () => {
  test.each<[string, ProviderConfig, string, readonly string[] | null]>([
    ['by the name of a claim', { groups: { claim: 'groups' } }, 'bob', ['staff', 'contractors']],
    ['by a pointer', { groups: { claim: '/realm_access/roles' } }, 'bob', ['reader']],
    ['of somebody in none', { groups: { claim: 'groups' } }, 'carol', []],
    ['of somebody of whom nothing is said', { groups: { claim: 'groups' } }, 'dave', null],
    ['that nobody asked for', {}, 'bob', null],
    ['at userinfo', { groups: { claim: 'groups', source: 'userinfo' } }, 'bob', ['staff', 'contractors']],
  ])('%s', async (_, config, user, groups) => {
    const id = await room.connect(provider, config)
    expect((await factsOf(id, user)).groups).toEqual(groups)
  })

  test.each(['userinfo-down', 'userinfo-other'] as const)(
    'are not known with %s, and the person enters',
    async (mode) => {
      const id = await room.connect(provider, { groups: { claim: 'groups', source: 'userinfo' } })
      const location = await room.start(id)
      await provider.mode(mode)
      const came = await room.come(id, await passThrough(location, 'bob'))
      expect((await room.who(came)).identity.groups).toBeNull()
    },
  )
})

describe('addresses', () => {
  test('beyond ASCII count by their A-label', async () => {
    const id = await room.connect(provider)
    expect((await factsOf(id, 'erna')).email).toBe('erna.weiß@xn--bcher-kva.test')
  })

  test.each(['mallory', 'unverified', 'nobody'])('of %s: allowed to enter, it is without an address', async (user) => {
    const id = await room.connect(provider, { allow_unknown_addresses: true })
    const { email, label } = await factsOf(id, user)
    expect(email).toBeNull()
    expect(label).not.toBe('')
  })

  // [IDP-2]
  test('of a provider without domains never count: a second provider takes nobody’s account', async () => {
    const second = await startProvider()
    try {
      const first = await room.connect(provider)
      const chief = await room.who(await room.signIn(first, 'alice'))
      const other = await room.connect(second, { email_domains: [] })
      await second.account('alice', { claims: { email: 'alice@acme.test', email_verified: true, name: 'Alice' } })
      const impostor = await room.who(await room.signIn(other, 'alice'))
      expect(impostor).toMatchObject({ email: null, identity: { issuer: second.issuer, subject: 'alice' } })
      expect(impostor.userId).not.toBe(chief.userId)
      const users = await room.store.db
        .selectFrom('users')
        .select('id')
        .where('email', '=', 'alice@acme.test')
        .execute()
      expect(users).toEqual([{ id: chief.userId }])
    } finally {
      await second.stop()
    }
  })
})

describe('two providers', () => {
  // [IDP-1]
  test('whose callbacks are swapped end both sign-ins', async () => {
    const second = await startProvider()
    try {
      const one = await room.connect(provider)
      const two = await room.connect(second)
      const before = await room.sessions()
      const first = await passThrough(await room.start(one), 'alice')
      const other = await passThrough(await room.start(two), 'bob')
      expect(await room.come(two, first)).toEqual({ kind: 'refused', reason: 'login-binding' })
      expect(await room.come(one, other)).toEqual({ kind: 'refused', reason: 'login-binding' })
      // Spent, also where they were meant to go.
      expect(await room.come(one, first)).toEqual({ kind: 'refused', reason: 'login-binding' })
      expect(await room.sessions()).toBe(before)
      expect((await second.counts())['/token']).toBeUndefined()
    } finally {
      await second.stop()
    }
  })

  test('at one issuer are two: an answer for one is none for the other', async () => {
    const one = await room.connect(provider)
    const answer = await passThrough(await room.start(one), 'alice')
    const two = await room.connect(provider)
    const before = (await provider.counts())['/token'] ?? 0
    expect(await room.come(two, answer)).toEqual({ kind: 'refused', reason: 'login-binding' })
    expect((await provider.counts())['/token'] ?? 0).toBe(before)
  })

  test('of which one sends its people’s answers under the state of the other get no code', async () => {
    const second = await startProvider()
    try {
      const one = await room.connect(provider)
      const two = await room.connect(second)
      const location = await room.start(one)
      const other = await passThrough(await room.start(two), 'bob')
      // The mix-up of RFC 9700, 4.4: an honest state, and an answer that another issuer gave.
      other.searchParams.set('state', new URL(location).searchParams.get('state') ?? '')
      const before = (await provider.counts())['/token'] ?? 0
      expect(await room.come(one, other)).toEqual({ kind: 'refused', reason: 'bad-token' })
      expect((await provider.counts())['/token'] ?? 0).toBe(before)
    } finally {
      await second.stop()
    }
  })

  test('may be one behind two settings, and the person is one', async () => {
    const one = await room.connect(provider)
    const first = await room.who(await room.signIn(one, 'carol'))
    const two = await room.connect(provider)
    const second = await room.who(await room.signIn(two, 'carol'))
    expect(second.userId).toBe(first.userId)
    expect(second.identity.provider).toBe(two)
  })
})

describe('keys', () => {
  test('that the provider replaced are fetched anew, but not at the pace of whoever forges tokens', async () => {
    const rotating = await startProvider()
    try {
      const id = await room.connect(rotating)
      const asked = async () => (await rotating.counts())['/jwks'] ?? 0
      expect(await room.signIn(id, 'alice')).toMatchObject({ kind: 'signed-in' })
      expect(await room.signIn(id, 'alice')).toMatchObject({ kind: 'signed-in' })
      expect(await asked()).toBe(1)

      room.clock.move(11_000)
      await rotating.rotate()
      expect(await room.signIn(id, 'alice')).toMatchObject({ kind: 'signed-in' })
      expect(await asked()).toBe(2)

      await rotating.mode('unknown-kid')
      for (let i = 0; i < 3; i++) expect(await room.signIn(id, 'alice')).toMatchObject({ reason: 'bad-token' })
      expect(await asked()).toBe(2)
      room.clock.move(11_000)
      expect(await room.signIn(id, 'alice')).toMatchObject({ reason: 'bad-token' })
      expect(await asked()).toBe(3)
    } finally {
      room.clock.move(-22_000)
      await rotating.stop()
    }
  })

  test('that cannot be read prove nothing', async () => {
    const rotating = await startProvider()
    try {
      const id = await room.connect(rotating)
      const answer = await passThrough(await room.start(id), 'alice')
      await rotating.mode('keys-down')
      expect(await room.come(id, answer)).toEqual({ kind: 'refused', reason: 'provider-unreachable' })
    } finally {
      await rotating.stop()
    }
  })

  test('on curves, where the settings name them', async () => {
    const curved = await startProvider({ alg: 'ES256' })
    try {
      const id = await room.connect(curved)
      expect(await room.signIn(id, 'alice')).toMatchObject({ kind: 'signed-in' })
      const pinned = await room.connect(curved, { algorithms: ['RS256'] })
      expect(await room.signIn(pinned, 'alice')).toEqual({ kind: 'refused', reason: 'bad-token' })
    } finally {
      await curved.stop()
    }
  })
})

describe('a provider', () => {
  test('with thin ID tokens is asked at userinfo', async () => {
    const thin = await startProvider({ thin: true })
    try {
      const id = await room.connect(thin, { claims: ['department'], groups: { claim: 'groups', source: 'userinfo' } })
      expect(await factsOf(id, 'alice')).toMatchObject({
        ...{ email: 'alice@acme.test', groups: ['staff', 'admins'], claims: { department: 'health' } },
      })
      const answer = await passThrough(await room.start(id), 'alice')
      await thin.mode('userinfo-down')
      // Its address is not a foreign one: nobody could ask for it.
      expect(await room.come(id, answer)).toEqual({ kind: 'refused', reason: 'provider-unreachable' })
      await thin.mode('good')
      // Nor is a claim that could not be asked for one that somebody lacks.
      const lenient = await room.connect(thin, { claims: ['name'], allow_unknown_addresses: true })
      const other = await passThrough(await room.start(lenient), 'alice')
      await thin.mode('userinfo-down')
      expect(await room.come(lenient, other)).toEqual({ kind: 'refused', reason: 'provider-unreachable' })
    } finally {
      await thin.stop()
    }
  })

  test('of three endpoints is found by the document that names them', async () => {
    const endpoints = { auth_url: `${provider.issuer}/auth`, token_url: `${provider.issuer}/token` }
    const id = await room.connect(provider, { ...endpoints, certs_url: `${provider.issuer}/jwks` })
    const { store } = room
    const { issuer: _, ...config } = JSON.parse(
      (await store.db.selectFrom('identity_providers').select('config').where('id', '=', id).executeTakeFirstOrThrow())
        .config,
    )
    await store.write(async (trx) => {
      await trx
        .updateTable('identity_providers')
        .set({ config: JSON.stringify(config) })
        .where('id', '=', id)
        .execute()
      await store.versions.bump(trx, 'identity')
    })
    expect((await room.who(await room.signIn(id, 'alice'))).identity.issuer).toBe(provider.issuer)

    const elsewhere = { ...config, certs_url: `${provider.issuer}/other-keys` }
    const wrong = await room.add(elsewhere)
    const started = await room.providers.start(wrong, { binding: 'x', returnTo: '/', from: { clientIp: '192.0.2.7' } })
    expect(started).toEqual({ refused: 'provider-unreachable' })
  })

  test('that changed keeps nobody on the way: what was begun at one issuer ends at no other', async () => {
    const second = await startProvider()
    try {
      const id = await room.connect(provider)
      const answer = await passThrough(await room.start(id), 'alice')
      const config = JSON.stringify({ client_id: CLIENT_ID, issuer: second.issuer, allow_private: [second.place] })
      await room.store.write(async (trx) => {
        await trx.updateTable('identity_providers').set({ config }).where('id', '=', id).execute()
        await room.store.versions.bump(trx, 'identity')
      })
      expect(await room.come(id, answer)).toEqual({ kind: 'refused', reason: 'login-binding' })
      expect((await second.counts())['/token']).toBeUndefined()
    } finally {
      await second.stop()
    }
  })

  test('with another secret than ours refuses us, and one without a secret lets a public client in', async () => {
    const wrong = await room.connect(provider)
    const config = await configOf(wrong)
    await room.store.write(async (trx) => {
      const { sealer, store } = room
      const content = { name: 'x', config, clientSecret: 'another secret' }
      await updateProvider({ store, trx, sealer, author: { label: 'test', origin: 'api' } }, wrong, content)
    })
    expect(await room.signIn(wrong, 'alice')).toEqual({ kind: 'refused', reason: 'provider-refused' })
    const open = await room.add(
      { client_id: 'public', issuer: provider.issuer, allow_private: [provider.place] },
      { secret: null },
    )
    await provider.addClient({ client_id: 'public', redirect_uris: [`${ISSUER}/sign-in/to/${open}/callback`] })
    expect(await room.signIn(open, 'alice')).toMatchObject({ kind: 'signed-in' })
  })

  test('keeps what is longer than 16 KiB to itself', async () => {
    const id = await room.connect(provider, { claims: ['essay', 'short'] })
    expect((await factsOf(id, 'lots')).claims).toEqual({ short: 'yes' })
  })

  test('is told by what is sent to it which organisation, and asked for a refresh token', async () => {
    const id = await room.connect(provider, { prompt: 'select_account' })
    const { searchParams } = new URL(await room.start(id))
    expect(searchParams.get('scope')).toBe('openid profile email offline_access')
    expect(searchParams.get('prompt')).toBe('select_account')
  })
})

describe('Entra', () => {
  const TENANT = '11111111-2222-3333-4444-555555555555'
  let id: string

  /** Its issuer is made of the tenant; here the settings say where it is. */
  beforeAll(async () => {
    id = await room.add(
      {
        ...{ client_id: CLIENT_ID, directory_id: TENANT, support_groups: true, allow_private: [provider.place] },
        ...{ email_domains: ['acme.test'], tenant_owns_domains: true, graph_url: provider.issuer },
        authority: `${provider.issuer}/tenants`,
      },
      { type: 'azureAD' },
    )
    await provider.addClient({
      ...{ client_id: CLIENT_ID, client_secret: CLIENT_SECRET },
      redirect_uris: [`${ISSUER}/sign-in/to/${id}/callback`],
    })
    await provider.tenant(`/tenants/${TENANT}/v2.0`)
  })
  afterAll(() => provider.tenant(''))

  test('knows people by tenant and object', async () => {
    const session = await room.who(await room.signIn(id, 'entra'))
    expect(session).toMatchObject({
      email: 'entra@acme.test',
      identity: { subject: `${TENANT}/oid-entra`, groups: ['g-9'] },
    })
    expect(session.identity.issuer).toBe(`${provider.issuer}/tenants/${TENANT}/v2.0`)
  })

  test('says of somebody of another tenant nothing that lets them in', async () => {
    expect(await room.signIn(id, 'guest')).toEqual({ kind: 'refused', reason: 'bad-token' })
  })

  // [IDP-3]
  test.each(['olga', 'hasgroups'])('with an overage leaves the groups of %s unknown, not empty', async (user) => {
    expect((await factsOf(id, user)).groups).toBeNull()
  })

  test('with an overage is asked at the Graph, and never where the token says', async () => {
    expect((await factsOf(id, 'otto')).groups).toEqual(['g-1', 'g-2'])
  })
})
