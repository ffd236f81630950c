import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { addPortal, letClientIn, type People, signIn } from '../../test/support/people.ts'
import { systemClock } from '../base/clock.ts'
import { type GrantId, newId, type PortalUid } from '../base/ids.ts'
import { digest, keyRing, newSecret, openSealer } from '../base/secret.ts'
import { insertAccessToken } from './access-token-store.ts'
import { type Authenticator, openAuthenticator } from './authenticate.ts'
import { holdBrowserSession, openBrowserSessions } from './browser-session-store.ts'
import { insertGrant, readGrant } from './grant-store.ts'
import { revokeUser } from './revoke-user.ts'

const HOUR = 3_600_000

describe.each(DATABASE_KINDS)('ending what a person has, on %s', (kind) => {
  let at: TestStore
  let people: People
  let authenticator: Authenticator
  let portal: PortalUid
  beforeAll(async () => {
    at = await freshStore(kind)
    const sealer = openSealer(keyRing([Buffer.alloc(32, 9)]), 'store')
    people = { store: at.store, sealer, browsers: openBrowserSessions(at.store, () => 'http://localhost') }
    authenticator = openAuthenticator(at.store, systemClock)
    portal = await addPortal(at.store)
  })
  afterAll(() => at.end())

  const NOTHING = { authorization: undefined, clientId: undefined, clientSecret: undefined, serviceToken: undefined }
  const shown = (token: string) => ({ ...NOTHING, authorization: `Bearer ${token}` })
  const soon = () => systemClock.now() + HOUR

  async function minted(userId: string, expiresAt: number | null): Promise<string> {
    const token = newSecret('ptat')
    const made = { userId: userId as never, portalUid: portal, name: null, createdBy: 'test', expiresAt }
    await at.store.write((trx) => insertAccessToken(at.store, trx, { ...made, digest: digest(token) }))
    return token
  }

  test('browsers, clients and tokens that an admin made end together, and nobody else’s do', async () => {
    const ada = await signIn(people, 'ada@acme.test')
    const adaAgain = await signIn(people, 'ada@acme.test')
    const eve = await signIn(people, 'eve@acme.test')
    const adaClient = await letClientIn(at.store, ada, portal, soon())
    const eveClient = await letClientIn(at.store, eve, portal, soon())
    const adaToken = await minted(ada.userId, null)
    for (const token of [adaClient.token, eveClient.token, adaToken])
      expect(await authenticator.authenticate(shown(token))).not.toBeNull()

    const ended = await at.store.write((trx) => revokeUser(at.store, trx, ada.userId, 'revoked'))
    expect(ended).toEqual({ browsers: 2, clients: 1, accessTokens: 1 })
    for (const token of [adaClient.token, adaToken]) {
      expect(await authenticator.authenticate(shown(token))).toBeNull()
      expect(await authenticator.stands(shown(token))).toBe(false)
    }
    for (const { cookie } of [ada, adaAgain]) expect((await people.browsers.look(cookie)).session).toBeNull()
    expect(await authenticator.authenticate(shown(eveClient.token))).not.toBeNull()
    expect((await people.browsers.look(eve.cookie)).session).not.toBeNull()

    const again = await at.store.write((trx) => revokeUser(at.store, trx, ada.userId, 'revoked'))
    expect(again).toEqual({ browsers: 0, clients: 0, accessTokens: 0 })
    expect((await people.browsers.look((await signIn(people, 'ada@acme.test')).cookie)).session).not.toBeNull()
  })

  test('where the transaction fails, nothing has ended', async () => {
    const bob = await signIn(people, 'bob@acme.test')
    const { token } = await letClientIn(at.store, bob, portal, soon())
    const failed = at.store.write(async (trx) => {
      await revokeUser(at.store, trx, bob.userId, 'revoked')
      throw new Error('the disk is full')
    })
    await expect(failed).rejects.toThrow('the disk is full')
    expect((await people.browsers.look(bob.cookie)).session).not.toBeNull()
    expect(await authenticator.authenticate(shown(token))).not.toBeNull()
  })

  test('what a page gives away while its person is being revoked is taken too, and nothing is given after', async () => {
    const hana = await signIn(people, 'hana@acme.test')
    let revoking: Promise<unknown> | undefined
    const id = newId<GrantId>(systemClock.now())
    const held = await at.store.write(async (trx) => {
      const isHeld = await holdBrowserSession(at.store, trx, hana.sessionId)
      revoking = at.store.write((other) => revokeUser(at.store, other, hana.userId, 'revoked'))
      const client = { clientId: 'c', clientName: 'c', redirectUri: null, resource: 'r' }
      const { userId, identityId } = hana
      await insertGrant(at.store, trx, { id, userId, identityId, portalUid: portal, ...client })
      return isHeld
    })
    expect(held).toBe(true)
    expect(await revoking).toMatchObject({ browsers: 1, clients: 1 })
    expect((await readGrant(at.store.db, id))?.revokedAt).not.toBeNull()
    const after = await at.store.write((trx) => holdBrowserSession(at.store, trx, hana.sessionId))
    expect(after).toBe(false)
  })

  test('a client’s token that has expired opens nothing, and stands while its grant does', async () => {
    const cleo = await signIn(people, 'cleo@acme.test')
    const { token } = await letClientIn(at.store, cleo, portal, systemClock.now() - 1)
    expect(await authenticator.authenticate(shown(token))).toBeNull()
    expect(await authenticator.stands(shown(token))).toBe(true)
    await at.store.write((trx) => revokeUser(at.store, trx, cleo.userId, 'revoked'))
    expect(await authenticator.stands(shown(token))).toBe(false)
  })

  test('a token that an admin made is its own grant: it stands until it expires', async () => {
    const dan = await signIn(people, 'dan@acme.test')
    expect(await authenticator.stands(shown(await minted(dan.userId, soon())))).toBe(true)
    expect(await authenticator.stands(shown(await minted(dan.userId, systemClock.now() - 1)))).toBe(false)
  })

  test('many who ask in one turn are each told of their own', async () => {
    const finn = await signIn(people, 'finn@acme.test')
    const gone = await letClientIn(at.store, finn, portal, soon())
    await at.store.write((trx) => revokeUser(at.store, trx, finn.userId, 'revoked'))
    const { token } = await letClientIn(at.store, finn, portal, soon())
    const asked = Array.from({ length: 1200 }, (_, n) => (n === 700 ? token : n === 3 ? gone.token : newSecret('ptat')))
    const answers = await Promise.all(asked.map((one) => authenticator.stands(shown(one))))
    expect(answers.flatMap((stands, n) => (stands ? [n] : []))).toEqual([700])
    expect(await authenticator.stands(shown('not a token'))).toBe(false)
    expect(await authenticator.stands(NOTHING)).toBe(false)
  })
})
