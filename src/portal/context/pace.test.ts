import { expect, test } from 'vitest'
import { Pace, TooLong } from './pace.ts'

function clockAt(time: { ms: number }) {
  return { now: () => time.ms, elapsed: () => time.ms }
}

test('others have their turn when a piece of work has taken its time', async () => {
  const time = { ms: 0 }
  const pace = new Pace(clockAt(time), 1000)
  time.ms = 3
  expect(pace.breathe()).toBeUndefined()
  time.ms = 4
  let hadTurn = false
  setImmediate(() => {
    hadTurn = true
  })
  await pace.breathe()
  expect(hadTurn).toBe(true)
  time.ms = 7
  expect(pace.breathe()).toBeUndefined()
})

test('work that has taken more than it may is given up', () => {
  const time = { ms: 0 }
  const pace = new Pace(clockAt(time), 1000)
  time.ms = 1001
  expect(() => pace.breathe()).toThrow(TooLong)
})
