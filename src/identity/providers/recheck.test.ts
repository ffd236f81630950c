/** A provider is asked again about people who signed in earlier, and what it says is kept. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import { addPortal, letClientIn } from '../../../test/support/people.ts'
import { startGithub } from '../../../test/support/provider/github.ts'
import { openProviderRoom, type ProviderRoom } from '../../../test/support/provider/room.ts'
import { passThrough, type RunningProvider, startProvider } from '../../../test/support/provider/start.ts'
import { keyRing, openSealer } from '../../base/secret.ts'
import { countOpening, reseal } from '../../store/reseal.ts'
import { readIdentity } from '../identity-store.ts'
import { deleteProvider } from './provider-store.ts'

let provider: RunningProvider
let room: ProviderRoom
let id: string

const MINUTES = 60_000

beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider.stop())

const asked = async () => (await provider.counts())['/token'] ?? 0
const factsOf = async (identityId: string) => (await readIdentity(room.store.db, identityId)) ?? null

async function signIn(user = 'bob') {
  const came = await room.signIn(id, user)
  if (came.kind !== 'signed-in') throw new Error(came.kind)
  return came
}

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  beforeEach(async () => {
    room = await openProviderRoom(kind)
    id = await room.connect(provider, { groups: { claim: 'groups' }, claims: ['department'] })
    await provider.account('bob', {
      claims: { email: 'bob@acme.test', email_verified: true, name: 'Bob', groups: ['staff'], department: 'health' },
    })
  })
  afterEach(async () => {
    await provider.mode('good')
    await provider.gone()
    await room.end()
  })

  test('not before ten minutes are over, and then once for all who want to know', async () => {
    const { identityId } = await signIn()
    const before = await asked()
    expect(await room.providers.recheck(identityId)).toBe('still')
    expect(await asked()).toBe(before)
    room.clock.move(10 * MINUTES)
    const all = await Promise.all(Array.from({ length: 5 }, () => room.providers.recheck(identityId)))
    expect(all).toEqual(Array(5).fill('still'))
    expect(await asked()).toBe(before + 1)
    // The next refresh token is another one, and was kept.
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(identityId)).toBe('still')
    expect(await asked()).toBe(before + 2)
  })

  test('new groups are kept and told to the caches; the same ones are told to nobody', async () => {
    const { identityId } = await signIn()
    const { versions } = room.store
    const version = versions.get('tokens')
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(identityId)).toBe('still')
    expect(versions.get('tokens')).toBe(version)
    await provider.account('bob', {
      claims: { email: 'bob@acme.test', email_verified: true, groups: ['contractors'], department: 'sales' },
    })
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(identityId)).toBe('still')
    expect(versions.get('tokens')).toBe(version + 1)
    expect(await factsOf(identityId)).toMatchObject({ groups: ['contractors'], claims: { department: 'sales' } })
  })

  // [IDP-4]
  test('who is gone is signed out everywhere, and their clients hold nothing', async () => {
    const came = await signIn()
    const portal = await addPortal(room.store)
    const who = { ...came, sessionId: '', cookie: '' }
    const { grantId } = await letClientIn(room.store, who, portal, room.clock.now() + 60 * MINUTES)
    await provider.gone('bob')
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(came.identityId)).toBe('gone')
    const grant = await room.store.db.selectFrom('grants').selectAll().where('id', '=', grantId).executeTakeFirst()
    expect(grant).toMatchObject({ revoked_why: 'provider' })
    const tokens = await room.store.db.selectFrom('access_tokens').select('revoked_at').execute()
    expect(tokens.every(({ revoked_at }) => revoked_at !== null)).toBe(true)
    await expect(room.who(came)).rejects.toThrow('no session')
    expect(
      (await room.store.db.selectFrom('identities').selectAll().executeTakeFirst())?.refresh_token_sealed,
    ).toBeNull()
  })

  test('a provider that is down leaves it open, is not asked at once again, and keeps what was known', async () => {
    const came = await signIn()
    await provider.mode('down')
    room.clock.move(10 * MINUTES)
    const before = Object.values(await provider.counts()).reduce((a, b) => a + b)
    expect(await room.providers.recheck(came.identityId)).toBe('unknown')
    const after = Object.values(await provider.counts()).reduce((a, b) => a + b)
    expect(after).toBeGreaterThan(before)
    expect(await room.providers.recheck(came.identityId)).toBe('unknown')
    expect(Object.values(await provider.counts()).reduce((a, b) => a + b)).toBe(after)
    expect(await factsOf(came.identityId)).toMatchObject({ groups: ['staff'] })
    await provider.mode('good')
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(came.identityId)).toBe('still')
    expect((await room.who(came)).email).toBe('bob@acme.test')
  })

  test('what userinfo does not say when it is asked again stays as it was, but for the groups', async () => {
    const thin = await startProvider({ thin: true })
    try {
      const there = await room.connect(thin, {
        ...{ groups: { claim: 'groups', source: 'userinfo' }, claims: ['name'] },
      })
      const came = await room.signIn(there, 'alice')
      if (came.kind !== 'signed-in') throw new Error(came.kind)
      await thin.mode('userinfo-down')
      room.clock.move(10 * MINUTES)
      expect(await room.providers.recheck(came.identityId)).toBe('still')
      expect(await factsOf(came.identityId)).toMatchObject({ groups: null, claims: { name: 'Alice' } })
    } finally {
      await thin.stop()
    }
  })

  test.each(['wrong-issuer', 'foreign-key', 'alg-none', 'wrong-audience', 'wrong-party'] as const)(
    'a refreshed ID token in mode %s changes nothing',
    async (mode) => {
      const { identityId } = await signIn()
      await provider.account('bob', { claims: { groups: ['owners'] } })
      await provider.mode(mode)
      room.clock.move(10 * MINUTES)
      expect(await room.providers.recheck(identityId)).toBe('unknown')
      expect(await factsOf(identityId)).toMatchObject({ groups: ['staff'] })
    },
  )

  test('whom nobody can be asked about stays as they are', async () => {
    const { identityId } = await signIn()
    await room.store.db.updateTable('identities').set({ refresh_token_sealed: null }).execute()
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(identityId)).toBe('unknown')
    expect(await room.providers.recheck('nobody')).toBe('gone')
  })

  test('the provider’s tokens are sealed, and sealed anew with the rest', async () => {
    await signIn()
    const rows = await room.store.db.selectFrom('identities').selectAll().execute()
    expect(rows[0]?.id_token_sealed).toMatch(/^v1\./)
    expect(rows[0]?.refresh_token_sealed).toMatch(/^v1\./)
    // What is sealed may have any three letters in it by chance.
    expect(JSON.stringify(rows)).not.toMatch(/eyJ[\w-]+\.eyJ/)
    const ring = keyRing([Buffer.alloc(32, 8), Buffer.alloc(32, 9)])
    const renewed = openSealer(ring, 'store')
    await reseal(room.store.db, renewed, ring.keys[0]?.kid ?? '')
    const alone = openSealer(keyRing([Buffer.alloc(32, 8)]), 'store')
    expect(await countOpening(room.store.db, alone)).toMatchObject({ closed: 0 })
  })

  test('a provider that is removed takes along what came through it, and only that', async () => {
    const came = await signIn()
    const other = await room.connect(provider)
    const stays = await room.signIn(other, 'carol')
    const portal = await addPortal(room.store)
    const who = { ...came, sessionId: '', cookie: '' }
    await letClientIn(room.store, who, portal, room.clock.now() + 60 * MINUTES)
    const begun = await room.start(id)
    await room.store.write((trx) => deleteProvider(room.store, trx, id))
    await expect(room.who(came)).rejects.toThrow('no session')
    expect(await room.who(stays)).toMatchObject({ email: 'carol@acme.test' })
    const grants = await room.store.db.selectFrom('grants').selectAll().execute()
    expect(grants).toMatchObject([{ revoked_why: 'provider' }])
    expect(room.providers.offered().map((one) => one.id)).toEqual([other])
    const late = new URL(`http://127.0.0.1:8787/?state=${new URL(begun).searchParams.get('state')}&code=x`)
    expect(await room.come(id, late)).toEqual({ kind: 'refused', reason: 'not-offered' })
  })
})

test('two replicas serve one sign-in, and ask the provider once', async () => {
  room = await openProviderRoom('postgres')
  const other = await room.replica()
  try {
    id = await room.connect(provider)
    await expect.poll(() => other.providers.offered().length).toBe(1)
    const answer = await passThrough(await room.start(id), 'carol')
    const came = await room.come(id, answer, undefined, other.providers)
    if (came.kind !== 'signed-in') throw new Error(came.kind)
    expect(await room.come(id, answer)).toEqual({ kind: 'refused', reason: 'login-binding' })
    room.clock.move(10 * MINUTES)
    const before = await asked()
    const { identityId } = came
    const both = [room.providers, other.providers].map((providers) => providers.recheck(identityId))
    expect(await Promise.all(both)).toEqual(['still', 'still'])
    expect(await asked()).toBe(before + 1)
  } finally {
    await other.end()
    await room.end()
  }
})

test('GitHub is asked with the token that it gave, and one that was withdrawn means gone', async () => {
  room = await openProviderRoom()
  const github = await startGithub({ id: 1, login: 'mona', emails: [], orgs: ['Acme'], teams: [] })
  try {
    id = await room.add(
      {
        ...{ client_id: 'gh', allow_private: [github.place], api_url: github.origin },
        ...{
          auth_url: `${github.origin}/login/oauth/authorize`,
          token_url: `${github.origin}/login/oauth/access_token`,
        },
      },
      { type: 'github' },
    )
    const response = await fetch(await room.start(id), { redirect: 'manual' })
    const came = await room.come(id, new URL(response.headers.get('location') ?? ''))
    if (came.kind !== 'signed-in') throw new Error(came.kind)
    github.account = { ...github.account, orgs: [] }
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(came.identityId)).toBe('still')
    expect(await factsOf(came.identityId)).toMatchObject({ groups: [] })
    github.withdraw()
    room.clock.move(10 * MINUTES)
    expect(await room.providers.recheck(came.identityId)).toBe('gone')
  } finally {
    await github.stop()
    await room.end()
  }
})
