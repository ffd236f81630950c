import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { addPortal, letClientIn, type People, type SignedInPerson, signIn } from '../../test/support/people.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { type GrantId, newId, type PortalUid } from '../base/ids.ts'
import { openSealer } from '../base/secret.ts'
import { forgetBrowserSessions, openBrowserSessions } from './browser-session-store.ts'
import { findConsent, rememberConsent } from './consent-store.ts'
import { forgetGrants, insertGrant, listGrants, readGrant } from './grant-store.ts'
import { makeAdapters } from './oauth/artifact-store.ts'
import { forgetClients, insertClient } from './oauth/clients/client-store.ts'
import type { Adapter } from './oauth/library.ts'

const DAY = 86_400_000

describe.each(DATABASE_KINDS)('what signing in leaves behind, in %s', (kind) => {
  let at: TestStore
  let people: People
  let portal: PortalUid
  let ada: SignedInPerson
  const clock: Clock & { ahead: number } = { ...systemClock, ahead: 0, now: () => systemClock.now() + clock.ahead }

  beforeAll(async () => {
    at = await freshStore(kind, clock)
    const sealer = openSealer(TEST_KEYS, 'store')
    people = { store: at.store, sealer, browsers: openBrowserSessions(at.store, () => 'http://localhost') }
    portal = await addPortal(at.store)
    ada = await signIn(people, 'ada@acme.test')
  })
  afterAll(() => at?.end())

  test('a grant whose client holds nothing any more ends after a day, and is deleted a month later', async () => {
    const { store } = at
    const adapter = makeAdapters({ store, sealer: people.sealer, clients: {} as Adapter })
    const [gone, renewing, spent] = [
      await letClientIn(store, ada, portal, clock.now() + 900_000),
      await letClientIn(store, ada, portal, clock.now() + 900_000),
      await letClientIn(store, ada, portal, clock.now() + 900_000),
    ]
    for (const { grantId } of [gone, renewing, spent]) await adapter('Grant').upsert(grantId, { jti: grantId }, DAY)
    const refresh = adapter('RefreshToken')
    await refresh.upsert('held', { jti: 'held', grantId: renewing.grantId }, (40 * DAY) / 1000)
    await refresh.upsert('used', { jti: 'used', grantId: spent.grantId }, (40 * DAY) / 1000)
    await refresh.consume('used')
    expect(await forgetGrants(store)).toBe(0)
    clock.ahead += DAY + 1000
    expect(await forgetGrants(store)).toBe(2)
    expect((await listGrants(store.db, ada.userId)).map(({ id }) => id)).toEqual([renewing.grantId])
    expect(await readGrant(store.db, gone.grantId)).toMatchObject({ revokedWhy: 'over' })
    const notes = store.db.selectFrom('oauth_artifacts').select('grant_id').where('model', '=', 'Grant')
    expect(await notes.execute()).toEqual([{ grant_id: renewing.grantId }])
    clock.ahead += 31 * DAY
    expect(await forgetGrants(store)).toBe(0)
    expect(await readGrant(store.db, gone.grantId)).toBeUndefined()
    expect(await readGrant(store.db, renewing.grantId)).toMatchObject({ revokedAt: null })
  })

  test('a client that is over takes with it what people gave it', async () => {
    const { store } = at
    const metadata = {
      ...{ redirect_uris: ['https://client.example/cb'], application_type: 'web' as const, response_types: [] },
      ...{ grant_types: ['authorization_code'], token_endpoint_auth_method: 'none' as const },
    }
    const clientId = await store.write((trx) =>
      insertClient(store, trx, { kind: 'registered', metadata, createdBy: 'x' }),
    )
    const given = { userId: ada.userId, clientId, portalUid: portal }
    const consent = { ...given, redirect: 'https://client.example/cb' }
    const id = newId<GrantId>(clock.now())
    await store.write(async (trx) => {
      await rememberConsent(store, trx, consent)
      const made = { ...given, id, identityId: ada.identityId, clientName: 'C', redirectUri: null, resource: 'r' }
      await insertGrant(store, trx, made)
    })
    expect(await store.write((trx) => forgetClients(store, trx))).toBe(0)
    clock.ahead += DAY + 1000
    expect(await store.write((trx) => forgetClients(store, trx))).toBe(1)
    expect(await findConsent(store.db, consent)).toBe(false)
    expect(await readGrant(store.db, id)).toMatchObject({ revokedWhy: 'revoked' })
  })

  test('browsers that were signed out, or in too long ago, are forgotten after a month', async () => {
    const { store } = at
    const count = async () => (await store.db.selectFrom('browser_sessions').select('id').execute()).length
    await store.db.deleteFrom('browser_sessions').execute()
    await signIn(people, 'bea@acme.test')
    expect(await forgetBrowserSessions(store)).toBe(0)
    clock.ahead += 31 * DAY
    await signIn(people, 'bea@acme.test')
    expect(await forgetBrowserSessions(store)).toBe(1)
    expect(await count()).toBe(1)
  })
})
