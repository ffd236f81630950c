/**
 * Signing in at the portal itself: passwords, mailed PINs, and the first admin's link. The order is the same each time: is it offered,
 * is there a try left, is the proof right; and what is refused is recorded. Nothing tells whether an address is known: words, work and
 * waiting are the same for one that is not.
 */
import { forgetTries } from '../attempts-store.ts'
import { hasAdmin } from '../roles.ts'
import { consumeAdminLink, isLinkGood } from './consume-admin-link.ts'
import { forgetLinks } from './link-store.ts'
import type { Local, LocalNeeds, LocalRooms } from './model.ts'
import { consumePasswordLink, readPasswordLink } from './password-link.ts'
import { signInWithPassword } from './password-sign-in.ts'
import { enterPin, sendPin } from './pin-sign-in.ts'
import { findPinProvider, forgetPins } from './pin-store.ts'

export async function openLocal(needs: LocalNeeds): Promise<Local> {
  const { store, organization, mailer } = needs
  let pinProvider: string | null = null
  const read = async () => {
    pinProvider = await findPinProvider(store.db)
  }
  // Listen first, read then: what changed in between would be missed.
  const stop = store.versions.changed('identity', read)
  await read()
  const isOn = () => organization.current().localSignIn === 'on'
  const rooms: LocalRooms = {
    ...needs,
    pinProvider: () => (isOn() && mailer !== null ? pinProvider : null),
  }
  return {
    offersPassword: isOn,
    offersPin: () => rooms.pinProvider() !== null,
    signIn: (given) => signInWithPassword(given, rooms),
    sendPin: (asked) => sendPin(asked, rooms),
    enterPin: (given) => enterPin(given, rooms),
    readAdminLink: (token) => isLinkGood(token, rooms),
    consumeAdminLink: (token, owner, from) =>
      consumeAdminLink(token, owner, { ...from, method: 'sign-in link' }, rooms),
    readPasswordLink: (token) => readPasswordLink(token, rooms),
    consumePasswordLink: (token, password, from) => consumePasswordLink(token, password, from, rooms),
    hasAdmin: () => hasAdmin(store.db),
    async forget() {
      await forgetTries(store)
      await forgetPins(store)
      await forgetLinks(store)
    },
    async close() {
      stop()
      await mailer?.close()
    },
  }
}
