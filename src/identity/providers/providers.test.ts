/** Sign-in at an identity provider that is a process of its own, over real HTTP. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS } from '../../../test/databases.ts'
import type { Mode } from '../../../test/support/provider/mode.ts'
import { newJar, openProviderRoom, type ProviderRoom } from '../../../test/support/provider/room.ts'
import { passThrough, type RunningProvider, startProvider } from '../../../test/support/provider/start.ts'
import { deleteProvider, endWhatCameThrough, readProvider, updateProvider } from './provider-store.ts'
import type { Came } from './providers.ts'

let provider: RunningProvider
let room: ProviderRoom
let id: string

beforeAll(async () => {
  provider = await startProvider()
})
afterAll(() => provider.stop())

async function refusedWith(came: Came, reason: string): Promise<void> {
  expect(came).toEqual({ kind: 'refused', reason })
  const { outcome, error, decision, method, plane, actor } = (await room.lastDeed()) ?? {}
  expect({ outcome, error, decision, method, plane }).toEqual({
    ...{ outcome: 'refused', error: reason, decision: 'deny', method: 'sign-in oidc', plane: 'sign-in' },
  })
  expect(actor?.kind).toBe('unknown')
  expect(await room.sessions()).toBe(0)
}

describe.each(DATABASE_KINDS)('on %s', (kind) => {
  beforeEach(async () => {
    room = await openProviderRoom(kind)
    id = await room.connect(provider, { groups: { claim: '/groups' }, claims: ['department'] })
  })
  afterEach(async () => {
    await provider.mode('good')
    await room.end()
  })

  test('a person signs in, and what the provider said of them is kept', async () => {
    expect(room.providers.offered()).toEqual([{ id, name: 'oidc', type: 'oidc' }])
    const came = await room.signIn(id, 'alice')
    expect(came).toMatchObject({ kind: 'signed-in', returnTo: '/authorize?a=b' })
    expect(await room.who(came)).toMatchObject({
      email: 'alice@acme.test',
      label: 'alice@acme.test',
      identity: {
        ...{ provider: id, issuer: provider.issuer, subject: 'alice', groups: ['staff', 'admins'] },
        ...{ amr: ['pwd', 'otp'], claims: { department: 'health' } },
      },
    })
    const deed = await room.lastDeed()
    expect(deed).toMatchObject({ outcome: 'answered', decision: 'allow', method: 'sign-in oidc' })
    expect(deed?.actor.label).toBe('alice@acme.test')
  })

  test('a state is good once', async () => {
    const answer = await passThrough(await room.start(id), 'alice')
    expect(await room.come(id, answer)).toMatchObject({ kind: 'signed-in' })
    expect(await room.come(id, answer)).toEqual({ kind: 'refused', reason: 'login-binding' })
    expect(await room.sessions()).toBe(1)
  })

  test('of ten browsers that show one state at once, none but one is signed in', async () => {
    const answer = await passThrough(await room.start(id), 'alice')
    const came = await Promise.all(Array.from({ length: 10 }, () => room.come(id, answer)))
    expect(came.filter(({ kind }) => kind === 'signed-in')).toHaveLength(1)
    expect(await room.sessions()).toBe(1)
  })

  test('nothing that could finish an attempt stands in the database', async () => {
    const location = new URL(await room.start(id))
    const rows = JSON.stringify(await room.store.db.selectFrom('sign_in_attempts').selectAll().execute())
    for (const name of ['state', 'nonce', 'code_challenge']) {
      const value = location.searchParams.get(name) ?? ''
      expect(value.length).toBeGreaterThanOrEqual(43)
      expect(rows).not.toContain(value)
    }
    expect(location.searchParams.get('code_challenge_method')).toBe('S256')
    expect(location.searchParams.get('redirect_uri')).toBe(`http://127.0.0.1:8787/sign-in/to/${id}/callback`)
  })
})

describe('what is refused', () => {
  beforeAll(async () => {
    room = await openProviderRoom()
    id = await room.connect(provider)
  })
  afterEach(() => provider.mode('good'))
  afterAll(() => room.end())

  // [IDP-1]
  test.each<[Mode, string, string]>([
    ['wrong-nonce', 'bad-token', '"nonce"'],
    ['no-nonce', 'bad-token', '"nonce"'],
    ['wrong-issuer', 'bad-token', '"iss" (issuer) claim'],
    ['wrong-audience', 'bad-token', '"aud"'],
    ['audiences', 'bad-token', 'additional untrusted audiences'],
    ['wrong-party', 'bad-token', 'another party'],
    ['expired', 'bad-token', '"exp"'],
    ['alg-none', 'bad-token', '"alg" header'],
    ['hs-secret', 'bad-token', '"alg" header'],
    ['no-kid-hs', 'bad-token', '"alg" header'],
    ['hs-public', 'bad-token', '"alg" header'],
    ['foreign-key', 'bad-token', 'signature'],
    ['unknown-kid', 'bad-token', 'no applicable keys'],
    ['no-subject', 'bad-token', '"sub"'],
    ['no-token', 'bad-token', 'id_token'],
    ['no-iss', 'bad-token', 'response parameter "iss" (issuer) missing'],
    ['wrong-iss', 'bad-token', 'unexpected "iss" (issuer) response parameter'],
    ['denied', 'provider-refused', 'access_denied'],
    ['token-error', 'provider-refused', 'invalid_grant'],
    ['token-html', 'provider-unreachable', 'content-type'],
    ['token-redirect', 'provider-unreachable', 'status code'],
  ])('a provider in mode %s: %s, written down, no session', async (mode, reason, detail) => {
    const location = await room.start(id)
    await provider.mode(mode)
    await refusedWith(await room.come(id, await passThrough(location, 'alice')), reason)
    expect(room.details.at(-1)).toContain(detail)
    await provider.mode('good')
    expect(await room.store.db.selectFrom('identities').selectAll().execute()).toEqual([])
  })

  test.each([
    ['an address that is not verified', 'unverified', 'unverified@acme.test'],
    ['an address of which it is not said', 'unsaid', 'unsaid@acme.test'],
    ['an address of a domain that is not the provider’s', 'mallory', 'ceo@other.test'],
    ['an address of a domain below the provider’s', 'below', 'x@evil.acme.test'],
    ['no address at all', 'nobody', 'Nobody'],
  ])('%s', async (_, user, label) => {
    await refusedWith(await room.signIn(id, user), 'foreign-address')
    // Whom the provider did vouch for is told to the auditors, and where.
    expect(await room.lastDeed()).toMatchObject({ capability: id, actor: { label: expect.stringContaining(label) } })
  })

  test('a captured callback in another browser, which is not even asked at the provider', async () => {
    const answer = await passThrough(await room.start(id, newJar('attacker')), 'mallory')
    const before = (await provider.counts())['/token']
    await refusedWith(await room.come(id, answer, newJar('victim')), 'login-binding')
    expect((await provider.counts())['/token']).toBe(before)
    // What was in other hands is spent.
    await refusedWith(await room.come(id, answer, newJar('attacker')), 'login-binding')
  })

  test('an address of the provider’s, opened in another browser, that its person went on with', async () => {
    const location = await room.start(id, newJar('attacker'))
    await refusedWith(await room.come(id, await passThrough(location, 'alice'), newJar('victim')), 'login-binding')
  })

  test('no state, two of them, one that was never given', async () => {
    for (const query of ['', 'state=a&state=b&code=x', `state=${'x'.repeat(43)}&code=x`]) {
      await refusedWith(await room.come(id, new URL(`http://127.0.0.1:8787/?${query}`)), 'login-binding')
    }
  })

  test('an answer after ten minutes', async () => {
    const answer = await passThrough(await room.start(id), 'alice')
    room.clock.move(10 * 60_000)
    await refusedWith(await room.come(id, answer), 'login-binding')
    room.clock.move(-10 * 60_000)
  })

  test('a code of one sign-in in the answer of another', async () => {
    const stolen = await passThrough(await room.start(id, newJar('one')), 'alice')
    const own = await passThrough(await room.start(id, newJar('two')), 'mallory')
    own.searchParams.set('code', stolen.searchParams.get('code') ?? '')
    await refusedWith(await room.come(id, own, newJar('two')), 'provider-refused')
  })

  test('a code that was exchanged before', async () => {
    const fresh = await openProviderRoom()
    const there = await fresh.connect(provider)
    const first = await passThrough(await fresh.start(there), 'alice')
    const used = new URL(first)
    expect(await fresh.come(there, first)).toMatchObject({ kind: 'signed-in' })
    const again = await passThrough(await fresh.start(there), 'alice')
    again.searchParams.set('code', used.searchParams.get('code') ?? '')
    expect(await fresh.come(there, again)).toEqual({ kind: 'refused', reason: 'provider-refused' })
    expect(await fresh.sessions()).toBe(1)
    await fresh.end()
    await provider.addClient({
      ...{ client_id: 'portico at the company', client_secret: 'the secret of this client: a+b/c%20' },
      redirect_uris: [`http://127.0.0.1:8787/sign-in/to/${id}/callback`],
    })
  })

  test('a session by a domain that is taken from its provider in the same moment, whichever comes first', async () => {
    const fresh = await openProviderRoom()
    try {
      for (let i = 0; i < 6; i++) {
        const there = await fresh.connect(provider)
        const { store, sealer } = fresh
        const config = (await readProvider(store.db, there))?.config
        const answer = await passThrough(await fresh.start(there), 'alice')
        const taken = store.write(async (trx) => {
          const writing = { store, trx, sealer, author: { label: 'test', origin: 'api' as const } }
          await updateProvider(writing, there, { name: 'n', config: { ...config, email_domains: ['other.test'] } })
          await endWhatCameThrough(store, trx, { provider: there })
        })
        const [came] = await Promise.all([fresh.come(there, answer), taken])
        const { session } = await fresh.browsers.look(
          came.kind === 'signed-in' ? (came.setCookie.split(';')[0] ?? '') : '',
        )
        expect(session).toBeNull()
      }
    } finally {
      await fresh.end()
    }
  })

  test('a session of a provider that is removed in the same moment, whichever comes first', async () => {
    const fresh = await openProviderRoom('postgres')
    try {
      for (let round = 0; round < 5; round++) {
        const there = await fresh.connect(provider)
        const answer = await passThrough(await fresh.start(there), 'alice')
        const removal = new Promise((resolve) => setTimeout(resolve, round * 15)).then(() =>
          fresh.store.write((trx) => deleteProvider(fresh.store, trx, there)),
        )
        await Promise.all([fresh.come(there, answer), removal])
        const live = fresh.store.db.selectFrom('browser_sessions').selectAll().where('ended_at', 'is', null)
        expect(await live.execute()).toEqual([])
      }
    } finally {
      await fresh.end()
    }
  })

  test('a provider whose document leads elsewhere, which is not asked', async () => {
    await provider.mode('endpoints-elsewhere')
    const fresh = await openProviderRoom()
    try {
      const there = await fresh.connect(provider)
      const before = (await provider.counts())['/token'] ?? 0
      const answer = await passThrough(await fresh.start(there), 'alice')
      expect(await fresh.come(there, answer)).toEqual({ kind: 'refused', reason: 'provider-unreachable' })
      expect((await provider.counts())['/token'] ?? 0).toBe(before)
    } finally {
      await fresh.end()
    }
  })

  test('a provider that is not there', async () => {
    const from = { clientIp: '192.0.2.7' }
    const started = await room.providers.start('none', { binding: 'x', returnTo: '/', from })
    expect(started).toEqual({ refused: 'not-offered' })
    await refusedWith(await room.come('none', new URL('http://127.0.0.1:8787/?state=a')), 'not-offered')
  })

  test('one address that begins a sign-in again and again', async () => {
    const from = { clientIp: '192.0.2.99' }
    const starts = { binding: 'x', returnTo: '/', from }
    let last: object = {}
    for (let i = 0; i <= 300; i++) last = await room.providers.start(id, starts)
    expect(last).toEqual({ refused: 'locked-out' })
    // No more than ten of a browser are kept.
    const open = await room.store.db
      .selectFrom('sign_in_attempts')
      .selectAll()
      .where('cookie_digest', '=', 'x')
      .execute()
    expect(open).toHaveLength(10)
    expect(await room.start(id)).toContain(provider.issuer)
  })
})

describe('a provider that is down', () => {
  beforeAll(async () => {
    room = await openProviderRoom()
  })
  afterEach(() => provider.mode('good'))
  afterAll(() => room.end())

  test('is told as such, asked no more than once in a while, and healed', async () => {
    id = await room.connect(provider)
    await provider.mode('down')
    const start = () => room.providers.start(id, { binding: 'x', returnTo: '/', from: { clientIp: '192.0.2.7' } })
    expect(await Promise.all([start(), start(), start()])).toEqual(Array(3).fill({ refused: 'provider-unreachable' }))
    expect((await room.lastDeed())?.error).toBe('provider-unreachable')
    const asked = (await provider.counts())['/.well-known/openid-configuration']
    expect(await start()).toEqual({ refused: 'provider-unreachable' })
    expect((await provider.counts())['/.well-known/openid-configuration']).toBe(asked)
    await provider.mode('good')
    room.clock.move(6000)
    expect(await room.signIn(id, 'alice')).toMatchObject({ kind: 'signed-in' })
  })

  test('while somebody is on the way ends that sign-in', async () => {
    const before = await room.sessions()
    const answer = await passThrough(await room.start(id), 'alice')
    await provider.mode('down')
    expect(await room.come(id, answer)).toEqual({ kind: 'refused', reason: 'provider-unreachable' })
    expect(await room.sessions()).toBe(before)
  })

  test('is discovered again after an hour, and used as it was where it does not answer', async () => {
    const asked = async () => (await provider.counts())['/.well-known/openid-configuration'] ?? 0
    await room.start(id)
    const before = await asked()
    await room.start(id)
    expect(await asked()).toBe(before)
    room.clock.move(3_600_001)
    await room.start(id)
    expect(await asked()).toBe(before + 1)
    room.clock.move(3_600_001)
    await provider.mode('down')
    expect(await room.start(id)).toContain(provider.issuer)
  })

  test('or speaks of another issuer is not believed', async () => {
    await provider.mode('discovery-other')
    const other = await room.add({ client_id: 'c', issuer: provider.issuer, allow_private: [provider.place] })
    const started = await room.providers.start(other, { binding: 'x', returnTo: '/', from: { clientIp: '192.0.2.7' } })
    expect(started).toEqual({ refused: 'provider-unreachable' })
  })

  test('at an address that is not opened by name is never asked, because it speaks http', async () => {
    const before = (await provider.counts())['/.well-known/openid-configuration']
    const closed = await room.add({ client_id: 'c', issuer: provider.issuer })
    const started = await room.providers.start(closed, { binding: 'x', returnTo: '/', from: { clientIp: '192.0.2.7' } })
    expect(started).toEqual({ refused: 'provider-unreachable' })
    expect((await provider.counts())['/.well-known/openid-configuration']).toBe(before)
  })
})
