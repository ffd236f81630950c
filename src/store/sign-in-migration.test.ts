import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, sql } from 'kysely'
import { expect, test } from 'vitest'
import { DATABASE_KINDS, freshPostgres } from '../../test/databases.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { MIGRATIONS, migrate } from './migrate.ts'
import { openStore } from './open.ts'
import { postgresDialect } from './postgres.ts'
import { openSqlite } from './sqlite-files.ts'
import type { Tables } from './tables.ts'

const BEFORE = Object.fromEntries(Object.entries(MIGRATIONS).filter(([name]) => name < '0006'))
const PORTAL = {
  ...{ uid: 'p', id: 'default', hostname: 'localhost', name: 'P', description: null, allow_code_mode: 0 },
  ...{ code_mode: 'opt_in', secure_web_gateway: 0, policies: '[]', position: 1 },
  ...{ created_at: 1, created_by: 'ada', modified_at: 1, modified_by: 'ada', origin: 'api' },
}
const PEOPLE = [
  { id: 'u1', email: 'ada@acme.test', created_at: 1, last_seen_at: 7 },
  { id: 'u2', email: 'bob@acme.test', created_at: 2, last_seen_at: null },
]
const TOKENS = PEOPLE.map(({ id }, i) => ({
  ...{
    id: `t${i}`,
    token_digest: `digest ${i}`,
    user_id: id,
    grant_id: `t${i}`,
    portal_uid: 'p',
    name: i === 0 ? 'CI' : null,
  },
  ...{ created_at: 3, created_by: 'ada', expires_at: i === 0 ? null : 99, revoked_at: i === 0 ? null : 50 },
}))

test.each(DATABASE_KINDS)(
  'people and their tokens, and what holds them together, are kept by an upgrade on %s',
  async (kind) => {
    const dir = mkdtempSync(join(tmpdir(), 'portico-upgrade-'))
    const postgres = kind === 'postgres' ? await freshPostgres() : null
    const databaseUrl = postgres?.url ?? null
    const old = databaseUrl === null ? openSqlite(dir) : postgresDialect(databaseUrl, silentLog)
    const db = new Kysely<Tables>({ dialect: old.dialect })
    await migrate(db, BEFORE)
    const columns = (await db.introspection.getTables()).find(({ name }) => name === 'portals')?.columns ?? []
    const portal = Object.fromEntries(
      Object.entries(PORTAL).filter(([name]) => columns.some((one) => one.name === name)),
    )
    await db
      .insertInto('portals')
      .values(portal as never)
      .execute()
    await db
      .insertInto('users')
      .values(PEOPLE as never)
      .execute()
    await db
      .insertInto('access_tokens')
      .values(TOKENS as never)
      .execute()
    await db.destroy()
    await old.close()

    const store = await openStore({ dir, databaseUrl, clock: systemClock, log: silentLog })
    try {
      const { db } = store
      expect(await db.selectFrom('users').selectAll().orderBy('id').execute()).toEqual(
        PEOPLE.map((person) => ({ ...person, name: null, disabled_at: null })),
      )
      expect(await db.selectFrom('access_tokens').selectAll().orderBy('id').execute()).toEqual(TOKENS)
      // One address is one person's, one digest one token's, and a token is somebody's.
      const [ada, token] = [PEOPLE[0], TOKENS[0]]
      const insert = (table: 'users' | 'access_tokens', row: object) =>
        db
          .insertInto(table)
          .values(row as never)
          .execute()
      await expect(insert('users', { ...ada, id: 'u3' })).rejects.toThrow(/unique/i)
      await insert('users', { ...ada, id: 'u3', email: null })
      await insert('users', { ...ada, id: 'u4', email: null })
      await expect(insert('access_tokens', { ...token, id: 't9' })).rejects.toThrow(/unique/i)
      await expect(insert('access_tokens', { ...token, id: 't9', token_digest: 'x', user_id: 'gone' })).rejects.toThrow(
        /foreign key/i,
      )
      await db.deleteFrom('users').where('id', '=', 'u2').execute()
      expect(await db.selectFrom('access_tokens').select('id').execute()).toEqual([{ id: 't0' }])
      await db.deleteFrom('portals').where('uid', '=', 'p').execute()
      expect(await db.selectFrom('access_tokens').select('id').execute()).toEqual([])
      const names = await (databaseUrl === null
        ? sql<{ name: string }>`select name from sqlite_master where type = 'index' and tbl_name = 'access_tokens'`
        : sql<{ name: string }>`select indexname as name from pg_indexes where tablename = 'access_tokens'`
      ).execute(db)
      expect(names.rows.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['access_tokens_by_user', 'access_tokens_by_portal', 'access_tokens_by_grant']),
      )
    } finally {
      await store.close()
      await postgres?.drop()
      rmSync(dir, { recursive: true, force: true })
    }
  },
)
