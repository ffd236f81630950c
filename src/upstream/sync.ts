/**
 * Reading everything that a server offers and keeping it. A sync that fails keeps what was there: the server's status says
 * so, its lists stay. Nothing waits for a sync but whoever asked for it.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import type { Era, JsonObject } from '../protocol/model.ts'
import { countOf, DEPTH_KEY, MOST_PORTALS } from '../protocol/portal-chain.ts'
import type { Store } from '../store/open.ts'
import { readDefinitions } from './definitions.ts'
import type { Exchange } from './exchange.ts'
import type { HeldNotices } from './held-notices.ts'
import { withoutHidden } from './hidden-characters.ts'
import { changedKinds, definitionsOf, type Inventories } from './inventories.ts'
import { ADMIN, saveInventory } from './inventory-store.ts'
import { KINDS, listAll } from './list-all.ts'
import type { CapabilityKind, Definition, ErrorDetails, Inventory, ServerStatus, SyncResult } from './model.ts'
import { isNobodyThere, type Performer, perform } from './perform.ts'
import { pinInventory } from './pin-inventory.ts'
import { SHARED } from './pool.ts'
import { updateServerState } from './server-store.ts'
import type { ServerSetup } from './setup.ts'
import { detailsOf, Trouble, troubleOf } from './trouble.ts'

export interface SyncDeps {
  store: Store
  log: Log
  performer: Performer
  inventories: Inventories
  notices: HeldNotices
  /** The setup as it is now; a sync of an older one is thrown away. */
  setupOf(server: ServerUid): ServerSetup | undefined
}

/** @param only the kinds to read; the others stay as they are */
export async function syncServer(
  deps: SyncDeps,
  setup: ServerSetup,
  only: readonly CapabilityKind[] = KINDS,
): Promise<SyncResult> {
  const { uid } = setup.record
  if (setup.record.authType === 'oauth') return resultOf(deps, uid, 'waiting', null)
  let found: Inventory
  try {
    found = await readAll(deps, setup, only)
  } catch (error) {
    return fail(deps, setup, troubleOf(error))
  }
  if (deps.setupOf(uid) !== setup) return resultOf(deps, uid, 'waiting', null)
  await keep(deps, setup, found)
  return resultOf(deps, uid, 'ready', null)
}

async function readAll(deps: SyncDeps, setup: ServerSetup, only: readonly CapabilityKind[]): Promise<Inventory> {
  const { uid } = setup.record
  const { performer, inventories, log, store } = deps
  performer.pool.forgetOld(setup)
  const old = inventories.get(uid)
  const { era, capabilities, instructions } = await greet(deps, setup)
  const isWhole = old === undefined || only.length === KINDS.length
  let depth = isWhole ? 0 : depthOf(old)
  const onDepth = (came: number) => {
    depth = Math.max(depth, came)
  }
  const lists: Record<CapabilityKind, readonly Definition[]> = { tool: [], prompt: [], resource: [], template: [] }
  for (const kind of KINDS) {
    if (!only.includes(kind) && old !== undefined) {
      lists[kind] = definitionsOf(old, kind)
      continue
    }
    const ask = (exchange: Exchange) => perform(performer, { setup, key: SHARED, exchange })
    const items = await listAll(kind, capabilities, ask, onDepth)
    lists[kind] = await readDefinitions(kind, items, era, (name, reason) =>
      log.warn({ server: setup.record.id, kind, name, reason }, 'a definition of a server was left out'),
    )
  }
  if (depth > MOST_PORTALS) throw new Trouble('not-ready', 'its list came through too many portals', { hint: ROUND })
  const { tool: tools, prompt: prompts, resource: resources, template: templates } = lists
  const syncedAt = store.clock.now()
  return {
    serverUid: uid,
    credential: ADMIN,
    version: 0,
    era,
    capabilities: counted(capabilities, depth),
    tools,
    prompts,
    resources,
    templates,
    held: [],
    instructions: instructions && withoutHidden(instructions),
    syncedAt,
  }
}

const ROUND =
  '{server} is a portal, and what it lists has come through three portals already: it may have this one behind it. What it listed before stays. Take one of them out of the other.'

/** Kept with the capabilities; what the server itself declares under that name is no count. */
function counted({ [DEPTH_KEY]: _, ...declared }: JsonObject, depth: number): JsonObject {
  return depth === 0 ? declared : { ...declared, [DEPTH_KEY]: depth }
}

