/**
 * The protocol's own suite with the portal as the client of servers behind OAuth: every scenario of authorization that a revision requires, and
 * the extensions that the portal has.
 */
import { expect, test } from 'vitest'
import { requiredScenarios, runClientSet } from '../conformance/client-suite.ts'
import { REVISIONS } from '../conformance/suite.ts'

const HOW_MANY = { '2026-07-28': 25, '2025-11-25': 14 }

// [OWN-8]
test.each(REVISIONS)('the portal passes what %s requires of a client', { timeout: 400_000 }, async (revision) => {
  expect(await requiredScenarios(revision)).toHaveLength(HOW_MANY[revision])
  const { open, openExtensions } = await runClientSet(revision)
  expect({ ...open, ...openExtensions }).toEqual({})
})
