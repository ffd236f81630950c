import { expect, test } from 'vitest'
import { binOf, quantile } from './latency-bins.ts'

function binned(values: readonly number[]): Map<number, number> {
  const bins = new Map<number, number>()
  for (const value of values) bins.set(binOf(value), (bins.get(binOf(value)) ?? 0) + 1)
  return bins
}

test('a quantile from bins is at most a tenth off the true one', () => {
  const values = Array.from({ length: 10_000 }, (_, at) => 0.02 * 1.001 ** at)
  for (const share of [0.01, 0.5, 0.95, 0.99]) {
    const truth = values[Math.ceil(values.length * share) - 1] ?? 0
    const found = quantile(binned(values), share) ?? 0
    expect(Math.abs(found - truth) / truth).toBeLessThan(0.1)
  }
})

test('nothing, less than nothing and what never ends all have a bin', () => {
  expect([0, -1, Number.NaN, 0.001].map(binOf)).toEqual([0, 0, 0, 0])
  expect(binOf(Number.POSITIVE_INFINITY)).toBe(120)
})

test('where there is nothing, there is no quantile', () => {
  expect(quantile(new Map(), 0.5)).toBeNull()
})
