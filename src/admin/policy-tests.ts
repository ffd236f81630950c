/** `/access/policy-tests`: whom of the people that the portal knows a set of policies would let in. Nobody is asked and nothing is reached. */
import type { PolicyId } from '../base/ids.ts'
import type {
  PolicyTestCreate,
  PolicyTestShown,
  PolicyTestUserQuery,
  PolicyTestUserShown,
} from '../contract/policy-test.ts'
import { type KnownPerson, listKnownPeople } from '../identity/known-people-store.ts'
import { decide } from '../policy/decide.ts'
import { type Facts, NOWHERE, type Policy } from '../policy/model.ts'
import {
  insertPolicyTest,
  type PolicyTestRecord,
  readPolicyTest,
  type TestedPerson,
  type TestVerdict,
} from '../policy/policy-test-store.ts'
import { readRuleBook } from '../policy/read-rule-book.ts'
import { openBudget } from './budget.ts'
import type { AdminDeps } from './deps.ts'
import { neverSaved } from './edited-policies.ts'
import { requirePolicies } from './known-policies.ts'
import { pageOf } from './paging.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { newPolicyContent, refuseBadPolicy } from './write-policy.ts'

/** After so long a test ends with whom it has come to. */
const PATIENCE_MS = 10_000

export async function createPolicyTest({ deps, body, author }: Call<PolicyTestCreate>): Promise<Outcome> {
  const policies = await policiesOf(deps, body)
  const people = await listKnownPeople(deps.store.db)
  const budget = openBudget(deps.clock, PATIENCE_MS)
  const tested: TestedPerson[] = []
  for (const person of people) {
    if (await budget.isSpent()) break
    const { id, email, name } = person
    tested.push({ id, email, name, verdict: await verdictOn(deps, policies, person) })
  }
  const status = tested.length < people.length ? 'exceeded_time' : 'complete'
  const made = {
    request: body.policies,
    status,
    createdBy: author.label,
    total: people.length,
    people: tested,
  } as const
  const id = await deps.store.write((trx) => insertPolicyTest(deps.store, trx, made))
  return { result: { id, status: 'success' } }
}

export async function getPolicyTest({ deps, id }: Call): Promise<Outcome> {
  return { result: show(await existing(deps, id)) }
}

const ASKED: Readonly<Record<NonNullable<PolicyTestUserQuery['status']>, TestVerdict>> = {
  success: 'approved',
  fail: 'blocked',
  error: 'error',
}

export async function listPolicyTestUsers({ deps, id, query }: Call<unknown, PolicyTestUserQuery>): Promise<Outcome> {
  const { people } = await existing(deps, id)
  const wanted = query.status === undefined ? null : ASKED[query.status]
  const found = people.filter(({ verdict }) => wanted === null || verdict === wanted).map(showPerson)
  const page = pageOf(found, query, ({ id, email, name }) => [id, email, name])
  return { result: page.items, info: page.info }
}

async function existing({ store }: AdminDeps, id: string): Promise<PolicyTestRecord> {
  const test = await readPolicyTest(store.db, id)
  if (test === undefined) throw notFound('policy test', id)
  return test
}

async function policiesOf({ store }: AdminDeps, { policies }: PolicyTestCreate): Promise<Policy[]> {
  const ids = policies.filter((one) => typeof one === 'string')
  await requirePolicies(store.db, ids)
  const written = policies.map((one, at) =>
    typeof one === 'string' ? null : neverSaved(`test-${at}` as PolicyId, newPolicyContent(one)),
  )
  const records = written.filter((one) => one !== null)
  for (const record of records) await refuseBadPolicy(store.db, record)
  const book = await readRuleBook(store.db, records)
  return policies.map((one, at) =>
    book.policy(typeof one === 'string' ? (one as PolicyId) : (`test-${at}` as PolicyId)),
  )
}

/** The decisions are about being let in, as Cloudflare's are: what a policy says of single capabilities is not asked. */
export async function verdictOn(
  deps: Pick<AdminDeps, 'facts'>,
  policies: readonly Policy[],
  { principal, isDisabled }: KnownPerson,
): Promise<TestVerdict> {
  if (isDisabled) return 'blocked'
  // No evaluator is asked: what one would say is not known.
  const { facts } = await deps.facts.gather(principal, NOWHERE, { origin: true, external: [] })
  if (decide(policies, facts).allow) return 'approved'
  const favourable: Facts = { ...facts, assume: 'origin' }
  return decide(policies, favourable).allow ? 'error' : 'blocked'
}

function show({ id, status, total, people }: PolicyTestRecord): PolicyTestShown {
  const count = (verdict: TestVerdict) => people.filter((person) => person.verdict === verdict).length
  const [approved, blocked, errored] = [count('approved'), count('blocked'), count('error')]
  const percent = (part: number, whole: number) => (whole === 0 ? 0 : Math.round((part / whole) * 100))
  return {
    id,
    status: status === 'exceeded_time' ? 'exceeded time' : status,
    ...{ total_users: total, users_approved: approved, users_blocked: blocked, users_errored: errored },
    percent_approved: percent(approved, people.length),
    percent_blocked: percent(blocked, people.length),
    percent_errored: percent(errored, people.length),
    percent_users_processed: total === 0 ? 100 : percent(people.length, total),
  }
}

function showPerson({ id, email, name, verdict }: TestedPerson): PolicyTestUserShown {
  return { id, email: email ?? '', name: name ?? '', status: verdict }
}
