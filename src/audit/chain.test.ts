import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DATABASE_KINDS, type FreshPostgres, freshPostgres } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { type Clock, systemClock } from '../base/clock.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { type Log, silentLog } from '../base/log.ts'
import { type KeyRing, keyRing } from '../base/secret.ts'
import { chainHash, type Head, headKeys, openHeadSigner } from './chain.ts'
import type { Audit } from './event.ts'
import { readHeadFiles } from './head-file.ts'
import { openAudit } from './log.ts'
import { openChainReader } from './open-chain.ts'
import { type Verdict, type VerifyOptions, verifyChain } from './verify.ts'

const DAY = 86_400_000

describe.each(DATABASE_KINDS)('the chain on %s', (kind) => {
  let dir: string
  let postgres: FreshPostgres | null
  let audit: Audit
  let shift: number
  let alarms: string[]
  const clock: Clock = { now: () => systemClock.now() + shift, elapsed: () => systemClock.elapsed() }

  const log: Log = Object.assign(Object.create(silentLog), {
    error: (_facts: unknown, text: string) => alarms.push(text),
  })

  function open(over: { keys?: KeyRing; retentionDays?: number } = {}): Promise<Audit> {
    return openAudit({
      dir,
      databaseUrl: postgres?.url ?? null,
      durability: 'process',
      retentionDays: 90,
      keys: TEST_KEYS,
      clock,
      log,
      ...over,
    })
  }

  beforeEach(async () => {
    shift = 0
    alarms = []
    dir = mkdtempSync(join(tmpdir(), 'portico-chain-'))
    postgres = kind === 'postgres' ? await freshPostgres() : null
    audit = await open()
  })
  afterEach(async () => {
    await audit.close()
    await postgres?.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  /** Two rows each, in order. */
  async function record(count: number, label = 'ada@example.com'): Promise<void> {
    for (let n = 0; n < count; n++) {
      const entry = await audit.begin({
        deed: newId<DeedId>(clock.now()),
        plane: 'mcp',
        actor: { kind: 'user', id: `id of ${label}`, label },
        method: 'tools/call',
        capability: `tool-${n}`,
      })
      await entry.finish({ outcome: 'answered' })
    }
  }

  async function verify(over: Partial<VerifyOptions> & { keys?: KeyRing } = {}): Promise<Verdict> {
    const reader = await openChainReader(dir, postgres?.url ?? null)
    try {
      const signer = openHeadSigner(headKeys(over.keys ?? TEST_KEYS))
      return await verifyChain({ reader, signer, files: readHeadFiles(dir), ...over })
    } finally {
      await reader.close()
    }
  }

  /** What somebody with the database's password can do. `$n` in both. */
  async function ask(sql: string, ...values: (string | number)[]): Promise<{ [column: string]: unknown }[]> {
    if (postgres === null) {
      const database = new DatabaseSync(join(dir, 'audit.db'))
      const statement = database.prepare(sql.replaceAll(/\$\d/g, '?'))
      const rows = statement.all(...values)
      database.close()
      return rows
    }
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    try {
      return (await client.query(sql, values)).rows
    } finally {
      await client.end()
    }
  }

  /** `[kind, from, to]` of each problem. */
  const found = ({ problems }: Verdict) => problems.map(({ kind, from, to }) => [kind, from, to])

  /** Twenty rows in the database with a head over all of them, and nothing running. */
  async function twentyRows(): Promise<void> {
    await record(10)
    await audit.close()
  }

  // [AUDIT-5]
  test('what nobody touched is intact, to its last row, under a signed head', async () => {
    await twentyRows()
    expect(await verify()).toEqual({
      intact: true,
      rows: 20,
      unchained: 0,
      first: 1,
      last: 20,
      heads: 2,
      unsigned: 0,
      unknownKeys: 0,
      problems: [],
      problemsInAll: 0,
    })
    expect(statSync(join(dir, 'audit-head.json')).mode & 0o777).toBe(0o600)
  })

  test('it is checked while a portal writes, and goes on over restarts', async () => {
    await record(3)
    await audit.query({ limit: 1 })
    expect(await verify()).toMatchObject({ intact: true, rows: 6 })
    await audit.close()
    audit = await open()
    await record(3)
    await audit.query({ limit: 1 })
    expect(await verify()).toMatchObject({ intact: true, rows: 12, last: 12 })
  })

  test('text that a database stores otherwise than it was said is still intact', async () => {
    await record(1, 'a\0b \ud800 é \u2028 😀 "\\')
    const entry = await audit.begin({
      deed: newId<DeedId>(clock.now()),
      plane: 'mcp',
      actor: { kind: 'user', id: 'x\ud800', label: '\0' },
      method: 'm\0\udc00',
      capability: '\ud800\0',
      clientName: '\0\ud800',
    })
    await entry.finish({ outcome: 'error', error: '\0\ud800\n' })
    await audit.close()
    expect(await verify()).toMatchObject({ intact: true, rows: 4 })
  })

  const columns = ['deed', 'actor', 'method', 'capability', 'outcome', 'facts'] as const
  test.each(columns)('one changed byte in %s is found in its row', async (column) => {
    await twentyRows()
    const before = (await ask(`SELECT ${column} AS text FROM audit_rows WHERE seq = 8`))[0]?.text
    await ask(`UPDATE audit_rows SET ${column} = $1 WHERE seq = 8`, `${String(before).slice(0, -1)}#`)
    const verdict = await verify()
    expect(verdict.intact).toBe(false)
    expect(found(verdict)).toContainEqual(['changed', 8, 8])
    expect(verdict.problems[0]).toMatchObject({ writer: 1, deed: expect.any(String), at: expect.any(Number) })
    expect(verdict.problems.filter(({ kind }) => kind === 'changed')).toHaveLength(1)
  })

  test('a changed time, and a hash that was taken away or replaced, are found in their rows', async () => {
    await twentyRows()
    await ask('UPDATE audit_rows SET at = at + 1 WHERE seq = 4')
    await ask('UPDATE audit_chain SET seq = seq')
    const other = kind === 'sqlite' ? "x'00'" : "decode('00', 'hex')"
    await ask(`UPDATE audit_rows SET hash = ${other} WHERE seq = 12`)
    expect(found(await verify())).toEqual([
      ['changed', 4, 4],
      ['changed', 12, 12],
    ])
  })

  test('a deleted row, and several, are named by their numbers', async () => {
    await twentyRows()
    await ask('DELETE FROM audit_rows WHERE seq IN (5, 9, 10, 11)')
    const verdict = await verify()
    expect(found(verdict)).toEqual([
      ['deleted', 5, 5],
      ['deleted', 9, 11],
    ])
    expect(verdict.problems[1]?.text).toMatch(/^rows 9 to 11 are deleted; what follows is row 12 \(ended of deed /)
  })

  test('the first rows cannot be taken away, nor all of them', async () => {
    await twentyRows()
    await ask('DELETE FROM audit_rows WHERE seq < 4')
    expect(found(await verify())).toEqual([['deleted', 1, 3]])
    await ask('DELETE FROM audit_rows')
    expect(found(await verify())).toEqual([['cut', 1, 20]])
  })

  test('two rows that changed places are named together', async () => {
    await twentyRows()
    await ask('UPDATE audit_rows SET seq = 1000 WHERE seq = 6')
    await ask('UPDATE audit_rows SET seq = 6 WHERE seq = 13')
    await ask('UPDATE audit_rows SET seq = 13 WHERE seq = 1000')
    expect(found(await verify())).toEqual([
      ['changed', 6, 6],
      ['changed', 13, 13],
      ['swapped', 6, 13],
    ])
  })

  test('two neighbours that changed places without their hashes are named together', async () => {
    await twentyRows()
    const columns =
      'journal, phase, at, deed, actor, plane, method, portal, server, capability, outcome, decision, facts'
    const [six, seven] = await ask(`SELECT ${columns} FROM audit_rows WHERE seq IN (6, 7) ORDER BY seq`)
    for (const [seq, row] of [
      [6, seven],
      [7, six],
    ] as const)
      await ask(
        'UPDATE audit_rows SET phase = $1, deed = $2, at = $3, facts = $4, capability = $5, outcome = NULL WHERE seq = $6',
        ...['phase', 'deed', 'at', 'facts', 'capability'].map((name) => String(row?.[name])),
        seq,
      )
    for (const [seq, row] of [
      [6, seven],
      [7, six],
    ] as const)
      if (row?.outcome != null) await ask('UPDATE audit_rows SET outcome = $1 WHERE seq = $2', String(row.outcome), seq)
    expect(found(await verify())).toEqual([
      ['changed', 6, 6],
      ['changed', 7, 7],
      ['swapped', 6, 7],
    ])
  })

  test('a row that was put in is found, at the end and in the middle', async () => {
    await twentyRows()
    const copied =
      'journal, phase, at, deed, actor, plane, method, portal, server, capability, outcome, decision, facts, hash'
    await ask(`INSERT INTO audit_rows (seq, ${copied}) SELECT 21, ${copied} FROM audit_rows WHERE seq = 20`)
    expect(found(await verify())).toEqual([
      ['changed', 21, 21],
      ['inserted', 21, 21],
    ])
    if (kind === 'sqlite') return
    const shifted = copied.replace(' at,', ' at + 1,')
    await ask(`INSERT INTO audit_rows (seq, ${copied}) SELECT 7, ${shifted} FROM audit_rows WHERE seq = 7`)
    expect(found(await verify())).toEqual([
      ['inserted', 7, 7],
      ['changed', 21, 21],
      ['inserted', 21, 21],
    ])
  })

  test('an end that is cut off, counters and heads in the database included, is found by the file', async () => {
    await twentyRows()
    await ask('DELETE FROM audit_rows WHERE seq > 15')
    expect(found(await verify({ files: [] }))).toEqual([['cut', 16, 20]])
    const [hash] = await ask(
      `SELECT ${kind === 'sqlite' ? 'hex(hash)' : "encode(hash, 'hex')"} AS h FROM audit_rows WHERE seq = 15`,
    )
    await ask(
      `UPDATE audit_chain SET seq = 15, hash = ${kind === 'sqlite' ? 'unhex($1)' : "decode($1, 'hex')"}`,
      String(hash?.h),
    )
    await ask("UPDATE audit_meta SET value = 15 WHERE key = 'seq'")
    await ask("DELETE FROM audit_heads WHERE kind = 'head'")
    const verdict = await verify()
    expect(found(verdict)).toEqual([['cut', 16, 20]])
    expect(verdict.problems[0]?.text).toContain('audit-head.json')
    // Without the file nothing contradicts it: that is what the file is for.
    expect(await verify({ files: [] })).toMatchObject({ intact: true })
  })

  test('a portal that meets a cut end says so, and keeps the evidence over everything that it writes then', async () => {
    await twentyRows()
    await ask('DELETE FROM audit_rows WHERE seq > 15')
    const [hash] = await ask(
      `SELECT ${kind === 'sqlite' ? 'hex(hash)' : "encode(hash, 'hex')"} AS h FROM audit_rows WHERE seq = 15`,
    )
    await ask(
      `UPDATE audit_chain SET seq = 15, hash = ${kind === 'sqlite' ? 'unhex($1)' : "decode($1, 'hex')"}`,
      String(hash?.h),
    )
    await ask("UPDATE audit_meta SET value = 15 WHERE key = 'seq'")
    await ask("DELETE FROM audit_heads WHERE kind = 'head'")
    audit = await open()
    await record(10)
    await audit.close()
    expect(alarms).toEqual([expect.stringContaining('row 20 was signed')])
    const verdict = await verify()
    expect(found(verdict)).toEqual([['rewritten', 1, 20]])
    expect(verdict.problems[0]?.text).toContain('audit-head.contradicted.json')
    audit = await open()
    await audit.close()
    expect(alarms).toHaveLength(1)
    expect((await verify()).intact).toBe(false)
  })

  test('a chain that was made anew from an edited row on is not the one that was signed', async () => {
    await twentyRows()
    await remake(8)
    expect(found(await verify())).toEqual([
      ['rewritten', 1, 20],
      ['rewritten', 1, 20],
    ])
  })

  /** Edits a row and makes all hashes from there on anew, as who knows this program can. */
  async function remake(edited: number): Promise<void> {
    const reader = await openChainReader(dir, postgres?.url ?? null)
    let previous = ''
    const hashes: [number, string][] = []
    for await (const row of reader.rows(0)) {
      if (row.seq < edited) previous = String(row.hash)
      else {
        const changed = row.seq === edited ? { ...row, method: 'tools/list' } : row
        previous = chainHash(previous, row.seq, row.journal, changed)
        hashes.push([row.seq, previous])
      }
    }
    await reader.close()
    const unhex = (n: number): string => (kind === 'sqlite' ? `unhex($${n})` : `decode($${n}, 'hex')`)
    await ask('UPDATE audit_rows SET method = $1 WHERE seq = $2', 'tools/list', edited)
    for (const [seq, hash] of hashes) await ask(`UPDATE audit_rows SET hash = ${unhex(1)} WHERE seq = $2`, hash, seq)
    await ask(`UPDATE audit_chain SET hash = ${unhex(1)}`, previous)
  }

  test('a forged head is named, in the database and in the file', async () => {
    await twentyRows()
    await remake(8)
    const [end] = await ask(
      `SELECT ${kind === 'sqlite' ? 'lower(hex(hash))' : "encode(hash, 'hex')"} AS h FROM audit_chain`,
    )
    await ask("UPDATE audit_heads SET hash = $1 WHERE kind = 'head'", String(end?.h))
    expect(found(await verify({ files: [] }))).toEqual([['forged-head', 20, 20]])
    const path = join(dir, 'audit-head.json')
    writeFileSync(path, JSON.stringify({ ...(JSON.parse(readFileSync(path, 'utf8')) as Head), hash: end?.h }))
    expect(found(await verify())).toEqual([
      ['forged-head', 20, 20],
      ['forged-head', 20, 20],
    ])
    writeFileSync(path, 'nothing')
    expect(found(await verify())).toContainEqual(['forged-head', 0, 0])
  })

  test('a forged beginning hides nothing', async () => {
    await twentyRows()
    await ask('DELETE FROM audit_rows WHERE seq <= 10')
    await ask("UPDATE audit_heads SET kind = 'pruned', seq = 10 WHERE kind = 'start'")
    expect(found(await verify())).toContainEqual(['forged-head', 0, 0])
    await ask("DELETE FROM audit_heads WHERE kind <> 'head'")
    expect(found(await verify())).toEqual([
      ['forged-head', 0, 0],
      ['deleted', 1, 10],
    ])
  })

  test('facts about who acted are under the chain too', async () => {
    await record(2)
    await record(2, 'bob@example.com')
    await audit.close()
    await ask("UPDATE audit_actors SET label = 'eve@example.com' WHERE label = 'bob@example.com'")
    expect(found(await verify())).toEqual([['actor-changed', 5, 5]])
    await ask("DELETE FROM audit_actors WHERE label = 'eve@example.com'")
    expect(found(await verify())).toEqual([['actor-deleted', 5, 5]])
  })

  test('what retention deletes leaves a signed mark, and a day that somebody else deleted is missing', async () => {
    for (const days of [100, 50, 40, 30]) {
      await audit.close()
      shift = -days * DAY
      audit = await open({ retentionDays: 1000 })
      await record(5)
    }
    await audit.close()
    shift = 0
    audit = await open()
    await expect.poll(() => audit.query({ limit: 100 }).then((rows) => rows.length)).toBe(30)
    await audit.close()
    expect(await verify()).toMatchObject({ intact: true, rows: 30, first: 11 })
    await ask(
      'DELETE FROM audit_rows WHERE at >= $1 AND at < $2',
      systemClock.now() - 41 * DAY,
      systemClock.now() - 39 * DAY,
    )
    expect(found(await verify())).toEqual([['deleted', 21, 30]])
    // Retention goes over it and does not hide it.
    audit = await open({ retentionDays: 45 })
    await expect.poll(() => audit.query({ limit: 100 }).then((rows) => rows.length)).toBe(10)
    await audit.close()
    expect(found(await verify())).toEqual([['deleted', 21, 30]])
  })

  test('since begins at a head before the time and says how many rows it looked at', async () => {
    shift = -10 * DAY
    await record(5)
    await audit.close()
    shift = 0
    audit = await open()
    await record(5)
    await audit.close()
    await ask('UPDATE audit_rows SET method = $1 WHERE seq = 3', 'edited')
    expect((await verify()).intact).toBe(false)
    expect(await verify({ since: systemClock.now() - DAY })).toMatchObject({ intact: true, rows: 10, first: 11 })
  })

  test('after a change of keys, heads of the old key hold while it is in the ring, and new ones cover them after', async () => {
    await twentyRows()
    const next = Buffer.alloc(32, 8)
    const both = keyRing([next, Buffer.alloc(32, 7)])
    audit = await open({ keys: both })
    await audit.close()
    expect(await verify({ keys: both })).toMatchObject({ intact: true, unknownKeys: 0 })
    expect(await verify({ keys: keyRing([next]) })).toMatchObject({ intact: true, unsigned: 0 })
    expect(await verify({ keys: keyRing([Buffer.alloc(32, 1)]) })).toMatchObject({ intact: false })
  })

  test('rows of an older version stay, outside the chain, which begins behind them', async () => {
    await twentyRows()
    // As version 1 left it.
    if (kind === 'postgres') await ask('ALTER TABLE audit_rows DROP CONSTRAINT audit_rows_chained')
    await ask('ALTER TABLE audit_rows DROP COLUMN hash')
    await ask('DROP TABLE audit_chain')
    await ask('DROP TABLE audit_heads')
    await ask('DROP TABLE audit_calls')
    await ask('DROP TABLE audit_timings')
    await ask("DELETE FROM audit_meta WHERE key = 'chain_from'")
    await ask("UPDATE audit_meta SET value = 1 WHERE key = 'schema'")
    rmSync(join(dir, 'audit-head.json'))
    await expect(verify()).rejects.toThrow('no chain yet')
    audit = await open()
    await record(2)
    expect(await audit.query({ limit: 100 })).toHaveLength(24)
    await audit.close()
    expect(await verify()).toMatchObject({ intact: true, rows: 4, unchained: 20, first: 21 })
    await ask("UPDATE audit_rows SET method = 'edited' WHERE seq = 22")
    expect(found(await verify())).toEqual([['changed', 22, 22]])
    if (kind === 'sqlite') return
    // A replica of the old version that still runs appends nothing past the chain: its rows wait in its journal.
    const copied = 'journal, phase, at, deed, actor, plane, method, facts'
    const old = `INSERT INTO audit_rows (seq, ${copied}) SELECT 25, ${copied} FROM audit_rows WHERE seq = 24`
    await expect(ask(old)).rejects.toMatchObject({ constraint: 'audit_rows_chained' })
  })
})

describe('several writers on one PostgreSQL', () => {
  test('make one chain together', async () => {
    const postgres = await freshPostgres()
    const dirs = [0, 1, 2].map(() => mkdtempSync(join(tmpdir(), 'portico-chain-')))
    const audits = await Promise.all(
      dirs.map((dir) =>
        openAudit({
          ...{ dir, databaseUrl: postgres.url, durability: 'process', retentionDays: 90 },
          ...{ keys: TEST_KEYS, clock: systemClock, log: silentLog },
        }),
      ),
    )
    const one = async (audit: Audit): Promise<void> => {
      const deed = newId<DeedId>(systemClock.now())
      const actor = { kind: 'user', id: 'u', label: 'ada@example.com' } as const
      const entry = await audit.begin({ deed, plane: 'mcp', actor, method: 'ping' })
      await entry.finish({ outcome: 'answered' })
    }
    for (let round = 0; round < 20; round++) {
      await Promise.all(audits.map(one))
      await Promise.all(audits.map((audit) => audit.query({ limit: 1 })))
    }
    for (const audit of audits) await audit.close()
    const reader = await openChainReader('', postgres.url)
    const files = dirs.flatMap(readHeadFiles)
    const verdict = await verifyChain({ reader, signer: openHeadSigner(headKeys(TEST_KEYS)), files })
    await reader.close()
    expect(verdict).toMatchObject({ intact: true, rows: 120, unsigned: 0 })
    expect(verdict.heads).toBeGreaterThanOrEqual(6)
    await postgres.drop()
    for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
  })
})

test('under load a head that stays is signed every ten thousand rows or so, and one that does not gives way to the next', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'portico-chain-'))
  const audit = await openAudit({
    ...{ dir, databaseUrl: null, durability: 'process', retentionDays: 90 },
    ...{ keys: TEST_KEYS, clock: systemClock, log: silentLog },
  })
  const actor = { kind: 'user', id: 'u', label: 'ada@example.com' } as const
  for (let turn = 0; turn < 200; turn++) {
    await Promise.all(
      Array.from({ length: 100 }, async () => {
        const entry = await audit.begin({ deed: newId<DeedId>(systemClock.now()), plane: 'mcp', actor, method: 'ping' })
        await entry.finish({ outcome: 'answered' })
      }),
    )
    // Lets a slow disk keep up: a worker that lags takes in as much as has come, at once.
    if (turn % 10 === 9) await audit.query({ limit: 1 })
  }
  await audit.close()
  const reader = await openChainReader(dir, null)
  const heads = (await reader.heads()).filter(({ kind }) => kind === 'head').map(({ seq }) => seq)
  await reader.close()
  expect(heads.length).toBeGreaterThanOrEqual(3)
  expect(heads.length).toBeLessThanOrEqual(5)
  expect(heads.at(-1)).toBe(40_000)
  for (const [i, seq] of heads.entries()) expect(seq - (heads[i - 1] ?? 0)).toBeLessThanOrEqual(20_000)
  rmSync(dir, { recursive: true, force: true })
})
