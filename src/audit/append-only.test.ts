import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { systemClock } from '../base/clock.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { type Log, silentLog } from '../base/log.ts'
import { headKeys, openHeadSigner } from './chain.ts'
import { openAudit } from './log.ts'
import { openChainReader } from './open-chain.ts'
import { keepUp } from './upkeep.ts'
import { verifyChain } from './verify.ts'

const DAY = 86_400_000

/** As the operator's guide gives them. */
const GRANTS = (role: string): string => `
GRANT SELECT, INSERT ON audit_rows TO ${role};
GRANT SELECT, INSERT, UPDATE (seen_at) ON audit_actors TO ${role};
GRANT SELECT, UPDATE ON audit_meta, audit_chain TO ${role};
GRANT SELECT, INSERT, UPDATE (calls) ON audit_calls, audit_timings TO ${role};
GRANT SELECT, INSERT, UPDATE, DELETE ON audit_journals, audit_heads TO ${role};`

describe('a portal whose PostgreSQL role may only append', () => {
  let dir: string
  let postgres: FreshPostgres
  let role: string
  let url: string
  const troubles: string[] = []
  const said = (_facts: unknown, text: string): unknown => troubles.push(text)
  const log: Log = Object.assign(Object.create(silentLog), { error: said, warn: said })

  beforeEach(async () => {
    troubles.length = 0
    dir = mkdtempSync(join(tmpdir(), 'portico-append-'))
    postgres = await freshPostgres()
    role = `portico_test_${randomBytes(6).toString('hex')}`
    const now = systemClock.now()
    await keepUp(postgres.url, TEST_KEYS, { now, keepSince: now - 90 * DAY })
    await ask(postgres.url, `CREATE ROLE ${role} LOGIN PASSWORD '${role}'; ${GRANTS(role)}`)
    const own = new URL(postgres.url)
    own.username = role
    own.password = role
    url = own.href
  })
  afterEach(async () => {
    await ask(postgres.url, `DROP OWNED BY ${role}; DROP ROLE ${role}`)
    await postgres.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  async function ask(at: string, sql: string): Promise<unknown[]> {
    const client = new pg.Client({ connectionString: at })
    await client.connect()
    try {
      const { rows } = await client.query(sql)
      return rows
    } finally {
      await client.end()
    }
  }

  async function record(shift: number): Promise<void> {
    const audit = await openAudit({
      ...{ dir, databaseUrl: url, durability: 'process', retentionDays: 90, keys: TEST_KEYS, log },
      clock: { now: () => systemClock.now() + shift, elapsed: () => systemClock.elapsed() },
    })
    const actor = { kind: 'user', id: 'u1', label: 'ada@example.com' } as const
    const deed = newId<DeedId>(systemClock.now())
    const entry = await audit.begin({ deed, plane: 'mcp', actor, method: 'tools/call' })
    await entry.finish({ outcome: 'answered' })
    expect(await audit.query({ limit: 10, deed })).toHaveLength(2)
    await audit.close()
  }

  test('records today and on days that were made ahead, and can neither change nor delete a row', async () => {
    await record(0)
    await record(20 * DAY)
    expect(troubles).toEqual([])
    await expect(ask(url, "UPDATE audit_rows SET method = 'x'")).rejects.toMatchObject({ code: '42501' })
    await expect(ask(url, 'DELETE FROM audit_rows')).rejects.toMatchObject({ code: '42501' })
    await expect(ask(url, 'TRUNCATE audit_rows')).rejects.toMatchObject({ code: '42501' })
    await expect(ask(url, 'DROP TABLE audit_rows')).rejects.toMatchObject({ code: '42501' })
  })

  test('leaves retention to the role that owns the tables, and the chain holds over it', async () => {
    await record(0)
    await record(20 * DAY)
    const later = systemClock.now() + 100 * DAY
    await keepUp(postgres.url, TEST_KEYS, { now: later, keepSince: later - 90 * DAY })
    expect(await ask(postgres.url, 'SELECT count(*)::int AS rows FROM audit_rows')).toEqual([{ rows: 2 }])
    const reader = await openChainReader(dir, postgres.url)
    const verdict = await verifyChain({ reader, signer: openHeadSigner(headKeys(TEST_KEYS)), files: [] })
    await reader.close()
    expect(verdict).toMatchObject({ intact: true, rows: 2, first: 3 })
  })
})
