/** `/access/apps/{id}/user_policy_checks`: whether one person may use the portal or server that an application stands for. */
import type { UserId } from '../base/ids.ts'
import type { UserPolicyCheckQuery } from '../contract/policy-test.ts'
import { type KnownPerson, listKnownPeople } from '../identity/known-people-store.ts'
import { findUserByEmail } from '../identity/people-store.ts'
import { TO_ENTER } from '../policy/decide.ts'
import { explain } from '../policy/explain.ts'
import { NOWHERE } from '../policy/model.ts'
import { readRuleBook } from '../policy/read-rule-book.ts'
import { type AccessApp, attachedTo, findApp } from './access-app-store.ts'
import { verdictOn } from './policy-tests.ts'
import { invalid, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { readOwners, showRule } from './show-trace.ts'

export async function checkUserPolicies(call: Call<unknown, UserPolicyCheckQuery>): Promise<Outcome> {
  const { deps, id, account } = call
  const { db } = deps.store
  const app = await findApp(db, id)
  if (app === undefined) throw notFound('application', id)
  const person = await meant(call)
  const book = await readRuleBook(db)
  const policies = attachedTo(app).map((one) => book.policy(one))
  const { facts } = await deps.facts.gather(person.principal, NOWHERE, { origin: true, external: [] })
  const { rules } = explain(policies, facts, TO_ENTER)
  const owners = await readOwners(db)
  const status = await verdictOn(deps, policies, person)
  const appState = {
    ...{ app_uid: app.id, aud: app.object.uid, hostname: hostnameOf(app), name: app.object.name, status },
    policies: rules.map((rule) => showRule(rule, owners)),
  }
  return { result: { app_state: appState, user_identity: showPerson(person, account) } }
}

async function meant({ deps, query, operator }: Call<unknown, UserPolicyCheckQuery>): Promise<KnownPerson> {
  const who = query.user ?? (operator.kind === 'person' ? operator.id : null)
  if (who === null) throw invalid('user', 'is required with an API token, which is nobody: give an address or an id')
  const { db } = deps.store
  const id = who.includes('@') ? (await findUserByEmail(db, who.toLowerCase()))?.id : (who as UserId)
  const [person] = id === undefined ? [] : await listKnownPeople(db, id)
  if (person === undefined) throw notFound('user', who)
  return person
}

function hostnameOf({ object }: AccessApp): string {
  return object.hostname
}

function showPerson({ id, email, name, principal }: KnownPerson, account: string) {
  const at = principal.identity?.signedInAt
  return {
    ...{ id, user_uuid: id, account_id: account, email: email ?? '', name: name ?? '' },
    iat: at === undefined ? 0 : Math.floor(at / 1000),
    ...{ device_sessions: {}, is_gateway: false as const, is_warp: false as const, version: 0 },
  }
}
