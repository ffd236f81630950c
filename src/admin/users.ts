/** `/access/users` */
import type { PageQuery } from '../contract/envelope.ts'
import { listUsers as loadUsers, readUser, type UserRecord } from '../identity/user-store.ts'
import { pageOf } from './paging.ts'
import { notFound } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime, shownTimeOrNull } from './times.ts'

export async function listUsers({ deps, query }: Call<unknown, PageQuery>): Promise<Outcome> {
  const page = pageOf(await loadUsers(deps.store.db), query, (user) => [user.id, user.email ?? '', user.name ?? ''])
  return { result: page.items.map(show), info: page.info }
}

export async function getUser({ deps, id }: Call): Promise<Outcome> {
  const user = await readUser(deps.store.db, id)
  if (user === undefined) throw notFound('user', id)
  return { result: show(user) }
}

function show(user: UserRecord) {
  return {
    id: user.id,
    email: user.email,
    name: user.name,
    disabled_at: shownTimeOrNull(user.disabledAt),
    created_at: shownTime(user.createdAt),
    last_seen_at: shownTimeOrNull(user.lastSeenAt),
  }
}
