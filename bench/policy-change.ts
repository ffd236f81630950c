/**
 * `node bench/policy-change.ts`: how soon a change of policy is in force on each of two replicas on PostgreSQL. Call follows call on
 * both while a deny is put on the portal and taken off again through one of them; the time goes from sending the change to the
 * answer of the first call that is judged by it, after which none is judged by the old one. It needs a PostgreSQL server:
 * the one that `PORTICO_TEST_DATABASE_URL` names, else the local one.
 */
import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { type FreshPostgres, freshPostgres } from '../test/databases.ts'
import { median } from './figures.ts'
import { type BenchPortal, startPortal } from './portal.ts'
import { startProgram } from './processes.ts'
import { callBytes, registerBench } from './subjects.ts'

const { values: options } = parseArgs({ options: { rounds: { type: 'string', default: '60' } } })
const rounds = Number(options.rounds)
const BOUND_MS = 1000
/** Changes must not keep step with whatever looks for them. */
const MOST_PAUSE_MS = 1500
/** How long calls go on after the change was seen on both: none of them may be judged by what held before. */
const AFTER_MS = 100
const PORTAL = '/access/ai-controls/mcp/portals/default'

type Verdict = 'let through' | 'refused'

/** One replica under calls that come one after the other. */
interface Watched {
  /** When the first call was answered by this verdict, on the clock of `performance`. */
  seen(verdict: Verdict): Promise<number>
  /** How many calls were begun after this time and judged by another verdict. */
  othersSince(time: number, verdict: Verdict): number
  stop(): Promise<void>
}

const database = await freshPostgres().catch((error: Error): FreshPostgres => {
  console.error(`No PostgreSQL: ${error.message}`)
  process.exit(1)
})
const shared = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
const upstream = await startProgram('./upstream.ts')
const portals: BenchPortal[] = []
try {
  portals.push(await startPortal('process', shared))
  const [first] = portals as [BenchPortal]
  const token = await registerBench(first, upstream.port)
  portals.push(await startPortal('process', shared))
  const watched = portals.map((portal) => watch(portal, token))
  await Promise.all(watched.map((one) => one.seen('let through')))
  const times: [number[], number[]] = [[], []]
  let late = 0
  const policies = await policiesOf(first)
  for (let round = 0; round < rounds; round++) {
    await pause(Math.random() * MOST_PAUSE_MS)
    const verdict = round % 2 === 0 ? 'refused' : 'let through'
    const all = watched.map((one) => one.seen(verdict))
    const begun = performance.now()
    await first.api('PUT', PORTAL, { policies: verdict === 'refused' ? policies.closed : policies.open })
    const answered = performance.now()
    const seen = await Promise.all(all)
    for (const [index, time] of seen.entries()) times[index as 0 | 1].push(time - begun)
    await pause(AFTER_MS)
    // Where it was made, it must be in force when the change is answered; there, once it was.
    late += (watched[0]?.othersSince(answered, verdict) ?? 0) + (watched[1]?.othersSince(seen[1] ?? 0, verdict) ?? 0)
  }
  await Promise.all(watched.map((one) => one.stop()))
  console.log(`a change of policy is in force, over ${rounds} rounds, after:`)
  report('where it was made', times[0])
  report('on the other replica', times[1])
  console.log(`calls that were judged by the old policy afterwards: ${late} (none: ${late === 0 ? 'kept' : 'BROKEN'})`)
} finally {
  for (const portal of portals) await portal.stop()
  await upstream.stop()
  await database.drop()
}

function report(where: string, times: readonly number[]): void {
  const worst = Math.max(...times)
  const judged = `at most ${BOUND_MS}: ${worst <= BOUND_MS ? 'kept' : 'EXCEEDED'}`
  console.log(`  ${where.padEnd(20)} median ${median(times).toFixed(0)} ms, worst ${worst.toFixed(0)} ms (${judged})`)
}

async function policiesOf(portal: BenchPortal): Promise<{ open: string[]; closed: string[] }> {
  const { policies: open } = await portal.api<{ policies: string[] }>('GET', PORTAL)
  const deny = { name: 'Nobody', decision: 'deny', include: [{ everyone: {} }], capabilities: [{ names: ['echo'] }] }
  const { id } = await portal.api<{ id: string }>('POST', '/access/policies', deny)
  return { open, closed: [id, ...open] }
}

function watch({ port }: BenchPortal, token: string): Watched {
  const call = openCall(port, token)
  let waiting: { verdict: Verdict; tell(time: number): void }[] = []
  const judged: { begun: number; verdict: Verdict }[] = []
  let isStopped = false
  async function run(): Promise<void> {
    while (!isStopped) {
      const begun = performance.now()
      const verdict = await call()
      judged.push({ begun, verdict })
      const now = performance.now()
      for (const one of waiting) if (one.verdict === verdict) one.tell(now)
      waiting = waiting.filter((one) => one.verdict !== verdict)
      // So often that it does not matter, and so seldom that the processes are not what is measured.
      await pause(2)
    }
  }
  const running = run()
  return {
    seen: (verdict) =>
      Promise.race([
        new Promise<number>((tell) => {
          waiting.push({ verdict, tell })
        }),
        running.then(() => Number.NaN),
      ]),
    othersSince: (time, verdict) => judged.filter((one) => one.begun > time && one.verdict !== verdict).length,
    stop: () => {
      isStopped = true
      return running
    },
  }
}

/** The call that every bench makes. */
function openCall(port: number, token: string): () => Promise<Verdict> {
  const [head = '', body = ''] = callBytes({ port, token }).split('\r\n\r\n')
  const headers = head
    .split('\r\n')
    .slice(1)
    .map((line) => line.split(': ', 2) as [string, string])
    .filter(([name]) => name !== 'Host' && name !== 'Content-Length')
  return async () => {
    const response = await fetch(`http://127.0.0.1:${port}/p/default/mcp`, { method: 'POST', headers, body })
    const text = await response.text()
    if (text.includes('xxxxxxxx')) return 'let through'
    if (text.includes('Unknown tool')) return 'refused'
    throw new Error(`a call was answered ${response.status}: ${text}`)
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
