import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { DATABASE_KINDS, freshPostgres } from '../../test/databases.ts'
import { systemClock } from '../base/clock.ts'
import type { ServerUid } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import { readInventory } from '../upstream/inventory-store.ts'
import { pinKey, readPins } from '../upstream/pin-store.ts'
import { MIGRATIONS, migrate } from './migrate.ts'
import { openStore } from './open.ts'
import { postgresDialect } from './postgres.ts'
import { openSqlite } from './sqlite-files.ts'
import type { Tables } from './tables.ts'

const SERVER = {
  ...{ uid: 'u', id: 'old', name: 'Old', description: null, hostname: 'http://old.test/mcp', transport: null },
  ...{ auth_type: 'unauthenticated', auth_credentials_sealed: null, client_secret_sealed: null, env_sealed: null },
  ...{ client_secret_version: 0, isolation: 'shared', updated_tools: 'null', updated_prompts: 'null', policies: '[]' },
  ...{ is_shared_oauth_callback_enabled: 0, secure_web_gateway: 0, status: 'ready', authentication_status: 'manual' },
  ...{ error: null, error_details: null, last_synced: 5, last_successful_sync: 5, position: 1 },
  ...{ created_at: 1, created_by: 'ada', modified_at: 1, modified_by: 'ada', origin: 'api' },
}
const define = (name: string, description: string) => ({
  name,
  json: JSON.stringify({ name, description }),
  hash: `hash of ${name}`,
})
const TOOLS = [define('post', 'Adds an entry.'), define('ghost', 'Adds\u200b an entry.'), define('join', '👩‍💻 ⚠️ ✅️')]

// [DEFINITION-3]
test.each(DATABASE_KINDS)(
  'an upgrade pins what servers had listed, and holds what hides characters, on %s',
  async (kind) => {
    const dir = mkdtempSync(join(tmpdir(), 'portico-upgrade-'))
    const postgres = kind === 'postgres' ? await freshPostgres() : null
    const databaseUrl = postgres?.url ?? null
    const old = databaseUrl === null ? openSqlite(dir) : postgresDialect(databaseUrl, silentLog)
    const db = new Kysely<Tables>({ dialect: old.dialect })
    await migrate(db, { '0001-first': MIGRATIONS['0001-first'] as (typeof MIGRATIONS)[string] })
    await db
      .insertInto('servers')
      .values(SERVER as never)
      .execute()
    const inventory = {
      server_uid: 'u',
      credential: 'admin',
      version: 3,
      era: '2025',
      capabilities: '{}',
      synced_at: 5,
    }
    const lists = { tools: JSON.stringify(TOOLS), prompts: '[]', resources: '[]', templates: '[]' }
    await db
      .insertInto('inventories')
      .values({ ...inventory, ...lists } as never)
      .execute()
    await db.destroy()
    await old.close()

    const store = await openStore({ dir, databaseUrl, clock: systemClock, log: silentLog })
    const uid = 'u' as ServerUid
    const keys = TOOLS.map(({ name }) => pinKey('tool', name))
    const pins = await readPins(store.db, uid, keys)
    expect([...pins.keys()].sort()).toEqual([keys[0], keys[2]].sort())
    const [first = 'tool/'] = keys
    expect(pins.get(first)).toEqual({
      hash: 'hash of post',
      json: TOOLS[0]?.json,
      approvedAt: 5,
      approvedBy: 'upgrade',
    })
    expect((await readInventory(store.db, uid))?.held).toEqual([{ kind: 'tool', name: 'ghost', state: 'held' }])
    const row = await store.db.selectFrom('servers').selectAll().executeTakeFirst()
    expect(row).toMatchObject({ definitions: 'hold_changed', instructions: 'off', definitions_pinned_at: 5 })
    await store.close()
    await postgres?.drop()
    rmSync(dir, { recursive: true, force: true })
  },
)
