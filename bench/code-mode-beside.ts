/**
 * Plain calls while runs never rest. What runs use, plain calls cannot have, so the question is whether a plain call costs more then: calls
 * per second of CPU that portal, server and load took, with the processes for runs left out. A machine that is full takes its part of that
 * whoever fills it, so it stands beside the same with processes that use as many cores and have nothing to do with the portal.
 */
import { median } from './figures.ts'
import { openCaller } from './mcp.ts'
import type { BenchPortal } from './portal.ts'
import { type Driver, ownCpuMs, type Running, startDriver, startProgram, treeOf } from './processes.ts'
import { callBytes } from './subjects.ts'

const RUNS = 4
const CONNECTIONS = 32
const ROUNDS = 5
/** Of one run, so that no budget ends it. */
const RUN_MS = 1000
/** What a cost may seem to be without being one, on a machine that does other things too. */
const LEAST_SHARE = 0.9

const COMPUTES = `async () => {
  const until = Date.now() + ${RUN_MS}
  let work = 0
  while (Date.now() < until) work++
  return 0
}`
const CALLS = `async () => {
  const until = Date.now() + ${RUN_MS}
  let calls = 0
  const call = () => codemode.bench_echo({ message: 'from code' })
  for (; Date.now() < until && calls < 198; calls += 3) await Promise.all([call(), call(), call()])
  return calls
}`

interface Measured {
  plain: number
  nested: number
  ms: number
  /** Milliseconds of CPU: the portal's own process, the load and the server, the processes for runs. */
  portalCpu: number
  othersCpu: number
  runsCpu: number
}

interface Bench {
  portal: BenchPortal
  upstream: Running
  token: string
}

export async function besideRuns(bench: Bench, ms: number): Promise<void> {
  const driver = startDriver()
  const rounds: Round[] = []
  try {
    await measure(bench, driver, { code: CALLS, ms: 1000 })
    for (let i = 0; i < ROUNDS; i++) {
      const alone = await measure(bench, driver, { code: null, ms })
      const filled = await besideOthers(() => measure(bench, driver, { code: null, ms }))
      const computing = await measure(bench, driver, { code: COMPUTES, ms })
      rounds.push({ alone, filled, computing, calling: await measure(bench, driver, { code: CALLS, ms }) })
    }
  } finally {
    await driver.stop()
  }
  print(rounds)
}

/** Under the same load: alone, beside other processes that compute, beside runs that compute, beside runs that call. */
interface Round {
  alone: Measured
  filled: Measured
  computing: Measured
  calling: Measured
}

async function besideOthers(deed: () => Promise<Measured>): Promise<Measured> {
  const others = await Promise.all(Array.from({ length: RUNS }, () => startProgram('./spin.ts')))
  try {
    return await deed()
  } finally {
    await Promise.all(others.map((other) => other.stop()))
  }
}

async function measure(
  { portal, upstream, token }: Bench,
  driver: Driver,
  { code, ms }: { code: string | null; ms: number },
): Promise<Measured> {
  const caller = openCaller({ port: portal.port, token, query: 'codemode=search_and_execute' })
  let isOver = false
  let nested = 0
  const keepRunning = async () => {
    while (!isOver) nested += Number(await caller.call('portal_codemode_execute', { code }))
  }
  const before = cpuOf(portal.pid, [upstream.pid, driver.pid])
  const runs = Promise.all(Array.from({ length: code === null ? 0 : RUNS }, keepRunning))
  const load = { port: portal.port, request: callBytes({ port: portal.port, token }), connections: CONNECTIONS, ms }
  const plain = await driver.run({ ...load, expect: 'xxxx' })
  const after = cpuOf(portal.pid, [upstream.pid, driver.pid])
  isOver = true
  await runs
  return {
    plain: plain.requests,
    nested,
    ms: plain.ms,
    portalCpu: after.portal - before.portal,
    othersCpu: after.others - before.others,
    // Those that were not there before count whole.
    runsCpu: [...after.runs].reduce((sum, [pid, cpu]) => sum + cpu - (before.runs.get(pid) ?? 0), 0),
  }
}

function cpuOf(pid: number, others: readonly number[]) {
  const [, ...below] = treeOf(pid)
  return {
    portal: ownCpuMs(pid),
    others: others.reduce((sum, other) => sum + ownCpuMs(other), 0),
    runs: new Map(below.map((each) => [each, ownCpuMs(each)])),
  }
}

const rate = ({ plain, ms }: Measured) => (plain / ms) * 1000
const perCpu = ({ plain, nested, portalCpu, othersCpu }: Measured) =>
  ((plain + nested) / (portalCpu + othersCpu)) * 1000

function print(rounds: readonly Round[]): void {
  const over = (name: keyof Round, other: keyof Round, of: (one: Measured) => number) =>
    median(rounds.map((round) => of(round[name]) / of(round[other])))
  const middle = (name: keyof Round, of: (one: Measured) => number) => median(rounds.map((round) => of(round[name])))
  const rows = {
    alone: 'alone',
    filled: 'other processes that compute',
    computing: 'runs that compute',
    calling: 'runs that call',
  }
  console.log(`beside: plain calls on ${CONNECTIONS} connections, beside ${RUNS} of each`)
  console.log(`  ${''.padEnd(30)} calls/s, over alone   of code/s   cores: portal, runs   per CPU, over alone`)
  for (const [name, what] of Object.entries(rows) as [keyof Round, string][]) {
    const columns = [
      `${middle(name, rate).toFixed(0)}  ${over(name, 'alone', rate).toFixed(2)}`.padStart(19),
      middle(name, ({ nested, ms }) => (nested / ms) * 1000)
        .toFixed(0)
        .padStart(11),
      `${middle(name, ({ portalCpu, ms }) => portalCpu / ms).toFixed(2)}  ${middle(name, ({ runsCpu, ms }) => runsCpu / ms).toFixed(2)}`.padStart(
        21,
      ),
      over(name, 'alone', perCpu).toFixed(2).padStart(21),
    ]
    console.log(`  ${what.padEnd(30)} ${columns.join(' ')}`)
  }
  const share = over('computing', 'filled', perCpu)
  const kept = share >= LEAST_SHARE ? 'kept' : 'MISSED'
  console.log(
    `  calls per CPU beside runs that compute, over beside others  ${share.toFixed(2)} (at least ${LEAST_SHARE}: ${kept})`,
  )
  if (share < LEAST_SHARE) process.exitCode = 1
}
