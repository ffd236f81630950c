import { expect, test } from 'vitest'
import { DAY_MS, type DaySpan, dayOf, oldDays, partition } from './days.ts'

const cases: { when: string; spans: [day: number, first: number | null, last: number | null][]; goes: number[] }[] = [
  {
    when: 'days are over',
    spans: [
      [10, 1, 5],
      [11, 6, 9],
      [12, 10, 20],
    ],
    goes: [10, 11],
  },
  {
    when: 'an old day has rows that came after those of a kept one',
    spans: [
      [10, 1, 15],
      [12, 6, 20],
    ],
    goes: [],
  },
  {
    when: 'rows of an old day stand behind another old day that must wait',
    spans: [
      [9, 1, 4],
      [10, 5, 25],
      [11, 8, 12],
      [12, 13, 30],
    ],
    goes: [9],
  },
  {
    when: 'old days have no rows',
    spans: [
      [9, null, null],
      [10, null, null],
      [12, 1, 2],
    ],
    goes: [9, 10],
  },
  {
    when: 'days ahead have no rows yet',
    spans: [
      [12, 1, 2],
      [40, null, null],
      [41, null, null],
    ],
    goes: [],
  },
  {
    when: 'a clock once ran ahead',
    spans: [
      [10, 1, 5],
      [400, 6, 7],
      [11, 8, 9],
      [12, 10, 11],
    ],
    goes: [10, 400, 11],
  },
  {
    when: 'a clock runs ahead now',
    spans: [
      [12, 1, 5],
      [400, 6, 7],
    ],
    goes: [],
  },
  {
    when: 'everything is over',
    spans: [
      [9, 1, 5],
      [10, 6, 7],
    ],
    goes: [9, 10],
  },
]
for (const { when, spans, goes } of cases) {
  test(`${goes.length === 0 ? 'nothing' : `${goes.join(', ')}`} goes where ${when}`, () => {
    const days = spans.map(([day, first, last]): DaySpan => ({ day, first, last }))
    const age = { now: 15 * DAY_MS, keepSince: 12 * DAY_MS }
    expect(oldDays(days, age).map(({ day }) => day)).toEqual(goes)
  })
}

test('a partition is named for its day, and nothing else is taken for one', () => {
  expect(partition(20_778)).toBe('audit_rows_20778_20261121')
  expect(dayOf(partition(20_778))).toBe(20_778)
  expect(['audit_rows', 'audit_rows_at', 'audit_rows_1_2026', 'x_audit_rows_1_20260101'].map(dayOf)).toEqual(
    Array(4).fill(undefined),
  )
})
