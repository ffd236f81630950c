import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { open as openFile, readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TEST_KEYS } from '../../test/keys.ts'
import { systemClock } from '../base/clock.ts'
import { type DeedId, newId } from '../base/ids.ts'
import { silentLog } from '../base/log.ts'
import type { Audit, DeedStart } from './event.ts'
import type { Position } from './frames.ts'
import { Journal } from './journal.ts'
import { JournalReader, listSegments } from './journal-reader.ts'
import { type AuditOptions, openAudit } from './log.ts'

const KIB = 1024

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'portico-journal-'))
})
afterEach(() => {
  rmSync(dir, { recursive: true, force: true })
})

/** About 300 bytes in the journal. */
function line(n: number): string {
  return `b[1,"deed-${n}","a","mcp","tools/call",null,null,null,null,null]\t{"pad":"${'x'.repeat(220)}"}\n`
}

function deedsIn(path: string): string[] {
  const reader = new JournalReader(path)
  const deeds: string[] = []
  for (const segment of listSegments(path)) {
    let at: Position = { segment, offset: 0 }
    for (let piece = reader.read(at); piece; piece = reader.read(at)) {
      deeds.push(...piece.rows.map((row) => row.deed))
      at = piece.to
    }
  }
  reader.close()
  return deeds
}

describe('a journal by itself', () => {
  let journal: Journal
  const troubles: unknown[] = []
  afterEach(() => journal.close())

  async function open(over: { durability?: 'process' | 'disk'; maxSegments?: number } = {}): Promise<Journal> {
    troubles.length = 0
    journal = await Journal.open({
      dir,
      durability: 'process',
      segmentBytes: 512 * KIB,
      maxSegments: 1000,
      onWritten: () => {},
      onTrouble: (cause) => troubles.push(cause),
      ...over,
    })
    return journal
  }

  test('the lines of one turn are one frame, in order', async () => {
    await open()
    await Promise.all([1, 2, 3].map((n) => journal.write(line(n))))
    expect(deedsIn(dir)).toEqual(['deed-1', 'deed-2', 'deed-3'])
    expect(journal.position).toEqual({ segment: 1, offset: 8 + 3 * line(1).length })
  })

  test('lines are in the file when their callers are released, over many segments', async () => {
    await open()
    const all: string[] = []
    for (let turn = 0; turn < 60; turn++) {
      const numbers = Array.from({ length: 100 }, (_, i) => turn * 100 + i)
      all.push(...numbers.map((n) => `deed-${n}`))
      await Promise.all(numbers.map((n) => journal.write(line(n))))
    }
    expect(deedsIn(dir)).toEqual(all)
    expect(journal.position.segment).toBeGreaterThan(3)
    expect(troubles).toEqual([])
  })

  test('more lines in one turn than a segment holds are all written', async () => {
    await open()
    const numbers = Array.from({ length: 5000 }, (_, n) => n)
    await Promise.all(numbers.map((n) => journal.write(line(n))))
    expect(deedsIn(dir)).toEqual(numbers.map((n) => `deed-${n}`))
  })

  test('on disk durability nobody is released before a sync that began after the write', async () => {
    await open({ durability: 'disk' })
    let syncs = journal.syncs
    for (let n = 0; n < 20; n++) {
      await journal.write(line(n))
      expect(journal.syncs).toBeGreaterThan(syncs)
      syncs = journal.syncs
    }
  })

  test('on disk durability callers of many turns share syncs', async () => {
    await open({ durability: 'disk' })
    const before = journal.syncs
    const file = await openFile(import.meta.filename)
    const { promise: slow, resolve: endSlow } = Promise.withResolvers<void>()
    const datasync = vi.spyOn(Object.getPrototypeOf(file), 'datasync').mockImplementation(() => slow)
    const waiting: Promise<void>[] = []
    for (let n = 0; n < 200; n++) {
      waiting.push(journal.write(line(n)))
      await new Promise(setImmediate)
    }
    expect(journal.syncs).toBe(before)
    endSlow()
    await Promise.all(waiting)
    datasync.mockRestore()
    await file.close()
    // The slow one, one for what came meanwhile, and at most one for a last turn that was not written yet.
    expect(journal.syncs - before).toBeLessThanOrEqual(3)
    expect(deedsIn(dir)).toHaveLength(200)
  })

  // [AUDIT-2]
  test('callers are refused while no segment can be made, and released again once one can', async () => {
    await open()
    await journal.write(line(0))
    const away = `${dir}-away`
    renameSync(dir, away)
    let written = 1
    const refused = async (): Promise<unknown> => {
      for (;;) {
        try {
          await journal.write(line(written))
          written++
        } catch (error) {
          return error
        }
      }
    }
    expect(await refused()).toMatchObject({ code: 'audit-unavailable', cause: { code: 'ENOENT' } })
    expect(journal.writable).toBe(false)
    await expect(journal.write(line(-1))).rejects.toMatchObject({ code: 'audit-unavailable' })
    renameSync(away, dir)
    await expect.poll(() => journal.writable).toBe(true)
    await journal.write(line(written))
    expect(deedsIn(dir)).toEqual(Array.from({ length: written + 1 }, (_, n) => `deed-${n}`))
    expect(troubles).toMatchObject([{ code: 'ENOENT' }, null])
  })

  test('calls are refused while too many segments wait to be taken in', async () => {
    await open({ maxSegments: 3 })
    const fill = async (): Promise<unknown> => {
      for (let n = 0; ; n++) {
        const failure = await journal.write(line(n)).catch((error: unknown) => error)
        if (failure !== undefined) return failure
      }
    }
    expect(await fill()).toMatchObject({ code: 'audit-unavailable' })
    expect(journal.position.segment).toBe(3)
    expect(journal.writable).toBe(false)
    journal.takenIn({ segment: 2, offset: 0 })
    await expect.poll(() => journal.writable).toBe(true)
    await journal.write(line(1))
    expect(journal.position.segment).toBe(4)
  })
})

