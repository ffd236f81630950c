import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { WriterOptions } from '../../test/audit-writer.ts'
import { DATABASE_KINDS, type FreshPostgres, freshPostgres } from '../../test/databases.ts'
import { TEST_KEYS } from '../../test/keys.ts'
import { WRITER } from '../../test/program.ts'
import { systemClock } from '../base/clock.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import { headKeys, openHeadSigner } from './chain.ts'
import type { Audit, AuditRow } from './event.ts'
import { HEADER_BYTES, MAX_PAYLOAD, segmentName, takeFrame } from './frames.ts'
import { readHeadFiles } from './head-file.ts'
import { openAudit } from './log.ts'
import { openChainReader } from './open-chain.ts'
import { type Verdict, verifyChain } from './verify.ts'

/** A process that writes rows. What it was let go for it says in a file, which its death cannot cut short. */
class Writer {
  readonly child: ChildProcess
  readonly gone: Promise<unknown>
  readonly #said: string

  constructor(options: WriterOptions, said: string) {
    this.#said = said
    const out = openSync(said, 'w')
    this.child = spawn(process.execPath, [WRITER, JSON.stringify(options)], { stdio: ['pipe', out, 'inherit'] })
    closeSync(out)
    this.gone = once(this.child, 'close')
  }

  #deeds(mark: string): Set<string> {
    const lines = readFileSync(this.#said, 'utf8').split('\n')
    return new Set(lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(2)))
  }

  get begun(): Set<string> {
    return this.#deeds('b')
  }

  get ended(): Set<string> {
    return this.#deeds('e')
  }

  /** Resolves when that many deeds have begun. */
  async reach(count: number): Promise<void> {
    await expect.poll(() => this.begun.size, { interval: 20 }).toBeGreaterThanOrEqual(count)
  }

  async kill(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.gone
  }
}

async function everything(audit: Audit): Promise<AuditRow[]> {
  const rows: AuditRow[] = []
  for (;;) {
    const page = await audit.query({ limit: 5000, after: rows.at(-1)?.seq ?? 0 })
    if (page.length === 0) return rows
    rows.push(...page)
  }
}

const deedsOf = (rows: readonly AuditRow[], phase: AuditRow['phase']): string[] =>
  rows.filter((row) => row.phase === phase).map((row) => row.deed)

function missing(said: ReadonlySet<string>, found: readonly string[]): string[] {
  const known = new Set(found)
  return [...said].filter((deed) => !known.has(deed))
}

