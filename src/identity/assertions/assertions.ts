/**
 * Signed statements of who calls, one for each principal and server, kept for most of their life: a call finds its own without waiting and
 * without a signature. They hang on the principal as the authenticator keeps it, so what belongs to a withdrawn token is forgotten with it,
 * and what a provider said anew is signed anew.
 */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { ServerUid } from '../../base/ids.ts'
import type { Principal } from '../../base/principal.ts'
import { claimsOf, LIFE_SECONDS } from './claims.ts'
import type { SigningKeys } from './keys.ts'

export interface AssertionRooms {
  keys: Pick<SigningKeys, 'sign'>
  clock: Clock
  /** The base URL under which the keys are published. */
  issuer(): string
}

/** The server that is told. One object for as long as it asks for the same. */
export interface Told {
  readonly uid: ServerUid
  readonly claims: readonly string[]
}

/** @param principal null: the portal itself @returns at once where it is known already */
export type Assert = (principal: Principal | null, server: Told) => string | Promise<string>

/** Of its life, in which it is shown: what is left is for the way, and for calls that wait. */
const SHOWN_MS = LIFE_SECONDS * 1000 * 0.8
const PORTAL = {}

type Kept = Promise<string> | { value: string; until: number }

export function openAssertions({ keys, clock, issuer }: AssertionRooms): Assert {
  const kept = new WeakMap<Told, WeakMap<object, Kept>>()

  function sign(principal: Principal | null, server: Told, now: number): Promise<string> {
    const nonce = randomBytes(12).toString('base64url')
    return keys.sign(claimsOf(principal, { issuer: issuer(), audience: server.uid, wanted: server.claims, now, nonce }))
  }

  return (principal, server) => {
    let mine = kept.get(server)
    if (mine === undefined) {
      mine = new WeakMap()
      kept.set(server, mine)
    }
    const who = principal ?? PORTAL
    const known = mine.get(who)
    if (known instanceof Promise) return known
    const now = clock.now()
    if (known !== undefined && known.until > now) return known.value
    const signing = sign(principal, server, now)
    mine.set(who, signing)
    const statements = mine
    signing.then(
      (value) => void statements.set(who, { value, until: now + SHOWN_MS }),
      () => void statements.delete(who),
    )
    return signing
  }
}
