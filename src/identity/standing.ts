/**
 * Whether tokens that opened streams still stand. One revocation asks it of every open stream at once, so those who ask in one turn share
 * their questions to the database.
 */
import type { Clock } from '../base/clock.ts'
import type { Store } from '../store/open.ts'
import { findStanding } from './access-token-store.ts'

/** Both databases take so many parameters in one statement. */
const AT_ONCE = 500

/** @returns a function that takes the SHA-256 of a whole token, as hex */
export function openStanding(store: Store, clock: Clock): (digest: string) => Promise<boolean> {
  let asked: { digests: Set<string>; answer: Promise<ReadonlySet<string>> } | null = null

  async function answer(digests: ReadonlySet<string>): Promise<ReadonlySet<string>> {
    // Whoever asks in this turn is still taken along.
    await null
    asked = null
    const all = [...digests]
    const standing = new Set<string>()
    for (let from = 0; from < all.length; from += AT_ONCE) {
      const some = await findStanding(store.db, all.slice(from, from + AT_ONCE), clock.now())
      for (const digest of some) standing.add(digest)
    }
    return standing
  }

  return async (digest) => {
    if (asked === null) {
      const digests = new Set<string>()
      asked = { digests, answer: answer(digests) }
    }
    asked.digests.add(digest)
    return (await asked.answer).has(digest)
  }
}
