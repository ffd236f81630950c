import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, type FreshPostgres, freshPostgres } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { Audit, DeedEnd, DeedStart } from './event.ts'
import { openAudit } from './log.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const ada = { kind: 'user', id: 'u1', label: 'ada@example.com', grant: 'g1' } as const
const bob = { kind: 'user', id: 'u2', label: 'bob@example.com', grant: 'g2' } as const

describe.each(DATABASE_KINDS)('counts of calls on %s', (kind) => {
  let dir: string
  let postgres: FreshPostgres | null
  let audit: Audit
  let now: number
  const clock: Clock = { now: () => now, elapsed: () => systemClock.elapsed() }

  const open = (retentionDays = 90): Promise<Audit> =>
    openAudit({
      ...{ dir, databaseUrl: postgres?.url ?? null, durability: 'process', retentionDays, keys: TEST_KEYS },
      ...{ clock, log: silentLog },
    })

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'portico-figures-'))
    postgres = kind === 'postgres' ? await freshPostgres() : null
    now = systemClock.now()
    audit = await open()
  })
  afterEach(async () => {
    await audit.close()
    await postgres?.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  async function ask(sql: string): Promise<Record<string, unknown>[]> {
    if (postgres === null) {
      const database = new DatabaseSync(join(dir, 'audit.db'))
      try {
        return database.prepare(sql).all()
      } finally {
        database.close()
      }
    }
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }

  async function call(at: number, start: Partial<DeedStart> = {}, end: Partial<DeedEnd> = {}): Promise<void> {
    now = at
    const deed = newId<DeedId>(at)
    const entry = await audit.begin({
      ...{ deed, plane: 'mcp', actor: ada, method: 'tools/call', portal: 'main', capability: 'files_read' },
      ...start,
    })
    await entry.finish({ outcome: 'answered', ...end })
  }

  const daysOf = async (from: number, offsetMs: number, scope: 'all' | 'portal' | 'server' = 'all', id = '') =>
    (await audit.figures({ of: 'days', scope, id, from, to: from + 2 * DAY, offsetMs })).map(({ calls }) => calls)

  test('a call just before and just after midnight is of its day, in offsets of hours, half hours and quarters', async () => {
    const midnight = Math.floor(now / DAY) * DAY
    for (const offset of [0, 330 * MINUTE, 345 * MINUTE, -12 * HOUR, 14 * HOUR, -210 * MINUTE]) {
      const begin = midnight - offset
      const before = await daysOf(begin - DAY, offset)
      await call(begin - 1)
      await call(begin)
      await call(begin + 1)
      const [first = 0, second = 0] = before
      const found = await daysOf(begin - DAY, offset)
      expect(
        found.reduce((sum, count) => sum + count, 0),
        `${offset}`,
      ).toBe(first + second + 3)
      // Those of the others stand where they stood: one more on the day before, two more on the day.
      const truth = [0, 0]
      for (const row of await audit.query({ limit: 1000, phase: 'ended' })) {
        const day = Math.floor((row.at - (begin - DAY)) / DAY)
        if (day === 0 || day === 1) truth[day] = (truth[day] ?? 0) + 1
      }
      expect(found).toEqual(truth)
    }
  })

  test('calls of one portal and of one server are counted apart, of all outcomes; what is no call of a tool is not counted', async () => {
    const at = Math.floor(now / DAY) * DAY
    await call(at, {}, { server: 'files' })
    await call(at, { portal: 'other' }, { server: 'files', outcome: 'failed', error: 'down' })
    await call(at, {}, { outcome: 'refused', error: 'not-offered' })
    await call(at, { method: 'tools/list' })
    await call(at, { method: 'resources/read' }, { server: 'files' })
    await call(at, { plane: 'admin', method: 'tools/call' })
    expect(await daysOf(at, 0)).toEqual([3])
    expect(await daysOf(at, 0, 'portal', 'main')).toEqual([2])
    expect(await daysOf(at, 0, 'portal', 'other')).toEqual([1])
    expect(await daysOf(at, 0, 'server', 'files')).toEqual([2])
    expect(await daysOf(at, 0, 'server', 'nothing')).toEqual([])
  })

  test('rows of an older version are counted when the tables are made', async () => {
    const at = Math.floor(now / DAY) * DAY
    for (let n = 0; n < 5; n++) await call(at + n, {}, { server: 'files', outcome: n === 0 ? 'failed' : 'answered' })
    await call(at, {}, { outcome: 'refused' })
    await audit.close()
    const before = await ask('SELECT scope, id, at, outcome, calls FROM audit_calls ORDER BY 1, 2, 3, 4')
    for (const sql of ['DROP TABLE audit_calls', 'DROP TABLE audit_timings']) await ask(sql)
    await ask("UPDATE audit_meta SET value = 2 WHERE key = 'schema'")
    audit = await open()
    await audit.query({ limit: 1 })
    expect(await ask('SELECT scope, id, at, outcome, calls FROM audit_calls ORDER BY 1, 2, 3, 4')).toEqual(before)
    expect(before.length).toBeGreaterThan(4)
  })

  test('counts outlive the rows that they count, for a year and a month', async () => {
    const today = Math.floor(now / DAY) * DAY
    await call(today - 420 * DAY)
    await call(today - 170 * DAY)
    await call(today)
    await audit.close()
    audit = await open()
    await expect.poll(() => audit.query({ limit: 10, phase: 'ended' })).toHaveLength(1)
    const counted = async () =>
      (await audit.figures({ of: 'days', scope: 'all', id: '', from: 0, to: now + DAY, offsetMs: 0 })).map(
        ({ day }) => day * DAY,
      )
    await expect.poll(counted).toEqual([today - 170 * DAY, today])
  })

  test('traffic tells outcomes and times by slot, and what the newest calls have in common', async () => {
    const from = Math.floor(now / HOUR) * HOUR - HOUR
    for (let n = 0; n < 20; n++)
      await call(from + n, { actor: n < 15 ? ada : bob }, { server: 'files', upstreamMs: n < 19 ? 10 : 1000 })
    await call(
      from + HOUR + 1,
      { capability: 'files_write' },
      { server: 'files', outcome: 'failed', error: 'upstream-lost' },
    )
    for (let n = 0; n < 3; n++)
      await call(
        from + HOUR + n,
        { actor: bob, capability: 'files_drop\u0000' },
        { outcome: 'refused', error: 'denied\u0000' },
      )
    await call(from - DAY, { capability: 'too_old' })
    const found = await audit.figures({ of: 'traffic', from, slotMs: HOUR })
    const outcomes = [...found.outcomes].sort((a, b) => a.outcome.localeCompare(b.outcome))
    expect(outcomes).toEqual([
      { slot: 0, outcome: 'answered', calls: 20 },
      { slot: 1, outcome: 'failed', calls: 1 },
      { slot: 1, outcome: 'refused', calls: 3 },
    ])
    const upstream = found.timings.filter(({ place }) => place === 'upstream')
    expect(upstream.map(({ slot, calls }) => [slot, calls]).sort()).toEqual([
      [0, 1],
      [0, 19],
    ])
    expect(found.newest).toMatchObject({
      since: from,
      tools: [
        { server: 'files', name: 'files_read', calls: 20, failed: 0, refused: 0 },
        { server: 'files', name: 'files_write', calls: 1, failed: 1, refused: 0 },
      ],
      actors: [
        { id: 'u1', label: 'ada@example.com', calls: 16, refused: 0 },
        { id: 'u2', label: 'bob@example.com', calls: 8, refused: 3 },
      ],
      denials: [{ outcome: 'refused', calls: 3 }],
      failures: [{ outcome: 'failed', error: 'upstream-lost', server: 'files', name: 'files_write', calls: 1 }],
    })
  })
})