describe('the journal under the audit', () => {
  let audit: Audit
  afterEach(() => audit.close())

  async function open(over: Partial<AuditOptions> = {}): Promise<Audit> {
    audit = await openAudit({
      dir,
      databaseUrl: null,
      durability: 'process',
      retentionDays: 90,
      keys: TEST_KEYS,
      clock: systemClock,
      log: silentLog,
      journal: { segmentBytes: 512 * KIB, maxSegments: 3 },
      ...over,
    })
    return audit
  }

  function call(): DeedStart {
    return {
      deed: newId<DeedId>(systemClock.now()),
      plane: 'mcp',
      actor: { kind: 'user', id: 'u1', label: 'ada@example.com' },
      method: 'tools/call',
      clientName: 'c'.repeat(200),
    }
  }

  async function deeds(count: number): Promise<void> {
    const one = async () => (await audit.begin(call())).finish({ outcome: 'answered' })
    await Promise.all(Array.from({ length: count }, one))
  }

  test.each(['process', 'disk'] as const)('segments that are taken in are deleted (%s)', async (durability) => {
    await open({ durability, journal: { segmentBytes: 512 * KIB, maxSegments: 100 } })
    for (let turn = 0; turn < 60; turn++) await deeds(100)
    const rows = await audit.query({ limit: 20_000 })
    expect(rows).toHaveLength(12_000)
    expect(new Set(rows.map((row) => row.actor.label))).toEqual(new Set(['ada@example.com']))
    const [journal] = (await readdir(join(dir, 'journal'))).filter((name) => name !== 'lock')
    const segments = listSegments(join(dir, 'journal', journal ?? ''))
    expect(segments[0]).toBeGreaterThan(8)
    expect(segments.length).toBeLessThanOrEqual(2)
  })

  test('calls are refused while the database takes nothing in, and none that was released is lost', async () => {
    await open()
    await deeds(1)
    await audit.query({ limit: 1 })
    const blocker = new DatabaseSync(join(dir, 'audit.db'))
    blocker.exec('BEGIN IMMEDIATE')
    const released: string[] = []
    const refusal = async (): Promise<unknown> => {
      for (;;) {
        try {
          const entry = await audit.begin(call())
          await entry.finish({ outcome: 'answered' })
          released.push(entry.deed)
        } catch (error) {
          return error
        }
      }
    }
    expect(await refusal()).toMatchObject({ code: 'audit-unavailable' })
    expect(audit.writable).toBe(false)
    blocker.exec('ROLLBACK')
    blocker.close()
    await expect.poll(() => audit.writable).toBe(true)
    await deeds(1)
    const found = await audit.query({ limit: 100_000, phase: 'ended', outcome: 'answered' })
    expect(found.map((row) => row.deed)).toEqual(expect.arrayContaining(released.slice(-50)))
    expect(found).toHaveLength(released.length + 2)
  })
})
