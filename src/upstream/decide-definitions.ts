/**
 * An admin's word on definitions. It holds for exactly the definitions that were seen: one that changed meanwhile, even in
 * one character, is another one. All of a request hold or none. What is rejected is hidden, also where it was approved; its
 * pin stays, so that whatever comes next is still held against what was approved last.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import { holdAnew, nameKey, type Standard } from './hold-anew.ts'
import { definitionsOf } from './inventories.ts'
import { readInventory, readLatestOwn, readOwnInventories } from './inventory-store.ts'
import { KINDS } from './list-all.ts'
import type { CapabilityKind, Definition, HeldDefinition, Inventory } from './model.ts'
import {
  breathe,
  dropHolds,
  type Hold,
  lockServer,
  type PinKey,
  pinKey,
  readHolds,
  readPinHashes,
  readPins,
  writeHolds,
  writePins,
} from './pin-store.ts'

export interface Choice {
  kind: CapabilityKind
  name: string
  hash: string
}

/** Why a choice does not hold: it is not listed any more, it is another one by now, or another one of its name is to be approved as well. */
export type Obstacle = { choice: Choice; problem: 'gone' | 'changed' | 'twice' }

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
/** A server that tells every account something else must not fill the memory; what is decided on makes room for the rest. */
const MOST_CANDIDATES = 60_000

/** @returns what stands in the way; where it is not empty, nothing was written */
export async function decideDefinitions(
  store: Store,
  trx: Trx,
  server: ServerUid,
  { verdict, choices, by }: Decision,
): Promise<Obstacle[]> {
  await lockServer(trx, server)
  const listed = Map.groupBy(await readCandidates(trx, server), nameOf)
  await addUnseen(trx, server, { choices, listed })
  const obstacles: Obstacle[] = []
  const chosen: Candidate[] = []
  /** One name has one pin. */
  const approved = new Map<string, string>()
  for (const choice of choices) {
    const key = nameKey(choice.kind, choice.name)
    const variants = listed.get(key) ?? []
    const candidate = variants.find(({ definition }) => definition.hash === choice.hash)
    if (candidate === undefined) {
      obstacles.push({ choice, problem: variants.length === 0 ? 'gone' : 'changed' })
      continue
    }
    if (verdict === 'approve' && (approved.get(key) ?? choice.hash) !== choice.hash)
      obstacles.push({ choice, problem: 'twice' })
    approved.set(key, choice.hash)
    chosen.push(candidate)
  }
  if (obstacles.length > 0) return obstacles
  if (verdict === 'approve') await approve(trx, server, chosen, { at: store.clock.now(), by })
  else await reject(trx, server, chosen, store.clock.now())
  await holdAnew(store, trx, server, { standards: await standardsOf(trx, server, chosen), except: null })
  return []
}

/** What was approved and only a person's own account has is not among what waits: it is looked for where an admin names it. */
async function addUnseen(
  trx: Trx,
  server: ServerUid,
  { choices, listed }: { choices: readonly Choice[]; listed: Map<string, Candidate[]> },
): Promise<void> {
  const isListed = ({ kind, name, hash }: Choice) =>
    listed.get(nameKey(kind, name))?.some(({ definition }) => definition.hash === hash) ?? false
  const missing = new Set(
    choices.filter((one) => !isListed(one)).map(({ kind, name, hash }) => `${kind}/${hash}/${name}`),
  )
  if (missing.size === 0) return
  for await (const some of readOwnInventories(trx, server)) {
    await breathe()
    for (const candidate of some.flatMap(candidatesOf)) {
      if (!missing.delete(variantOf(candidate))) continue
      const key = nameOf(candidate)
      listed.set(key, [...(listed.get(key) ?? []), candidate])
    }
    if (missing.size === 0) return
  }
}

/** What holds of the chosen names now that it is written. */
async function standardsOf(trx: Trx, server: ServerUid, chosen: readonly Candidate[]): Promise<Map<string, Standard>> {
  const keys = chosen.map((one) => pinKey(one.kind, one.definition.name))
  const [pins, holds] = [await readPins(trx, server, keys), await readHolds(trx, server)]
  return new Map(
    chosen.map((one, at) => {
      const key = keys[at] as PinKey
      return [nameOf(one), { pin: pins.get(key), rejected: holds.get(key)?.rejected ?? [] }]
    }),
  )
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
    const { since = now, changes = 1, raisedAt = now, rejected = [] } = next.get(key) ?? holds.get(key) ?? {}
    const all = [...rejected.filter((one) => one !== definition.hash), definition.hash]
    // The approved one is never forgotten: it would be offered again.
    const kept = all.filter((one, at) => one === pins.get(key) || at >= all.length - MOST_REJECTED)
    next.set(key, { hash: definition.hash, since, changes, raisedAt, rejected: kept })
  }
  await writeHolds(trx, server, next)
}

/**
 * All that an admin can decide on, once each: what the shared credential saw, or the person who was there last where there is none, and
 * whatever is held of anybody else's lists. One name may be there several times, for a server may tell each account something else.
 */
export async function readCandidates(db: Db, server: ServerUid): Promise<Candidate[]> {
  const base = (await readInventory(db, server)) ?? (await readLatestOwn(db, server))
  const candidates = base === undefined ? [] : candidatesOf(base)
  const seen = new Set(candidates.map(variantOf))
  for await (const some of readOwnInventories(db, server, 'held')) {
    await breathe()
    for (const candidate of some.flatMap(candidatesOf)) {
      const variant = variantOf(candidate)
      if (candidate.state === 'approved' || seen.has(variant)) continue
      if (candidates.length >= MOST_CANDIDATES) return candidates
      seen.add(variant)
      candidates.push(candidate)
    }
  }
  return candidates
}

/** Everything that one credential saw, in the server's own order, with what holds of it. */
function candidatesOf(inventory: Inventory): Candidate[] {
  const states = new Map(inventory.held.map(({ kind, name, state }) => [nameKey(kind, name), state]))
  return KINDS.flatMap((kind) =>
    definitionsOf(inventory, kind).map((definition): Candidate => {
      return { kind, definition, state: states.get(nameKey(kind, definition.name)) ?? 'approved' }
    }),
  )
}

function nameOf({ kind, definition }: Candidate): string {
  return nameKey(kind, definition.name)
}

function variantOf({ kind, definition }: Candidate): string {
  return `${kind}/${definition.hash}/${definition.name}`
}
