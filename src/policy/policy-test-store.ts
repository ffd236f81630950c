/** Policy tests at rest: what was asked, and what came out for each person. Only the latest are kept. */
import { newUuid } from '../base/ids.ts'
import { fromJson } from '../store/columns.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { PolicyTestRow } from '../store/tables-policy.ts'

/** What a set of policies says of one person; `error`: it depends on what only a request has. */
export type TestVerdict = 'approved' | 'blocked' | 'error'

export interface TestedPerson {
  id: string
  email: string | null
  name: string | null
  verdict: TestVerdict
}

export interface PolicyTestResult {
  /** People there were, whether or not time was enough for them. */
  total: number
  people: readonly TestedPerson[]
}

export interface PolicyTestRecord extends PolicyTestResult {
  id: string
  status: PolicyTestRow['status']
  /** Milliseconds since 1970. */
  createdAt: number
}

export interface NewPolicyTest extends PolicyTestResult {
  /** As it came: ids, or policies written out. */
  request: unknown
  status: PolicyTestRow['status']
  createdBy: string
}

/** A test is looked at right after it was made; so many others may be made in between. */
export const TESTS_KEPT = 100

export async function insertPolicyTest(store: Store, trx: Trx, made: NewPolicyTest): Promise<string> {
  const id = newUuid<string>()
  const { request, status, createdBy, total, people } = made
  await trx
    .insertInto('policy_tests')
    .values({
      ...{ id, status, created_by: createdBy, created_at: store.clock.now() },
      request: JSON.stringify(request),
      result: JSON.stringify({ total, people } satisfies PolicyTestResult),
    })
    .execute()
  await dropOld(trx)
  return id
}

async function dropOld(trx: Trx): Promise<void> {
  const old = await trx
    .selectFrom('policy_tests')
    .select('id')
    .orderBy('created_at', 'desc')
    .orderBy('id')
    .offset(TESTS_KEPT)
    .limit(TESTS_KEPT)
    .execute()
  if (old.length === 0) return
  const ids = old.map(({ id }) => id)
  await trx.deleteFrom('policy_tests').where('id', 'in', ids).execute()
}

export async function readPolicyTest(db: Db, id: string): Promise<PolicyTestRecord | undefined> {
  const row = await db
    .selectFrom('policy_tests')
    .select(['id', 'status', 'result', 'created_at'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (row === undefined) return undefined
  return { id: row.id, status: row.status, createdAt: row.created_at, ...fromJson<PolicyTestResult>(row.result) }
}
