/**
 * Reading everything that a server offers to one credential, and keeping it. A sync that fails keeps what was there: its lists stay. How
 * the shared credential fares is the server's status; how a person's own does is nobody else's business, and no status. Nothing waits
 * for a sync but whoever asked for it.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Log } from '../base/log.ts'
import { ASKED_KINDS } from '../protocol/asked.ts'
import type { Era, JsonObject } from '../protocol/model.ts'
import { countOf, DEPTH_KEY, MOST_PORTALS } from '../protocol/portal-chain.ts'
import type { Db, Store } from '../store/open.ts'
import { readConnection } from './connections/connection-store.ts'
import { lockConnection } from './connections/lock-connection-store.ts'
import { ConnectionNeeded, type ConnectionRecord, type LiveCredential, type Owner } from './connections/model.ts'
import type { Watch } from './exchange.ts'
import type { HeldNotices } from './held-notices.ts'
import { withoutHidden } from './hidden-characters.ts'
import { changedKinds, definitionsOf, type Inventories } from './inventories.ts'
import { ADMIN, markSynced, readInventory, saveInventory } from './inventory-store.ts'
import { KINDS } from './list-all.ts'
import { type Lists, type Looks, NO_LISTS, neededIn, readBeside } from './look.ts'
import type { CapabilityKind, Definition, ErrorDetails, Inventory, ServerStatus, SyncResult } from './model.ts'
import { isNobodyThere, type Performer, Renewal } from './perform.ts'
import { pinInventory } from './pin-inventory.ts'
import { type ListReading, listKey, readList } from './read-list.ts'
import { redactGreeting } from './redact.ts'
import { updateServerState } from './server-store.ts'
import type { ServerSetup } from './setup.ts'
import { detailsOf, Trouble, troubleOf } from './trouble.ts'

/** What comes of a sync that there is nothing to read for. */
export const NO_SERVER: SyncResult = {
  status: 'waiting',
  error: null,
  errorDetails: null,
  counts: { tool: 0, prompt: 0, resource: 0, template: 0 },
}

export interface SyncDeps {
  store: Store
  log: Log
  performer: Performer
  watch: Watch
  inventories: Inventories
  notices: HeldNotices
  looks: Looks
  /** The setup as it is now; a sync of an older one is thrown away. */
  setupOf(server: ServerUid): ServerSetup | undefined
}

/**
 * @param credential whose lists are read
 * @param only the kinds to read; the others stay as they are
 */
export async function syncServer(
  deps: SyncDeps,
  setup: ServerSetup,
  credential: LiveCredential,
  only: readonly CapabilityKind[] = KINDS,
): Promise<SyncResult> {
  const { uid } = setup.record
  let found: Inventory
  // Before anything is asked: what this connection sees must not be kept for the one that takes its place meanwhile.
  const connection = await connectionOf(deps.store.db, uid, credential.inventory)
  try {
    found = await readAll(deps, { setup, credential }, only)
  } catch (error) {
    return await recordFailure(deps, { setup, credential }, error)
  }
  const whose = { uid, inventory: credential.inventory }
  if (deps.setupOf(uid) !== setup) return resultOf(deps, whose, 'waiting', null)
  if (credential.inventory === ADMIN) await keep(deps, setup, found)
  else if (!(await keepOwn(deps, setup, { found, connection }))) return resultOf(deps, whose, 'waiting', null)
  return resultOf(deps, whose, 'ready', null)
}

interface Reading {
  setup: ServerSetup
  credential: LiveCredential
}

