/**
 * Inventories at rest: what one credential saw at one server, whole.
 */
import type { ServerUid } from '../base/ids.ts'
import type { Db, Store, Trx } from '../store/open.ts'
import type { InventoryRow } from '../store/tables.ts'
import type { Inventory } from './model.ts'

/** The server's shared credential. */
export const ADMIN = 'admin'

/** The versions of everything that is stored, to see what changed without reading it all. */
export async function listInventoryVersions(db: Db): Promise<Map<ServerUid, number>> {
  const rows = await db
    .selectFrom('inventories')
    .select(['server_uid', 'version'])
    .where('credential', '=', ADMIN)
    .execute()
  return new Map(rows.map((row) => [row.server_uid as ServerUid, row.version]))
}

export async function readInventory(db: Db, server: ServerUid): Promise<Inventory | undefined> {
  const row = await db
    .selectFrom('inventories')
    .selectAll()
    .where('server_uid', '=', server)
    .where('credential', '=', ADMIN)
    .executeTakeFirst()
  return row && toInventory(row)
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
