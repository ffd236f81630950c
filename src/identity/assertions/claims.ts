/**
 * What a server is told of who calls it, as claims of a JWT (RFC 7519). Nothing stands in it that no provider vouched for, and what is not
 * known is named as such: a server that keeps a group out must be able to tell "in none" from "not known".
 */
import type { Principal } from '../../base/principal.ts'

/** In seconds: long enough for a call that waits its turn, short enough that a stolen one is worth little. */
export const LIFE_SECONDS = 300
/** For a server whose clock is behind. */
const EARLY_SECONDS = 60
/** What goes beyond who it is: a header has to fit through every proxy on its way. */
const MOST_BYTES = 4096

/** How the portal calls itself, where a service token has its client id: no client id looks like it. */
export const PORTAL_NAME = 'portico'
/** The same for whom a bypass policy let in: never to be taken for the portal. */
export const ANONYMOUS_NAME = 'anonymous'

export interface Statement {
  issuer: string
  /** The server's own id, which another one never gets. */
  audience: string
  /** What the server asked for besides: `groups`, `amr`, and claims of the identity provider. */
  wanted: readonly string[]
  /** Milliseconds since 1970. */
  now: number
  nonce: string
}

/** @param principal null: the portal itself */
export function claimsOf(principal: Principal | null, about: Statement): Record<string, unknown> {
  const iat = Math.floor(about.now / 1000)
  return {
    aud: [about.audience],
    iss: about.issuer,
    iat,
    nbf: iat - EARLY_SECONDS,
    exp: iat + LIFE_SECONDS,
    type: 'app',
    identity_nonce: about.nonce,
    ...whoIs(principal),
    ...besides(principal, about.wanted),
  }
}

function whoIs(principal: Principal | null) {
  if (principal === null) return { sub: '', common_name: PORTAL_NAME }
  if (principal.kind === 'anonymous') return { sub: '', common_name: ANONYMOUS_NAME }
  if (principal.kind === 'service') return { sub: '', common_name: principal.clientId }
  return { sub: principal.id as string, ...(principal.email === null ? {} : { email: principal.email }) }
}

function besides(principal: Principal | null, wanted: readonly string[]): Record<string, unknown> {
  if (principal?.kind !== 'user' || wanted.length === 0) return {}
  const unknown: string[] = []
  const own: Record<string, unknown> = {}
  const custom: Record<string, unknown> = {}
  let room = MOST_BYTES
  for (const name of wanted) {
    const value = claimOf(principal, name)
    room -= value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value))
    if (value === undefined || room < 0) unknown.push(name)
    else if (name === 'groups' || name === 'amr') own[name] = value
    else custom[name] = value
  }
  return {
    ...own,
    ...(Object.keys(custom).length === 0 ? {} : { custom }),
    ...(unknown.length === 0 ? {} : { unknown_claims: unknown }),
  }
}

function claimOf({ identity }: Extract<Principal, { kind: 'user' }>, name: string): unknown {
  if (identity === null) return undefined
  if (name === 'groups') return identity.groups ?? undefined
  if (name === 'amr') return identity.amr
  return Object.hasOwn(identity.claims, name) ? identity.claims[name] : undefined
}
