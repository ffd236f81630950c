/**
 * Who may work on the portal itself. A role is given to an address or to a group of one provider, and held by whoever has that address
 * or group now: nothing is copied to a person, so what a provider takes away is gone at the next sign-in.
 */
import type { IdentityFacts, Role } from '../base/principal.ts'
import type { Db } from '../store/open.ts'
import { listAccountsForRoles, listRoleMembers, type RoleMember } from './role-store.ts'

/** What may give somebody a role. */
export interface RoleHolder {
  /** Only an address that counts; null holds nothing. */
  email: string | null
  identity: Pick<IdentityFacts, 'provider' | 'groups'> | null
}

/** Of accounts with a password, which the portal keeps itself. */
export const LOCAL_PROVIDER = 'local'

const RANK: Readonly<Record<Role, number>> = { auditor: 0, admin: 1, owner: 2 }

/** @returns the highest role, or null. Groups that are not known give none. */
export async function roleOf(db: Db, holder: RoleHolder): Promise<Role | null> {
  return highestRole(await listRoleMembers(db), holder)
}

export function highestRole(members: readonly RoleMember[], holder: RoleHolder): Role | null {
  let highest: Role | null = null
  for (const member of members) {
    if (isMember(member, holder) && (highest === null || RANK[member.role] > RANK[highest])) highest = member.role
  }
  return highest
}

function isMember({ who }: RoleMember, { email, identity }: RoleHolder): boolean {
  if (who.kind === 'email') return email !== null && who.email === email
  return identity !== null && identity.provider === who.provider && (identity.groups?.includes(who.group) ?? false)
}

/**
 * Whether somebody can sign in as an owner: one who is named and has never come does not count, nor one whose identity provider was
 * removed since.
 */
export async function hasAdmin(db: Db): Promise<boolean> {
  return (await owners(db)).length > 0
}

/**
 * Local sign-in may go only once an owner has come in by an identity provider: else a mistake in the provider's settings would leave
 * nobody who can mend it. A mailed PIN is no such provider, since it goes with local sign-in.
 */
export async function mayTurnOffLocal(db: Db): Promise<boolean> {
  return (await owners(db)).some(({ type }) => type !== null && type !== 'onetimepin')
}

async function owners(db: Db) {
  const members = await listRoleMembers(db)
  if (!members.some(({ role }) => role === 'owner')) return []
  const accounts = await listAccountsForRoles(db)
  return accounts.filter(
    (account) =>
      (account.type !== null || account.provider === LOCAL_PROVIDER) &&
      highestRole(members, { email: account.email, identity: account }) === 'owner',
  )
}
