/** Who may work on the portal itself, at rest: addresses, and groups of identity providers, each with a role. */
import { newId } from '../base/ids.ts'
import type { Role } from '../base/principal.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { RoleMemberRow } from '../store/tables-people.ts'

export type MemberOf = { kind: 'email'; email: string } | { kind: 'group'; group: string; provider: string }

export interface RoleMember {
  id: string
  role: Role
  who: MemberOf
  createdAt: number
  createdBy: string
}

/** The order is that of their making. */
export async function listRoleMembers(db: Db): Promise<RoleMember[]> {
  const rows = await db.selectFrom('role_members').selectAll().orderBy('id').execute()
  return rows.map(toMember)
}

export async function readRoleMember(db: Db, id: string): Promise<RoleMember | undefined> {
  const row = await db.selectFrom('role_members').selectAll().where('id', '=', id).executeTakeFirst()
  return row && toMember(row)
}

/** @returns null where there is this very member already */
export async function insertRoleMember(
  store: Store,
  trx: Trx,
  made: { role: Role; who: MemberOf; createdBy: string },
): Promise<string | null> {
  const now = store.clock.now()
  const { who } = made
  const row = await trx
    .insertInto('role_members')
    .values({
      ...{ id: newId<string>(now), role: made.role, kind: who.kind, created_at: now, created_by: made.createdBy },
      ...(who.kind === 'email'
        ? { value: who.email, provider_id: '' }
        : { value: who.group, provider_id: who.provider }),
    })
    .onConflict((conflict) => conflict.columns(['role', 'kind', 'value', 'provider_id']).doNothing())
    .returning('id')
    .executeTakeFirst()
  if (row !== undefined) await store.versions.bump(trx, 'identity')
  return row?.id ?? null
}

/** @returns `last-owner` where nobody would be left who may do everything; then nothing was removed */
export async function deleteRoleMember(store: Store, trx: Trx, id: string): Promise<'removed' | 'gone' | 'last-owner'> {
  // First of all: it lets one change of roles through at a time, or two could each leave the other's owner as the last.
  await store.versions.bump(trx, 'identity')
  const member = await readRoleMember(trx, id)
  if (member === undefined) return 'gone'
  if (member.role === 'owner') {
    const others = await trx
      .selectFrom('role_members')
      .select('id')
      .where('role', '=', 'owner')
      .where('id', '!=', id)
      .limit(1)
      .executeTakeFirst()
    if (others === undefined) return 'last-owner'
  }
  await trx.deleteFrom('role_members').where('id', '=', id).execute()
  return 'removed'
}

/** Whether there is such an identity provider, so that a group can be one of it. */
export async function hasProvider(db: Db, id: string): Promise<boolean> {
  const row = await db.selectFrom('identity_providers').select('id').where('id', '=', id).executeTakeFirst()
  return row !== undefined
}

/** Accounts of people who are not switched off, with what may give them a role. */
export async function listAccountsForRoles(
  db: Db,
): Promise<{ email: string | null; provider: string; groups: readonly string[] | null; type: string | null }[]> {
  const rows = await db
    .selectFrom('identities')
    .innerJoin('users', 'users.id', 'identities.user_id')
    .leftJoin('identity_providers', 'identity_providers.id', 'identities.provider_id')
    .select(['users.email', 'identities.provider_id', 'identities.groups', 'identity_providers.type'])
    .where('users.disabled_at', 'is', null)
    .execute()
  return rows.map((row) => ({
    email: row.email,
    provider: row.provider_id,
    groups: row.groups === null ? null : (JSON.parse(row.groups) as string[]),
    type: row.type,
  }))
}

function toMember(row: RoleMemberRow): RoleMember {
  const who: MemberOf =
    row.kind === 'email'
      ? { kind: 'email', email: row.value }
      : { kind: 'group', group: row.value, provider: row.provider_id }
  return { id: row.id, role: row.role, who, createdAt: row.created_at, createdBy: row.created_by }
}
