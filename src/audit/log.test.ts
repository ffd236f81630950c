import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
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
import type { Audit, AuditQuery, AuditRow, DeedEnd, DeedStart } from './event.ts'
import { openAudit } from './log.ts'

const DAY = 86_400_000

const ada = { kind: 'user', id: 'u1', label: 'ada@example.com', grant: 'g1' } as const
const robot = { kind: 'service', id: 's1', label: 'robot' } as const

function deedId(): DeedId {
  return newId<DeedId>(systemClock.now())
}

function call(over: Partial<DeedStart> = {}): DeedStart {
  return { deed: deedId(), plane: 'mcp', actor: ada, method: 'tools/call', ...over }
}

async function record(audit: Audit, start: Partial<DeedStart> = {}, end: DeedEnd = { outcome: 'answered' }) {
  const entry = await audit.begin(call(start))
  await entry.finish(end)
  return entry.deed
}

describe.each(DATABASE_KINDS)('the audit on %s', (kind) => {
  let dir: string
  let postgres: FreshPostgres | null
  let audit: Audit
  let shift: number
  const clock: Clock = { now: () => systemClock.now() + shift, elapsed: () => systemClock.elapsed() }

  const open = (): Promise<Audit> =>
    openAudit({
      dir,
      databaseUrl: postgres?.url ?? null,
      durability: 'process',
      retentionDays: 90,
      keys: TEST_KEYS,
      clock,
      log: silentLog,
    })

  beforeEach(async () => {
    shift = 0
    dir = mkdtempSync(join(tmpdir(), 'portico-audit-'))
    postgres = kind === 'postgres' ? await freshPostgres() : null
    audit = await open()
  })
  afterEach(async () => {
    await audit.close()
    await postgres?.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  // [AUDIT-3]
  test('a deed has a begun row and then an ended row, with everything that was said about it', async () => {
    const entry = await audit.begin(
      call({
        parent: 'p0' as DeedId,
        portal: 'main',
        capability: 'ledger_read',
        era: '2026-07-28',
        clientName: 'claude',
        clientVersion: '1.0',
        session: 'sess',
        clientIp: '10.0.0.1',
        traceparent: '00-aa-bb-01',
      }),
    )
    await entry.finish({
      outcome: 'refused',
      server: 'ledger',
      original: 'read',
      decision: 'deny',
      rule: null,
      error: 'not-allowed',
      credential: 'bearer:admin',
      definitionHash: 'abc',
      upstreamMs: 0,
      change: { object: 'server', id: 'ledger', fields: ['name', 'hostname'] },
    })
    const [ended, begun] = await audit.query({ limit: 10 })
    const said = {
      deed: entry.deed,
      parent: 'p0',
      plane: 'mcp',
      actor: ada,
      method: 'tools/call',
      portal: 'main',
      capability: 'ledger_read',
      era: '2026-07-28',
      clientName: 'claude',
      clientVersion: '1.0',
      session: 'sess',
      clientIp: '10.0.0.1',
      traceparent: '00-aa-bb-01',
    }
    expect(begun).toEqual({ ...said, seq: 1, phase: 'begun', at: expect.any(Number) })
    expect(ended).toEqual({
      ...said,
      seq: 2,
      phase: 'ended',
      at: expect.any(Number),
      outcome: 'refused',
      server: 'ledger',
      original: 'read',
      decision: 'deny',
      rule: null,
      error: 'not-allowed',
      credential: 'bearer:admin',
      definitionHash: 'abc',
      upstreamMs: 0,
      portalMs: expect.any(Number),
      change: { object: 'server', id: 'ledger', fields: ['name', 'hostname'] },
    })
  })

  test('the time in the portal is what the upstream did not take', async () => {
    let elapsed = 1000
    const timed = await openAudit({
      dir,
      databaseUrl: postgres?.url ?? null,
      durability: 'process',
      retentionDays: 90,
      keys: TEST_KEYS,
      clock: { now: () => systemClock.now(), elapsed: () => elapsed },
      log: silentLog,
    })
    try {
      const entry = await timed.begin(call())
      elapsed += 12.5
      await entry.finish({ outcome: 'answered', upstreamMs: 10.25 })
      const rows = await timed.query({ limit: 10, deed: entry.deed, phase: 'ended' })
      expect(rows).toMatchObject([{ upstreamMs: 10.25, portalMs: 2.25 }])
    } finally {
      await timed.close()
    }
  })

  test('a query sees every row that was written before it, awaited or not', async () => {
    for (let round = 1; round <= 5; round++) {
      const deeds = Array.from({ length: 50 }, () => call())
      const entries = deeds.map((deed) => audit.begin(deed))
      const rows = await audit.query({ limit: 1000, phase: 'begun' })
      expect(rows).toHaveLength(round * 50)
      await Promise.all(entries)
    }
  })

  test('each filter finds its rows and no others', async () => {
    const early = systemClock.now()
    const x = await record(
      audit,
      { portal: 'p1', capability: 'c1', method: 'tools/call' },
      { outcome: 'answered', server: 's1', decision: 'allow' },
    )
    shift = 10_000
    const y = await record(
      audit,
      { portal: 'p2', capability: 'c2', method: 'prompts/get', actor: robot, plane: 'admin', server: 's2' },
      { outcome: 'refused', decision: 'deny' },
    )
    const rows = (filter: Partial<AuditQuery>): Promise<AuditRow[]> => audit.query({ limit: 10, ...filter })
    const deeds = async (filter: Partial<AuditQuery>) => (await rows(filter)).map((row) => [row.deed, row.phase])
    const both = (deed: string) => [
      [deed, 'ended'],
      [deed, 'begun'],
    ]
    expect(await deeds({ portal: 'p1' })).toEqual(both(x))
    expect(await deeds({ capability: 'c2' })).toEqual(both(y))
    expect(await deeds({ method: 'prompts/get' })).toEqual(both(y))
    expect(await deeds({ plane: 'admin' })).toEqual(both(y))
    expect(await deeds({ deed: x })).toEqual(both(x))
    expect(await deeds({ actor: 'u1' })).toEqual(both(x))
    expect(await deeds({ actor: 'ada@example.com' })).toEqual(both(x))
    expect(await deeds({ actor: 'robot' })).toEqual(both(y))
    expect(await deeds({ server: 's1' })).toEqual([[x, 'ended']])
    expect(await deeds({ server: 's2' })).toEqual(both(y))
    expect(await deeds({ outcome: 'refused' })).toEqual([[y, 'ended']])
    expect(await deeds({ decision: 'allow' })).toEqual([[x, 'ended']])
    expect(await deeds({ phase: 'begun' })).toEqual([
      [y, 'begun'],
      [x, 'begun'],
    ])
    expect(await deeds({ since: early + 5000 })).toEqual(both(y))
    expect(await deeds({ until: early + 5000 })).toEqual(both(x))
    expect(await deeds({ since: early + 5000, portal: 'p1' })).toEqual([])
    expect(await deeds({ actor: 'nobody' })).toEqual([])
  })

  test('keyset paging walks over all rows once, both ways', async () => {
    await Promise.all(Array.from({ length: 25 }, () => record(audit)))
    const all = Array.from({ length: 50 }, (_, i) => i + 1)
    const forth: number[] = []
    for (;;) {
      const page = await audit.query({ limit: 7, after: forth.at(-1) ?? 0 })
      if (page.length === 0) break
      forth.push(...page.map((row) => row.seq))
    }
    expect(forth).toEqual(all)
    const back: number[] = []
    for (;;) {
      const last = back.at(-1)
      const page = await audit.query({ limit: 7, ...(last !== undefined && { before: last }) })
      if (page.length === 0) break
      back.push(...page.map((row) => row.seq))
    }
    expect(back).toEqual(all.toReversed())
    expect((await audit.query({ limit: 50, after: 10, before: 13 })).map((row) => row.seq)).toEqual([11, 12])
  })

  test('text that would break lines, JSON, SQL or the database comes back as data', async () => {
    const nasty = 'x\n{"deed":"forged"}\r\t\u2028\u2029\u001b[2J\'";--\\ \u202e \ud83d\ude00'
    const actor = { kind: 'user', id: nasty, label: nasty, role: nasty, grant: nasty } as const
    const deed = await record(
      audit,
      { method: nasty, capability: nasty, portal: nasty, clientName: nasty, actor },
      { outcome: 'error', server: nasty, error: nasty, change: { object: nasty, id: nasty, fields: [nasty] } },
    )
    const [ended] = await audit.query({ limit: 10, capability: nasty, actor: nasty, outcome: 'error' })
    expect(ended).toMatchObject({ deed, method: nasty, clientName: nasty, server: nasty, error: nasty, actor })
    expect(ended?.change).toEqual({ object: nasty, id: nasty, fields: [nasty] })
    expect(await audit.query({ limit: 10 })).toHaveLength(2)
  })

  test('NUL and lone surrogates are kept as the replacement character and stop nothing', async () => {
    await record(audit, { capability: 'a\0b', portal: '\ud800' }, { outcome: 'answered' })
    await record(audit)
    expect(await audit.query({ limit: 10 })).toHaveLength(4)
    expect(await audit.query({ limit: 10, capability: 'a\0b' })).toMatchObject([
      { capability: 'a\ufffdb', portal: '\ufffd' },
      { capability: 'a\ufffdb', portal: '\ufffd' },
    ])
  })

  test('long text is cut', async () => {
    const long = 'x'.repeat(100_000)
    const deed = await record(
      audit,
      { capability: long, clientName: long, actor: { kind: 'user', id: long, label: long } },
      { outcome: 'error', error: long, change: { object: 'o', id: long, fields: Array(1000).fill(long) } },
    )
    const [row] = await audit.query({ limit: 1, deed })
    expect(row?.capability).toHaveLength(256)
    expect(row?.error).toHaveLength(512)
    expect(row?.actor.id).toHaveLength(256)
    expect(JSON.stringify(row).length).toBeLessThan(6000)
  })

  test('rows survive closing, and what a closing process left open is closed as unknown', async () => {
    const done = await record(audit)
    const left = await audit.begin(call())
    await audit.close()
    audit = await open()
    const rows = await audit.query({ limit: 10 })
    expect(rows.map((row) => [row.deed, row.phase, row.outcome])).toEqual([
      [left.deed, 'ended', 'unknown'],
      [left.deed, 'begun', undefined],
      [done, 'ended', 'answered'],
      [done, 'begun', undefined],
    ])
  })

  test('a closed audit refuses, and leaves no journal behind', async () => {
    const entry = await audit.begin(call())
    await audit.close()
    expect(audit.writable).toBe(false)
    await expect(entry.finish({ outcome: 'answered' })).rejects.toMatchObject({ code: 'audit-unavailable' })
    await expect(audit.begin(call())).rejects.toMatchObject({ code: 'audit-unavailable' })
    await expect(audit.query({ limit: 1 })).rejects.toMatchObject({ code: 'store-unavailable' })
    expect(await readdir(join(dir, 'journal'))).toEqual(['lock'])
    audit = await open()
  })

  test('a deed cannot be finished twice', async () => {
    const entry = await audit.begin(call())
    await entry.finish({ outcome: 'answered' })
    await expect(entry.finish({ outcome: 'answered' })).rejects.toThrow('twice')
    expect(await audit.query({ limit: 10 })).toHaveLength(2)
  })

  test('rows older than the retention are deleted at start, and their actors with them', async () => {
    shift = -100 * DAY
    await record(audit, { actor: robot })
    await audit.close()
    shift = -10 * DAY
    audit = await open()
    const kept = await record(audit)
    await audit.close()
    shift = 0
    audit = await open()
    await expect.poll(() => audit.query({ limit: 10 })).toMatchObject([{ deed: kept }, { deed: kept }])
    expect(await audit.query({ limit: 10, actor: 'robot' })).toEqual([])
    const actors = await ask(dir, postgres?.url ?? null, 'SELECT label FROM audit_actors')
    expect(actors).toEqual([{ label: 'ada@example.com' }])
  })

  test('a database that a newer program has written is refused and not touched', async () => {
    await audit.close()
    await ask(dir, postgres?.url ?? null, "UPDATE audit_meta SET value = 99 WHERE key = 'schema'")
    const failing = open()
    await expect(failing).rejects.toMatchObject({
      code: 'store-unavailable',
      message: expect.stringContaining('schema 99'),
    })
    await ask(dir, postgres?.url ?? null, "UPDATE audit_meta SET value = 3 WHERE key = 'schema'")
    audit = await open()
  })

  test('several can start at the same moment on an empty database', async () => {
    await audit.close()
    if (postgres === null) rmSync(join(dir, 'audit.db'))
    else
      await ask(
        dir,
        postgres.url,
        'DROP TABLE audit_rows, audit_actors, audit_journals, audit_meta, audit_chain, audit_heads, audit_calls, audit_timings',
      )
    const several = await Promise.all([open(), open(), open()])
    for (const one of several) await record(one)
    for (const one of several) await one.query({ limit: 1 })
    for (const one of several) expect(await one.query({ limit: 10 })).toHaveLength(6)
    for (const one of several) await one.close()
    audit = await open()
  })

  test('nothing is readable by other users of the machine', async () => {
    await record(audit)
    await audit.query({ limit: 1 })
    for (const entry of await readdir(dir, { recursive: true, withFileTypes: true })) {
      const { mode } = statSync(join(entry.parentPath, entry.name))
      expect([entry.name, mode & 0o077]).toEqual([entry.name, 0])
    }
  })
})

async function ask(dir: string, url: string | null, sql: string): Promise<unknown[]> {
  if (url === null) {
    const database = new DatabaseSync(join(dir, 'audit.db'))
    const rows = database.prepare(sql).all()
    database.close()
    return rows.map((row) => ({ ...row }))
  }
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query(sql)
  await client.end()
  return rows
}
