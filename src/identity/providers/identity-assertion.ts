/**
 * The word of people's identity providers for other authorization servers (ID-JAG). It is had for the ID token of the last sign-in, or for a
 * newer one that the refresh token brings; who has left the company has neither for long. The refresh token is shared with `recheck.ts`,
 * and so is the rule who may show it: whoever took the check, and nobody while that may still be under way.
 */
import { type AssertionFor, type AssertionWish, IdentityAssertionTrouble } from '../../base/identity-assertion.ts'
import type { UserPrincipal } from '../../base/principal.ts'
import { readSubject, type SubjectRecord, takeRecheck } from '../identity-store.ts'
import { claimsIn } from './claims-in.ts'
import { type ProviderProblem, problemOf } from './problem.ts'
import { hear, type RecheckRooms } from './recheck.ts'
import type { Way } from './way.ts'

/** An ID token that ends sooner is renewed first: it has a way to go. */
const SPARE_MS = 60_000
/** Whoever took a check is done with it by then. */
const SETTLED_MS = 45_000
const POLL_MS = 250
/** How long what came is given to others too. */
const REUSED_MS = 5000
const PATIENCE_MS = 10_000

export function openIdentityAssertions(rooms: RecheckRooms, wayOf: (providerId: string) => Way | null): AssertionFor {
  const renewing = new Map<string, Promise<string>>()

  /** One renewal at a time for one person in this process. */
  function freshToken(key: string, principal: UserPrincipal, way: Way): Promise<string> {
    const running = renewing.get(key)
    if (running !== undefined) return running
    const begun = renewed(rooms, principal, way)
    renewing.set(key, begun)
    const forget = () => void renewing.delete(key)
    // Who comes a moment later gets the same: the provider is not asked again so soon, and its clock may be behind ours.
    begun.then(() => setTimeout(forget, REUSED_MS).unref(), forget)
    return begun
  }

  return async (principal, wish) => {
    const subject = await subjectOf(rooms, principal, wish)
    const way = wayOf(subject.provider)
    if (way?.assertion === undefined) throw trouble('refused', 'the provider vouches for nobody elsewhere')
    const idToken = usable(rooms, subject) ?? (await freshToken(subject.id, principal, way))
    const { audience, resource, scope } = wish
    return way.assertion(idToken, { audience, resource, scope }).catch((error: unknown) => {
      throw asTrouble(problemOf(error))
    })
  }
}

/** @throws IdentityAssertionTrouble `gone` */
async function subjectOf(
  { store, sealer }: RecheckRooms,
  { id: userId, identity }: UserPrincipal,
  { provider }: Pick<AssertionWish, 'provider'>,
): Promise<SubjectRecord> {
  if (identity === null) throw trouble('gone', 'nobody signed in')
  // Another account of the same person says nothing of this sign-in, which may have asked for less.
  if (provider !== null && identity.provider !== provider)
    throw trouble('gone', 'the person signed in through another provider')
  const { issuer, subject } = identity
  const found = await readSubject(store.db, sealer, { userId, issuer, subject })
  if (found === undefined || found.provider !== identity.provider) throw trouble('gone', 'the sign-in is gone')
  return found
}

async function renewed(rooms: RecheckRooms, principal: UserPrincipal, way: Way): Promise<string> {
  const { store, clock } = rooms
  for (let waited = 0; ; waited += POLL_MS) {
    const subject = await subjectOf(rooms, principal, { provider: null })
    const { id, refreshToken, checkedAt, subject: name } = subject
    const idToken = usable(rooms, subject)
    if (idToken !== null) return idToken
    if (refreshToken === null) throw trouble('gone', 'the ID token has expired, and nothing renews it')
    const isSettled = clock.now() - checkedAt >= SETTLED_MS
    const at = isSettled ? await store.write((trx) => takeRecheck(store, trx, id, checkedAt)) : null
    if (at !== null) {
      const { verdict, idToken: came } = await hear(rooms, way, { id, subject: name, refreshToken, at })
      if (verdict !== 'still')
        throw trouble(verdict === 'gone' ? 'gone' : 'unreachable', 'the provider was asked again')
      // Not every provider gives one to whoever refreshes (OIDC Core 12.2).
      if (came === null) throw trouble('gone', 'the provider gave no new ID token')
      return came
    }
    // Another process, or a recheck, is at it.
    if (waited >= PATIENCE_MS) throw trouble('unreachable', 'the provider was asked a moment ago')
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
  }
}

/** It was proven when it came, and is sealed since. */
function usable({ clock }: Pick<RecheckRooms, 'clock'>, { idToken }: SubjectRecord): string | null {
  const exp = idToken === null ? undefined : claimsIn(idToken).exp
  return typeof exp === 'number' && exp * 1000 - clock.now() > SPARE_MS ? idToken : null
}

function asTrouble({ reason, message, code }: ProviderProblem): IdentityAssertionTrouble {
  if (reason === 'provider-unreachable') return trouble('unreachable', message)
  return trouble(code === 'invalid_grant' ? 'gone' : 'refused', message)
}

function trouble(kind: IdentityAssertionTrouble['kind'], message: string): IdentityAssertionTrouble {
  return new IdentityAssertionTrouble(kind, message)
}
