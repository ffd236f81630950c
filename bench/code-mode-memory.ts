/** What the portal and its processes for runs take of memory: before the first run, after it, and while runs hold what they may. */
import { openCaller } from './mcp.ts'
import type { BenchPortal } from './portal.ts'
import { rssOf, treeOf } from './processes.ts'

const HELD_MIB = 48
const RUNS = 4

/** Holds it, all of it written to, for two seconds. A guest has no clock to wait by, so it looks at the time. */
const HOLD = `async () => {
  const held = []
  for (let i = 0; i < ${HELD_MIB}; i++) held.push(new Uint8Array(1024 * 1024).fill(i + 1))
  const until = Date.now() + 2000
  while (Date.now() < until);
  return held.length
}`

export async function memoryOfRuns(portal: BenchPortal, token: string): Promise<void> {
  const caller = openCaller({ port: portal.port, token, query: 'codemode=search_and_execute' })
  const run = (code: string) => caller.call('portal_codemode_execute', { code })
  console.log('memory, resident')
  await caller.ask('tools/list')
  print('before the first run', portal.pid)
  await run('async () => 1')
  await ready(portal.pid)
  print('after a run', portal.pid)
  const runs = Promise.all(Array.from({ length: RUNS }, () => run(HOLD)))
  const most = await mostUntil(runs, portal.pid)
  console.log(`  ${`while ${RUNS} runs hold ${HELD_MIB} MiB each, at most`.padEnd(46)} ${wordsFor(most)}`)
  await run('async () => 1')
  print('after them', portal.pid)
}

/** The process of a run may be followed by another one, which takes its time to start. */
async function ready(pid: number): Promise<void> {
  const until = performance.now() + 5000
  while (memoryOf(pid).below.length === 0 && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 50))
}

interface Memory {
  portal: number
  /** Of processes with more than a shell's memory. */
  below: number[]
}

function memoryOf(pid: number): Memory {
  const [portal = 0, ...below] = treeOf(pid).map(rssOf)
  return { portal, below: below.filter((mib) => mib > 8) }
}

async function mostUntil(end: Promise<unknown>, pid: number): Promise<Memory> {
  let isOver = false
  end.finally(() => {
    isOver = true
  })
  let most = memoryOf(pid)
  while (!isOver) {
    const now = memoryOf(pid)
    if (sum(now.below) > sum(most.below)) most = now
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await end
  return most
}

function print(what: string, pid: number): void {
  console.log(`  ${what.padEnd(46)} ${wordsFor(memoryOf(pid))}`)
}

function wordsFor({ portal, below }: Memory): string {
  const each = below.length === 0 ? 'no process for runs' : `processes for runs ${below.map(Math.round).join(', ')} MiB`
  return `portal ${Math.round(portal)} MiB, ${each}`
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0)
}
