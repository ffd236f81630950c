/**
 * `/access/apps/{id}/policies`, and what an application's list of policies becomes when it is sent whole. The list is the
 * portal's or server's own, in order: the place in it is what `precedence` says. Beside reusable policies it may hold
 * policies of the application's own, which nothing else can name and which go with it.
 */
import type { PolicyId } from '../base/ids.ts'
import type { AppPolicyInput } from '../contract/access-app.ts'
import type { AppPolicyCreate, AppPolicyShown, AppPolicyUpdate, PolicyCreate } from '../contract/policy.ts'
import {
  insertPolicy,
  listPolicies,
  type PolicyContent,
  type PolicyRecord,
  updatePolicy,
} from '../policy/policy-store.ts'
import type { Author } from '../store/columns.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import { type AccessApp, attachedTo } from './access-app-store.ts'
import { policyUses } from './known-policies.ts'
import { ApiRefusal, invalid } from './refusal.ts'
import { showPolicy } from './show-policy.ts'
import { changedPolicyContent, newPolicyContent, refuseBadPolicy } from './write-policy.ts'

export interface Writing {
  store: Store
  trx: Trx
  author: Author
}

/** In their order. */
export async function policiesOf(db: Db, app: AccessApp): Promise<AppPolicyShown[]> {
  const [shown = []] = await policiesOfAll(db, [app])
  return shown
}

export async function policiesOfAll(db: Db, apps: readonly AccessApp[]): Promise<AppPolicyShown[][]> {
  const uses = await policyUses(db)
  const records = new Map((await listPolicies(db)).map((policy) => [policy.id, policy]))
  return apps.map((app) =>
    attachedTo(app).flatMap((id, index) => {
      const policy = records.get(id)
      return policy === undefined ? [] : [{ ...showPolicy(policy, uses), precedence: index + 1 }]
    }),
  )
}

/**
 * Makes and changes own policies as they were sent.
 *
 * @returns the ids of all of them, in the order that they are to have
 * @throws ApiRefusal 400 with the path in the body
 */
export async function takePolicies(
  writing: Writing,
  app: AccessApp,
  sent: readonly AppPolicyInput[],
): Promise<PolicyId[]> {
  const known = new Map<string, PolicyRecord>((await listPolicies(writing.trx)).map((policy) => [policy.id, policy]))
  const taken: { id: PolicyId; precedence: number }[] = []
  for (const [index, input] of sent.entries()) {
    const id = await under(`policies.${index}`, () => takePolicy(writing, app, input, known))
    const given = typeof input === 'string' ? undefined : input.precedence
    if (given !== undefined && taken.some(({ precedence }) => precedence === given)) {
      throw invalid(`policies.${index}.precedence`, 'stands twice in the list')
    }
    taken.push({ id, precedence: given ?? Number.POSITIVE_INFINITY })
  }
  return taken.sort((a, b) => (a.precedence === b.precedence ? 0 : a.precedence - b.precedence)).map(({ id }) => id)
}

async function takePolicy(
  writing: Writing,
  app: AccessApp,
  input: AppPolicyInput,
  known: ReadonlyMap<string, PolicyRecord>,
): Promise<PolicyId> {
  if (typeof input === 'string') return input as PolicyId
  if (!('name' in input)) return input.id as PolicyId
  if (input.id === undefined) return addOwnPolicy(writing, app, input)
  const before = known.get(input.id)
  if (before === undefined) throw invalid('id', 'names no policy; leave it out to make a new one')
  const content = changedPolicyContent(before, input)
  if (before.appId === app.id) await changeOwnPolicy(writing, before, content)
  else if (!sameContent(before, content)) {
    throw invalid(
      'id',
      'names a reusable policy, and differs from it: change it at /access/policies, or send its id alone',
    )
  }
  return before.id
}

export async function addOwnPolicy(
  { store, trx, author }: Writing,
  app: Pick<AccessApp, 'id'>,
  body: PolicyCreate,
): Promise<PolicyId> {
  const content = newPolicyContent(body)
  await refuseBadPolicy(trx, content)
  return insertPolicy(store, trx, { ...content, appId: app.id }, author)
}

async function changeOwnPolicy({ store, trx, author }: Writing, before: PolicyRecord, content: PolicyContent) {
  if (sameContent(before, content)) return
  await refuseBadPolicy(trx, content)
  await updatePolicy(store, trx, before.id, { content, author })
}

/**
 * One policy of an application, changed in place.
 *
 * @throws ApiRefusal 400 for the content of a reusable policy, which others have too
 */
export async function changePolicyOf(
  writing: Writing,
  app: AccessApp,
  before: PolicyRecord,
  body: AppPolicyUpdate,
): Promise<void> {
  const content = changedPolicyContent(before, body)
  if (before.appId === app.id) return changeOwnPolicy(writing, before, content)
  if (!sameContent(before, content)) {
    throw new ApiRefusal('invalid', 'The policy is reusable: change it at /access/policies, for all that name it.')
  }
}

/** @param precedence 1 is the first place; left out, a new one comes last and one that is there stays where it is */
export function placedAt(
  ids: readonly PolicyId[],
  id: PolicyId,
  precedence: AppPolicyCreate['precedence'],
): PolicyId[] {
  const at = precedence === undefined ? ids.indexOf(id) : precedence - 1
  const others = ids.filter((one) => one !== id)
  const place = at < 0 && precedence === undefined ? others.length : Math.min(Math.max(at, 0), others.length)
  return [...others.slice(0, place), id, ...others.slice(place)]
}

function sameContent(before: PolicyRecord, after: PolicyContent): boolean {
  const said = ({ name, decision, include, exclude, require, extra }: PolicyContent): string =>
    JSON.stringify([name, decision, include, exclude, require, Object.entries(extra).sort()])
  return said(before) === said(after)
}

async function under<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ApiRefusal)) throw error
    throw new ApiRefusal(error.kind, ...error.problems.map(({ message }) => `${path}.${message}`))
  }
}
