/** What the calls of one grant have done with data: on both databases, and over replicas. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import type { DeedId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import { LABELS, type Label, MOST_WINDOW_MS } from '../contract/reach.ts'
import type { Store } from '../store/open.ts'
import { type Flow, openFlow } from './flow.ts'

const HOUR = 3_600_000
const [PRIVATE, UNTRUSTED, OUT] = LABELS

let at: TestStore
let opened: Store[] = []
let ahead = 0
const clock: Clock = { now: () => systemClock.now() + ahead, elapsed: () => systemClock.elapsed() }

const open = (store: Store): Flow => openFlow({ store, log: silentLog })
async function anotherReplica(): Promise<Flow> {
  const store = await at.again()
  opened.push(store)
  return open(store)
}

let deeds = 0
const legs = (labels: readonly Label[], owner = 'grant:1') => ({ owner, labels, deed: `deed.${deeds++}` as DeedId })
const rows = () => at.store.db.selectFrom('flow_legs').select(['deed', 'label']).execute()

afterEach(async () => {
  for (const store of opened) await store.close()
  opened = []
  ahead = 0
  await at.end()
})

const ORDERS: readonly (readonly [Label, Label, Label])[] = [
  [PRIVATE, UNTRUSTED, OUT],
  [UNTRUSTED, PRIVATE, OUT],
  [OUT, PRIVATE, UNTRUSTED],
  [UNTRUSTED, OUT, PRIVATE],
]

for (const kind of DATABASE_KINDS) {
  describe(`the flow of data (${kind})`, () => {
    beforeEach(async () => {
      at = await freshStore(kind, clock)
    })

    test('the third of three completes them, in any order', async () => {
      const flow = open(at.store)
      for (const [index, order] of ORDERS.entries()) {
        const told: boolean[] = []
        for (const label of order) told.push((await flow.enter(legs([label], `grant:${index}`))).completes(HOUR))
        expect(told).toEqual([false, false, true])
      }
    })

    test('the same label again completes nothing', async () => {
      const flow = open(at.store)
      for (const label of [PRIVATE, UNTRUSTED, PRIVATE, UNTRUSTED])
        expect((await flow.enter(legs([label]))).completes(HOUR)).toBe(false)
    })

    test('a call with two labels needs one more, and a call with all three none', async () => {
      const flow = open(at.store)
      expect((await flow.enter(legs([PRIVATE, UNTRUSTED]))).completes(HOUR)).toBe(false)
      expect((await flow.enter(legs([OUT]))).completes(HOUR)).toBe(true)
      expect((await flow.enter(legs(LABELS, 'grant:2'))).completes(HOUR)).toBe(true)
    })

    test('what one grant did is not held against another', async () => {
      const flow = open(at.store)
      await flow.enter(legs([PRIVATE]))
      await flow.enter(legs([UNTRUSTED]))
      expect((await flow.enter(legs([OUT], 'grant:2'))).completes(HOUR)).toBe(false)
    })

    test('a call that was taken back was never made', async () => {
      const flow = open(at.store)
      await flow.enter(legs([PRIVATE]))
      await flow.enter(legs([UNTRUSTED]))
      const third = await flow.enter(legs([OUT]))
      expect(third.completes(HOUR)).toBe(true)
      await third.undo()
      expect((await flow.enter(legs([PRIVATE]))).completes(HOUR)).toBe(false)
      expect((await flow.enter(legs([OUT]))).completes(HOUR)).toBe(true)
    })

    test('once a rule let the third pass, every further one completes them again', async () => {
      const flow = open(at.store)
      for (const label of LABELS) (await flow.enter(legs([label]))).keep()
      for (const label of LABELS) expect((await flow.enter(legs([label]))).completes(HOUR)).toBe(true)
    })

    test('a call that is decided again after a wait is one call', async () => {
      const flow = open(at.store)
      await flow.enter(legs([PRIVATE]))
      await flow.enter(legs([UNTRUSTED]))
      const third = legs([OUT])
      expect((await flow.enter(third)).completes(HOUR)).toBe(true)
      const again = await flow.enter(third)
      expect(again.completes(HOUR)).toBe(true)
      await again.undo()
      expect(await rows()).toHaveLength(2)
    })

    test('of three that come at once exactly one is told that it completes them', async () => {
      const flow = open(at.store)
      for (let round = 0; round < 10; round++) {
        const entered = await Promise.all(LABELS.map((label) => flow.enter(legs([label], `grant:${round}`))))
        expect(entered.filter((one) => one.completes(HOUR))).toHaveLength(1)
      }
    })

    test('older legs of what was done go when newer ones are there', async () => {
      const flow = open(at.store)
      for (let n = 0; n < 50; n++) (await flow.enter(legs([PRIVATE, UNTRUSTED]))).keep()
      expect((await rows()).length).toBeLessThan(20)
      expect((await flow.enter(legs([OUT]))).completes(HOUR)).toBe(true)
    })
  })
}

describe('the flow of data in time', () => {
  beforeEach(async () => {
    at = await freshStore('sqlite', clock)
  })

  test('what was called before the window does not count', async () => {
    const flow = open(at.store)
    await flow.enter(legs([PRIVATE]))
    ahead = HOUR / 2
    await flow.enter(legs([UNTRUSTED]))
    ahead = HOUR + 1000
    const third = await flow.enter(legs([OUT]))
    expect(third.completes(HOUR)).toBe(false)
    expect(third.completes(2 * HOUR)).toBe(true)
  })

  test('what no window reaches is deleted', async () => {
    const flow = open(at.store)
    await flow.enter(legs([PRIVATE]))
    ahead = MOST_WINDOW_MS - 1000
    await flow.forget()
    expect(await rows()).toHaveLength(1)
    ahead = MOST_WINDOW_MS + 1000
    await flow.forget()
    expect(await rows()).toHaveLength(0)
  })

  test('what cannot be known is not done', async () => {
    const flow = open(at.store)
    await at.store.db.schema.dropTable('flow_legs').execute()
    await expect(flow.enter(legs([PRIVATE]))).rejects.toThrow('flow_legs')
  })
})

describe('the flow of data over replicas', () => {
  beforeEach(async () => {
    at = await freshStore('postgres', clock)
  })

  // [FLOW-1]
  test('of three that come at once at two replicas exactly one is told that it completes them', async () => {
    const replicas = [open(at.store), await anotherReplica()]
    for (let round = 0; round < 20; round++) {
      const entered = await Promise.all(
        LABELS.map((label, index) => replicas[(index + round) % 2]?.enter(legs([label], `grant:${round}`))),
      )
      expect(entered.filter((one) => one?.completes(HOUR))).toHaveLength(1)
    }
  })

  test('a flood of one grant does not keep others from the database', async () => {
    const flow = open(at.store)
    let isOver = false
    // On a slow day the last of them wait too long for their turn, and are refused; that is the flood's own matter.
    const flood = Promise.allSettled(Array.from({ length: 200 }, () => flow.enter(legs([PRIVATE], 'grant:flood'))))
    const over = flood.then(() => {
      isOver = true
    })
    expect((await flow.enter(legs([OUT], 'grant:other'))).completes(HOUR)).toBe(false)
    expect(isOver).toBe(false)
    await over
  })
})
