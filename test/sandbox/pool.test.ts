/** The processes behind the sandbox: who waits, who shares what with whom, and what is left at the end. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { LIMITS } from '../../src/config/limits.ts'
import type { Json } from '../../src/protocol/model.ts'
import type { Nested, RunEnd, Sandbox } from '../../src/sandbox/model.ts'
import { CONFIG, jobOf, open, type Settings } from './room.ts'

async function opened(settings: Settings): Promise<Sandbox> {
  const sandbox = await open(settings)
  onTestFinished(() => sandbox.close())
  return sandbox
}

/** The processes that this one started for runs. */
function cages(): number[] {
  const path = `/proc/${process.pid}/task/${process.pid}/children`
  const pids = readFileSync(path, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  return pids.filter((pid) => /portico-sandbox|takeRun/.test(readFileSync(`/proc/${pid}/cmdline`, 'utf8')))
}

/** A run that waits in a call until it is let go; for a person, if so. */
function held(sandbox: Sandbox, forPerson = false, owner?: string) {
  const isCalled = Promise.withResolvers<void>()
  const gate = Promise.withResolvers<void>()
  const call = async (_name: string, _input: Json, { hold }: Nested) => {
    if (forPerson) hold()
    isCalled.resolve()
    await gate.promise
    return 'held'
  }
  const ended = sandbox.run(jobOf('async () => codemode.echo()', { call, ...(owner === undefined ? {} : { owner }) }))
  return { isCalled: isCalled.promise, letGo: gate.resolve, ended }
}

test('a thousand runs wait their turn, one more is refused, and all others end', async () => {
  const sandbox = await opened({ processes: 2, turnMs: 300_000 })
  const first = [held(sandbox), held(sandbox)]
  await Promise.all(first.map(({ isCalled }) => isCalled))
  const waiting: Promise<RunEnd>[] = []
  for (let i = 0; i < LIMITS.code_waiting.value; i++) waiting.push(sandbox.run(jobOf(`async () => ${i}`)))
  expect(await sandbox.run(jobOf('async () => "too many"'))).toMatchObject({ kind: 'stopped', why: 'busy', calls: 0 })
  for (const { letGo } of first) letGo()
  const ends = await Promise.all(waiting)
  expect(ends.map((end) => (end.kind === 'returned' ? end.value : end))).toEqual(ends.map((_, i) => i))
  expect(cages().length).toBeLessThanOrEqual(2)
})

test('a burst of runs before the first process is there makes no more of them than there may be', async () => {
  const before = cages().length
  const sandbox = await opened({ processes: 2 })
  const seen: number[] = []
  const call = async () => seen.push(cages().length - before)
  await Promise.all(Array.from({ length: 20 }, () => sandbox.run(jobOf('async () => codemode.echo()', { call }))))
  expect(seen).toHaveLength(20)
  expect(Math.max(...seen)).toBeLessThanOrEqual(2)
})

test('a run that waits too long for its turn is refused', async () => {
  const sandbox = await opened({ processes: 1, turnMs: 200 })
  // Until the first process is there, the first run itself may wait too long.
  let first = held(sandbox)
  while ((await Promise.race([first.isCalled, first.ended])) !== undefined) first = held(sandbox)
  expect(await sandbox.run(jobOf('async () => 1'))).toMatchObject({ kind: 'stopped', why: 'busy' })
  first.letGo()
  expect(await first.ended).toMatchObject({ value: 'held' })
})

test('a run that is cancelled while it waits never begins', async () => {
  const sandbox = await opened({ processes: 1 })
  const first = held(sandbox)
  await first.isCalled
  const stop = new AbortController()
  const called: unknown[] = []
  const waits = sandbox.run(
    jobOf('async () => codemode.echo()', { signal: stop.signal, call: async () => called.push(1) }),
  )
  stop.abort()
  expect(await waits).toMatchObject({ kind: 'stopped', why: 'cancelled', calls: 0 })
  first.letGo()
  await first.ended
  expect(called).toEqual([])
})

/** Never process 0, which would be all that runs these tests. */
function killOne(pid: number | undefined): void {
  if (pid === undefined) throw new Error('there is no process of the sandbox')
  process.kill(pid, 'SIGKILL')
}

// [SANDBOX-6]
test('a process that is killed in the midst of a run fails that run, and no other', async () => {
  const sandbox = await opened({ processes: 3 })
  const before = cages()
  const runs = [held(sandbox), held(sandbox), held(sandbox)]
  await Promise.all(runs.map(({ isCalled }) => isCalled))
  const [pid, ...others] = cages().filter((one) => !before.includes(one))
  expect(others).toHaveLength(2)
  killOne(pid)
  expect(await Promise.race(runs.map(({ ended }) => ended))).toMatchObject({ kind: 'stopped', why: 'lost', calls: 1 })
  for (const { letGo } of runs) letGo()
  const ends = await Promise.all(runs.map(({ ended }) => ended))
  expect(ends.filter((end) => end.kind === 'returned' && end.value === 'held')).toHaveLength(2)
  expect(await sandbox.run(jobOf('async () => 1'))).toMatchObject({ value: 1 })
})

test('a process that is killed while nobody uses it is replaced without anybody noticing', async () => {
  const sandbox = await opened({ processes: 1 })
  const before = cages()
  const fresh = () => cages().filter((one) => !before.includes(one))
  // One that takes long to be free again, as on a loaded machine, is not kept.
  await expect
    .poll(async () => {
      await sandbox.run(jobOf('async () => 1'))
      return fresh().length
    })
    .toBeGreaterThan(0)
  const [pid] = fresh()
  killOne(pid)
  await expect.poll(() => cages().includes(pid ?? 0)).toBe(false)
  expect(await sandbox.run(jobOf('async () => 2'))).toMatchObject({ value: 2 })
})

test('a process has so many runs and then makes room for a new one', async () => {
  const sandbox = await opened({ processes: 1 })
  const seen = new Set<number>()
  for (let i = 0; i <= LIMITS.code_runs.value; i++) {
    const call = async () => {
      for (const pid of cages()) seen.add(pid)
      return null
    }
    const end = await sandbox.run(jobOf('async () => codemode.echo()', i === 0 || i === 50 ? { call } : {}))
    expect(end.kind).toBe('returned')
  }
  expect(seen.size).toBe(2)
})

test('nothing is started before code is run, and nothing is left when it is closed', async () => {
  const before = cages()
  const sandbox = await opened({ processes: 2 })
  expect(cages()).toEqual(before)
  const first = held(sandbox)
  await first.isCalled
  const waits = Promise.all(
    Array.from({ length: 5 }, () => sandbox.run(jobOf('async () => 1, async () => { for (;;); }'))),
  )
  await sandbox.close()
  expect(await first.ended).toMatchObject({ kind: 'stopped', why: 'lost' })
  for (const end of await waits) expect(end.kind).toBe('stopped')
  expect(cages()).toEqual(before)
  expect(await sandbox.run(jobOf('async () => 1'))).toMatchObject({ kind: 'stopped', why: 'lost' })
})

test('where it is switched off no code is run, and it says so', async () => {
  const sandbox = await opened({ processes: 0 })
  expect(sandbox.unavailable).toContain('sandbox.processes')
  expect(await sandbox.run(jobOf('async () => 1'))).toMatchObject({ kind: 'stopped', why: 'lost' })
})

test('without machine code the same runs give the same', async () => {
  const sandbox = await opened({ processes: 1, jit: false })
  const code = 'async () => { let n = 0; for (let i = 0; i < 1e5; i++) n += i; return [n, await codemode.echo("x")] }'
  expect(await sandbox.run(jobOf(code))).toMatchObject({ value: [4999950000, 'x'] })
  expect(await sandbox.run(jobOf('async () => { for (;;); }', { budget: { cpuMs: 100 } }))).toMatchObject({
    why: 'cpu',
  })
})

test('runs that wait for a person leave their place to others, so many of them', async () => {
  const sandbox = await opened({ processes: 1, heldRuns: 3, turnMs: 5000 })
  const before = cages().length
  await sandbox.run(jobOf('async () => 1'))
  const waiting = []
  for (let i = 0; i < 3; i++) {
    const one = held(sandbox, true)
    await one.isCalled
    waiting.push(one)
  }
  expect(cages().length - before).toBeGreaterThanOrEqual(3)
  expect(await sandbox.run(jobOf('async () => "served"'))).toMatchObject({ value: 'served' })
  const last = held(sandbox, true)
  await last.isCalled
  waiting.push(last)
  expect(await sandbox.run(jobOf('async () => "too many"'))).toMatchObject({ kind: 'stopped', why: 'busy' })
  for (const { letGo } of waiting) letGo()
  for (const { ended } of waiting) expect(await ended).toMatchObject({ value: 'held' })
  // Those that are too many now end.
  await expect.poll(() => cages().length - before).toBe(1)
})

test('of several places one caller gets all but one, and in the queue whoever has least is next', async () => {
  const sandbox = await opened({ processes: 3 })
  const flood = Array.from({ length: 10 }, () => held(sandbox, false, 'ann'))
  await Promise.all(flood.slice(0, 2).map(({ isCalled }) => isCalled))
  const order: string[] = []
  // The last place is there after this, and whoever may have it does not leave it free for long.
  expect(await sandbox.run(jobOf('async () => 0', { owner: 'ben' }))).toMatchObject({ value: 0 })
  const third = flood[2]?.isCalled.then(() => 'taken')
  expect(await Promise.race([third, new Promise((resolve) => setTimeout(resolve, 1000, 'free'))])).toBe('free')
  const first = held(sandbox, false, 'ben')
  await first.isCalled
  const later = sandbox.run(jobOf('async () => 1', { owner: 'cat' })).then(() => order.push('cat'))
  void flood[2]?.isCalled.then(() => order.push('ann'))
  first.letGo()
  await later
  expect(order).toEqual(['cat'])
  for (const { letGo } of flood) letGo()
  for (const { ended } of [...flood, first]) expect(await ended).toMatchObject({ value: 'held' })
  expect(await sandbox.run(jobOf('async () => 2', { owner: 'ann' }))).toMatchObject({ value: 2 })
})

test('a run that waits for a person counts for nobody in that, and with one place all have their turn', async () => {
  const sandbox = await opened({ processes: 1 })
  const waits = held(sandbox, true, 'ann')
  await waits.isCalled
  expect(await sandbox.run(jobOf('async () => 1', { owner: 'ann' }))).toMatchObject({ value: 1 })
  waits.letGo()
  expect(await waits.ended).toMatchObject({ value: 'held' })
  const ends = await Promise.all(['ann', 'ann', 'ben'].map((owner) => sandbox.run(jobOf('async () => 1', { owner }))))
  expect(ends.map(({ kind }) => kind)).toEqual(['returned', 'returned', 'returned'])
})

const ORPHAN = `
  import { openSandbox } from ${JSON.stringify(new URL('../../src/sandbox/sandbox.ts', import.meta.url).href)}
  const log = { debug() {}, info() {}, warn() {}, error() {} }
  const config = { processes: 1, jit: true, wall: 'auto', path: process.argv[1] ?? '' }
  const sandbox = await openSandbox({ config, log })
  const budget = { wallMs: 6e5, cpuMs: 6e5, memoryMiB: 64, calls: 1, bytesIn: 1e3, bytesOut: 1e3, consoleBytes: 1e3 }
  const call = async () => { console.log('begun'); return 1 }
  await sandbox.run({ code: 'async () => { await codemode.go(); for (;;); }', functions: ['go'], call, budget })
`
test.each([
  ['with the tools of this system', CONFIG.path],
  ['without any tool', ''],
])('a portal that is killed leaves no process behind, %s', async (_, path) => {
  const portal = spawn(process.execPath, ['--no-warnings', '--input-type=module', '--eval', ORPHAN, path])
  await new Promise((resolve) => portal.stdout.once('data', resolve))
  const left = descendants(portal.pid ?? 0)
  expect(left.length).toBeGreaterThan(0)
  portal.kill('SIGKILL')
  await expect.poll(() => left.filter(isThere)).toEqual([])
})

function descendants(pid: number): number[] {
  const below = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number)
  return below.flatMap((child) => [child, ...descendants(child)])
}

function isThere(pid: number): boolean {
  try {
    // A dead one that nobody has waited for is gone for our purpose.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
