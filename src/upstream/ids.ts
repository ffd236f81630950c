/**
 * Request ids, which are also the progress tokens. No caller's id ever goes upstream.
 */
import { randomInt } from 'node:crypto'

const LAST = 2 ** 31 - 1

/**
 * A counter for one connection. It begins anywhere, so that a server that confuses its own connections hands us an id we
 * do not know rather than one that is somebody else's; it stays within 31 bits for servers that count in them.
 */
export function newIds(): () => number {
  let next = randomInt(1, 2 ** 30)
  return () => {
    next = next === LAST ? 1 : next + 1
    return next
  }
}
