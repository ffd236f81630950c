import { expect, test } from 'vitest'
import { NOTHING_TAKEN } from './call-limits.ts'
import { placeOf } from './call-place.ts'

function taken() {
  const released: string[] = []
  return { released, place: placeOf({ kind: 'taken', release: () => void released.push('released') }) }
}

test('where nothing was taken there is nothing to give back', () => {
  expect([placeOf(null), placeOf(NOTHING_TAKEN)]).toEqual([null, null])
})

test('a place is given back with the answer to its request', () => {
  const { released, place } = taken()
  place?.leave()
  expect(released).toEqual(['released'])
})

test.each(['resolve', 'reject'] as const)(
  'one that is kept until the call ends is given back then, and not before (%s)',
  async (how) => {
    const { released, place } = taken()
    const end = Promise.withResolvers<void>()
    place?.until(end.promise)
    place?.leave()
    expect(released).toEqual([])
    end[how]()
    await end.promise.catch(() => {})
    await Promise.resolve()
    expect(released).toEqual(['released'])
  },
)
