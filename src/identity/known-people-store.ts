/**
 * Everybody whom the portal knows, as policies would see them now: who they are, and what a provider said at their latest sign-in.
 * For questions about people who are not here; whoever calls is looked at by what they show (`authenticate.ts`).
 */
import type { GrantId, UserId } from '../base/ids.ts'
import type { UserPrincipal } from '../base/principal.ts'
import type { Db } from '../store/open.ts'
import { factsOf } from './identity-store.ts'
import { labelOf } from './label.ts'

/** Nobody holds it: a simulated caller has no client of its own. */
export const SIMULATED = 'simulated' as GrantId

export interface KnownPerson {
  id: UserId
  email: string | null
  name: string | null
  /** Whoever is disabled is let in nowhere, whatever the policies say. */
  isDisabled: boolean
  principal: UserPrincipal
}

/** All of them, or one; by address, then by id. */
export async function listKnownPeople(db: Db, only?: UserId): Promise<KnownPerson[]> {
  const users = db.selectFrom('users').selectAll().orderBy('email').orderBy('id')
  const identities = db
    .selectFrom('identities')
    .select(['user_id', 'provider_id', 'issuer', 'subject', 'groups', 'amr', 'claims', 'authenticated_at'])
    .orderBy('signed_in_at', 'asc')
  const [people, rows] = await Promise.all([
    (only === undefined ? users : users.where('id', '=', only)).execute(),
    (only === undefined ? identities : identities.where('user_id', '=', only)).execute(),
  ])
  // Oldest first, so that the latest stays.
  const latest = new Map(rows.map((row) => [row.user_id, row]))
  return people.map((user) => {
    const { email, name } = user
    const id = user.id as UserId
    const row = latest.get(user.id)
    const identity = row === undefined ? null : factsOf(row)
    const label = labelOf(email, name, id)
    return {
      ...{ id, email, name, isDisabled: user.disabled_at !== null },
      principal: { kind: 'user', id, email, label, grant: SIMULATED, identity },
    }
  })
}
