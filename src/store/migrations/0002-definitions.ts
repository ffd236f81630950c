/**
 * Definitions are pinned. What each server had listed so far was offered so far, so it is pinned as it is, and only what
 * has hidden characters in it waits for an admin.
 */
import { createHash } from 'node:crypto'
import type { Kysely } from 'kysely'

const LISTS = { tool: 'tools', prompt: 'prompts', resource: 'resources', template: 'templates' } as const

/** As `upstream/hidden-characters.ts` was at the time. */
const HIDDEN = /[\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\p{Cs}\ufff9-\ufffb]|(?![\t\n\r])\p{Cc}/u

interface Old {
  inventories: { server_uid: string; credential: string; held: string; synced_at: number } & Record<
    (typeof LISTS)[keyof typeof LISTS],
    string
  >
  servers: { uid: string; definitions_pinned_at: number | null }
  definition_pins: Pin
}

interface Pin {
  server_uid: string
  kind: string
  name_digest: string
  hash: string
  json: string
  approved_at: number
  approved_by: string
}

export async function up(db: Kysely<unknown>): Promise<void> {
  await addColumns(db)
  await makeTables(db)
  await pinWhatIsListed(db as Kysely<Old>)
}

async function addColumns(db: Kysely<unknown>): Promise<void> {
  const servers = () => db.schema.alterTable('servers')
  await servers()
    .addColumn('definitions', 'text', (col) => col.notNull().defaultTo('hold_changed'))
    .execute()
  await servers()
    .addColumn('instructions', 'text', (col) => col.notNull().defaultTo('off'))
    .execute()
  await servers().addColumn('definitions_pinned_at', 'bigint').execute()
  const inventories = () => db.schema.alterTable('inventories')
  await inventories()
    .addColumn('held', 'text', (col) => col.notNull().defaultTo('[]'))
    .execute()
  await inventories().addColumn('instructions', 'text').execute()
}

async function makeTables(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('definition_pins')
    .addColumn('server_uid', 'text', (col) => col.notNull().references('servers.uid').onDelete('cascade'))
    .addColumn('kind', 'text', (col) => col.notNull())
    .addColumn('name_digest', 'text', (col) => col.notNull())
    .addColumn('hash', 'text', (col) => col.notNull())
    .addColumn('json', 'text', (col) => col.notNull())
    .addColumn('approved_at', 'bigint', (col) => col.notNull())
    .addColumn('approved_by', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('definition_pins_pk', ['server_uid', 'kind', 'name_digest'])
    .execute()
  await db.schema
    .createTable('definition_holds')
    .addColumn('server_uid', 'text', (col) => col.notNull().references('servers.uid').onDelete('cascade'))
    .addColumn('kind', 'text', (col) => col.notNull())
    .addColumn('name_digest', 'text', (col) => col.notNull())
    .addColumn('hash', 'text', (col) => col.notNull())
    .addColumn('since', 'bigint', (col) => col.notNull())
    .addColumn('changes', 'bigint', (col) => col.notNull())
    .addColumn('raised_at', 'bigint')
    .addColumn('rejected', 'text', (col) => col.notNull())
    .addPrimaryKeyConstraint('definition_holds_pk', ['server_uid', 'kind', 'name_digest'])
    .execute()
}

async function pinWhatIsListed(db: Kysely<Old>): Promise<void> {
  const keys = await db.selectFrom('inventories').select('server_uid').where('credential', '=', 'admin').execute()
  // One after the other: each may be megabytes.
  for (const { server_uid: uid } of keys) {
    const row = await db
      .selectFrom('inventories')
      .select(['synced_at', 'tools', 'prompts', 'resources', 'templates'])
      .where('server_uid', '=', uid)
      .where('credential', '=', 'admin')
      .executeTakeFirstOrThrow()
    const pins: Pin[] = []
    const held: { kind: string; name: string; state: 'held' }[] = []
    for (const [kind, list] of Object.entries(LISTS)) {
      for (const { name, json, hash } of JSON.parse(row[list]) as { name: string; json: string; hash: string }[]) {
        if (hasHidden(JSON.parse(json))) held.push({ kind, name, state: 'held' })
        else pins.push(pin(uid, kind, { name, json, hash }, row.synced_at))
      }
    }
    for (let at = 0; at < pins.length; at += 500)
      await db
        .insertInto('definition_pins')
        .values(pins.slice(at, at + 500))
        .execute()
    await db
      .updateTable('inventories')
      .set({ held: JSON.stringify(held) })
      .where('server_uid', '=', uid)
      .execute()
    await db.updateTable('servers').set({ definitions_pinned_at: row.synced_at }).where('uid', '=', uid).execute()
  }
}

function pin(uid: string, kind: string, one: { name: string; json: string; hash: string }, at: number): Pin {
  return {
    server_uid: uid,
    kind,
    name_digest: createHash('sha256').update(JSON.stringify(one.name)).digest('hex'),
    hash: one.hash,
    json: one.json,
    approved_at: at,
    approved_by: 'upgrade',
  }
}

function hasHidden(value: unknown): boolean {
  if (typeof value === 'string') return HIDDEN.test(value.replace(/\p{RGI_Emoji}\ufe0f?/gv, ''))
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, member]) => hasHidden(key) || hasHidden(member))
}
