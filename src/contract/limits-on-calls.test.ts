/** What the API takes as limits on calls, what is kept of it, and what a read shows. */
import { expect, test } from 'vitest'
import { portalLimitsInput, readLimits, serverLimitsInput, showLimits } from './limits-on-calls.ts'

test('limits: what is sent is kept in milliseconds, and a read of it may be sent back', () => {
  const sent = [
    { per: 'principal', calls: 50, window: '1m' },
    { per: 'principal', calls: 5, window: '1h30m', tools: ['create_issue', 'create_issue'] },
    { per: 'all', concurrency: 3 },
  ]
  const kept = readLimits(serverLimitsInput.parse(sent))
  expect(kept).toEqual([
    { per: 'principal', tools: null, calls: 50, windowMs: 60_000, concurrency: null },
    { per: 'principal', tools: ['create_issue'], calls: 5, windowMs: 5_400_000, concurrency: null },
    { per: 'all', tools: null, calls: null, windowMs: null, concurrency: 3 },
  ])
  const shown = showLimits(kept)
  expect(shown[1]).toEqual({ per: 'principal', tools: ['create_issue'], calls: 5, window: '1h30m' })
  expect(readLimits(serverLimitsInput.parse(shown))).toEqual(kept)
})

test('limits: calls without a window are counted in a minute, and the read says so', () => {
  expect(showLimits(readLimits(portalLimitsInput.parse([{ per: 'all', calls: 7 }])))).toEqual([
    { per: 'all', calls: 7, window: '1m' },
  ])
})

const refusals = [
  { what: 'a limit that limits nothing', sent: { per: 'all' } },
  { what: 'a window with nothing to count', sent: { per: 'all', concurrency: 1, window: '1m' } },
  { what: 'no calls at all', sent: { per: 'all', calls: 0 } },
  { what: 'part of a call', sent: { per: 'all', calls: 1.5 } },
  { what: 'no concurrency at all', sent: { per: 'all', concurrency: 0 } },
  { what: 'a window under a second', sent: { per: 'all', calls: 1, window: '500ms' } },
  { what: 'a window over a day', sent: { per: 'all', calls: 1, window: '25h' } },
  { what: 'a window that is no duration', sent: { per: 'all', calls: 1, window: 'minute' } },
  { what: 'a word for whom that nobody knows', sent: { per: 'session', calls: 1 } },
  { what: 'no word for whom', sent: { calls: 1 } },
  { what: 'an empty list of tools', sent: { per: 'all', calls: 1, tools: [] } },
  { what: 'a field that is no part of it', sent: { per: 'all', calls: 1, burst: 3 } },
]
for (const { what, sent } of refusals) {
  test(`limits: ${what} is refused`, () => {
    expect(serverLimitsInput.safeParse([sent]).success).toBe(false)
  })
}

test('limits: a portal names no tools, whose names belong to servers', () => {
  expect(portalLimitsInput.safeParse([{ per: 'all', calls: 1, tools: ['read'] }]).success).toBe(false)
})
