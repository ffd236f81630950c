import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { systemClock } from '../base/clock.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { Audit } from './event.ts'
import { type AuditOptions, openAudit } from './log.ts'

describe('while PostgreSQL is away', () => {
  let dir: string
  let postgres: FreshPostgres
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'portico-audit-'))
    postgres = await freshPostgres()
  })
  afterEach(async () => {
    await postgres.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  function open(over: Partial<AuditOptions> = {}): Promise<Audit> {
    return openAudit({
      dir,
      databaseUrl: postgres.url,
      durability: 'process',
      retentionDays: 90,
      keys: TEST_KEYS,
      clock: systemClock,
      log: silentLog,
      ...over,
    })
  }

  async function record(audit: Audit): Promise<string> {
    const entry = await audit.begin({
      deed: newId<DeedId>(systemClock.now()),
      plane: 'mcp',
      actor: { kind: 'user', id: 'u1', label: 'ada@example.com' },
      method: 'tools/call',
    })
    await entry.finish({ outcome: 'answered' })
    return entry.deed
  }

  /** Shuts the database to new connections and ends the ones there are, or opens it again. */
  async function allow(connections: boolean): Promise<void> {
    const name = new URL(postgres.url).pathname.slice(1)
    const admin = new URL(postgres.url)
    admin.pathname = '/postgres'
    const client = new pg.Client({ connectionString: admin.href })
    await client.connect()
    await client.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS ${connections}`)
    if (!connections)
      await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [name])
    await client.end()
  }

  test('rows are released, and are in the database when it is back', async () => {
    const audit = await open()
    const deeds = [await record(audit)]
    await audit.query({ limit: 1 })
    await allow(false)
    for (let n = 0; n < 100; n++) deeds.push(await record(audit))
    expect(audit.writable).toBe(true)
    await expect(audit.query({ limit: 1 })).rejects.toMatchObject({ code: 'store-unavailable' })
    await allow(true)
    const rows = await audit.query({ limit: 1000, phase: 'ended' })
    expect(rows.map((row) => row.deed)).toEqual(deeds.toReversed())
    await audit.close()
  })

  test('the journal grows to its limit, then calls are refused until the database is back, and none is lost', async () => {
    const audit = await open({ journalMaxBytes: 4 * 1024 * 1024 })
    const deeds = [await record(audit)]
    await audit.query({ limit: 1 })
    await allow(false)
    const refusal = async (): Promise<unknown> => {
      for (;;) {
        try {
          const many = await Promise.all(Array.from({ length: 100 }, () => record(audit)))
          deeds.push(...many)
        } catch (error) {
          return error
        }
      }
    }
    expect(await refusal()).toMatchObject({ code: 'audit-unavailable' })
    expect(audit.writable).toBe(false)
    const journal = readdirSync(join(dir, 'journal'), { recursive: true, encoding: 'utf8' })
    const sizes = journal.map((name) => statSync(join(dir, 'journal', name))).filter((stat) => stat.isFile())
    expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThanOrEqual(4 * 1024 * 1024 + 64 * 1024)
    await allow(true)
    await expect.poll(() => audit.writable).toBe(true)
    deeds.push(await record(audit))
    const found = new Set((await audit.query({ limit: 100_000, outcome: 'answered' })).map((row) => row.deed))
    expect(deeds.length).toBeGreaterThan(1000)
    expect(deeds.filter((deed) => !found.has(deed as DeedId))).toEqual([])
    await audit.close()
  })

  test('a portal that stops then leaves its journal to the next start', async () => {
    const audit = await open()
    const deeds = [await record(audit)]
    await audit.query({ limit: 1 })
    await allow(false)
    for (let n = 0; n < 100; n++) deeds.push(await record(audit))
    await audit.close()
    await expect(open()).rejects.toMatchObject({ code: 'store-unavailable' })
    await allow(true)
    const next = await open()
    const rows = await next.query({ limit: 1000, phase: 'ended' })
    expect(rows.map((row) => row.deed)).toEqual(deeds.toReversed())
    expect(readdirSync(join(dir, 'journal'))).toHaveLength(2)
    await next.close()
  })

  test('an empty database in its place takes in what the journal still holds', async () => {
    const audit = await open()
    await allow(false)
    const deeds = [await record(audit), await record(audit)]
    await audit.close()
    await postgres.drop()
    postgres = await freshPostgres()
    const next = await open()
    const rows = await next.query({ limit: 1000, phase: 'ended' })
    expect(rows.map((row) => row.deed)).toEqual(deeds.toReversed())
    await next.close()
  })
})
