import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, freshStore, type TestStore } from '../../test/databases.ts'
import { insertPolicyTest, readPolicyTest, TESTS_KEPT } from './policy-test-store.ts'

describe.each(DATABASE_KINDS)('policy tests on %s', (kind) => {
  let now = 1_790_000_000_000
  let at: TestStore
  beforeEach(async () => {
    at = await freshStore(kind, { now: () => now, elapsed: () => now })
  })
  afterEach(() => at.end())

  test('come back as they were kept, and the oldest make room', async () => {
    const people = [{ id: 'u1', email: null, name: 'Ada', verdict: 'error' as const }]
    const made = { request: ['p1'], status: 'exceeded_time' as const, createdBy: 'ada', total: 2, people }
    const ids: string[] = []
    for (let count = 0; count <= TESTS_KEPT; count++) {
      now++
      ids.push(await at.store.write((trx) => insertPolicyTest(at.store, trx, made)))
    }
    const [oldest = '', next = ''] = ids
    expect(await readPolicyTest(at.store.db, oldest)).toBeUndefined()
    const { request: _, createdBy: _by, ...kept } = made
    expect(await readPolicyTest(at.store.db, next)).toEqual({ ...kept, id: next, createdAt: 1_790_000_000_002 })
  })
})
