/**
 * What a sync found, held against the pins: what may becomes a pin, what may not is held and remembered, so that an admin
 * is told of it once and not at every sync. Every inventory passes here on its way into the store, whichever credential
 * fetched it.
 *
 * There is one pin a name for all. What a person's own credential saw never takes the place of one, where there are shared lists: a
 * server could otherwise show one account something else and have it pinned for everybody. Their resources take no pin at all.
 */
import type { Store, Trx } from '../store/open.ts'
import { holdAnew, nameKey, type Standard } from './hold-anew.ts'
import { definitionsOf } from './inventories.ts'
import { ADMIN, hasShared, readHeldOfOthers } from './inventory-store.ts'
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
  const { credential } = found
  const mayReplace = credential === ADMIN || !(await hasShared(trx, uid))
  const elsewhere = new Set((await readHeldOfOthers(trx, uid, credential)).map((one) => pinKey(one.kind, one.name)))
  const isOwn = credential !== ADMIN
  const known = { pins, holds, elsewhere, now, isOwn, mayReplace, size: hashes.size, ...server }
  const sorted = await sortOut(different, known)
  await writePins(trx, uid, sorted.pinned, { at: now, by: 'sync' })
  await writeHolds(trx, uid, sorted.holds)
  await dropHolds(trx, uid, settled(holds, sorted.held, elsewhere))
  if (server.pinnedAt === null) await markPinned(trx, uid, now)
  // A name that had no pin is offered nowhere but where it is a person's resource: else it concerns only those who had it held.
  const isNews = (key: PinKey) => hashes.has(key) || elsewhere.has(key) || listed.get(key)?.kind === 'resource'
  const news = new Map([...sorted.pinned].filter(([key]) => isNews(key)))
  await holdAnew(store, trx, uid, { standards: standardsOf(news, listed, holds), except: credential })
  return sorted
}

/** Of what was pinned now: what others list under these names is held against it. */
function standardsOf(
  pinned: ReadonlyMap<PinKey, Definition>,
  listed: ReadonlyMap<PinKey, Listed>,
  holds: ReadonlyMap<PinKey, Hold>,
): Map<string, Standard> {
  const standards = new Map<string, Standard>()
  for (const [key, pin] of pinned) {
    const one = listed.get(key)
    if (one !== undefined) standards.set(nameKey(one.kind, pin.name), { pin, rejected: holds.get(key)?.rejected ?? [] })
  }
  return standards
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
  /** What other credentials' lists hold. */
  elsewhere: ReadonlySet<PinKey>
  /** Whether they are one person's lists. */
  isOwn: boolean
  /** Whether what this credential saw may take the place of a pin by itself. */
  mayReplace: boolean
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
    const { pinnedAt, now, isOwn } = known
    const mode = known.mode === 'auto' && !known.mayReplace ? 'hold_changed' : known.mode
    const rejected = before?.rejected ?? []
    const background = { mode, isFirst: pinnedAt === null, isFull: size >= MAX_PINS, isOwn }
    const verdict = judge({ kind, definition, pin, rejected, ...background })
    if (verdict === 'approved') continue
    if (verdict === 'pin') {
      // As it was approved in all that says something to a model: a file of another size.
      if (pin !== undefined && !known.mayReplace) continue
      if (pin === undefined) size++
      pinned.set(key, definition)
      continue
    }
    const one: HeldDefinition = { kind, name: definition.name, state: verdict }
    held.push(one)
    if (verdict === 'rejected') continue
    const hold = remember(before, { hash: definition.hash, now, isElsewhere: known.elsewhere.has(key) })
    if (hold !== before) holds.set(key, hold)
    if (hold.raisedAt === null) unraised.set(key, one)
  }
  return { pinned, holds, held, unraised }
}

/**
 * One that waits already is counted, not raised again: a server may put the time of day into a description. Nor is it counted each time
 * that another credential sees another one.
 */
function remember(
  before: Hold | undefined,
  { hash, now, isElsewhere }: { hash: string; now: number; isElsewhere: boolean },
): Hold {
  if (before === undefined) return { hash, since: now, changes: 1, raisedAt: null, rejected: [] }
  if (before.hash === hash) return before
  const wasRejected = before.rejected.includes(before.hash)
  if (wasRejected) return { ...before, hash, since: now, changes: 1, raisedAt: null }
  if (isElsewhere) return before
  return { ...before, hash, changes: before.changes + 1 }
}

/** Holds that nothing stands behind any more. What an admin rejected is remembered; it may come back. */
function settled(
  holds: ReadonlyMap<PinKey, Hold>,
  held: readonly HeldDefinition[],
  elsewhere: ReadonlySet<PinKey>,
): PinKey[] {
  const current = new Set(held.map(({ kind, name }) => pinKey(kind, name)))
  const isOver = (key: PinKey) => !current.has(key) && !elsewhere.has(key) && holds.get(key)?.rejected.length === 0
  return [...holds.keys()].filter(isOver)
}
