/**
 * What a sync found, held against the pins: what may becomes a pin, what may not is held and remembered, so that an admin
 * is told of it once and not at every sync. Every inventory passes here on its way into the store, whichever credential
 * fetched it; nothing else says what is held.
 */
import type { Store, Trx } from '../store/open.ts'
import { definitionsOf } from './inventories.ts'
import { judge } from './judge-definition.ts'
import { KINDS } from './list-all.ts'
import type { CapabilityKind, Definition, HeldDefinition, Inventory } from './model.ts'
import {
  breathe,
  dropHolds,
  type Hold,
  lockServer,
  markPinned,
  type Pin,
  type PinKey,
  pinKey,
  readHolds,
  readPinHashes,
  readPins,
  writeHolds,
  writePins,
} from './pin-store.ts'

/** Names that are pinned by themselves for one server. A server that shows ever new ones must not fill the database. */
export const MAX_PINS = 50_000

/** Definitions that are judged in one turn: callers must not wait for ten thousand. */
const AT_ONCE = 200

export interface Judged {
  held: readonly HeldDefinition[]
  /** Held, and the audit does not know yet. */
  unraised: ReadonlyMap<PinKey, HeldDefinition>
}

interface Listed {
  kind: CapabilityKind
  definition: Definition
}

/** @returns undefined when the server is gone */
export async function pinInventory(store: Store, trx: Trx, found: Inventory): Promise<Judged | undefined> {
  const { serverUid: uid } = found
  const server = await lockServer(trx, uid)
  if (server === undefined) return undefined
  const listed = listedByKey(found)
  const hashes = await readPinHashes(trx, uid)
  const holds = await readHolds(trx, uid)
  const different = [...listed].filter(
    ([
      key,
      {
        definition: { hash },
      },
    ]) => {
      return hashes.get(key) !== hash || holds.get(key)?.rejected.includes(hash) === true
    },
  )
  const pins = await readPins(
    trx,
    uid,
    different.map(([key]) => key),
  )
  const now = store.clock.now()
  const sorted = await sortOut(different, { pins, holds, now, size: hashes.size, ...server })
  await writePins(trx, uid, sorted.pinned, { at: now, by: 'sync' })
  await writeHolds(trx, uid, sorted.holds)
  await dropHolds(trx, uid, settled(holds, sorted.held))
  if (server.pinnedAt === null) await markPinned(trx, uid, now)
  return sorted
}

function listedByKey(found: Inventory): Map<PinKey, Listed> {
  const listed = new Map<PinKey, Listed>()
  for (const kind of KINDS)
    for (const definition of definitionsOf(found, kind)) listed.set(pinKey(kind, definition.name), { kind, definition })
  return listed
}

interface Known {
  pins: ReadonlyMap<PinKey, Pin>
  holds: ReadonlyMap<PinKey, Hold>
  mode: Parameters<typeof judge>[0]['mode']
  pinnedAt: number | null
  /** How many names are pinned. */
  size: number
  now: number
}

interface Sorted extends Judged {
  pinned: Map<PinKey, Definition>
  /** As they are to be remembered. */
  holds: Map<PinKey, Hold>
}

async function sortOut(different: readonly [PinKey, Listed][], known: Known): Promise<Sorted> {
  const pinned = new Map<PinKey, Definition>()
  const holds = new Map<PinKey, Hold>()
  const held: HeldDefinition[] = []
  const unraised = new Map<PinKey, HeldDefinition>()
  let size = known.size
  let looked = 0
  for (const [key, { kind, definition }] of different) {
    if (++looked % AT_ONCE === 0) await breathe()
    const before = known.holds.get(key)
    const pin = known.pins.get(key)
    const { mode, pinnedAt, now } = known
    const rejected = before?.rejected ?? []
    const question = { kind, definition, pin, rejected, mode, isFirst: pinnedAt === null, isFull: size >= MAX_PINS }
    const verdict = judge(question)
    if (verdict === 'approved') continue
    if (verdict === 'pin') {
      if (pin === undefined) size++
      pinned.set(key, definition)
      continue
    }
    const one: HeldDefinition = { kind, name: definition.name, state: verdict }
    held.push(one)
    if (verdict === 'rejected') continue
    const hold = remember(before, definition.hash, now)
    if (hold !== before) holds.set(key, hold)
    if (hold.raisedAt === null) unraised.set(key, one)
  }
  return { pinned, holds, held, unraised }
}

/** One that waits already is counted, not raised again: a server may put the time of day into a description. */
function remember(before: Hold | undefined, hash: string, now: number): Hold {
  if (before === undefined) return { hash, since: now, changes: 1, raisedAt: null, rejected: [] }
  if (before.hash === hash) return before
  const wasRejected = before.rejected.includes(before.hash)
  if (wasRejected) return { ...before, hash, since: now, changes: 1, raisedAt: null }
  return { ...before, hash, changes: before.changes + 1 }
}

/** Holds that nothing stands behind any more. What an admin rejected is remembered; it may come back. */
function settled(holds: ReadonlyMap<PinKey, Hold>, held: readonly HeldDefinition[]): PinKey[] {
  const current = new Set(held.map(({ kind, name }) => pinKey(kind, name)))
  return [...holds.keys()].filter((key) => !current.has(key) && holds.get(key)?.rejected.length === 0)
}
