/**
 * Tells of definitions that were held: a line in the log, and the audit through a function that is given. Each is told
 * once; a server that has ever new ones held is told of at most ten times an hour, and then of all that came together.
 */
import type { Clock } from '../base/clock.ts'
import type { ServerId, ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Store } from '../store/open.ts'
import type { HeldDefinition } from './model.ts'
import { markRaised, type PinKey } from './pin-store.ts'

/** Keeps it where the audit is. @throws where it could not be kept; it is told again with the next sync */
export type RecordHeld = (server: ServerId, held: readonly HeldDefinition[]) => Promise<void>

const MOST = 10
const HOUR_MS = 3_600_000

export class HeldNotices {
  readonly #deps: { store: Store; clock: Clock; log: Log; record: RecordHeld }
  readonly #told = new Map<ServerUid, number[]>()

  constructor(deps: { store: Store; clock: Clock; log: Log; record: RecordHeld }) {
    this.#deps = deps
  }

  async tell(server: { uid: ServerUid; id: ServerId }, unraised: ReadonlyMap<PinKey, HeldDefinition>): Promise<void> {
    const { store, clock, log, record } = this.#deps
    const now = clock.now()
    const told = (this.#told.get(server.uid) ?? []).filter((at) => now - at < HOUR_MS)
    if (unraised.size === 0 || told.length >= MOST) return
    this.#told.set(server.uid, [...told, now])
    const held = [...unraised.values()]
    const names = held.slice(0, 20).map(({ kind, name }) => `${kind} ${name.slice(0, 128)}`)
    log.warn(
      { server: server.id, count: held.length, names },
      'definitions of a server are held until an admin decides',
    )
    try {
      await record(server.id, held)
      await store.write((trx) => markRaised(trx, server.uid, [...unraised.keys()], now))
    } catch (err) {
      // They are held all the same, and unraised: the next sync tells of them.
      log.error({ err, server: server.id }, 'held definitions could not be told of')
    }
  }
}
