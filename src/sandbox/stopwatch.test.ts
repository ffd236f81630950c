import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Stopwatch } from './stopwatch.ts'

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

const clock = { now: () => Date.now(), elapsed: () => Date.now() }

function started(running: number, held: number) {
  const [onOver, onHeld] = [vi.fn(), vi.fn()]
  return { watch: new Stopwatch({ running, held }, clock, { onOver, onHeld }), onOver, onHeld }
}

test('is over when it has run for so long', () => {
  const { onOver } = started(1000, 5000)
  vi.advanceTimersByTime(999)
  expect(onOver).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(onOver).toHaveBeenCalledOnce()
})

test('stands while anybody holds it, and then runs on from where it stood', () => {
  const { watch, onOver } = started(1000, 5000)
  vi.advanceTimersByTime(600)
  const first = watch.hold()
  const second = watch.hold()
  vi.advanceTimersByTime(2000)
  first()
  first()
  vi.advanceTimersByTime(2000)
  second()
  vi.advanceTimersByTime(399)
  expect(onOver).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(onOver).toHaveBeenCalledOnce()
})

test('stands no longer than it may in all', () => {
  const { watch, onOver } = started(1000, 5000)
  for (let i = 0; i < 5; i++) {
    const letGo = watch.hold()
    vi.advanceTimersByTime(900)
    letGo()
    vi.advanceTimersByTime(10)
  }
  watch.hold()
  vi.advanceTimersByTime(499)
  expect(onOver).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(onOver).toHaveBeenCalledOnce()
})

test('that was stopped is never over, whatever is let go after', () => {
  const { watch, onOver, onHeld } = started(1000, 5000)
  const letGo = watch.hold()
  watch.stop()
  letGo()
  expect(onHeld.mock.calls).toEqual([[true], [false]])
  vi.advanceTimersByTime(1e9)
  expect(onOver).not.toHaveBeenCalled()
})

test('tells when it begins to stand and when it goes on, whoever else holds it', () => {
  const { watch, onHeld } = started(1000, 5000)
  const [first, second] = [watch.hold(), watch.hold()]
  first()
  second()
  second()
  watch.stop()
  expect(onHeld.mock.calls).toEqual([[true], [false]])
})
