import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DATABASE_KINDS, type DatabaseKind, type FreshPostgres, freshPostgres } from '../../test/databases.ts'
import type { KilledAt } from '../../test/killed-migration.ts'
import { MIGRATION } from '../../test/program.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { MIGRATIONS, migrateTo } from './migrate.ts'
import { openStore } from './open.ts'
import { openStopped } from './stopped.ts'

const NAMES = Object.keys(MIGRATIONS).sort()

async function killed(at: KilledAt): Promise<void> {
  const child = spawn(process.execPath, [MIGRATION, JSON.stringify(at)], { stdio: ['ignore', 'ignore', 'inherit'] })
  const [, signal] = await once(child, 'exit')
  expect(signal).toBe('SIGKILL')
}

async function place(kind: DatabaseKind): Promise<{ dir: string; databaseUrl: string | null; end(): Promise<void> }> {
  const dir = mkdtempSync(join(tmpdir(), 'portico-migrate-'))
  const postgres: FreshPostgres | null = kind === 'postgres' ? await freshPostgres() : null
  const end = async () => {
    await postgres?.drop()
    rmSync(dir, { recursive: true, force: true })
  }
  return { dir, databaseUrl: postgres?.url ?? null, end }
}

for (const kind of DATABASE_KINDS) {
  describe(`a start on ${kind} that is killed`, () => {
    for (const [index, name] of NAMES.entries()) {
      // [UPGRADE-1]
      test(`anywhere in ${name} leaves the schema and the data of before, and the next start goes through`, async () => {
        const at = await place(kind)
        try {
          const before = NAMES[index - 1]
          if (before !== undefined) {
            const { db, close } = await openStopped({ ...at, log: silentLog })
            await migrateTo(db, before)
            await db.insertInto('settings').values({ key: 'kept', value: 'yes' }).execute()
            await close()
          }
          // When one statement is done, and when all are but the commit is not.
          for (const statement of [2, 0]) await killed({ name, statement, dir: at.dir, databaseUrl: at.databaseUrl })
          const store = await openStore({
            dir: at.dir,
            databaseUrl: at.databaseUrl,
            clock: systemClock,
            log: silentLog,
          })
          expect(await store.isCurrent()).toBe(true)
          const kept = await store.db.selectFrom('settings').select('value').where('key', '=', 'kept').execute()
          expect(kept).toEqual(before === undefined ? [] : [{ value: 'yes' }])
          await store.close()
        } finally {
          await at.end()
        }
      })
    }
  })
}
