import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { type Budget, clearTries, forgetTries, giveBackTry, takeTry } from './attempts-store.ts'

const SECOND = 1000
const HOUR = 3_600_000
const BUDGET: Budget = { name: 'password', free: 5, firstWait: 30 * SECOND, mostWait: HOUR, forgetAfter: 24 * HOUR }
const OTHER: Budget = { ...BUDGET, name: 'network', free: 2 }
const ada = { budget: BUDGET, of: 'ada@acme.test' }

describe.each(DATABASE_KINDS)('counters of tries on %s', (kind) => {
  let at: TestStore
  let now: number
  beforeEach(async () => {
    now = 1_700_000_000_000
    at = await freshStore(kind, { now: () => now, elapsed: () => now })
  })
  afterEach(() => at.end())

  const take = async (count: number): Promise<boolean[]> => {
    const taken: boolean[] = []
    for (let i = 0; i < count; i++) taken.push(await takeTry(at.store, [ada]))
    return taken
  }

  test('five tries are free, then each next one waits twice as long, up to an hour', async () => {
    expect(await take(6)).toEqual([true, true, true, true, true, false])
    for (const seconds of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]) {
      now += seconds * SECOND - 1
      expect(await take(1), `just before ${seconds} s`).toEqual([false])
      now += 1
      expect(await take(2), `after ${seconds} s`).toEqual([true, false])
    }
  })

  test('of many at once no more get through than one after the other, on two replicas together', async () => {
    // SQLite has one process.
    const other = kind === 'postgres' ? await at.again() : at.store
    const stores = [at.store, other]
    const taken = await Promise.all(Array.from({ length: 40 }, (_, i) => takeTry(stores[i % 2] ?? other, [ada])))
    if (other !== at.store) await other.close()
    expect(taken.filter(Boolean)).toHaveLength(5)
  })

  test('where one of two counters has none left, none is taken of the other', async () => {
    const network = { budget: OTHER, of: '192.0.2.7' }
    expect(await takeTry(at.store, [ada, network])).toBe(true)
    expect(await takeTry(at.store, [network, ada])).toBe(true)
    for (let i = 0; i < 9; i++) expect(await takeTry(at.store, [ada, network])).toBe(false)
    // Two of five were taken.
    expect(await take(4)).toEqual([true, true, true, false])
  })

  test('a proof clears the counter of an address, and gives a network back no more than its own try', async () => {
    await take(5)
    await at.store.write((trx) => clearTries(trx, ada))
    expect(await take(1)).toEqual([true])
    const network = { budget: OTHER, of: '192.0.2.7' }
    expect(await takeTry(at.store, [network])).toBe(true)
    expect(await takeTry(at.store, [network])).toBe(true)
    await at.store.write((trx) => giveBackTry(trx, network))
    expect(await takeTry(at.store, [network])).toBe(true)
    expect(await takeTry(at.store, [network])).toBe(false)
  })

  test('after a day without a try all is forgotten, and what is too old is deleted', async () => {
    await take(8)
    now += 24 * HOUR + 1
    expect(await take(6)).toEqual([true, true, true, true, true, false])
    await forgetTries(at.store)
    expect(await rows()).toHaveLength(1)
    now += 25 * HOUR
    await forgetTries(at.store)
    expect(await rows()).toEqual([])
  })

  test('a key shows no address', async () => {
    await take(1)
    expect(JSON.stringify(await rows())).not.toContain('ada@')
  })

  const rows = () => at.store.db.selectFrom('attempt_counters').selectAll().execute()
})
