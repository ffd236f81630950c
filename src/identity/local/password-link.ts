/**
 * The link by which a person sets the password of their account, or gets an account: an owner makes it for one address and hands it on.
 * Nobody else's password ever passes through an admin's hands.
 */
import { randomBytes } from 'node:crypto'
import { type DeedId, newId } from '../../base/ids.ts'
import type { Store, Trx } from '../../store/open.ts'
import { clearTries } from '../attempts-store.ts'
import { recordRefusedSignIn, type SignInRefusal } from '../complete-sign-in.ts'
import { revokeUser } from '../revoke-user.ts'
import type { SingleUseLink } from './admin-link.ts'
import { looksLikeLink } from './admin-link.ts'
import { PASSWORD } from './budgets.ts'
import { findLink, insertLink, useLink } from './link-store.ts'
import { createLocalAccount, findLocalAccount, isAddressTaken, setPassword } from './local-account-store.ts'
import type { LocalRooms, PasswordSet, Visitor } from './model.ts'
import { Busy, passwordProblems } from './password.ts'

const METHOD = 'password link'
const PREFIX = 'password:'

/**
 * Makes a link and withdraws every older one for this address.
 *
 * @param email lower case, domain as A-label
 * @returns `taken` where the address is of somebody without a password, who signs in another way or may not any more
 */
export async function makePasswordLink(store: Store, email: string, by: string): Promise<SingleUseLink | 'taken'> {
  const token = randomBytes(32).toString('base64url')
  const expiresAt = await store.write(async (trx) =>
    (await mayHavePassword(trx, email))
      ? insertLink(store, trx, { token, purpose: `${PREFIX}${email}`, createdBy: by })
      : null,
  )
  return expiresAt === null ? 'taken' : { path: `/setup/password/${token}`, expiresAt }
}

async function mayHavePassword(trx: Trx, email: string): Promise<boolean> {
  return (await findLocalAccount(trx, email)) !== null || !(await isAddressTaken(trx, email))
}

/** @returns the address whose password the link sets, or null. Changes nothing. */
export async function readPasswordLink(token: string, { store, organization }: LocalRooms): Promise<string | null> {
  if (!looksLikeLink(token) || organization.current().localSignIn === 'off') return null
  const purpose = await findLink(store.db, token, store.clock.now())
  return purpose?.startsWith(PREFIX) ? purpose.slice(PREFIX.length) : null
}

export async function consumePasswordLink(
  token: string,
  password: string,
  from: Visitor,
  rooms: LocalRooms,
): Promise<PasswordSet> {
  const email = await readPasswordLink(token, rooms)
  const refuse = async (reason: SignInRefusal): Promise<PasswordSet> => {
    await recordRefusedSignIn(reason, { ...from, method: METHOD }, email ?? '', rooms)
    return { kind: 'refused', reason }
  }
  if (email === null) return refuse('link-over')
  const problems = passwordProblems(password, email)
  if (problems.length > 0) return { kind: 'invalid', email, problems }
  const hash = await rooms.passwords.hash(password).catch((error: unknown) => {
    if (error instanceof Busy) return null
    throw error
  })
  if (hash === null) return refuse('locked-out')
  const { store, audit, clock } = rooms
  const entry = await audit.begin({
    deed: newId<DeedId>(clock.now()),
    plane: 'sign-in',
    actor: { kind: 'unknown', id: '', label: email },
    method: METHOD,
    clientIp: from.clientIp,
  })
  const userId = await store
    .write((trx) => setByLink(store, trx, { token, email, hash }))
    .catch(async (error: unknown) => {
      await entry.finish({ outcome: 'failed', error: 'bug' })
      throw error
    })
  if (userId === null) {
    await entry.finish({ outcome: 'refused', decision: 'deny', error: 'link-over' })
    return { kind: 'refused', reason: 'link-over' }
  }
  const change = { object: 'user', id: userId, fields: ['password'] }
  await entry.finish({ outcome: 'answered', decision: 'allow', change })
  return { kind: 'set', email }
}

/** Whoever had the old password has nothing any more: browsers, clients and tokens of the account end with it. */
async function setByLink(
  store: Store,
  trx: Trx,
  { token, email, hash }: { token: string; email: string; hash: string },
): Promise<string | null> {
  if (!(await mayHavePassword(trx, email)) || !(await useLink(store, trx, token, `${PREFIX}${email}`))) return null
  await clearTries(trx, { budget: PASSWORD, of: email })
  const account = await findLocalAccount(trx, email)
  if (account === null) return createLocalAccount(store, trx, { email, name: null, passwordHash: hash })
  await setPassword(store, trx, account.userId, hash)
  await revokeUser(store, trx, account.userId, 'revoked')
  return account.userId
}
