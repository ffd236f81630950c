/** Set-up without a browser: the first owner comes from the settings, once. What a person changed later is never put back. */
import type { Audit } from '../../audit/event.ts'
import type { Clock } from '../../base/clock.ts'
import { type DeedId, newId } from '../../base/ids.ts'
import type { Log } from '../../base/log.ts'
import type { Store } from '../../store/open.ts'
import { claimSetting, readSetting } from '../../store/settings-store.ts'
import { hasAdmin } from '../roles.ts'
import { makeOwner } from './consume-admin-link.ts'
import { isAddressTaken } from './local-account-store.ts'
import type { Passwords } from './password.ts'

export interface FirstOwner {
  /** Lower case, domain as A-label. */
  email: string
  /** By the rules that `passwordProblems` has. */
  password: string
}

interface Needs {
  store: Store
  audit: Audit
  clock: Clock
  log: Log
  passwords: Pick<Passwords, 'hash'>
}

const MARK = 'bootstrap_admin'

/**
 * Call it at every start. It makes the owner at the first start that has such settings, if nobody is owner then.
 *
 * @returns whether it made one
 */
export async function makeFirstOwner(
  { store, audit, clock, log, passwords }: Needs,
  owner: FirstOwner,
): Promise<boolean> {
  if ((await readSetting(store.db, MARK)) !== undefined) return false
  const account = { email: owner.email, name: null, passwordHash: await passwords.hash(owner.password) }
  const entry = await audit.begin({
    deed: newId<DeedId>(clock.now()),
    plane: 'admin',
    actor: { kind: 'system', id: 'bootstrap', label: 'bootstrap' },
    method: 'first owner',
  })
  const userId = await store
    .write(async (trx) => {
      // Several replicas may start at once: the others wait here for the first.
      if (!(await claimSetting(trx, MARK, String(clock.now())))) return null
      if ((await hasAdmin(trx)) || (await isAddressTaken(trx, account.email))) return null
      return makeOwner(store, trx, account, 'bootstrap')
    })
    .catch(async (error: unknown) => {
      await entry.finish({ outcome: 'failed', error: 'bootstrap' })
      throw error
    })
  const fields = userId === null ? [] : ['local_account', 'role']
  await entry.finish({
    outcome: 'answered',
    decision: 'allow',
    change: { object: 'user', id: userId ?? '', fields },
  })
  if (userId === null) log.warn('bootstrap.admin_email was not used: somebody is owner, or signs in as it, already')
  else log.info('the first owner was made from bootstrap.admin_email; take bootstrap.* out of the settings now')
  return userId !== null
}
