/** `/access/roles`: who may work on the portal itself. An owner always remains, and nobody gives what they do not hold themselves. */
import type { PageQuery } from '../contract/envelope.ts'
import type { RoleMemberCreate, RoleMemberShown } from '../contract/roles.ts'
import {
  deleteRoleMember,
  hasProvider,
  insertRoleMember,
  listRoleMembers,
  type MemberOf,
  type RoleMember,
  readRoleMember,
} from '../identity/role-store.ts'
import type { Db } from '../store/open.ts'
import { holds } from './holds.ts'
import { pageOf } from './paging.ts'
import { conflict, forbidden, invalid, notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'
import { writtenFields } from './written-fields.ts'

export async function listRoles({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const page = pageOf(await listRoleMembers(deps.store.db), query, ({ id, role, who }) => [
    ...[id, role, who.kind === 'email' ? who.email : who.group],
  ])
  return { result: page.items.map(show), info: page.info }
}

export async function addRole({ deps, body, operator, author }: Call<RoleMemberCreate>): Promise<Outcome> {
  const { role } = body
  if (!holds(operator, { role, scopes: [] }))
    throw forbidden('A role can be given only by who has it, or a higher one, with all of its rights.')
  const who = memberOf(body)
  const made = await deps.store.write(async (trx) => {
    if (who.kind === 'group' && !(await hasProvider(trx, who.provider)))
      throw invalid('identity_provider_id', 'there is no such identity provider; list them to see which there are')
    const id = await insertRoleMember(deps.store, trx, { role, who, createdBy: author.label })
    if (id === null) throw conflict('There is this member with this role already.')
    return existing(trx, id)
  })
  return { result: show(made), change: { object: 'role_member', id: made.id, fields: writtenFields(body) } }
}

export async function removeRole({ deps, id, operator }: Call): Promise<Outcome> {
  await deps.store.write(async (trx) => {
    const { role } = await existing(trx, id)
    if (!holds(operator, { role, scopes: [] }))
      throw forbidden('A role can be taken away only by who has it, or a higher one, with all of its rights.')
    if ((await deleteRoleMember(deps.store, trx, id)) === 'last-owner')
      throw conflict('This is the last owner. Make somebody else owner first.')
  })
  return { result: { id }, change: { object: 'role_member', id, fields: ['deleted'] } }
}

/** Addresses are compared in lower case; groups are whatever the provider says. */
function memberOf({ email, group, identity_provider_id: provider }: RoleMemberCreate): MemberOf {
  if (email !== undefined) return { kind: 'email', email: email.toLowerCase() }
  if (group === undefined || provider === undefined) throw new Error('a role passed its check and is of nobody')
  return { kind: 'group', group, provider }
}

async function existing(db: Db, id: string): Promise<RoleMember> {
  const member = await readRoleMember(db, id)
  if (member === undefined) throw notFound('role member', id)
  return member
}

function show({ id, role, who, createdAt, createdBy }: RoleMember): RoleMemberShown {
  return {
    id,
    role,
    email: who.kind === 'email' ? who.email : null,
    group: who.kind === 'group' ? who.group : null,
    identity_provider_id: who.kind === 'group' ? who.provider : null,
    created_at: shownTime(createdAt),
    created_by: createdBy,
  }
}