describe.each(DATABASE_KINDS)('after a crash, on %s', (kind) => {
  let dir: string
  let postgres: FreshPostgres | null
  const started: { close(): Promise<void> }[] = []

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'portico-audit-'))
    postgres = kind === 'postgres' ? await freshPostgres() : null
  })
  afterEach(async () => {
    for (const one of started.splice(0)) await one.close()
    await postgres?.drop()
    rmSync(dir, { recursive: true, force: true })
  })

  async function open(): Promise<Audit> {
    const audit = await openAudit({
      dir,
      databaseUrl: postgres?.url ?? null,
      durability: 'process',
      retentionDays: 90,
      keys: TEST_KEYS,
      clock: systemClock,
      log: silentLog,
    })
    started.push(audit)
    return audit
  }

  function writer(over: Partial<WriterOptions> = {}): Writer {
    const databaseUrl = postgres?.url ?? null
    const said = join(dir, `said-${started.length}`)
    const child = new Writer({ dir, databaseUrl, durability: 'process', deeds: null, ...over }, said)
    started.push({ close: () => child.kill() })
    return child
  }

  async function verified(): Promise<Verdict> {
    const reader = await openChainReader(dir, postgres?.url ?? null)
    const signer = openHeadSigner(headKeys(TEST_KEYS))
    return verifyChain({ reader, signer, files: readHeadFiles(dir) }).finally(() => reader.close())
  }

  test.each(['process', 'disk'] as const)('kill -9 under load loses no released row (%s)', async (durability) => {
    const child = writer({ durability })
    await child.reach(6000)
    await child.kill()

    const audit = await open()
    const rows = await everything(audit)
    const begun = deedsOf(rows, 'begun')
    const ended = deedsOf(rows, 'ended')
    expect(new Set(begun).size).toBe(begun.length)
    expect(new Set(ended).size).toBe(ended.length)
    expect(missing(child.begun, begun)).toEqual([])
    const answered = rows.flatMap((row) => (row.outcome === 'answered' ? [row.deed] : []))
    expect(child.ended.size).toBeGreaterThan(5000)
    expect(missing(child.ended, answered)).toEqual([])
    // Every deed that began has an end, and begins before it.
    expect(new Set(ended)).toEqual(new Set(begun))
    const beganAt = new Map(rows.flatMap((row) => (row.phase === 'begun' ? [[row.deed, row.seq]] : [])))
    expect(rows.filter((row) => row.phase === 'ended' && row.seq < (beganAt.get(row.deed) ?? Infinity))).toEqual([])
    const left = rows.filter((row) => row.phase === 'ended' && row.outcome !== 'answered')
    expect(left.every((row) => row.outcome === 'unknown' && row.actor.label === 'ada@example.com')).toBe(true)
    // Own journal and the directory's lock; the dead one is gone.
    expect(readdirSync(join(dir, 'journal'))).toHaveLength(2)
    await audit.close()
    expect(await verified()).toMatchObject({ intact: true, rows: rows.length, unsigned: 0 })
  })

  test('a deed that was open when its process died is closed as unknown, once', async () => {
    const child = writer({ deeds: 100, hold: true })
    await child.reach(101)
    await child.kill()
    for (let start = 0; start < 2; start++) {
      const audit = await open()
      const rows = await everything(audit)
      expect(rows).toHaveLength(202)
      expect(rows.filter((row) => row.outcome === 'unknown')).toHaveLength(1)
      await audit.close()
    }
  })

  test('a process that never closes its audit still ends by itself, and its rows are taken in', async () => {
    const child = writer({ deeds: 100, forget: true })
    await child.gone
    expect(child.child.exitCode).toBe(0)
    const rows = await everything(await open())
    expect(rows).toHaveLength(200)
    expect(missing(child.ended, deedsOf(rows, 'ended'))).toEqual([])
  })

  test('a torn write at the end is ignored, and what stands before it is kept', async () => {
    const child = writer({ deeds: 200, die: true })
    await child.gone
    tearTail(join(dir, 'journal'))
    const rows = await everything(await open())
    expect(new Set(deedsOf(rows, 'ended'))).toEqual(child.ended)
    expect(rows).toHaveLength(400)
  })

  test('the journal of a living process is not adopted', async () => {
    const child = writer({ deeds: 10, hold: true })
    await child.reach(11)
    const other = await open()
    const neighbour = await open()
    const mine = await neighbour.begin({
      deed: newId<DeedId>(systemClock.now()),
      plane: 'mcp',
      actor: { kind: 'user', id: 'u2', label: 'bob@example.com' },
      method: 'tools/call',
    })
    await neighbour.query({ limit: 1 })
    // The child's own worker takes in all it wrote.
    await expect.poll(() => other.query({ limit: 100, phase: 'begun' })).toHaveLength(12)
    const third = await open()
    expect(await third.query({ limit: 100, outcome: 'unknown' })).toEqual([])
    // Journals of child, other, neighbour and third, and the lock.
    expect(readdirSync(join(dir, 'journal'))).toHaveLength(5)
    await child.kill()
    await third.close()
    const fourth = await open()
    expect(await fourth.query({ limit: 100, outcome: 'unknown' })).toHaveLength(1)
    await mine.finish({ outcome: 'answered' })
    expect(await neighbour.query({ limit: 100, deed: mine.deed })).toMatchObject([
      { outcome: 'answered' },
      { phase: 'begun' },
    ])
  })

  test('who polls by seq while several processes write misses nothing', async () => {
    const dirs = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'portico-audit-')))
    const children = dirs.map((own) => writer({ dir: kind === 'postgres' ? own : dir, deeds: 2000 }))
    const audit = await open()
    const polled: number[] = []
    let running = true
    const gone = Promise.all(children.map((child) => child.gone)).then(() => {
      running = false
    })
    for (;;) {
      const last = !running
      const rows = await audit.query({ limit: 5000, after: polled.at(-1) ?? 0 })
      polled.push(...rows.map((row) => row.seq))
      if (last && rows.length === 0) break
    }
    await gone
    const rows = await everything(audit)
    expect(polled).toEqual(rows.map((row) => row.seq))
    expect(rows).toHaveLength(8000)
    for (const own of dirs) rmSync(own, { recursive: true, force: true })
  })
})

describe('several replicas on one PostgreSQL, each with its own directory', () => {
  test('a start closes what its own dead process left open, and never what another has under way', async () => {
    const postgres = await freshPostgres()
    const dirs = [0, 1].map(() => mkdtempSync(join(tmpdir(), 'portico-audit-')))
    const [lives, dies] = dirs.map(
      (dir) =>
        new Writer({ dir, databaseUrl: postgres.url, durability: 'process', deeds: 10, hold: true }, join(dir, 'said')),
    )
    try {
      await Promise.all([lives?.reach(11), dies?.reach(11)])
      await dies?.kill()
      const audit = await openAudit({
        ...{ dir: dirs[1] ?? '', databaseUrl: postgres.url, durability: 'process', retentionDays: 90 },
        ...{ keys: TEST_KEYS, clock: systemClock, log: silentLog },
      })
      const left = [...(dies?.begun ?? [])].filter((deed) => !dies?.ended.has(deed))
      const closed = await audit.query({ limit: 100, outcome: 'unknown' })
      expect(closed.map((row) => row.deed)).toEqual(left)
      await expect.poll(() => audit.query({ limit: 100, phase: 'begun' })).toHaveLength(22)
      const open = [...(lives?.begun ?? [])].filter((deed) => !lives?.ended.has(deed))
      expect(open).toHaveLength(1)
      expect(await audit.query({ limit: 10, deed: open[0] ?? '' })).toMatchObject([{ phase: 'begun' }])
      await audit.close()
    } finally {
      await lives?.kill()
      await dies?.kill()
      await postgres.drop()
      for (const dir of dirs) rmSync(dir, { recursive: true, force: true })
    }
  })
})

/** Puts half a frame behind the last whole one. */
function tearTail(journals: string): void {
  const [name] = readdirSync(journals).filter((entry) => entry !== 'lock')
  const path = join(journals, name ?? '', segmentName(1))
  const bytes = readFileSync(path)
  let at = 0
  for (let payload = takeFrame(bytes, at, at); payload; payload = takeFrame(bytes, at, at))
    at += HEADER_BYTES + payload.length
  const torn = Buffer.from('\0\0\0\0\0\0\0\0b[1,"torn"')
  torn.writeUInt32LE(MAX_PAYLOAD / 2, 0)
  torn.writeUInt32LE(12345, 4)
  const file = openSync(path, 'r+')
  writeSync(file, torn, 0, torn.length, at)
  closeSync(file)
}
