/** Counting calls against limits: on both databases, and over replicas that share one. */
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ask, DATABASE_KINDS, freshStore, LOCAL_POSTGRES, type TestStore } from '../../test/databases.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { Fault } from '../base/fault.ts'
import { silentLog } from '../base/log.ts'
import type { Store } from '../store/open.ts'
import { type CallLimitDeps, type CallLimits, type LimitClaim, openCallLimits } from './call-limits.ts'

let at: TestStore
let opened: { close(): Promise<void> }[] = []

function replica(store: Store, more: Partial<CallLimitDeps> = {}): CallLimits {
  const made = openCallLimits({ store, clock: systemClock, log: silentLog, holder: crypto.randomUUID(), ...more })
  opened.push(made)
  return made
}

async function anotherStore(): Promise<Store> {
  const store = await at.again()
  opened.push(store)
  return store
}

afterEach(async () => {
  for (const one of opened.reverse()) await one.close()
  opened = []
  await at.end()
})

const HOUR = 3_600_000

const calls = (key: string, most: number, windowMs = HOUR): LimitClaim => ({
  key,
  calls: most,
  windowMs,
  concurrency: null,
})
const atOnce = (key: string, concurrency: number): LimitClaim => ({ key, calls: null, windowMs: null, concurrency })

/** Takes so many at the same moment, by turns at each of the replicas. */
async function flood(replicas: readonly CallLimits[], claims: readonly LimitClaim[], count: number) {
  const all = Array.from({ length: count }, async (_, index) => replicas[index % replicas.length]?.take(claims))
  return (await Promise.all(all)).filter((one) => one !== undefined)
}

const passed = (outcomes: readonly { kind: string }[]): number => outcomes.filter(({ kind }) => kind === 'taken').length

for (const kind of DATABASE_KINDS) {
  describe(`limits on calls (${kind})`, () => {
    beforeEach(async () => {
      at = await freshStore(kind)
    })

    test('a window has as many calls as its limit, however many come at once', async () => {
      const limits = replica(at.store)
      const outcomes = await flood([limits], [calls('a', 50)], 1000)
      expect(passed(outcomes)).toBe(50)
      const refused = await limits.take([calls('a', 50)])
      expect(refused).toMatchObject({ kind: 'exceeded', what: 'calls', claim: { key: 'a' } })
      expect(refused).toHaveProperty(
        'retryInMs',
        expect.toSatisfy((ms) => ms > HOUR - 120_000 && ms <= HOUR),
      )
    })

    test('one counter does not count what another one counts', async () => {
      const limits = replica(at.store)
      expect(passed(await flood([limits], [calls('a', 3)], 5))).toBe(3)
      expect(passed(await flood([limits], [calls('b', 3)], 5))).toBe(3)
    })

    test('who comes back when it was told is let in again, and not before', async () => {
      const limits = replica(at.store)
      expect(passed(await flood([limits], [calls('a', 4, 4000)], 10))).toBe(4)
      const refused = await limits.take([calls('a', 4, 4000)])
      const waitMs = refused.kind === 'exceeded' ? refused.retryInMs : 0
      expect(waitMs).toBeGreaterThan(0)
      await pause(waitMs / 2)
      expect(await limits.take([calls('a', 4, 4000)])).toMatchObject({ kind: 'exceeded' })
      await pause(waitMs / 2 + 5)
      expect(await limits.take([calls('a', 4, 4000)])).toMatchObject({ kind: 'taken' })
    })

    test('what was counted is counted after a restart', async () => {
      expect(passed(await flood([replica(at.store)], [calls('a', 20)], 20))).toBe(20)
      expect(await replica(at.store).take([calls('a', 20)])).toMatchObject({ kind: 'exceeded' })
    })

    test('a slice is spent from memory: nothing is waited for until it is used up', async () => {
      const limits = replica(at.store)
      const claim = calls('a', 100)
      const first = [limits.take([claim]), limits.take([claim])]
      for (const one of first) expect(one).toBeInstanceOf(Promise)
      await Promise.all(first)
      // A hundred in slices of five: two are gone.
      for (const _ of [3, 4, 5]) expect(limits.take([claim])).toMatchObject({ kind: 'taken' })
      const next = limits.take([claim])
      expect(next).toBeInstanceOf(Promise)
      expect(await next).toMatchObject({ kind: 'taken' })
    })

    test('a window that is used up is refused from memory', async () => {
      const limits = replica(at.store)
      await flood([limits], [calls('a', 2)], 3)
      expect(limits.take([calls('a', 2)])).toMatchObject({ kind: 'exceeded' })
    })

    test('a call that one limit refuses is not counted by the others', async () => {
      const limits = replica(at.store)
      expect(passed(await flood([limits], [calls('wide', 10), calls('narrow', 1)], 5))).toBe(1)
      expect(passed(await flood([limits], [calls('wide', 10)], 20))).toBe(9)
      const held = await limits.take([atOnce('slot', 1), calls('spent', 1)])
      expect(await limits.take([calls('spent', 1), atOnce('other', 1)])).toMatchObject({ what: 'calls' })
      expect(await limits.take([atOnce('other', 1)])).toMatchObject({ kind: 'taken' })
      expect(held).toMatchObject({ kind: 'taken' })
    })

    test('as many calls run at one time as the limit says, and one that ends makes room for one', async () => {
      const limits = replica(at.store)
      const outcomes = await flood([limits], [atOnce('a', 2)], 10)
      expect(passed(outcomes)).toBe(2)
      expect(outcomes.find(({ kind }) => kind === 'exceeded')).toMatchObject({ what: 'concurrency', retryInMs: 1000 })
      const held = outcomes.find((one) => one.kind === 'taken')
      if (held?.kind === 'taken') held.release()
      expect(passed(await flood([limits], [atOnce('a', 2)], 10))).toBe(1)
    })

    test('a call that is released twice makes room for one', async () => {
      const limits = replica(at.store)
      const held = await limits.take([atOnce('a', 2)])
      if (held.kind === 'taken') {
        held.release()
        held.release()
      }
      expect(passed(await flood([limits], [atOnce('a', 2)], 10))).toBe(2)
    })

    test('counters of a hundred thousand callers do not stay in memory', async () => {
      const limits = replica(at.store, { most: 100 })
      for (let n = 0; n < 400; n++) await limits.take([calls(`caller ${n}`, 1)])
      expect(limits.known).toBeLessThanOrEqual(100)
      // What memory forgot the database knows.
      expect(await limits.take([calls('caller 0', 1)])).toMatchObject({ kind: 'exceeded' })
    })

    test('what is over is deleted, and nothing else', async () => {
      const limits = replica(at.store)
      await limits.take([calls('short', 1, 3000)])
      await limits.take([calls('long', 1)])
      const refused = await limits.take([calls('short', 1, 3000)])
      await pause(refused.kind === 'exceeded' ? refused.retryInMs + 5 : 0)
      await limits.forget()
      expect(await at.store.db.selectFrom('limit_windows').select('key').execute()).toHaveLength(1)
      expect(limits.known).toBe(0)
      expect(await limits.take([calls('long', 1)])).toMatchObject({ kind: 'exceeded' })
    })
  })
}

