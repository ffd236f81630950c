/**
 * Another definition is approved, or one is rejected: what every other inventory of the server holds follows at once, whichever
 * credential fetched it. Without this, one person would go on being offered what an admin has just refused for all.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Store, Trx } from '../store/open.ts'
import { definitionsOf } from './inventories.ts'
import { ADMIN, readInventory, readOwnInventories, saveHeld } from './inventory-store.ts'
import { judge } from './judge-definition.ts'
import { KINDS } from './list-all.ts'
import type { CapabilityKind, Definition, HeldDefinition, Inventory } from './model.ts'
import { breathe } from './pin-store.ts'

/** What holds of one name from now on. */
export interface Standard {
  pin: { hash: string; json: string } | undefined
  /** Hashes that an admin rejected. */
  rejected: readonly string[]
}

/** By `nameKey`. */
export type Standards = ReadonlyMap<string, Standard>

export function nameKey(kind: CapabilityKind, name: string): string {
  return `${kind}/${name}`
}

/** @param except the inventory that the caller stores itself, by its credential; null for none */
export async function holdAnew(
  store: Store,
  trx: Trx,
  server: ServerUid,
  { standards, except }: { standards: Standards; except: string | null },
): Promise<void> {
  if (standards.size === 0) return
  const shared = await readInventory(trx, server)
  let isChanged = shared !== undefined && (await holdOne(trx, shared, { standards, except }))
  for await (const some of readOwnInventories(trx, server)) {
    await breathe()
    for (const one of some) isChanged = (await holdOne(trx, one, { standards, except })) || isChanged
  }
  if (isChanged) await store.versions.bump(trx, 'inventories')
}

async function holdOne(
  trx: Trx,
  inventory: Inventory,
  { standards, except }: { standards: Standards; except: string | null },
): Promise<boolean> {
  if (inventory.credential === except) return false
  const held = heldBy(inventory, standards)
  if (JSON.stringify(held) === JSON.stringify(inventory.held)) return false
  await saveHeld(trx, inventory, held)
  return true
}

/** What is held of an inventory now, in its own order. Names that no standard speaks of stay as they are. */
export function heldBy(inventory: Inventory, standards: Standards): HeldDefinition[] {
  const before = new Map(inventory.held.map((one) => [nameKey(one.kind, one.name), one.state]))
  return KINDS.flatMap((kind) =>
    definitionsOf(inventory, kind).flatMap((definition): HeldDefinition[] => {
      const key = nameKey(kind, definition.name)
      const standard = standards.get(key)
      const isOwn = kind === 'resource' && inventory.credential !== ADMIN
      const isJudged = standard !== undefined && !(isOwn && needsNoPin(definition, standard))
      const state = isJudged ? stateOf(kind, definition, standard) : before.get(key)
      return state === undefined ? [] : [{ kind, name: definition.name, state }]
    }),
  )
}

/** A person's own resource is held or not by the server's mode, as long as none of its name was ever approved for all. */
function needsNoPin({ hash }: Definition, { pin, rejected }: Standard): boolean {
  return pin === undefined && !rejected.includes(hash)
}

/** Nothing becomes a pin here: a file that only grew is as it was approved, and all else that differs waits. */
function stateOf(
  kind: CapabilityKind,
  definition: Definition,
  { pin, rejected }: Standard,
): HeldDefinition['state'] | undefined {
  const verdict = judge({
    kind,
    definition,
    pin,
    rejected,
    mode: 'hold_new',
    isFirst: false,
    isFull: true,
    isOwn: false,
  })
  return verdict === 'held' || verdict === 'rejected' ? verdict : undefined
}
