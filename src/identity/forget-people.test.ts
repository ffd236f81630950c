import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { addPortal, letClientIn, type People, type SignedInPerson, signIn } from '../../test/support/people.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { PortalUid } from '../base/ids.ts'
import { openSealer } from '../base/secret.ts'
import { forgetBrowserSessions, openBrowserSessions } from './browser-session-store.ts'
import { forgetGrants, listGrants, readGrant } from './grant-store.ts'
import { makeAdapters } from './oauth/artifact-store.ts'
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
