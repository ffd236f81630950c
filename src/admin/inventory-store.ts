/** What the servers' admin credentials saw at their last sync, as the API shows it: tools and prompts only. */
import type { ServerUid } from '../base/ids.ts'
import type { Db } from '../store/open.ts'
import type { Definition, HeldDefinition } from '../upstream/model.ts'

export interface SeenDefinitions {
  tools: readonly Definition[]
  prompts: readonly Definition[]
  /** How many definitions of any kind wait for an admin. */
  held: number
  instructions: string | null
}

/** Servers that were never synced are not in the map. */
export async function readSeenDefinitions(
  db: Db,
  servers: readonly ServerUid[],
): Promise<ReadonlyMap<string, SeenDefinitions>> {
  if (servers.length === 0) return new Map()
  const rows = await db
    .selectFrom('inventories')
    .select(['server_uid', 'tools', 'prompts', 'held', 'instructions'])
    .where('credential', '=', 'admin')
    .where('server_uid', 'in', [...servers])
    .execute()
  return new Map(
    rows.map((row) => [
      row.server_uid,
      {
        tools: JSON.parse(row.tools) as Definition[],
        prompts: JSON.parse(row.prompts) as Definition[],
        held: (JSON.parse(row.held) as HeldDefinition[]).filter(({ state }) => state === 'held').length,
        instructions: row.instructions,
      },
    ]),
  )
}
