/**
 * The one way in which a browser becomes signed in, whoever vouched for its person: the account is written down, the deed is recorded, and
 * only then is there a session, always a new one. What was refused is recorded too, with its reason from one list.
 */
import type { Audit, DeedStart } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import { type DeedId, newId } from '../base/ids.ts'
import type { Sealer } from '../base/secret.ts'
import type { Store } from '../store/open.ts'
import { type BrowserSessions, endBrowserSessions } from './browser-session-store.ts'
import { type SignedIn, saveSignIn, type Vouched } from './identity-store.ts'
import { labelOf } from './label.ts'
import type { OrganizationKeeper } from './organization.ts'

/** Why a person was not signed in. The page says what to do; only the audit says which it was. */
export const SIGN_IN_REFUSALS = {
  'wrong-credentials': 'address, password or PIN are not right, or there is no such account',
  'locked-out': 'too many wrong tries; it is looked at again later',
  'login-binding':
    'the answer came to another browser than the one that asked, or to the address of another provider, or was too late, or came twice',
  'provider-refused': 'the identity provider said no, or the person did',
  'provider-unreachable': 'the identity provider did not answer, or not as its standard says',
  'bad-token':
    'what the identity provider answered does not prove who it is: issuer, audience, nonce, algorithm, signature or time',
  'foreign-address': 'the address is not verified, or not of a domain that the provider may speak for',
  'user-disabled': 'an admin switched this user off',
  'not-offered': 'this way to sign in is switched off, or not there',
  'link-over': 'the link was used before, is too old, or was never made',
} as const satisfies Readonly<Record<string, string>>

export type SignInRefusal = keyof typeof SIGN_IN_REFUSALS

export interface SignInRooms {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  audit: Audit
  clock: Clock
  browsers: BrowserSessions
  organization: OrganizationKeeper
}

export interface SignInFrom {
  clientIp: string
  userAgent: string
  /** The session that this browser had until now; it ends, because a session never passes from one proof to the next. */
  previous: string | null
  /** `sign-in oidc`, `sign-in github`, `sign-in local`, `sign-in pin`, `sign-in link`. */
  method: string
  /** An identity provider's id, where one was asked; the audit has it as the capability. */
  provider?: string
}

export type Completed =
  | { kind: 'signed-in'; who: SignedIn; sessionId: string; setCookie: string }
  | { kind: 'refused'; reason: SignInRefusal }

/** @throws Fault `audit-unavailable`: who cannot be recorded is not let in */
export async function completeSignIn(vouched: Vouched, from: SignInFrom, rooms: SignInRooms): Promise<Completed> {
  const { store, audit, browsers, sealer, organization } = rooms
  const label = labelOf(vouched.email, vouched.name, vouched.subject)
  const entry = await audit.begin(startOf(from, label, rooms))
  const done = await store
    .write(async (trx) => {
      const who = await saveSignIn(store, trx, vouched, sealer)
      if (who === 'disabled') return null
      if (from.previous !== null) await endBrowserSessions(store, trx, { id: from.previous })
      const { clientIp, userAgent } = from
      const lifetime = organization.current().sessionLifetime
      const opened = await browsers.open(trx, { ...who, clientIp, userAgent, lifetime })
      return { who, opened }
    })
    .catch(async (error: unknown) => {
      await entry.finish({ outcome: 'failed', error: 'bug' })
      throw error
    })
  if (done === null) {
    await entry.finish({ outcome: 'refused', decision: 'deny', error: 'user-disabled' satisfies SignInRefusal })
    return { kind: 'refused', reason: 'user-disabled' }
  }
  const { who, opened } = done
  const change = {
    object: who.isNew ? 'identity' : 'browser_session',
    id: who.isNew ? who.identityId : opened.id,
    fields: [],
  }
  await entry.finish({ outcome: 'answered', decision: 'allow', change })
  return { kind: 'signed-in', who, sessionId: opened.id, setCookie: opened.setCookie }
}

/**
 * Records that a provider vouched for somebody where an admin only looked whether it does.
 *
 * @returns what that person is called
 */
export async function recordTested(
  { email, name, subject }: Pick<Vouched, 'email' | 'name' | 'subject'>,
  from: Pick<SignInFrom, 'clientIp' | 'method' | 'provider'>,
  rooms: Pick<SignInRooms, 'audit' | 'clock'>,
): Promise<string> {
  const label = labelOf(email, name, subject)
  const entry = await rooms.audit.begin({ ...startOf(from, label, rooms), method: 'sign-in test' })
  await entry.finish({ outcome: 'answered', decision: 'allow' })
  return label
}

/**
 * Records that somebody was not let in. Beyond a measure they are counted, not written one by one.
 *
 * @param label what the person called themselves, or the empty string; never a secret
 */
export async function recordRefusedSignIn(
  reason: SignInRefusal,
  from: Pick<SignInFrom, 'clientIp' | 'method' | 'provider'>,
  label: string,
  rooms: Pick<SignInRooms, 'audit' | 'clock'>,
): Promise<void> {
  if (!rooms.audit.mayWriteRefusal(`sign-in ${from.clientIp}`)) return rooms.audit.refused('bad-sign-in', from.clientIp)
  const entry = await rooms.audit.begin(startOf(from, label, rooms))
  await entry.finish({ outcome: 'refused', decision: 'deny', error: reason })
}

function startOf(
  { clientIp, method, provider }: Pick<SignInFrom, 'clientIp' | 'method' | 'provider'>,
  label: string,
  { clock }: Pick<SignInRooms, 'clock'>,
): DeedStart {
  const actor = { kind: 'unknown' as const, id: '', label: label.slice(0, 256) }
  const asked = provider === undefined ? {} : { capability: provider }
  return { deed: newId<DeedId>(clock.now()), plane: 'sign-in', actor, method, clientIp, ...asked }
}
