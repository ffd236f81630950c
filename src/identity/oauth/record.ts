/** What happened between a person, a client and the portal, for the audit: deeds of the plane `sign-in`. */
import type { DeedEnd } from '../../audit/event.ts'
import { type DeedId, newId } from '../../base/ids.ts'
import { currentContext } from './library.ts'
import type { OauthRooms } from './rooms.ts'

export interface OauthDeed {
  /** `allow client`, `renew`, `revoke grant`. */
  method: string
  /** Null where nobody is known. */
  who: { id: string; label: string } | null
  portal?: string
  client?: string
  /** Why not; done where it is not given. */
  error?: string
  change?: NonNullable<DeedEnd['change']>
}

/**
 * A client whose person is let in no more may ask over and over, so what is refused is written so often, and then counted.
 *
 * @throws Fault `audit-unavailable`
 */
export async function recordOauth(
  { audit, clock }: Pick<OauthRooms, 'audit' | 'clock'>,
  deed: OauthDeed,
): Promise<void> {
  const { method, who, portal, client, error, change } = deed
  if (error !== undefined && who !== null && !audit.mayWriteRefusal(who.id)) {
    return audit.refused('bad-client', currentContext()?.ip ?? '', { kind: 'user', ...who })
  }
  const entry = await audit.begin({
    deed: newId<DeedId>(clock.now()),
    plane: 'sign-in',
    actor: who === null ? { kind: 'unknown', id: '', label: '' } : { kind: 'user', ...who },
    method,
    ...(portal === undefined ? {} : { portal }),
    ...(client === undefined ? {} : { clientName: client }),
  })
  if (error === undefined)
    return entry.finish({ outcome: 'answered', decision: 'allow', ...(change ? { change } : {}) })
  return entry.finish({ outcome: 'refused', decision: 'deny', error })
}
