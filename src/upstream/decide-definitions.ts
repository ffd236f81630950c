/**
 * An admin's word on definitions. It holds for exactly the definitions that were seen: one that changed meanwhile, even in
 * one character, is another one. All of a request hold or none. What is rejected is hidden, also where it was approved; its
 * pin stays, so that whatever comes next is still held against what was approved last.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Store, Trx } from '../store/open.ts'
import { definitionsOf } from './inventories.ts'
import { readInventory, saveInventory } from './inventory-store.ts'
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

/** Why a choice does not hold: it is not listed any more, or it is another one by now. */
export type Obstacle = { choice: Choice; problem: 'gone' | 'changed' }

export interface Decision {
  verdict: 'approve' | 'reject'
  choices: readonly Choice[]
  /** Who decides, as it is shown. */
  by: string
}

/** A definition as an admin decides on it. */
export interface Candidate {
  kind: CapabilityKind
  definition: Definition
  state: 'approved' | HeldDefinition['state']
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
  const listed = new Map((inventory ? candidatesOf(inventory) : []).map((one) => [nameOf(one), one]))
  const obstacles: Obstacle[] = []
  const chosen: Candidate[] = []
  for (const choice of choices) {
    const candidate = listed.get(`${choice.kind}/${choice.name}`)
    if (candidate === undefined) obstacles.push({ choice, problem: 'gone' })
    else if (candidate.definition.hash !== choice.hash) obstacles.push({ choice, problem: 'changed' })
    else chosen.push(candidate)
  }
  if (obstacles.length > 0 || inventory === undefined) return obstacles
  if (verdict === 'approve') await approve(trx, server, chosen, { at: store.clock.now(), by })
  else await reject(trx, server, chosen, store.clock.now())
  const states = new Map(chosen.map((one) => [nameOf(one), verdict === 'approve' ? 'approved' : 'rejected'] as const))
  const held = [...listed.values()].flatMap((one): HeldDefinition[] => {
    const state = states.get(nameOf(one)) ?? one.state
    return state === 'approved' ? [] : [{ kind: one.kind, name: one.definition.name, state }]
  })
  await saveInventory(store, trx, { ...inventory, held })
  return []
}

async function approve(
  trx: Trx,
  server: ServerUid,
  chosen: readonly Candidate[],
  approval: { at: number; by: string },
): Promise<void> {
  const holds = await readHolds(trx, server)
  const pins = new Map<PinKey, Definition>()
  const kept = new Map<PinKey, Hold>()
  const settled: PinKey[] = []
  for (const { kind, definition, state } of chosen) {
    // Who approved it first stays the one who did.
    if (state === 'approved') continue
    const key = pinKey(kind, definition.name)
    pins.set(key, definition)
    const hold = holds.get(key)
    const rejected = hold?.rejected.filter((one) => one !== definition.hash) ?? []
    if (hold !== undefined && rejected.length > 0) kept.set(key, { ...hold, rejected })
    else settled.push(key)
  }
  await writePins(trx, server, pins, approval)
  await dropHolds(trx, server, settled)
  await writeHolds(trx, server, kept)
}

async function reject(trx: Trx, server: ServerUid, chosen: readonly Candidate[], now: number): Promise<void> {
  const holds = await readHolds(trx, server)
  const pins = await readPinHashes(trx, server)
  const next = new Map<PinKey, Hold>()
  for (const { kind, definition } of chosen) {
    const key = pinKey(kind, definition.name)
    const { since = now, changes = 1, raisedAt = now, rejected = [] } = holds.get(key) ?? {}
    const all = [...rejected.filter((one) => one !== definition.hash), definition.hash]
    // The approved one is never forgotten: it would be offered again.
    const kept = all.filter((one, at) => one === pins.get(key) || at >= all.length - MOST_REJECTED)
    next.set(key, { hash: definition.hash, since, changes, raisedAt, rejected: kept })
  }
  await writeHolds(trx, server, next)
}

/** Everything that the server lists, in its own order, with what holds of it. */
export function candidatesOf(inventory: Inventory): Candidate[] {
  const states = new Map(inventory.held.map(({ kind, name, state }) => [`${kind}/${name}`, state]))
  return KINDS.flatMap((kind) =>
    definitionsOf(inventory, kind).map((definition): Candidate => {
      return { kind, definition, state: states.get(`${kind}/${definition.name}`) ?? 'approved' }
    }),
  )
}

function nameOf({ kind, definition }: Candidate): string {
  return `${kind}/${definition.name}`
}
