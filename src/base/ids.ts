/**
 * Typed ids and how new ones are made. This file imports no node module, because the console bundles it.
 */

declare const brand: unique symbol
type Id<Name extends string> = string & { readonly [brand]: Name }

/** A portal's public id, chosen by the admin, 1 to 32 characters. */
export type PortalId = Id<'PortalId'>
/** A server's public id, chosen by the admin; part of every public name. */
export type ServerId = Id<'ServerId'>
/** A server's internal id: a server that is deleted and created again under the same public id is another server. */
export type ServerUid = Id<'ServerUid'>
/** A portal's internal id, for the same reason. */
export type PortalUid = Id<'PortalUid'>
export type PolicyId = Id<'PolicyId'>
export type UserId = Id<'UserId'>
export type ServiceTokenId = Id<'ServiceTokenId'>
export type ApiTokenId = Id<'ApiTokenId'>
/** One client's authorization by one user; server toggles of 2026-era clients hang off it. */
export type GrantId = Id<'GrantId'>
export type SessionId = Id<'SessionId'>
/** One thing asked of the portal, as the audit names it. */
export type DeedId = Id<'DeedId'>

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

/**
 * A new id: 10 characters of milliseconds and 16 random ones (80 bits), so ids sort by creation. Crockford base 32, lower case (ULID).
 *
 * @param now milliseconds since 1970
 */
export function newId<T extends string>(now: number): T {
  let time = ''
  let rest = now
  for (let i = 0; i < 10; i++) {
    time = ALPHABET[rest % 32] + time
    rest = Math.floor(rest / 32)
  }
  const random = crypto.getRandomValues(new Uint8Array(16))
  let tail = ''
  for (const byte of random) tail += ALPHABET[byte % 32]
  return (time + tail) as T
}

/** A version 4 UUID, where the field's own API has UUIDs (policies, service tokens). */
export function newUuid<T extends string>(): T {
  return crypto.randomUUID() as string as T
}
