import { describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore } from '../../../../test/databases.ts'
import { systemClock } from '../../../base/clock.ts'
import {
  allowsDevices,
  codeWasWrong,
  DEVICE_CODE_SECONDS,
  mayAskForCode,
  mayTryCode,
  readUserCode,
  USER_CODE_LETTERS,
} from './device.ts'

test('devices are off until a portal turns them on', () => {
  const policies = [null, {}, { device_authorization: {} }, { device_authorization: { enabled: false } }]
  expect(policies.map(allowsDevices)).toEqual([false, false, false, false])
  expect(allowsDevices({ device_authorization: { enabled: true } })).toBe(true)
})

describe('SEC-O15: a typed code is read in one way', () => {
  const typed: readonly (readonly [string, string | null])[] = [
    ['BCDF-GHJK', 'BCDFGHJK'],
    ['bcdfghjk', 'BCDFGHJK'],
    [' bcdf ghjk ', 'BCDFGHJK'],
    ['B-C-D-F-G-H-J-K', 'BCDFGHJK'],
    ['BCDF-GHJ', null],
    ['BCDF-GHJKL', null],
    ['ABCD-EFGH', null],
    ['1234-5678', null],
    ['ＢＣＤＦＧＨＪＫ', null],
    ['BCDF%20GHJK', null],
    ['x'.repeat(10_000), null],
    ['', null],
  ]
  for (const [text, code] of typed) test(JSON.stringify(text.slice(0, 20)), () => expect(readUserCode(text)).toBe(code))

  test('it has no vowel, so that it is no word', () => expect(/[AEIOUY]/.test(USER_CODE_LETTERS)).toBe(false))
})

describe.each(DATABASE_KINDS)('SEC-O15: guessing ends, on %s', (kind) => {
  test('after five wrong codes nobody tries on, on any replica, until the codes of that time are over', async () => {
    let ahead = 0
    const at = await freshStore(kind, { now: () => systemClock.now() + ahead, elapsed: () => 0 })
    try {
      const ada = { userId: 'ada', clientIp: '192.0.2.7' }
      for (let i = 0; i < 5; i++) {
        expect(await mayTryCode(at.store, ada)).toBe(true)
        await codeWasWrong(at.store, ada)
      }
      expect(await mayTryCode(at.store, ada)).toBe(false)
      expect(await mayTryCode(at.store, { ...ada, clientIp: '198.51.100.7' })).toBe(false)
      expect(await mayTryCode(at.store, { ...ada, userId: 'grace' })).toBe(true)
      if (kind === 'postgres') {
        const other = await at.again()
        expect(await mayTryCode(other, ada)).toBe(false)
        await other.close()
        // There the database's clock counts, which a test cannot move; so its rows are.
        const began = systemClock.now() - DEVICE_CODE_SECONDS * 1000 - 1000
        await at.store.db.updateTable('attempt_counters').set({ last_at: began }).execute()
      }
      ahead = DEVICE_CODE_SECONDS * 1000
      expect(await mayTryCode(at.store, ada)).toBe(true)
    } finally {
      await at.end()
    }
  })

  test('many people of one network together have an end too', async () => {
    const at = await freshStore(kind)
    try {
      for (let i = 0; i < 20; i++) await codeWasWrong(at.store, { userId: `user${i}`, clientIp: '192.0.2.7' })
      expect(await mayTryCode(at.store, { userId: 'fresh', clientIp: '192.0.2.7' })).toBe(false)
      expect(await mayTryCode(at.store, { userId: 'fresh', clientIp: '198.51.100.7' })).toBe(true)
    } finally {
      await at.end()
    }
  })

  test('one network is given 60 codes in that time, at the same moment or not, and the next is not held up', async () => {
    const at = await freshStore(kind)
    try {
      const all = await Promise.all(Array.from({ length: 80 }, () => mayAskForCode(at.store, '192.0.2.7')))
      expect(all.filter((may) => may).length).toBe(60)
      expect(await mayAskForCode(at.store, '198.51.100.7')).toBe(true)
    } finally {
      await at.end()
    }
  })
})
