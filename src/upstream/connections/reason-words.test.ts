import { expect, test } from 'vitest'
import { CONNECTION_REASONS } from './model.ts'
import { whatHappened } from './reason-words.ts'

test('every reason has a sentence of its own', () => {
  const said = CONNECTION_REASONS.map((reason) => whatHappened({ kind: 'oauth', reason }))
  expect(new Set(said).size).toBe(CONNECTION_REASONS.length)
  for (const sentence of said) expect(sentence).toMatch(/^[A-Z].*\.$/)
})

test('nobody is told to connect what the portal makes on the company’s word', () => {
  for (const reason of [...CONNECTION_REASONS, null])
    expect(whatHappened({ kind: 'enterprise', reason })).not.toMatch(/forgotten|taken back|without its person/)
  expect(whatHappened({ kind: 'enterprise', reason: 'identity' })).toContain('does not vouch')
})