describe('limits on calls in time', () => {
  const WINDOW = 60_000
  let now = 1_700_000_000_000
  const clock: Clock = { now: () => now, elapsed: () => now }

  beforeEach(async () => {
    at = await freshStore('sqlite', clock)
  })

  test('no stretch of time as long as the window has more than the limit and a slice a replica, whenever calls come', async () => {
    const replicas = [replica(at.store, { clock }), replica(at.store, { clock })]
    const random = seeded(7)
    const most = 60
    const times: number[] = []
    for (let turn = 0; turn < 3000; turn++) {
      // Mostly bursts, now and then a pause of half a window.
      now += random() < 0.01 ? WINDOW / 2 : Math.floor(random() * 300)
      const outcome = await replicas[random() < 0.5 ? 0 : 1]?.take([calls('a', most, WINDOW)])
      if (outcome?.kind === 'taken') times.push(now)
    }
    const spans = times.map((time) => times.filter((other) => other > time - WINDOW && other <= time).length)
    // A slice of sixty is three.
    expect(Math.max(...spans)).toBeLessThanOrEqual(most + 2 * 3)
    // And it is no less than was promised either, but for what each may sit on.
    expect(Math.max(...spans)).toBeGreaterThanOrEqual(most - 2 * 2)
  })

  test('small limits are exact, over replicas too', async () => {
    const replicas = [replica(at.store, { clock }), replica(at.store, { clock })]
    const random = seeded(11)
    const times: number[] = []
    for (let turn = 0; turn < 1500; turn++) {
      now += Math.floor(random() * 3000)
      const outcome = await replicas[random() < 0.5 ? 0 : 1]?.take([calls('a', 5, WINDOW)])
      if (outcome?.kind === 'taken') times.push(now)
    }
    const spans = times.map((time) => times.filter((other) => other > time - WINDOW && other <= time).length)
    expect(Math.max(...spans)).toBe(5)
  })

  /** Numbers from 0 to 1 that are the same each time (mulberry32). */
  function seeded(seed: number): () => number {
    let state = seed
    return () => {
      state = (state + 0x6d2b79f5) | 0
      let t = Math.imul(state ^ (state >>> 15), 1 | state)
      t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
      return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
    }
  }
})

