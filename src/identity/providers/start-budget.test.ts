import { expect, test } from 'vitest'
import { openStartBudget } from './start-budget.ts'

function budgetAt(start = 0) {
  let now = start
  const budget = openStartBudget({ now: () => now, elapsed: () => now })
  return {
    /** @returns how many of them were let through */
    take: (times: number, address: (i: number) => string) =>
      Array.from({ length: times }, (_, i) => budget.take(address(i))).filter(Boolean).length,
    pass: (ms: number) => {
      now += ms
    },
  }
}

test('one address begins 300 sign-ins a minute, and keeps out nobody else', () => {
  const { take, pass } = budgetAt()
  expect(take(1000, () => '192.0.2.1')).toBe(300)
  expect(take(1, () => '192.0.2.2')).toBe(1)
  pass(60_000)
  expect(take(1, () => '192.0.2.1')).toBe(1)
})

test('what one subscriber of IPv6 has counts as one', () => {
  const { take } = budgetAt()
  expect(take(1000, (i) => `2001:db8:1:2::${i.toString(16)}`)).toBe(300)
  expect(take(1, () => '2001:db8:1:3::1')).toBe(1)
})

test('more networks than are counted share what is left, and who is counted keeps their own', () => {
  const { take } = budgetAt()
  const address = (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`
  expect(take(20_000, address)).toBe(13_000)
  expect(take(1, () => address(0))).toBe(1)
})
