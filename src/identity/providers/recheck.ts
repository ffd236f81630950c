/**
 * Asking a provider again about somebody who signed in earlier, with the refresh token that it gave then. Which replica asks is settled in
 * the store, because a refresh token that is used twice at once looks stolen to many providers.
 */
import type { Log } from '../../base/log.ts'
import type { SignInRooms } from '../complete-sign-in.ts'
import { readForRecheck, readIdentity, takeRecheck, updateFacts } from '../identity-store.ts'
import { problemOf } from './problem.ts'
import { endWhatCameThrough } from './provider-store.ts'
import type { Way } from './way.ts'

/** `unknown`: the provider did not say, or there is nothing to ask it with. */
export type Verdict = 'still' | 'gone' | 'unknown'

export const RECHECK_MS = 10 * 60_000
const MOST_KEPT = 10_000

export type RecheckRooms = Pick<SignInRooms, 'store' | 'sealer' | 'clock'> & { log: Log }

export function openRecheck(
  rooms: RecheckRooms,
  wayOf: (providerId: string) => Way | null,
): (identityId: string) => Promise<Verdict> {
  /** What this process heard last of whom it asked, so that the next ten minutes hear the same. */
  const last = new Map<string, Verdict>()
  const asking = new Map<string, Promise<Verdict>>()

  async function ask(identityId: string): Promise<Verdict> {
    const { store, sealer, clock } = rooms
    const identity = await readForRecheck(store.db, sealer, identityId)
    if (identity === undefined) return 'gone'
    const way = wayOf(identity.provider)
    const { refreshToken } = identity
    if (way === null || refreshToken === null) return 'unknown'
    if (clock.now() - identity.checkedAt < RECHECK_MS) return last.get(identityId) ?? 'still'
    const at = await store.write((trx) => takeRecheck(store, trx, identityId, identity.checkedAt))
    if (at === null) return 'still'
    const { verdict } = await hear(rooms, way, { id: identityId, subject: identity.subject, refreshToken, at })
    if (last.size >= MOST_KEPT) last.clear()
    last.set(identityId, verdict)
    return verdict
  }

  return (identityId) => {
    const running = asking.get(identityId)
    if (running !== undefined) return running
    const begun = ask(identityId).finally(() => asking.delete(identityId))
    asking.set(identityId, begun)
    return begun
  }
}

interface Asked {
  id: string
  subject: string
  refreshToken: string
  /** When it was taken: whoever signs in meanwhile is not touched by what comes of this. */
  at: number
}

export interface Heard {
  verdict: Verdict
  /** Where a new one came. */
  idToken: string | null
}

/** Only by whoever took the check (`takeRecheck`): the refresh token is shown. */
export async function hear(
  { store, sealer, log }: RecheckRooms,
  way: Way,
  { id, subject, refreshToken, at }: Asked,
): Promise<Heard> {
  try {
    const renewed = await way.renew(refreshToken, subject)
    await store.write((trx) => updateFacts({ store, trx, sealer }, { id, at }, renewed))
    return { verdict: 'still', idToken: renewed.idToken }
  } catch (error) {
    const { reason, message, code } = problemOf(error)
    log.warn({ reason, detail: message }, 'an identity provider did not vouch again for somebody who had signed in')
    if (code !== 'invalid_grant') return { verdict: 'unknown', idToken: null }
    const verdict = await store.write(async (trx): Promise<Verdict> => {
      if ((await readIdentity(trx, id))?.checkedAt !== at) return 'still'
      await endWhatCameThrough(store, trx, { identity: id })
      return 'gone'
    })
    return { verdict, idToken: null }
  }
}
