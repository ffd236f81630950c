/** `/access/policies`: the reusable ones. An application's own are below the application. */
import type { PageQuery } from '../contract/envelope.ts'
import type { PolicyCreate, PolicyShown, PolicyUpdate } from '../contract/policy.ts'
import {
  deletePolicy as dropPolicy,
  insertPolicy,
  listPolicies as loadPolicies,
  type PolicyRecord,
  readPolicy,
  updatePolicy as writePolicy,
} from '../policy/policy-store.ts'
import type { Db } from '../store/open.ts'
import { policyUses } from './known-policies.ts'
import { pageOf } from './paging.ts'
import { conflict, notFound, readOnly } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { writeInTurn } from './rules-in-turn.ts'
import { showPolicy } from './show-policy.ts'
import { changedPolicyContent, newPolicyContent, refuseBadPolicy } from './write-policy.ts'
import { writtenFields } from './written-fields.ts'

export async function listPolicies({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const uses = await policyUses(deps.store.db)
  const reusable = (await loadPolicies(deps.store.db)).filter(({ appId }) => appId === null)
  const page = pageOf(reusable, query, (policy) => [policy.id, policy.name])
  return { result: page.items.map((policy) => showPolicy(policy, uses)), info: page.info }
}

export async function getPolicy({ deps, id }: Call): Promise<Outcome> {
  return { result: await shown(deps.store.db, id) }
}

export async function createPolicy({ deps, body, author }: Call<PolicyCreate>): Promise<Outcome> {
  const content = newPolicyContent(body)
  const id = await writeInTurn(deps.store, async (trx) => {
    await refuseBadPolicy(trx, content)
    return insertPolicy(deps.store, trx, content, author)
  })
  return {
    result: await shown(deps.store.db, id),
    change: { object: 'policy', id, fields: writtenFields(body) },
  }
}

export async function updatePolicy({ deps, id, body, author }: Call<PolicyUpdate>): Promise<Outcome> {
  await writeInTurn(deps.store, async (trx) => {
    const before = await changeable(trx, id, deps.configFile)
    const content = changedPolicyContent(before, body)
    await refuseBadPolicy(trx, content)
    await writePolicy(deps.store, trx, before.id, { content, author })
  })
  return {
    result: await shown(deps.store.db, id),
    change: { object: 'policy', id, fields: writtenFields(body) },
  }
}

/** Never while attached: taking a policy away from under a portal would change who may enter without saying so. */
export async function deletePolicy({ deps, id }: Call): Promise<Outcome> {
  await writeInTurn(deps.store, async (trx) => {
    const policy = await changeable(trx, id, deps.configFile)
    const uses = (await policyUses(trx)).get(policy.id) ?? []
    if (uses.length > 0) {
      throw conflict(`The policy "${policy.name}" is attached to ${uses.join(', ')}. Detach it there first.`)
    }
    await dropPolicy(deps.store, trx, policy.id)
  })
  return { result: { id }, change: { object: 'policy', id, fields: [] } }
}

async function shown(db: Db, id: string): Promise<PolicyShown> {
  return showPolicy(await existing(db, id), await policyUses(db))
}

async function existing(db: Db, id: string): Promise<PolicyRecord> {
  const policy = await readPolicy(db, id)
  if (policy === undefined || policy.appId !== null) throw notFound('policy', id)
  return policy
}

async function changeable(db: Db, id: string, file: string | null): Promise<PolicyRecord> {
  const policy = await existing(db, id)
  if (policy.origin === 'file') throw readOnly('policy', id, file)
  return policy
}
