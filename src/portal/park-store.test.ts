/** Parked calls at rest, as two processes see them, on both databases. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import type { PortalId } from '../base/ids.ts'
import type { Store } from '../store/open.ts'
import { dropParks, handAnswers, isTaken, openPark, type Park, putReply, takeAnswers, takeReply } from './park-store.ts'
import { deletePortal, insertPortal } from './portal-store.ts'

const CONTENT = {
  ...{ id: 'default' as PortalId, hostname: 'localhost', name: 'Portal', description: null },
  ...{ codeMode: 'opt_in' as const, secureWebGateway: false, policies: [], mappings: [], serviceTokenHeader: null },
}
const LIFE = 60_000

describe.each(DATABASE_KINDS)('a parked call on %s', (kind) => {
  let at: TestStore
  /** Of the process that holds the call, and of one that its client comes to. */
  let [here, there]: Store[] = []
  let now = 1_800_000_000_000
  let park: Park
  const stores = (): [Store, Store] => {
    if (here === undefined || there === undefined) throw new Error('not open')
    return [here, there]
  }

  beforeEach(async () => {
    at = await freshStore(kind, { now: () => now, elapsed: () => now })
    here = at.store
    // SQLite has one process.
    there = kind === 'postgres' ? await at.again() : at.store
    const author = { label: 'test', origin: 'api' as const }
    const portalUid = await here.write((trx) => insertPortal(at.store, trx, CONTENT, author))
    park = { id: 'one', principal: 'user:ada', owner: 'grant:g1', portalUid, node: 'n1' }
    await openPark(here, park, LIFE)
  })
  afterEach(async () => {
    if (there !== here) await there?.close()
    await at.end()
  })

  const hand = (store: Store, sealed: string, by: Partial<Park> = {}) => {
    return handAnswers(store, { ...park, ...by }, sealed)
  }

  test('gets the first answers that its client brings, and its reply goes back, once', async () => {
    const [here, there] = stores()
    expect(await takeAnswers(here, ['one', 'other'])).toEqual(new Map())
    expect(await takeReply(there, 'one')).toBeUndefined()
    expect(await hand(there, 'first')).toBe(true)
    expect(await hand(there, 'second')).toBe(false)
    expect(await isTaken(there, 'one')).toBe(false)
    expect(await takeAnswers(here, ['one', 'other'])).toEqual(new Map([['one', 'first']]))
    expect(await isTaken(there, 'one')).toBe(true)
    expect(await takeAnswers(here, ['one'])).toEqual(new Map())
    expect(JSON.stringify(await here.db.selectFrom('parked').selectAll().execute())).not.toContain('first')
    expect(await hand(there, 'after it was read')).toBe(false)
    expect(await putReply(here, 'one', 'done')).toBe(true)
    expect(await putReply(here, 'one', 'done otherwise')).toBe(false)
    expect(await takeReply(there, 'one')).toBe('done')
    expect(await takeReply(there, 'one')).toBeUndefined()
    expect(await here.db.selectFrom('parked').selectAll().execute()).toEqual([])
  })

  test('of two that bring answers, or take the reply, at the same moment one does', async () => {
    const [here, there] = stores()
    const handed = await Promise.all([hand(here, 'a'), hand(there, 'b'), hand(there, 'c')])
    expect(handed.filter(Boolean)).toHaveLength(1)
    await putReply(here, 'one', 'done')
    const taken = await Promise.all([takeReply(here, 'one'), takeReply(there, 'one'), takeReply(there, 'one')])
    expect(taken.filter((one) => one !== undefined)).toEqual(['done'])
  })

  test('takes no answers from anybody but who was asked, and none for a call that nobody parked', async () => {
    const [here, there] = stores()
    expect(await hand(there, 'x', { principal: 'user:eve' })).toBe(false)
    expect(await hand(there, 'x', { owner: 'grant:g2' })).toBe(false)
    expect(await hand(there, 'x', { id: 'two' })).toBe(false)
    expect(await takeAnswers(here, ['one'])).toEqual(new Map())
    expect(await takeAnswers(here, [])).toEqual(new Map())
    expect(await hand(there, 'hers')).toBe(true)
  })

  test('that ended before it was answered takes no answers, and has its reply', async () => {
    const [here, there] = stores()
    await putReply(here, 'one', 'lost')
    expect(await hand(there, 'late')).toBe(false)
    expect(await takeReply(there, 'one')).toBe('lost')
  })

  test('raises its topic with each step, for the process that waits for it', async () => {
    const [here, there] = stores()
    const seen = async () => {
      await here.versions.announce()
      return here.versions.get('parked')
    }
    const before = await seen()
    await hand(there, 'x', { principal: 'user:eve' })
    expect(await seen()).toBe(before)
    await hand(there, 'x')
    expect(await seen()).toBe(before + 1)
    await putReply(there, 'one', 'done')
    expect(await seen()).toBe(before + 2)
  })

  test('is over when its time is: nothing is brought or taken, and the next one clears it away', async () => {
    const [here, there] = stores()
    await openPark(here, { ...park, id: 'answered' }, LIFE + 1)
    await putReply(here, 'answered', 'done')
    now += LIFE
    expect(await hand(there, 'late')).toBe(false)
    expect(await putReply(here, 'one', 'late')).toBe(false)
    now += 1
    expect(await takeReply(there, 'answered')).toBeUndefined()
    await openPark(here, { ...park, id: 'next' }, LIFE)
    const ids = async () => (await here.db.selectFrom('parked').select('id').execute()).map(({ id }) => id)
    expect(await ids()).toEqual(['next'])
    await dropParks(here, now + LIFE - 1)
    expect(await ids()).toEqual(['next'])
    await dropParks(here, now + LIFE)
    expect(await ids()).toEqual([])
  })

  test('that is answered at the last moment has as long again for its reply', async () => {
    const [here, there] = stores()
    now += LIFE - 1
    expect(await hand(there, 'at last')).toBe(true)
    now += LIFE - 1
    expect(await putReply(here, 'one', 'done')).toBe(true)
    expect(await takeReply(there, 'one')).toBe('done')
  })

  test('goes with its portal', async () => {
    const [here] = stores()
    await here.write((trx) => deletePortal(here, trx, park.portalUid))
    expect(await here.db.selectFrom('parked').selectAll().execute()).toEqual([])
  })
})