async function readAll(deps: SyncDeps, reading: Reading, only: readonly CapabilityKind[]): Promise<Inventory> {
  const { setup, credential } = reading
  const { uid } = setup.record
  const { performer, inventories, store } = deps
  performer.pool.forgetOld(setup)
  const old = await inventories.read(uid, credential.inventory)
  const greeting = await greet(deps, reading)
  const { era } = greeting
  const capabilities = redactGreeting(greeting.capabilities, credential.secrets) ?? {}
  const instructions = redactGreeting(greeting.instructions, credential.secrets)
  const isWhole = old === null || only.length === KINDS.length
  let depth = isWhole ? 0 : depthOf(old)
  const onDepth = (came: number) => {
    depth = Math.max(depth, came)
  }
  const listing: ListReading = { setup, credential, era, capabilities, onDepth }
  const lists = await readLists(deps, listing, { old, only: isWhole ? KINDS : only })
  if (depth > MOST_PORTALS) throw new Trouble('not-ready', 'its list came through too many portals', { hint: ROUND })
  const { tool: tools, prompt: prompts, resource: resources, template: templates } = lists
  const syncedAt = store.clock.now()
  return {
    serverUid: uid,
    credential: credential.inventory,
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

/** What is listed to all, and behind it what is listed to some. */
async function readLists(
  deps: SyncDeps,
  reading: ListReading,
  { old, only }: { old: Inventory | null; only: readonly CapabilityKind[] },
): Promise<Lists> {
  const known: Lists = old === null ? NO_LISTS : listsOf(old)
  const lists: Record<CapabilityKind, readonly Definition[]> = { ...known }
  for (const kind of only) lists[kind] = await readList(deps, reading, kind)
  const bare: Lists = lists
  const isWhole = only.length === KINDS.length
  const now = () => deps.store.clock.now()
  const beside = isWhole
    ? await readBeside({ ...deps, now }, reading, { bare, old: known })
    : neededIn(known, bare, ASKED_KINDS)
  for (const kind of only) lists[kind] = [...lists[kind], ...beside[kind]]
  return lists
}

function listsOf({ tools, prompts, resources, templates }: Inventory): Lists {
  return { tool: tools, prompt: prompts, resource: resources, template: templates }
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
async function greet({ performer, setupOf }: SyncDeps, { setup, credential }: Reading): Promise<Greeting> {
  const seat = { key: listKey(credential), credential }
  const renewal = new Renewal({ exchange: null, credential })
  const deadline = performer.clock.elapsed() + performer.limits.refusedMs
  for (;;) {
    try {
      return await performer.pool.lease(setup, seat)
    } catch (error) {
      if (await renewal.mends({ error, headers: credential.headers })) continue
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
 * A person's own. Theirs is the connection that it was read with, as long as that is the one they have.
 *
 * @returns false where they have another by now, or none, and nothing was kept
 */
async function keepOwn(
  { store, inventories, notices }: SyncDeps,
  setup: ServerSetup,
  { found, connection }: { found: Inventory; connection: string | null },
): Promise<boolean> {
  const { serverUid: uid, credential } = found
  const outcome = await store.write(async (trx) => {
    // Held until this is stored: whoever connects another account meanwhile deletes what the old one saw, and must find it.
    if (!isTheirs(connection, await lockConnection(trx, uid, credential))) return null
    const judged = await pinInventory(store, trx, found)
    if (judged === undefined) return null
    const { held, unraised } = judged
    const next = { ...found, held }
    const old = await readInventory(trx, uid, credential)
    if (old !== undefined && isUnchanged(old, found) && changedKinds(old, next).length === 0) {
      await markSynced(trx, found)
      return { kept: { ...old, syncedAt: found.syncedAt }, unraised }
    }
    return { kept: await saveInventory(store, trx, next), unraised }
  })
  if (outcome?.kept === undefined) return false
  const { kept, unraised } = outcome
  const current = inventories.get(uid, credential)
  if ((current?.version ?? 0) <= kept.version) inventories.put(kept)
  await notices.tell(setup.record, unraised)
  return true
}

/** @param before its id when the reading began; one that the portal makes by itself may have been made for this reading */
function isTheirs(before: string | null, now: Pick<ConnectionRecord, 'id' | 'kind'> | undefined): boolean {
  if (now === undefined) return false
  return before === null ? now.kind === 'enterprise' : before === now.id
}

async function connectionOf(db: Db, uid: ServerUid, inventory: string): Promise<string | null> {
  if (inventory === ADMIN) return null
  return (await readConnection(db, uid, inventory as Owner))?.id ?? null
}

/**
 * `stale` where lists from an earlier sync are still good to use and the failure may pass by itself; `error` otherwise.
 */
export async function recordFailure(
  deps: SyncDeps,
  { setup, credential }: { setup: ServerSetup; credential: Pick<LiveCredential, 'inventory'> },
  error: unknown,
): Promise<SyncResult> {
  const { uid, name, id } = setup.record
  const { inventory } = credential
  const whose = { uid, inventory }
  if (error instanceof ConnectionNeeded) {
    deps.log.info({ server: id, need: error.need }, 'a sync with an account of its own needs its person')
    return resultOf(deps, whose, 'waiting', { error: error.message, details: { retryable: false } })
  }
  const trouble = troubleOf(error)
  const { error: sentence, details } = detailsOf(trouble, name)
  const isStale = details.retryable === true && (deps.inventories.get(uid, inventory) ?? null) !== null
  const status: ServerStatus = isStale ? 'stale' : 'error'
  const whoseLists = inventory === ADMIN ? 'shared' : 'own'
  deps.log.warn(
    { server: id, lists: whoseLists, kind: trouble.kind, status: trouble.status, reason: trouble.message },
    'a sync failed',
  )
  if (inventory === ADMIN && deps.setupOf(uid) === setup) {
    const lastSynced = deps.store.clock.now()
    await deps.store.write((trx) =>
      updateServerState(deps.store, trx, uid, { status, error: sentence, errorDetails: details, lastSynced }),
    )
  }
  return resultOf(deps, whose, status, { error: sentence, details })
}

function resultOf(
  { inventories }: SyncDeps,
  { uid, inventory: credential }: { uid: ServerUid; inventory: string },
  status: ServerStatus,
  failure: { error: string; details: ErrorDetails } | null,
): SyncResult {
  const inventory = inventories.get(uid, credential) ?? undefined
  const count = (kind: CapabilityKind) => (inventory === undefined ? 0 : definitionsOf(inventory, kind).length)
  return {
    status,
    error: failure?.error ?? null,
    errorDetails: failure?.details ?? null,
    counts: { tool: count('tool'), prompt: count('prompt'), resource: count('resource'), template: count('template') },
  }
}
