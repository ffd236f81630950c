/**
 * The protocol's own suite with the portal as the client: every scenario that a revision requires, in authorization and in all else, the
 * extensions that the portal has, and what the suite added later.
 */
import { expect, test } from 'vitest'
import { runClientSet } from '../conformance/client-suite.ts'
import { REVISIONS } from '../conformance/suite.ts'

const HOW_MANY = { '2026-07-28': 32, '2025-11-25': 18 }

// [OWN-8]
test.each(REVISIONS)('the portal passes what %s requires of a client', { timeout: 400_000 }, async (revision) => {
  const { required, open, openExtensions, openLater } = await runClientSet(revision)
  expect(required).toHaveLength(HOW_MANY[revision])
  expect({ ...open, ...openExtensions, ...openLater }).toEqual({})
})
