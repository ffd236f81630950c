/**
 * `npm run bench`: the portal beside direct, a bare relay and nginx, in one run. Each round starts every process anew
 * (a process's luck with memory and compilation lasts as long as it does), warms it, and measures it alone; what is
 * compared was measured in the same round.
 */
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { compare, type Sample, summarise, verdict } from './figures.ts'
import { type Driver, startDriver, startProgram, usage } from './processes.ts'
import { callBytes, missing, SUBJECTS, type Subject, type SubjectName, startSubject } from './subjects.ts'

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '5' },
    warm: { type: 'string', default: '6' },
    connections: { type: 'string', default: '1,32' },
    only: { type: 'string', default: SUBJECTS.join(',') },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

if (options.help) {
  console.log(
    `npm run bench -- [--seconds 2] [--rounds 5] [--warm 6] [--connections 1,32] [--only ${SUBJECTS.join(',')}] [--json FILE]`,
  )
  process.exit(0)
}

const seconds = positive('seconds', options.seconds)
const rounds = positive('rounds', options.rounds)
const warm = positive('warm', options.warm)
const connections = options.connections.split(',').map((each) => positive('connections', each))
const subjects = options.only.split(',').map(subjectName).filter(isPresent)
const samples: Sample[] = []
/** What else the machine was doing, for whoever reads the figures. */
const load = loadavg()[0] ?? 0
const driver = startDriver()
// Ctrl-C must not leave servers behind: the round's own `finally` ends them, after the load that is running.
let stopped = false
process.once('SIGINT', () => {
  stopped = true
})

try {
  for (let round = 1; round <= rounds && !stopped; round++) await runRound(round)
} finally {
  await driver.stop()
}
print()
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(record(), null, 2)}\n`)

async function runRound(round: number): Promise<void> {
  // Whoever comes first meets another machine than whoever comes last, so the order turns.
  const order = subjects
    .map((_, index) => subjects[(index + round - 1) % subjects.length])
    .filter((name) => name !== undefined)
  for (const name of order) {
    if (stopped) return
    process.stderr.write(process.stderr.isTTY ? `\rround ${round} of ${rounds}: ${name.padEnd(12)}` : '')
    const upstream = await startProgram('./upstream.ts')
    try {
      const subject = await startSubject(name, upstream)
      try {
        samples.push(...(await measure(round, subject, driver)))
      } finally {
        await subject.stop()
      }
    } finally {
      await upstream.stop()
    }
  }
}

async function measure(round: number, subject: Subject, from: Driver): Promise<Sample[]> {
  const request = callBytes(subject)
  const common = { port: subject.port, request, expect: 'xxxxxxxx' }
  // A portal runs for days: what the compiler does in the first seconds is not what is asked here.
  await from.run({ ...common, connections: 32, ms: warm * 1000 })
  const taken: Sample[] = []
  for (const count of connections) {
    await from.run({ ...common, connections: count, ms: 200 })
    const before = usage(subject.pid)
    const measured = await from.run({ ...common, connections: count, ms: seconds * 1000 })
    const after = usage(subject.pid)
    taken.push({
      round,
      subject: subject.name,
      connections: count,
      requestsPerSecond: (measured.requests / measured.ms) * 1000,
      median: measured.median,
      p99: measured.p99,
      cpu: ((after.cpuMs - before.cpuMs) * 1000) / measured.requests,
      rss: after.rssMiB,
    })
  }
  return taken
}

function print(): void {
  process.stderr.write(process.stderr.isTTY ? '\r\x1b[K' : '')
  console.log(
    `1 KB tools/call, ${rounds} rounds of ${seconds} s, medians; load ${load.toFixed(1)} before; ${cpus().length} x ${cpus()[0]?.model ?? 'cpu'}, Node ${process.version}`,
  )
  for (const count of connections) {
    console.log(`\n${count} connection${count === 1 ? '' : 's'}`)
    console.log(row(['', 'req/s', 'median ms', 'p99 ms', 'CPU us/req', 'RSS MiB']))
    for (const name of subjects) {
      const line = summarise(samples, name, count)
      if (line === null) continue
      const { requestsPerSecond, median, p99, cpu, rss } = line
      console.log(
        row([name, requestsPerSecond.toFixed(0), median.toFixed(3), p99.toFixed(3), cpu.toFixed(0), rss.toFixed(0)]),
      )
    }
  }
  const ratios = compare(samples)
  if (ratios.length > 0) console.log('\nagainst the design')
  for (const ratio of ratios) {
    const { what, value, unit, floor, aim } = ratio
    console.log(
      `  ${what.padEnd(62)} ${value.toFixed(2)}${unit} (floor ${floor}${unit}, aim ${aim}${unit}): ${verdict(ratio)}`,
    )
  }
}

function row(cells: readonly string[]): string {
  return `  ${(cells[0] ?? '').padEnd(12)}${cells
    .slice(1)
    .map((cell) => cell.padStart(12))
    .join('')}`
}

function record(): unknown {
  return {
    at: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model,
    cores: cpus().length,
    load,
    seconds,
    rounds,
    medians: connections.flatMap((count) => subjects.map((name) => summarise(samples, name, count))),
    ratios: compare(samples).map((ratio) => ({ ...ratio, verdict: verdict(ratio) })),
    samples,
  }
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!(value > 0)) {
    console.error(`--${name} must be a positive number, not "${text}"`)
    process.exit(2)
  }
  return value
}

function subjectName(text: string): SubjectName {
  const found = SUBJECTS.find((name) => name === text)
  if (found === undefined) {
    console.error(`--only knows ${SUBJECTS.join(', ')}; not "${text}"`)
    process.exit(2)
  }
  return found
}

function isPresent(name: SubjectName): boolean {
  const why = missing(name)
  if (why !== null) console.error(`without ${name}: ${why}`)
  return why === null
}
