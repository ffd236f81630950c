/**
 * Which servers a caller has switched off for itself. In memory for the hot path, in the store for the truth; a set is
 * replaced, never changed, so that whoever holds one can tell by identity whether it is still right.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Store } from '../store/open.ts'
import { loadSwitchedOff, type SetBy, saveSwitches } from './session-store.ts'

export interface Toggles {
  /** The set if it is known, at once. @param owner `grant:<id>` or `session:<id>` */
  peek(owner: string): ReadonlySet<ServerUid> | undefined
  load(owner: string): Promise<ReadonlySet<ServerUid>>
  /**
   * Returns when the switches are in effect here; other replicas follow within a second. What a person switched off, a
   * model does not switch.
   * @returns those that were set
   */
  set(owner: string, switches: ReadonlyMap<ServerUid, boolean>, by: SetBy): Promise<readonly ServerUid[]>
  /** The memory of one whose session left it; the store keeps what it has. */
  forget(owner: string): void
  onChange(listener: () => void): void
}

const KEPT = 50_000
/** Nearly every caller; one set for all, so that a grant costs a map entry and no more. */
const NONE: ReadonlySet<ServerUid> = new Set()

export function openToggles(store: Store): Toggles {
  const known = new Map<string, ReadonlySet<ServerUid>>()
  const listeners: (() => void)[] = []
  let epoch = 0

  store.versions.changed('sessions', () => {
    epoch++
    known.clear()
    for (const listener of listeners) listener()
  })

  async function load(owner: string): Promise<ReadonlySet<ServerUid>> {
    const before = epoch
    const off = await loadSwitchedOff(store, owner)
    const set = off.length === 0 ? NONE : new Set(off)
    // What was read before a change must not be kept after it.
    if (epoch === before) {
      if (known.size >= KEPT) known.delete(known.keys().next().value ?? '')
      known.set(owner, set)
    }
    return set
  }

  return {
    peek: (owner) => known.get(owner),
    load,
    set: (owner, switches, by) => saveSwitches(store, owner, switches, by),
    forget: (owner) => void known.delete(owner),
    onChange: (listener) => void listeners.push(listener),
  }
}
