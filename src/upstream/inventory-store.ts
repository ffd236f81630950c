/**
 * Inventories at rest: what one credential saw at one server, whole.
 */
import type { ServerUid } from '../base/ids.ts'
import { fromJson } from '../store/columns.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { InventoryRow } from '../store/tables.ts'
import type { HeldDefinition, Inventory } from './model.ts'

/** The server's shared credential. */
export const ADMIN = 'admin'

/** Names an inventory of one person in memory. */
export type OwnKey = `${ServerUid} ${string}`

/** Rows in one statement; inventories may be large, so only a few are ever in memory for one decision. */
const BATCH = 500
const FEW = 16

/** The versions of all shared ones, to see what changed without reading it all. */
export async function listInventoryVersions(db: Db): Promise<Map<ServerUid, number>> {
  const rows = await db
    .selectFrom('inventories')
    .select(['server_uid', 'version'])
    .where('credential', '=', ADMIN)
    .execute()
  return new Map(rows.map((row) => [row.server_uid as ServerUid, row.version]))
}

/** The same of some people's. */
export async function listOwnVersions(db: Db, credentials: readonly string[]): Promise<Map<OwnKey, number>> {
  const versions = new Map<OwnKey, number>()
  for (let at = 0; at < credentials.length; at += BATCH) {
    const rows = await db
      .selectFrom('inventories')
      .select(['server_uid', 'credential', 'version'])
      .where('credential', 'in', credentials.slice(at, at + BATCH))
      .execute()
    for (const row of rows) versions.set(ownKey(row.server_uid as ServerUid, row.credential), row.version)
  }
  return versions
}

export function ownKey(server: ServerUid, credential: string): OwnKey {
  return `${server} ${credential}`
}

export async function readInventory(
  db: Db,
  server: ServerUid,
  credential: string = ADMIN,
): Promise<Inventory | undefined> {
  const row = await db
    .selectFrom('inventories')
    .selectAll()
    .where('server_uid', '=', server)
    .where('credential', '=', credential)
    .executeTakeFirst()
  return row && toInventory(row)
}

/**
 * People's own inventories of one server, a few at a time.
 *
 * @param which `held`: only those of which something is held
 */
export async function* readOwnInventories(
  db: Db,
  server: ServerUid,
  which: 'all' | 'held' = 'all',
): AsyncIterable<Inventory[]> {
  for (let after = ''; ; ) {
    let query = db
      .selectFrom('inventories')
      .selectAll()
      .where('server_uid', '=', server)
      .where('credential', '!=', ADMIN)
      .where('credential', '>', after)
    if (which === 'held') query = query.where('held', '!=', '[]')
    const rows = await query.orderBy('credential').limit(FEW).execute()
    if (rows.length > 0) yield rows.map(toInventory)
    if (rows.length < FEW) return
    after = rows.at(-1)?.credential ?? ''
  }
}

/** What is held of one server's other inventories: only the names, of whichever credential. */
export async function readHeldOfOthers(db: Db, server: ServerUid, credential: string): Promise<HeldDefinition[]> {
  const rows = await db
    .selectFrom('inventories')
    .select('held')
    .where('server_uid', '=', server)
    .where('credential', '!=', credential)
    .where('held', '!=', '[]')
    .execute()
  return rows.flatMap(({ held }) => fromJson<HeldDefinition[]>(held))
}

/** The credential whose lists are shown where there are no shared ones: that of the last sync, or undefined where there is none. */
export async function readLatestOwn(db: Db, server: ServerUid): Promise<Inventory | undefined> {
  const row = await db
    .selectFrom('inventories')
    .selectAll()
    .where('server_uid', '=', server)
    .where('credential', '!=', ADMIN)
    .orderBy('synced_at', 'desc')
    .limit(1)
    .executeTakeFirst()
  return row && toInventory(row)
}

/** Whether the shared credential has lists. */
export async function hasShared(db: Db, server: ServerUid): Promise<boolean> {
  const row = await db
    .selectFrom('inventories')
    .select('version')
    .where('server_uid', '=', server)
    .where('credential', '=', ADMIN)
    .executeTakeFirst()
  return row !== undefined
}

/**
 * @param found its `version` is ignored
 * @returns what is stored now, or undefined when the server is gone
 */
export async function saveInventory(store: Store, trx: Trx, found: Inventory): Promise<Inventory | undefined> {
  const server = await trx.selectFrom('servers').select('uid').where('uid', '=', found.serverUid).executeTakeFirst()
  if (server === undefined) return undefined
  const old = await trx
    .selectFrom('inventories')
    .select('version')
    .where('server_uid', '=', found.serverUid)
    .where('credential', '=', found.credential)
    .executeTakeFirst()
  // From the clock, so that an inventory that was deleted and made again never has a version that a replica has seen.
  const saved: Inventory = { ...found, version: Math.max((old?.version ?? 0) + 1, found.syncedAt) }
  const { server_uid, credential, ...content } = toRow(saved)
  await trx
    .insertInto('inventories')
    .values({ server_uid, credential, ...content })
    .onConflict((conflict) => conflict.columns(['server_uid', 'credential']).doUpdateSet(content))
    .execute()
  await store.versions.bump(trx, 'inventories')
  return saved
}

/** Other definitions of it are held than before; what it lists stays. The caller bumps `inventories`. */
export async function saveHeld(trx: Trx, inventory: Inventory, held: readonly HeldDefinition[]): Promise<void> {
  await trx
    .updateTable('inventories')
    .set({ held: JSON.stringify(held), version: inventory.version + 1 })
    .where('server_uid', '=', inventory.serverUid)
    .where('credential', '=', inventory.credential)
    .execute()
}

/** It was read again and is as it was: no change that anybody would have to follow. */
export async function markSynced(trx: Trx, { serverUid, credential, syncedAt }: Inventory): Promise<void> {
  await trx
    .updateTable('inventories')
    .set({ synced_at: syncedAt })
    .where('server_uid', '=', serverUid)
    .where('credential', '=', credential)
    .execute()
}

function toRow(inventory: Inventory): InventoryRow {
  return {
    server_uid: inventory.serverUid,
    credential: inventory.credential,
    version: inventory.version,
    era: inventory.era,
    capabilities: JSON.stringify(inventory.capabilities),
    tools: JSON.stringify(inventory.tools),
    prompts: JSON.stringify(inventory.prompts),
    resources: JSON.stringify(inventory.resources),
    templates: JSON.stringify(inventory.templates),
    held: JSON.stringify(inventory.held),
    instructions: inventory.instructions,
    synced_at: inventory.syncedAt,
  }
}

function toInventory(row: InventoryRow): Inventory {
  return {
    serverUid: row.server_uid as ServerUid,
    credential: row.credential,
    version: row.version,
    era: row.era,
    capabilities: JSON.parse(row.capabilities),
    tools: JSON.parse(row.tools),
    prompts: JSON.parse(row.prompts),
    resources: JSON.parse(row.resources),
    templates: JSON.parse(row.templates),
    held: JSON.parse(row.held),
    instructions: row.instructions,
    syncedAt: row.synced_at,
  }
}
