/** The audit's row of what the portal itself did: definitions of a server that it holds until an admin decides. */
import type { Audit } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import { type DeedId, newId, type ServerId } from '../base/ids.ts'
import type { HeldDefinition } from '../upstream/model.ts'

export const HOLD_METHOD = 'hold definitions'

/** A server may have thousands held at once; the API lists them all. */
const MOST_NAMES = 20
const LONGEST_NAME = 50

export function heldRecorder(audit: Pick<Audit, 'begin'>, clock: Clock) {
  return async (server: ServerId, held: readonly HeldDefinition[]): Promise<void> => {
    const names = held.slice(0, MOST_NAMES).map(({ kind, name }) => `${kind} ${name.slice(0, LONGEST_NAME)}`)
    const fields = held.length > MOST_NAMES ? [...names, `and ${held.length - MOST_NAMES} more`] : names
    const entry = await audit.begin({
      deed: newId<DeedId>(clock.now()),
      plane: 'admin',
      actor: { kind: 'system', id: 'sync', label: 'Portico' },
      method: HOLD_METHOD,
      server,
    })
    await entry.finish({ outcome: 'answered', change: { object: 'server', id: server, fields } })
  }
}
