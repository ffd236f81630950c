/** `/admin/links`: the link by which the first person becomes owner. */
import { type DeedId, newId } from '../base/ids.ts'
import type { AdminLinkCreate } from '../contract/roles.ts'
import { type AdminLink, makeAdminLink } from '../identity/local/admin-link.ts'
import { hasAdmin } from '../identity/roles.ts'
import type { AdminDeps } from './deps.ts'
import { holds } from './holds.ts'
import { conflict, forbidden } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'

export async function createAdminLink({ deps, operator, author }: Call<AdminLinkCreate>): Promise<Outcome> {
  if (!holds(operator, { role: 'owner', scopes: [] }))
    throw forbidden('The link makes an owner, so only an owner token without scopes can ask for it.')
  const made = await makeAdminLink(deps.store, author.label)
  if (made === 'admin-exists')
    throw conflict('There is an owner already. An owner makes others: portico roles add owner --email ADDRESS')
  return {
    result: { url: `${deps.issuer()}${made.path}`, expires_at: shownTime(made.expiresAt) },
    change: { object: 'admin_link', id: 'admin_link', fields: ['created'] },
  }
}

/**
 * The same at a start, for who starts the program.
 *
 * @returns null where somebody is owner
 */
export async function offerAdminLink({
  store,
  audit,
  clock,
}: Pick<AdminDeps, 'store' | 'audit' | 'clock'>): Promise<AdminLink | null> {
  if (await hasAdmin(store.db)) return null
  const entry = await audit.begin({
    deed: newId<DeedId>(clock.now()),
    plane: 'admin',
    actor: { kind: 'system', id: 'start', label: 'start' },
    method: 'admin link',
  })
  const made = await makeAdminLink(store, 'start').catch(async (error: unknown) => {
    await entry.finish({ outcome: 'failed', error: 'admin-link' })
    throw error
  })
  const fields = made === 'admin-exists' ? [] : ['created']
  await entry.finish({
    outcome: 'answered',
    decision: 'allow',
    change: { object: 'admin_link', id: 'admin_link', fields },
  })
  return made === 'admin-exists' ? null : made
}
