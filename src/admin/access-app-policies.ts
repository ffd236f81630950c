/** `/access/apps/{id}/policies` */
import type { PolicyId } from '../base/ids.ts'
import type { PageQuery } from '../contract/envelope.ts'
import type { AppPolicyCreate, AppPolicyShown, AppPolicyUpdate } from '../contract/policy.ts'
import { listPolicies, type PolicyRecord } from '../policy/policy-store.ts'
import type { Db } from '../store/open.ts'
import { type AccessApp, attachedTo, makeReusable } from './access-app-store.ts'
import { addOwnPolicy, changePolicyOf, placedAt, policiesOf } from './app-policies.ts'
import { attach, changeApp, existingApp } from './change-app.ts'
import { pageOf } from './paging.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { noneLeft } from './take-own-policies.ts'
import { writtenFields } from './written-fields.ts'

export async function listAppPolicies({ deps, id, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const all = await policiesOf(deps.store.db, await existingApp(deps.store.db, id))
  const page = pageOf(all, query, (policy) => [policy.id, policy.name])
  return { result: page.items, info: page.info }
}

export async function getAppPolicy({ deps, id, params }: Call): Promise<Outcome> {
  return { result: await shownPolicy(deps.store.db, id, params.policy_id ?? '') }
}

export async function createAppPolicy(call: Call<AppPolicyCreate>): Promise<Outcome> {
  const { precedence, ...body } = call.body
  const policy = await changeApp(call, async (writing, app) => {
    const made = await addOwnPolicy(writing, app, body)
    await attach(call, writing, app, placedAt(attachedTo(app), made, precedence))
    return made
  })
  return writtenPolicy(call, policy)
}

export async function updateAppPolicy(call: Call<AppPolicyUpdate>): Promise<Outcome> {
  const policy = await changeApp(call, async (writing, app) => {
    const before = await policyOf(writing.trx, app, call.params.policy_id ?? '')
    await changePolicyOf(writing, app, before, call.body)
    if (call.body.precedence !== undefined) {
      await attach(call, writing, app, placedAt(attachedTo(app), before.id, call.body.precedence))
    }
    return before.id
  })
  return writtenPolicy(call, policy)
}

/** A reusable one is detached and stays; the application's own is gone. */
export async function deleteAppPolicy(call: Call): Promise<Outcome> {
  const { deps, id } = call
  const { gone, closed } = await changeApp(call, async (writing, app) => {
    const before = await policyOf(writing.trx, app, call.params.policy_id ?? '')
    const kept = attachedTo(app).filter((one) => one !== before.id)
    await attach(call, writing, app, kept)
    return { gone: before.id, closed: app.type === 'mcp' && kept.length === 0 ? app.object.id : null }
  })
  await deps.upstreams.serversChanged()
  return {
    result: { id: gone },
    messages: closed === null ? [] : [noneLeft(closed)],
    change: { object: 'app', id, fields: ['policies'] },
  }
}

export async function makeAppPolicyReusable(call: Call): Promise<Outcome> {
  const policy = await changeApp(call, async (writing, app) => {
    const before = await policyOf(writing.trx, app, call.params.policy_id ?? '')
    if (before.appId !== null) await makeReusable(writing.store, writing.trx, before.id)
    return before.id
  })
  return writtenPolicy(call, policy)
}

async function shownPolicy(db: Db, id: string, policy: string): Promise<AppPolicyShown> {
  const found = (await policiesOf(db, await existingApp(db, id))).find((one) => one.id === policy)
  if (found === undefined) throw notFound('policy of this application', policy)
  return found
}

async function writtenPolicy({ deps, id, body }: Call<unknown>, policy: PolicyId): Promise<Outcome> {
  await deps.upstreams.serversChanged()
  return {
    result: await shownPolicy(deps.store.db, id, policy),
    change: { object: 'policy', id: policy, fields: writtenFields((body ?? {}) as object) },
  }
}

async function policyOf(db: Db, app: AccessApp, id: string): Promise<PolicyRecord> {
  const policy = (await listPolicies(db)).find((one) => one.id === id)
  if (policy === undefined || !attachedTo(app).includes(policy.id)) throw notFound('policy of this application', id)
  return policy
}
