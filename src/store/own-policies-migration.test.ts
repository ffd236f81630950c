import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely } from 'kysely'
import { expect, test } from 'vitest'
import { DATABASE_KINDS, freshPostgres } from '../../test/databases.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { listServers } from '../upstream/server-store.ts'
import { MIGRATIONS, migrate } from './migrate.ts'
import { openStore } from './open.ts'
import { postgresDialect } from './postgres.ts'
import { openSqlite } from './sqlite-files.ts'
import type { Tables } from './tables.ts'

const serverRow = (id: string, policies: string, position: number) => ({
  ...{ uid: id, id, name: id, description: null, hostname: `http://${id}.test/mcp`, transport: null, policies },
  ...{ auth_type: 'unauthenticated', auth_credentials_sealed: null, client_secret_sealed: null, env_sealed: null },
  ...{ client_secret_version: 0, isolation: 'shared', updated_tools: 'null', updated_prompts: 'null', position },
  ...{ is_shared_oauth_callback_enabled: 0, secure_web_gateway: 0, status: 'ready', authentication_status: 'manual' },
  ...{ error: null, error_details: null, last_synced: 5, last_successful_sync: 5 },
  ...{ created_at: 1, created_by: 'ada', modified_at: 1, modified_by: 'ada', origin: 'api' },
})

// [GATE-8]
test.each(DATABASE_KINDS)(
  'an upgrade closes no server that left it to its portals, and opens none that has policies, on %s',
  async (kind) => {
    const dir = mkdtempSync(join(tmpdir(), 'portico-upgrade-'))
    const postgres = kind === 'postgres' ? await freshPostgres() : null
    const databaseUrl = postgres?.url ?? null
    const old = databaseUrl === null ? openSqlite(dir) : postgresDialect(databaseUrl, silentLog)
    const db = new Kysely<Tables>({ dialect: old.dialect })
    await migrate(db, { '0001-first': MIGRATIONS['0001-first'] as (typeof MIGRATIONS)[string] })
    const rows = [serverRow('open', '[]', 1), serverRow('guarded', '["staff"]', 2)]
    await db
      .insertInto('servers')
      .values(rows as never)
      .execute()
    await db.destroy()
    await old.close()

    const store = await openStore({ dir, databaseUrl, clock: systemClock, log: silentLog })
    expect((await listServers(store.db)).map(({ policies }) => policies)).toEqual([null, ['staff']])
    await store.close()
    await postgres?.drop()
    rmSync(dir, { recursive: true, force: true })
  },
)