describe('limits on calls over replicas', () => {
  beforeEach(async () => {
    at = await freshStore('postgres')
  })

  // [CALLS-4]
  test('two replicas let as many calls through as one, less what one sits on and never more', async () => {
    const replicas = [replica(at.store), replica(await anotherStore())]
    const outcomes = await flood(replicas, [calls('a', 50)], 400)
    expect(passed(outcomes)).toBeLessThanOrEqual(50)
    // A slice of fifty is three; each replica may have two of its own left when there is nothing more.
    expect(passed(outcomes)).toBeGreaterThanOrEqual(46)
    expect(passed(await flood(replicas, [calls('a', 50)], 100)) + passed(outcomes)).toBeLessThanOrEqual(50)
  })

  test('a replica whose clock is an hour ahead counts in the same window', async () => {
    const ahead: Clock = { now: () => systemClock.now() + 3_600_000, elapsed: () => systemClock.elapsed() }
    const replicas = [replica(at.store), replica(await anotherStore(), { clock: ahead })]
    expect(passed(await flood(replicas, [calls('a', 20)], 100))).toBe(20)
    expect(passed(await flood(replicas, [calls('a', 20)], 100))).toBe(0)
  })

  test('as many calls run at one time as the limit says, at all replicas together', async () => {
    const replicas = [replica(at.store), replica(await anotherStore())]
    expect(passed(await flood(replicas, [atOnce('a', 3)], 20))).toBe(3)
  })

  test('a caller that makes one call after the other is never refused, whichever replica has it', async () => {
    const replicas = [replica(at.store), replica(await anotherStore())]
    for (let turn = 0; turn < 40; turn++) {
      const outcome = await replicas[turn % 2]?.take([atOnce('a', 1)])
      expect(outcome).toMatchObject({ kind: 'taken' })
      if (outcome?.kind === 'taken') outcome.release()
    }
  })

  // [CALLS-3]
  test('what a replica held that died comes back, and not while it lives', async () => {
    const dying = await at.again()
    const life = { slotLifeMs: 3000 }
    const [one, other] = [openCallLimits({ ...deps(dying), ...life }), replica(at.store, life)]
    expect(passed(await flood([one], [atOnce('a', 2)], 2))).toBe(2)
    // Longer than slots live that nobody renews.
    for (const until = systemClock.elapsed() + 5000; systemClock.elapsed() < until; )
      expect(passed(await flood([other], [atOnce('a', 2)], 2))).toBe(0)
    // Its process is gone: nothing is renewed, and nothing is given back.
    await dying.close()
    // They need not come back in the same moment, and what came back is held.
    let back = 0
    await expect.poll(async () => (back += passed(await flood([other], [atOnce('a', 2)], 2)))).toBe(2)
    await one.close().catch(() => {})
  })

  test('a replica that closes gives back what it held', async () => {
    const one = openCallLimits(deps(at.store))
    expect(passed(await flood([one], [atOnce('a', 2)], 2))).toBe(2)
    await one.close()
    expect(passed(await flood([replica(await anotherStore())], [atOnce('a', 2)], 2))).toBe(2)
  })

  test('where slots are many, a burst asks the database once for several', async () => {
    const limits = replica(at.store)
    await limits.take([atOnce('a', 100)])
    for (const _ of [2, 3, 4]) expect(limits.take([atOnce('a', 100)])).toMatchObject({ kind: 'taken' })
  })

  // [CALLS-4]
  test('what cannot be counted is refused soon, and may be tried again', async () => {
    const limits = replica(at.store)
    const claim = calls('a', 60)
    await limits.take([claim])
    const name = new URL(at.databaseUrl ?? '').pathname.slice(1)
    const server = process.env.PORTICO_TEST_DATABASE_URL ?? LOCAL_POSTGRES
    await ask(server, `drop database ${name} with (force)`)
    // Two of the slice are left.
    expect(limits.take([claim])).toMatchObject({ kind: 'taken' })
    expect(limits.take([claim])).toMatchObject({ kind: 'taken' })
    const began = systemClock.elapsed()
    const outcomes = await Promise.allSettled([flood([limits], [claim], 1), flood([limits], [atOnce('b', 1)], 1)])
    expect(systemClock.elapsed() - began).toBeLessThan(10_000)
    for (const outcome of outcomes) {
      const reason = outcome.status === 'rejected' ? outcome.reason : undefined
      expect(reason).toBeInstanceOf(Fault)
      expect(reason).toMatchObject({ code: 'store-unavailable' })
    }
    // For whoever cleans up.
    await ask(server, `create database ${name}`)
  })

  function deps(store: Store): CallLimitDeps {
    return { store, clock: systemClock, log: silentLog, holder: crypto.randomUUID() }
  }
})
