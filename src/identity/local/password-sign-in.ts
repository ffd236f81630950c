/** A person signs in with address and password. */
import { clearTries, giveBackTry, takeTry } from '../attempts-store.ts'
import { type Completed, completeSignIn, recordRefusedSignIn, type SignInRefusal } from '../complete-sign-in.ts'
import type { Vouched } from '../identity-store.ts'
import { addressOf } from './address.ts'
import { NETWORK, ofNetwork, PASSWORD } from './budgets.ts'
import { findLocalAccount, LOCAL, type LocalAccount } from './local-account-store.ts'
import type { LocalRooms, Visitor } from './model.ts'
import { Busy } from './password.ts'

export async function signInWithPassword(
  given: { email: string; password: string; from: Visitor },
  rooms: LocalRooms,
): Promise<Completed> {
  const { store, organization, passwords } = rooms
  const from = { ...given.from, method: 'sign-in local' }
  const email = addressOf(given.email)
  const refuse = async (reason: SignInRefusal): Promise<Completed> => {
    // What is no address may be a password in the wrong field.
    await recordRefusedSignIn(reason, from, email ?? '', rooms)
    return { kind: 'refused', reason }
  }
  if (organization.current().localSignIn === 'off') return refuse('not-offered')
  const ofAddress = { budget: PASSWORD, of: email ?? given.email }
  const ofPlace = ofNetwork(NETWORK, from.clientIp)
  if (!passwords.hasRoom() || !(await takeTry(store, [ofAddress, ofPlace]))) return refuse('locked-out')

  const account = email === null ? null : await findLocalAccount(store.db, email)
  try {
    const isRight = await passwords.fits(given.password, account?.passwordHash ?? null)
    if (!isRight || account === null || email === null) return refuse('wrong-credentials')
  } catch (error) {
    if (error instanceof Busy) return refuse('locked-out')
    throw error
  }
  await store.write(async (trx) => {
    await clearTries(trx, ofAddress)
    await giveBackTry(trx, ofPlace)
  })
  return completeSignIn(vouchedFor(account, email), from, rooms)
}

/** @param email that of the account */
export function vouchedFor({ userId, name }: Pick<LocalAccount, 'userId' | 'name'>, email: string): Vouched {
  return {
    ...{ ...LOCAL, subject: userId, email, name },
    ...{ groups: [], amr: ['pwd'], provenAt: 'now', claims: {}, idToken: null, refreshToken: null },
  }
}
