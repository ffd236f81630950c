/** What the servers' shared credentials saw at their last sync, as the API shows it: tools and prompts only. Of people's own lists an admin sees what is held. */
import type { ServerUid } from '../base/ids.ts'
import type { Db } from '../store/open.ts'
import type { Definition, HeldDefinition } from '../upstream/model.ts'

export interface SeenDefinitions {
  /** Undefined where only people's own accounts have seen it. */
  tools: readonly Definition[] | undefined
  prompts: readonly Definition[] | undefined
  toolCount: number
  promptCount: number
  /** How many names, of any kind, have a definition that waits for an admin, whoever's list it is in. */
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
    .select(['server_uid', 'tools', 'prompts', 'instructions'])
    .where('credential', '=', 'admin')
    .where('server_uid', 'in', [...servers])
    .execute()
  const held = await readHeldNames(db, servers)
  const seen = new Map<string, SeenDefinitions>()
  for (const [server, names] of held) seen.set(server, { ...NOTHING_SEEN, held: names.size, instructions: null })
  for (const row of rows) {
    const tools = JSON.parse(row.tools) as Definition[]
    const prompts = JSON.parse(row.prompts) as Definition[]
    seen.set(row.server_uid, {
      ...{ tools, prompts, toolCount: tools.length, promptCount: prompts.length },
      held: held.get(row.server_uid)?.size ?? 0,
      instructions: row.instructions,
    })
  }
  return seen
}

const NOTHING_SEEN = { tools: undefined, prompts: undefined, toolCount: 0, promptCount: 0 }

/** @returns for each server that has any, how many names wait for an admin */
export async function countHeld(db: Db, servers: readonly ServerUid[]): Promise<ReadonlyMap<string, number>> {
  if (servers.length === 0) return new Map()
  return new Map([...(await readHeldNames(db, servers))].map(([server, names]) => [server, names.size]))
}

async function readHeldNames(db: Db, servers: readonly ServerUid[]): Promise<Map<string, Set<string>>> {
  const rows = await db
    .selectFrom('inventories')
    .select(['server_uid', 'held'])
    .where('held', '!=', '[]')
    .where('server_uid', 'in', [...servers])
    .execute()
  const names = new Map<string, Set<string>>()
  for (const { server_uid, held } of rows) {
    const of = names.get(server_uid) ?? new Set()
    for (const one of JSON.parse(held) as HeldDefinition[]) if (one.state === 'held') of.add(`${one.kind}/${one.name}`)
    names.set(server_uid, of)
  }
  return names
}
