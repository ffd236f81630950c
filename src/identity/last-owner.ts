/** Switching people off and on, so that somebody is always left who may do everything, and nobody touches who may do more. */
import type { Role } from '../base/principal.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import { type IdentityRecord, listIdentities } from './identity-store.ts'
import { switchUser } from './people-store.ts'
import { revokeUser } from './revoke-user.ts'
import { listRoleMembers, type RoleMember } from './role-store.ts'
import { hasAdmin, highestRole } from './roles.ts'
import type { UserRecord } from './user-store.ts'

/** @returns the highest role that any account of this person gives, whether or not they may sign in now */
export async function roleOfUser(db: Db, user: Pick<UserRecord, 'id' | 'email'>): Promise<Role | null> {
  return highestOf(await listRoleMembers(db), user, await listIdentities(db, user.id))
}

/** @param accounts all that the person has */
export function highestOf(
  members: readonly RoleMember[],
  user: Pick<UserRecord, 'email'>,
  accounts: readonly IdentityRecord[],
): Role | null {
  const roles = [null, ...accounts].map((identity) => highestRole(members, { email: user.email, identity }))
  return RANKED.find((role) => roles.includes(role)) ?? null
}

const RANKED: readonly Role[] = ['owner', 'admin', 'auditor']

/** Ends all that the person has, and lets them in no more. @returns `last-owner` where nobody would be left; then nothing was done */
export async function disableUser(
  store: Store,
  trx: Trx,
  user: Pick<UserRecord, 'id' | 'email'>,
): Promise<'disabled' | 'last-owner'> {
  // First of all: it lets one through at a time, here and where roles change, or two owners could each switch the other off.
  await store.versions.bump(trx, 'identity')
  // And here no sign-in of theirs is half-way: it was before, and is ended below, or it comes after, and finds them switched off.
  await store.versions.bump(trx, 'tokens')
  const isOwner = (await roleOfUser(trx, user)) === 'owner'
  await switchUser(store, trx, user.id, 'off')
  if (isOwner && !(await hasAdmin(trx))) return 'last-owner'
  await revokeUser(store, trx, user.id, 'revoked')
  return 'disabled'
}