function depthOf({ capabilities }: Inventory): number {
  const depth = capabilities[DEPTH_KEY]
  return depth === undefined ? 0 : countOf(depth)
}

interface Greeting {
  era: Era
  capabilities: JsonObject
  instructions: string | null
}

/** Opens the connection with the patience that calls have, so that a server that is just starting is waited for. */
async function greet({ performer, setupOf }: SyncDeps, setup: ServerSetup): Promise<Greeting> {
  const deadline = performer.clock.elapsed() + performer.limits.refusedMs
  for (;;) {
    try {
      return await performer.pool.lease(setup, SHARED)
    } catch (error) {
      const trouble = troubleOf(error)
      const isOver = () => performer.clock.elapsed() > deadline || setupOf(setup.record.uid) !== setup
      // A child that ends in its handshake is not run in a loop.
      const isBroken = trouble.kind === 'lost' && setup.transport === null
      if (!(isBroken || trouble.kind === 'unsent') || isOver()) throw trouble
      await pause()
      if (isBroken || isNobodyThere(trouble)) continue
      // What is refused takes as long as what is dead, or the time would tell them apart.
      while (!isOver()) await pause()
      throw trouble
    }
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 250))
}

/** What is held is decided in the same transaction: a definition that waits is offered at no moment. */
async function keep({ store, inventories, notices }: SyncDeps, setup: ServerSetup, found: Inventory): Promise<void> {
  const { serverUid: uid } = found
  const old = inventories.get(uid)
  const isSame = old !== undefined && isUnchanged(old, found)
  const { saved, unraised } = await store.write(async (trx) => {
    const state = { status: 'ready', error: null, errorDetails: null } as const
    const times = { lastSynced: found.syncedAt, lastSuccessfulSync: found.syncedAt }
    await updateServerState(store, trx, uid, { ...state, ...times })
    // What is all as it was approved needs no second look.
    if (isSame && old.held.length === 0) return {}
    const judged = await pinInventory(store, trx, found)
    if (judged === undefined) return {}
    const next = { ...found, held: judged.held }
    const { unraised } = judged
    if (isSame && changedKinds(old, next).length === 0) return { unraised }
    return { saved: await saveInventory(store, trx, next), unraised }
  })
  const current = inventories.get(uid)
  if (saved === undefined) {
    if (isSame && current !== undefined) inventories.put({ ...current, syncedAt: found.syncedAt })
  } else if (current === undefined || current.version < saved.version) {
    // Otherwise the announcement of the write has brought it in, or a later one.
    inventories.put(saved)
  }
  if (unraised !== undefined) await notices.tell(setup.record, unraised)
}

function isUnchanged(old: Inventory, found: Inventory): boolean {
  if (old.era !== found.era || old.instructions !== found.instructions) return false
  // What is held of it is not known yet.
  if (changedKinds(old, { ...found, held: old.held }).length > 0) return false
  return JSON.stringify(old.capabilities) === JSON.stringify(found.capabilities)
}

/**
 * `stale` where lists from an earlier sync are still good to use and the failure may pass by itself; `error` otherwise.
 */
async function fail(deps: SyncDeps, setup: ServerSetup, trouble: Trouble): Promise<SyncResult> {
  const { uid, name, id } = setup.record
  const { error, details } = detailsOf(trouble, name)
  const isStale = details.retryable === true && deps.inventories.get(uid) !== undefined
  const status: ServerStatus = isStale ? 'stale' : 'error'
  deps.log.warn({ server: id, kind: trouble.kind, status: trouble.status, reason: trouble.message }, 'a sync failed')
  if (deps.setupOf(uid) === setup) {
    const lastSynced = deps.store.clock.now()
    await deps.store.write((trx) =>
      updateServerState(deps.store, trx, uid, { status, error, errorDetails: details, lastSynced }),
    )
  }
  return resultOf(deps, uid, status, { error, details })
}

function resultOf(
  { inventories }: SyncDeps,
  uid: ServerUid,
  status: ServerStatus,
  failure: { error: string; details: ErrorDetails } | null,
): SyncResult {
  const inventory = inventories.get(uid)
  const count = (kind: CapabilityKind) => (inventory === undefined ? 0 : definitionsOf(inventory, kind).length)
  return {
    status,
    error: failure?.error ?? null,
    errorDetails: failure?.details ?? null,
    counts: { tool: count('tool'), prompt: count('prompt'), resource: count('resource'), template: count('template') },
  }
}
