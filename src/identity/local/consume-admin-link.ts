/** The first person becomes owner, by a link that works once. Looking at the link changes nothing: mail scanners and previews look too. */
import { type DeedId, newId, type UserId } from '../../base/ids.ts'
import type { Store, Trx } from '../../store/open.ts'
import { completeSignIn, recordRefusedSignIn, type SignInFrom } from '../complete-sign-in.ts'
import { insertRoleMember } from '../role-store.ts'
import { hasAdmin } from '../roles.ts'
import { addressOf } from './address.ts'
import { looksLikeLink } from './admin-link.ts'
import { findLink, useLink } from './link-store.ts'
import { createLocalAccount, isAddressTaken, type NewAccount } from './local-account-store.ts'
import type { Consumed, LocalRooms, NewOwner } from './model.ts'
import { Busy, passwordProblems } from './password.ts'
import { vouchedFor } from './password-sign-in.ts'

const NAME_MOST = 100

export async function isLinkGood(token: string, { store }: Pick<LocalRooms, 'store'>): Promise<boolean> {
  if (!looksLikeLink(token)) return false
  return (await findLink(store.db, token, store.clock.now())) === 'admin' && !(await hasAdmin(store.db))
}

export async function consumeAdminLink(
  token: string,
  owner: NewOwner,
  from: SignInFrom,
  rooms: LocalRooms,
): Promise<Consumed> {
  // Before anything is reckoned: without a good link nobody gets the work of a password out of the portal.
  if (!(await isLinkGood(token, rooms))) return over(from, rooms)
  const email = addressOf(owner.email)
  if (email === null) return { kind: 'invalid', problems: ['Give your e-mail address.'] }
  const problems = passwordProblems(owner.password, email)
  if (problems.length > 0) return { kind: 'invalid', problems }
  const passwordHash = await rooms.passwords.hash(owner.password).catch((error: unknown) => {
    if (error instanceof Busy) return null
    throw error
  })
  if (passwordHash === null) return { kind: 'refused', reason: 'locked-out' }
  const name = nameOf(owner.name)
  const made = await recordedUse(token, { email, name, passwordHash }, from, rooms)
  if (made === 'over') return over(from, rooms)
  if (made === 'taken')
    return {
      kind: 'invalid',
      problems: [
        `Somebody signs in as ${email} already. Give another address, or make that one owner: portico roles add owner --email ${email}`,
      ],
    }
  return completeSignIn(vouchedFor({ userId: made, name }, email), from, rooms)
}

async function over(from: SignInFrom, rooms: LocalRooms): Promise<Consumed> {
  await recordRefusedSignIn('link-over', from, '', rooms)
  return { kind: 'refused', reason: 'link-over' }
}

type Used = UserId | 'over' | 'taken'

async function recordedUse(token: string, account: NewAccount, from: SignInFrom, rooms: LocalRooms): Promise<Used> {
  const { store, audit, clock } = rooms
  const entry = await audit.begin({
    deed: newId<DeedId>(clock.now()),
    plane: 'sign-in',
    actor: { kind: 'unknown', id: '', label: account.email },
    method: 'admin link',
    clientIp: from.clientIp,
  })
  const made = await store
    .write((trx) => becomeOwner(store, trx, token, account))
    .catch(async (error: unknown) => {
      await entry.finish({ outcome: 'failed', error: 'bug' })
      throw error
    })
  if (made === 'over' || made === 'taken')
    await entry.finish({ outcome: 'refused', decision: 'deny', error: made === 'over' ? 'link-over' : 'address-taken' })
  else
    await entry.finish({
      outcome: 'answered',
      decision: 'allow',
      change: { object: 'user', id: made, fields: ['local_account', 'role'] },
    })
  return made
}

async function becomeOwner(store: Store, trx: Trx, token: string, account: NewAccount): Promise<Used> {
  if (await hasAdmin(trx)) return 'over'
  if (await isAddressTaken(trx, account.email)) return 'taken'
  // Of two at once, one finds it used: the update waits for the other's commit.
  if (!(await useLink(store, trx, token, 'admin'))) return 'over'
  return makeOwner(store, trx, account, 'admin link')
}

/** The account and its role, together or not at all. */
export async function makeOwner(store: Store, trx: Trx, account: NewAccount, createdBy: string): Promise<UserId> {
  const userId = await createLocalAccount(store, trx, account)
  await insertRoleMember(store, trx, { role: 'owner', who: { kind: 'email', email: account.email }, createdBy })
  return userId
}

function nameOf(text: string): string | null {
  const name = text.replaceAll(/\p{C}/gu, '').trim().slice(0, NAME_MOST)
  return name === '' ? null : name
}
