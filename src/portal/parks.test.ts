/** Calls that wait for their caller between two of its requests. */
import { describe, expect, test, vi } from 'vitest'
import { Cancellation } from '../base/cancel.ts'
import { LIMITS } from '../config/limits.ts'
import type { Askable, ServerQuestion } from '../protocol/asked.ts'
import type { Performed } from './checkpoint.ts'
import { Park } from './park.ts'
import { Parks } from './parks.ts'

const ANN = { principal: 'user:ann', owner: 'grant:ann', portalUid: 'p' }
const BOB = { principal: 'user:bob', owner: 'grant:bob', portalUid: 'p' }
const ALL: Askable = { form: true, url: true, sampling: true, samplingTools: true, roots: true }
const QUESTION: ServerQuestion = { method: 'roots/list', params: {} }
const DONE: Performed = { reply: { kind: 'result', result: {} }, credential: null, upstreamMs: 0 }

function park(whose = ANN, may = async () => true, waitMs: number = LIMITS.answer_time.value) {
  const cancel = new Cancellation()
  const made = new Park(whose, { cancel, askable: ALL, mayStill: may, waitMs })
  const end = Promise.withResolvers<Performed>()
  made.end = end.promise
  return { park: made, cancel, end }
}

const never = () => new AbortController().signal

test('a call is its own caller’s, by whatever grant, and nobody else’s', () => {
  const parks = new Parks()
  const { park: kept } = park()
  expect(parks.keep(kept)).toBe(true)
  expect(parks.take(kept.id, BOB)).toBeUndefined()
  expect(parks.take(kept.id, { ...ANN, owner: 'grant:other' })).toBeUndefined()
  expect(parks.take('another', ANN)).toBeUndefined()
  expect(parks.take(kept.id, ANN)).toBe(kept)
  void parks.close()
})

test('a process keeps so many calls, and a caller fewer', () => {
  const parks = new Parks()
  const own = Array.from({ length: LIMITS.parked_per_principal.value + 1 }, () => parks.keep(park().park))
  expect(own.indexOf(false)).toBe(LIMITS.parked_per_principal.value)
  let kept = parks.size
  for (let n = 0; parks.keep(park({ principal: `user:${n}`, owner: 'grant:x', portalUid: 'p' }).park); n++) kept++
  expect(kept).toBe(LIMITS.parked.value)
  void parks.close()
})

describe('a question', () => {
  test('has its answer once, and the first one counts', async () => {
    const { park: one } = park()
    const answer = one.ask(QUESTION, never())
    expect(await one.raised()).toBe('asked')
    const [key, open] = [...one.open][0] ?? []
    open?.settle({ result: { roots: [] } })
    open?.settle({ result: { roots: ['late'] } })
    expect(await answer).toEqual({ result: { roots: [] } })
    expect(one.open.has(key ?? '')).toBe(false)
  })

  test('that the server takes back is over, and its key never comes again', async () => {
    const { park: one } = park()
    const aborter = new AbortController()
    const answer = one.ask(QUESTION, aborter.signal)
    const [first] = [...one.open.keys()]
    aborter.abort()
    expect(await answer).toHaveProperty('error')
    void one.ask(QUESTION, never())
    expect([...one.open.keys()]).not.toContain(first)
  })
})

test('nobody comes in time: the call ends at its server, and its questions with it', async () => {
  vi.useFakeTimers()
  try {
    const parks = new Parks()
    const { park: kept, cancel } = park(ANN, async () => true, 1000)
    const answer = kept.ask(QUESTION, never())
    parks.keep(kept)
    await vi.advanceTimersByTimeAsync(999)
    expect(cancel.cancelled).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(cancel.cancelled).toBe(true)
    expect(await answer).toHaveProperty('error')
    expect(parks.take(kept.id, ANN)).toBeUndefined()
  } finally {
    vi.useRealTimers()
  }
})

test('who is back has all the time of the call, and a new while at the next question', async () => {
  vi.useFakeTimers()
  try {
    const parks = new Parks()
    const { park: kept, cancel } = park(ANN, async () => true, 1000)
    parks.keep(kept)
    expect(parks.take(kept.id, ANN)).toBe(kept)
    await vi.advanceTimersByTimeAsync(5000)
    expect(cancel.cancelled).toBe(false)
    parks.keep(kept)
    await vi.advanceTimersByTimeAsync(1000)
    expect(cancel.cancelled).toBe(true)
  } finally {
    vi.useRealTimers()
  }
})

test('what came while the caller was away waits for it; a large answer does not', async () => {
  const parks = new Parks()
  const small = park()
  const large = park()
  for (const { park: one } of [small, large]) parks.keep(one)
  small.end.resolve(DONE)
  const bytes = Buffer.alloc(2 * 1024 * 1024)
  const span = { from: 0, to: 0 }
  const has = { resultType: null, ttl: null, scope: null, structured: null, isError: false, any: false }
  large.end.resolve({ ...DONE, reply: { kind: 'raw', bytes, id: span, body: span, outcome: 'result', has } })
  await expect.poll(() => parks.size).toBe(1)
  expect(parks.take(small.park.id, ANN)).toBe(small.park)
  expect(parks.take(large.park.id, ANN)).toBeUndefined()
  // It is handed out once, and takes no place after that.
  expect(parks.size).toBe(0)
  expect(parks.take(small.park.id, ANN)).toBeUndefined()
})

test('what may not be done any more ends at its server at once; of what cannot be told, likewise', async () => {
  const parks = new Parks()
  const [may, mayNot, unknown] = [
    park(),
    park(ANN, async () => false),
    park(ANN, () => Promise.reject(new Error('the store is away'))),
  ]
  for (const { park: one } of [may, mayNot, unknown]) parks.keep(one)
  await parks.reconsider()
  expect([may, mayNot, unknown].map(({ cancel }) => cancel.cancelled)).toEqual([false, true, true])
  expect(parks.size).toBe(1)
  may.end.reject(new Error('cancelled'))
  await parks.close()
  expect(may.cancel.cancelled).toBe(true)
})
