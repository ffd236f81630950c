/**
 * Connections of one key that differ in what their callers can be asked. The handshake of 2025 declares it for good, so each set has a
 * connection of its own; a server of 2026 is told with each request, and has one for all.
 */
import { type Askable, fingerprintOf, NOTHING_ASKABLE } from '../protocol/asked.ts'
import type { Era } from '../protocol/model.ts'

/** Behind the key of a connection whose callers can be asked something, before what that is. */
const ASKED = '#'
/** The same of a connection that nobody calls on. */
const LOOKED = '#?'

export interface Placing {
  /** As `keyOf` says. */
  key: string
  /** What the caller can be asked; left out: nothing. */
  askable?: Askable | undefined
  /** To see what is listed to who can be asked so: a connection apart, which `Pool.endLook` ends, and for which no child makes room. */
  isLook?: boolean | undefined
}

/** @param era of the server, null where it is not known */
export function placeAt(era: Era | null, { key, askable = NOTHING_ASKABLE, isLook = false }: Placing): string {
  if (askable === NOTHING_ASKABLE || era === '2026') return key
  const fingerprint = fingerprintOf(askable)
  return fingerprint === '' ? key : `${key}${isLook ? LOOKED : ASKED}${fingerprint}`
}

/** The key that it is a place of. */
export function keyIn(place: string): string {
  return place.split(ASKED, 1)[0] ?? place
}

/** Whether it is one of these. */
export function isPlaceOf(key: string, place: string): boolean {
  return place === key || place.startsWith(`${key}${ASKED}`)
}

/** Whether who calls on the connection of this place can be asked something. */
export function isAskedPlace(place: string): boolean {
  return place.includes(ASKED)
}
