import { expect, test } from 'vitest'
import { allowedGrowth, type Sample, trendOf } from './verdict.ts'

const samples = (rss: (at: number) => number): Sample[] =>
  Array.from({ length: 61 }, (_, at) => at / 2).map((at) => ({
    ...{ at, rss: rss(at), heap: 0, threads: 0, external: 0, descriptors: 0, children: 0, timers: 0, sockets: 0 },
  }))

test('what grows by one in a hundred a minute grows by ten in ten minutes', () => {
  const trend = trendOf(
    samples((at) => 100 + at),
    ({ rss }) => rss,
  )
  expect(trend.per10Minutes * trend.mean).toBeCloseTo(10)
  expect(trend.overHalf).toBeGreaterThan(allowedGrowth(30))
})

test('what grew at first and then no more is no leak', () => {
  const trend = trendOf(
    samples((at) => (at < 10 ? 50 + at * 5 : 100 + (Math.round(at * 2) % 2))),
    ({ rss }) => rss,
  )
  expect(Math.abs(trend.overHalf)).toBeLessThan(allowedGrowth(30))
})
