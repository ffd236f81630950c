import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DATABASE_KINDS, freshPostgres } from '../../test/databases.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { DEFAULT_RELAY } from '../upstream/model.ts'
import { readServer } from '../upstream/server-store.ts'
import { migrateTo } from './migrate.ts'
import { openStore } from './open.ts'
import { openStopped } from './stopped.ts'

const SERVER = {
  ...{ uid: 'u', id: 'old', name: 'Old', description: null, hostname: 'http://old.test/mcp', transport: null },
  ...{ auth_type: 'unauthenticated', auth_mode: null, auth_credentials_sealed: null, client_secret_sealed: null },
  ...{ client_secret_version: 0, env_sealed: null, isolation: 'shared', allow_private: '[]', deadlines: null },
  ...{ definitions: 'auto', definitions_pinned_at: 1, instructions: 'on', updated_tools: 'null' },
  ...{ updated_prompts: 'null', policies: '[]', labels: '["sends_out"]', limits: null, bypass_credential: 1 },
  ...{ is_shared_oauth_callback_enabled: 0, secure_web_gateway: 0, status: 'ready', position: 1, origin: 'api' },
  ...{ authentication_status: 'manual', error: null, error_details: null, last_synced: 5, last_successful_sync: 5 },
  ...{ created_at: 1, created_by: 'ada', modified_at: 1, modified_by: 'ada' },
}

test.each(DATABASE_KINDS)(
  'an upgrade leaves a server as it was, and it may ask what all may ask, on %s',
  async (kind) => {
    const dir = mkdtempSync(join(tmpdir(), 'portico-relay-'))
    const postgres = kind === 'postgres' ? await freshPostgres() : null
    const databaseUrl = postgres?.url ?? null
    try {
      const old = await openStopped({ dir, databaseUrl, log: silentLog })
      await migrateTo(old.db, '0008-policy')
      await old.db
        .insertInto('servers')
        .values(SERVER as never)
        .execute()
      await old.close()
      const store = await openStore({ dir, databaseUrl, clock: systemClock, log: silentLog })
      const row = await store.db.selectFrom('servers').selectAll().executeTakeFirst()
      expect(row).toMatchObject({ ...SERVER, relay: null })
      expect((await readServer(store.db, 'old'))?.relay).toEqual(DEFAULT_RELAY)
      await store.close()
    } finally {
      await postgres?.drop()
      rmSync(dir, { recursive: true, force: true })
    }
  },
)
