/**
 * An admin's word on definitions that wait. It holds for exactly the definitions that were seen: one that changed
 * meanwhile, even in one character, is another one. All of a request hold or none.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Store, Trx } from '../store/open.ts'
import { definitionsOf } from './inventories.ts'
import { ADMIN, readInventory, saveInventory } from './inventory-store.ts'
import { KINDS } from './list-all.ts'
import type { CapabilityKind, Definition, HeldDefinition, Inventory } from './model.ts'
import {
  dropHolds,
  type Hold,
  lockServer,
  type PinKey,
  pinKey,
  readHolds,
  readPinHashes,
  writeHolds,
  writePins,
} from './pin-store.ts'

export interface Choice {
  kind: CapabilityKind
  name: string
  hash: string
}

/** Why a choice does not hold: it is not listed, it is another one by now, or it is approved and can only be disabled. */
export type Obstacle = { choice: Choice; problem: 'gone' | 'changed' | 'approved' }

export interface Decision {
  verdict: 'approve' | 'reject'
  choices: readonly Choice[]
  /** Who decides, as it is shown. */
  by: string
}

/** Rejected hashes under one name; the oldest go. */
const MOST_REJECTED = 50

/** @returns what stands in the way; where it is not empty, nothing was written */
export async function decideDefinitions(
  store: Store,
  trx: Trx,
  server: ServerUid,
  { verdict, choices, by }: Decision,
): Promise<Obstacle[]> {
  await lockServer(trx, server)
  const inventory = await readInventory(trx, server)
  const pins = await readPinHashes(trx, server)
  const chosen = new Map<PinKey, Definition>()
  const obstacles = choices.flatMap((choice): Obstacle[] => {
    const key = pinKey(choice.kind, choice.name)
    const definition = inventory && definitionsOf(inventory, choice.kind).find(({ name }) => name === choice.name)
    if (definition === undefined) return [{ choice, problem: 'gone' }]
    if (definition.hash !== choice.hash) return [{ choice, problem: 'changed' }]
    const isApproved = pins.get(key) === definition.hash
    if (isApproved && verdict === 'reject') return [{ choice, problem: 'approved' }]
    if (!isApproved) chosen.set(key, definition)
    return []
  })
  if (obstacles.length > 0 || inventory === undefined || chosen.size === 0) return obstacles
  if (verdict === 'approve') await approve(trx, server, chosen, { at: store.clock.now(), by })
  else await reject(trx, server, chosen, store.clock.now())
  await saveInventory(store, trx, { ...inventory, credential: ADMIN, held: heldAfter(inventory, verdict, chosen) })
  return []
}

async function approve(
  trx: Trx,
  server: ServerUid,
  chosen: ReadonlyMap<PinKey, Definition>,
  approval: { at: number; by: string },
): Promise<void> {
  await writePins(trx, server, chosen, approval)
  const holds = await readHolds(trx, server)
  const kept = new Map<PinKey, Hold>()
  for (const [key, { hash }] of chosen) {
    const hold = holds.get(key)
    const rejected = hold?.rejected.filter((one) => one !== hash) ?? []
    if (hold !== undefined && rejected.length > 0) kept.set(key, { ...hold, rejected })
  }
  await dropHolds(
    trx,
    server,
    [...chosen.keys()].filter((key) => !kept.has(key)),
  )
  await writeHolds(trx, server, kept)
}

async function reject(
  trx: Trx,
  server: ServerUid,
  chosen: ReadonlyMap<PinKey, Definition>,
  now: number,
): Promise<void> {
  const holds = await readHolds(trx, server)
  const next = new Map<PinKey, Hold>()
  for (const [key, { hash }] of chosen) {
    const { since = now, changes = 1, raisedAt = now, rejected = [] } = holds.get(key) ?? {}
    const all = [...rejected.filter((one) => one !== hash), hash].slice(-MOST_REJECTED)
    next.set(key, { hash, since, changes, raisedAt, rejected: all })
  }
  await writeHolds(trx, server, next)
}

function heldAfter(
  inventory: Inventory,
  verdict: Decision['verdict'],
  chosen: ReadonlyMap<PinKey, Definition>,
): HeldDefinition[] {
  return inventory.held.flatMap((one) => {
    if (!chosen.has(pinKey(one.kind, one.name))) return [one]
    return verdict === 'approve' ? [] : [{ ...one, state: 'rejected' as const }]
  })
}

/** A definition as an admin decides on it. */
export interface Candidate {
  kind: CapabilityKind
  definition: Definition
  state: 'approved' | HeldDefinition['state']
}

/** Everything that the server lists, in its own order, with what holds of it. */
export function candidatesOf(inventory: Inventory): Candidate[] {
  const states = new Map(inventory.held.map(({ kind, name, state }) => [pinKey(kind, name), state]))
  return KINDS.flatMap((kind) =>
    definitionsOf(inventory, kind).map((definition): Candidate => {
      // Nothing is hashed where nothing is held.
      const state = states.size === 0 ? undefined : states.get(pinKey(kind, definition.name))
      return { kind, definition, state: state ?? 'approved' }
    }),
  )
}
