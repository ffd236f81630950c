/** `/admin/links`: the link by which the first person becomes owner, and those by which people set their passwords. */
import { type DeedId, newId } from '../base/ids.ts'
import type { AdminLinkCreate } from '../contract/roles.ts'
import { makeAdminLink, type SingleUseLink } from '../identity/local/admin-link.ts'
import { makePasswordLink } from '../identity/local/password-link.ts'
import { hasAdmin } from '../identity/roles.ts'
import type { AdminDeps } from './deps.ts'
import { holds } from './holds.ts'
import { conflict, forbidden } from './refusal.ts'
import type { Call, Outcome } from './route.ts'
import { shownTime } from './times.ts'

export async function createAdminLink({ deps, operator, author, body }: Call<AdminLinkCreate>): Promise<Outcome> {
  if (!holds(operator, { role: 'owner', scopes: [] }))
    throw forbidden('Whoever has the link can become an owner, so only who is owner, with all rights, can ask for it.')
  const made =
    body.purpose === 'admin'
      ? await makeAdminLink(deps.store, author.label)
      : await makePasswordLink(deps.store, body.email.toLowerCase(), author.label)
  if (made === 'admin-exists')
    throw conflict('There is an owner already. An owner makes others: portico roles add owner --email ADDRESS')
  if (made === 'taken')
    throw conflict(
      'Who has this address signs in through an identity provider, or was switched off: there is no password.',
    )
  return {
    result: { url: `${deps.issuer()}${made.path}`, expires_at: shownTime(made.expiresAt) },
    change: {
      object: `${body.purpose}_link`,
      id: body.purpose === 'admin' ? 'admin_link' : body.email,
      fields: ['created'],
    },
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
}: Pick<AdminDeps, 'store' | 'audit' | 'clock'>): Promise<SingleUseLink | null> {
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
