/**
 * A person signs in with a PIN that is mailed to them: eight digits, ten minutes, five tries, in the browser that asked. Whoever asks
 * for an address that gets no mail is told the same, and their PIN, which nobody ever sees, is looked at in the same way.
 */
import { randomInt } from 'node:crypto'
import { clearTries, giveBackTry, takeTry } from '../attempts-store.ts'
import { type Completed, completeSignIn, recordRefusedSignIn, type SignInRefusal } from '../complete-sign-in.ts'
import { PIN_ISSUER, type Vouched } from '../identity-store.ts'
import { roleOf } from '../roles.ts'
import { addressOf } from './address.ts'
import { NETWORK, ofNetwork, PIN_FROM, PIN_TO } from './budgets.ts'
import type { Mail } from './mailer.ts'
import type { LocalRooms, Visitor } from './model.ts'
import { insertPin, tryPin } from './pin-store.ts'

const METHOD = 'sign-in pin'
const DIGITS = 8

export async function sendPin(
  asked: { email: string; binding: string; returnTo: string; from: Visitor },
  rooms: LocalRooms,
): Promise<'locked-out' | undefined> {
  const { store, mailer, mac } = rooms
  const from = { ...asked.from, method: METHOD }
  const email = addressOf(asked.email)
  if (mailer === null || rooms.pinProvider() === null) {
    await recordRefusedSignIn('not-offered', from, email ?? '', rooms)
    return undefined
  }
  const tries = [{ budget: PIN_TO, of: email ?? asked.email }, ofNetwork(PIN_FROM, from.clientIp)]
  if (!mailer.hasRoom() || !(await takeTry(store, tries))) {
    await recordRefusedSignIn('locked-out', from, email ?? '', rooms)
    return 'locked-out'
  }
  if (email === null) return undefined

  const code = String(randomInt(10 ** DIGITS)).padStart(DIGITS, '0')
  const { binding, returnTo } = asked
  await store.write((trx) => insertPin(store, trx, { email, code, binding, returnTo }, mac))
  const [role, isMeant] = await Promise.all([roleOf(store.db, { email, identity: null }), rooms.mayReceive(email)])
  if (role !== null || isMeant) mailer.send(mailOf(email, code, rooms))
  return undefined
}

export async function enterPin(
  given: { code: string; binding: string; from: Visitor },
  rooms: LocalRooms,
): Promise<Completed & { returnTo: string }> {
  const { store, mac } = rooms
  const from = { ...given.from, method: METHOD }
  const refuse = async (reason: SignInRefusal, label: string, returnTo: string) => {
    await recordRefusedSignIn(reason, from, label, rooms)
    return { kind: 'refused' as const, reason, returnTo }
  }
  const provider = rooms.pinProvider()
  if (provider === null) return refuse('not-offered', '', '/')
  const ofPlace = ofNetwork(NETWORK, from.clientIp)
  if (!(await takeTry(store, [ofPlace]))) return refuse('locked-out', '', '/')

  // People type the spaces that they see.
  const code = given.code.replaceAll(/\s/g, '').slice(0, 64)
  const tried = await store.write((trx) => tryPin(store, trx, { binding: given.binding, code }, mac))
  if (tried === null) return refuse('login-binding', '', '/')
  const { email, returnTo } = tried
  if (!tried.isRight) return refuse('wrong-credentials', email, returnTo)
  await store.write(async (trx) => {
    await clearTries(trx, { budget: PIN_TO, of: email })
    await giveBackTry(trx, ofPlace)
  })
  return { ...(await completeSignIn(vouchedFor(provider, email), from, rooms)), returnTo }
}

function vouchedFor(provider: string, email: string): Vouched {
  return {
    ...{ provider, issuer: PIN_ISSUER, subject: email, email, name: null },
    ...{ groups: [], amr: ['otp'], provenAt: 'now', claims: {}, idToken: null, refreshToken: null },
  }
}

function mailOf(to: string, code: string, { organization, issuer }: LocalRooms): Mail {
  const { name } = organization.current()
  return {
    to,
    subject: `Your sign-in code for ${name}`,
    text: [
      `${code.slice(0, 4)} ${code.slice(4)}`,
      '',
      `Type it into the page that asked for it, at ${issuer()}, in the same browser. It works once, for ten minutes.`,
      '',
      'If you did not ask for it, somebody typed your address. Ignore this mail, and give the code to nobody: no one from',
      `${name} will ever ask for it.`,
      '',
    ].join('\n'),
  }
}
