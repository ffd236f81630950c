/**
 * `npm run soak -- --minutes 30`: the portal in a process of its own under mixed load, with servers that are killed and
 * started again, hostile ones, people who leave and readers who do not read. In the end everything must be as it was:
 * descriptors, sockets, children, memory; nothing escaped its handler, and no answer is missing in the audit.
 */
import { spawn } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { startLedger } from '../peers/ledger.ts'
import { end, everythingStdio, type HttpPeer, NODE, startEverythingHttp, startEverythingSse } from '../peers/servers.ts'
import { startWatchedPortico, type WatchedPortico } from '../support/watched-portico.ts'
import { type Load, runLoad, Tally, traceOf } from './load.ts'
import { allowedGrowth, type Sample, trendOf } from './verdict.ts'

const SERVERS = '/access/ai-controls/mcp/servers'
const LOGS = '/access/ai-controls/mcp/logs'
const PROGRAM = fileURLToPath(new URL('../support/hostile/program.ts', import.meta.url))
const RESTART_MS = 8000
const SETTLE_MS = 90_000
/** Descriptors come and go by a few: a pool keeps a socket, a segment of the journal is opened. */
const SPARE = 12
const MIB = 1024 * 1024
/** Quick ones and endless ones; none that takes the whole machine. */
const HOSTILE = [
  ...['forged-id', 'two-ids', 'dies', 'half-alive', 'status-500', 'gzip', 'asks', 'answers-twice', 'changes-storm'],
  ...['foreign-progress', 'redirects', 'huge-event', 'notifications', 'progress-flood', 'proto-keys', 'deep'],
]
const HOSTILE_CHILDREN = ['garbage', 'exits-in-a-loop', 'half-alive', 'dies']

const { values } = parseArgs({ options: { minutes: { type: 'string' } } })
const minutes = Number(values.minutes ?? 2)

interface Stage {
  portal: WatchedPortico
  restart(): Promise<void>
  hostile: string[]
  tokens: string[]
  close(): Promise<void>
}

async function furnish(): Promise<Stage> {
  const ledger = await startLedger()
  const peers: HttpPeer[] = [await startEverythingHttp(), await startEverythingSse()]
  const hostile = spawn(NODE, [PROGRAM, 'http'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const port = await new Promise<number>((resolve) =>
    hostile.once('message', (said: { port: number }) => resolve(said.port)),
  )
  const limits = { idleMs: 5000, totalMs: 20_000, refusedMs: 2000 }
  const portal = await startWatchedPortico({ PORTICO_STDIO_MAX_CHILDREN: '256' }, limits)
  const ids: string[] = []
  const add = async (id: string, where: object) => {
    await portal.api('POST', SERVERS, { id, name: id, auth_type: 'unauthenticated', ...where })
    await portal.api('POST', `${SERVERS}/${id}/sync`)
    ids.push(id)
  }
  const child = (id: string, stdio: { command: string; args: string[]; env?: object }) =>
    add(id, { hostname: `stdio://${id}`, transport: { type: 'stdio', ...stdio } })
  await add('ledger', { hostname: ledger.url })
  await add('everything', { hostname: peers[0]?.url })
  await add('old', { hostname: peers[1]?.url })
  await child('child', everythingStdio())
  for (const mode of HOSTILE) await add(`${mode}-new`, { hostname: `http://127.0.0.1:${port}/http-2026/${mode}/mcp` })
  for (const mode of HOSTILE_CHILDREN) await child(`${mode}-child`, { command: NODE, args: [PROGRAM, 'stdio', mode] })
  await portal.api('PUT', '/access/ai-controls/mcp/portals/default', {
    servers: ids.map((server_id) => ({ server_id })),
  })
  const people = ['ada', 'bob', 'cy', 'dee', 'eve', 'fay', 'gus', 'hal']
  const tokens = await Promise.all(
    people.map(async (name) => {
      const body = { email: `${name}@acme.test`, portal: 'default' }
      return (await portal.api<{ token: string }>('POST', '/tokens/access', body)).token
    }),
  )
  let turn = 0
  const starts = [startEverythingHttp, startEverythingSse]
  return {
    portal,
    tokens,
    hostile: ids.filter((id) => /-(new|child)$/.test(id)).map((id) => `${id}_echo`),
    async restart() {
      const at = turn++ % peers.length
      const peer = peers[at] as HttpPeer
      process.kill(peer.pid, 'SIGKILL')
      await peer.stop()
      peers[at] = (await starts[at]?.(peer.port)) ?? peer
    },
    async close() {
      await portal.end('SIGTERM')
      await portal.remove()
      for (const peer of peers) await peer.stop()
      await end(hostile)
      await ledger.stop()
    },
  }
}

async function sample(portal: WatchedPortico, started: number): Promise<Sample> {
  const { rss, heap, threads, external, resources } = await portal.look()
  return {
    at: (performance.now() - started) / 60_000,
    rss,
    heap,
    threads,
    external,
    descriptors: portal.descriptors() ?? 0,
    children: portal.children().length,
    timers: resources.Timeout ?? 0,
    sockets: (resources.TCPSocketWrap ?? 0) + (resources.PipeWrap ?? 0),
  }
}

interface Row {
  seq: number
  phase: string
  traceparent: string | null
}

/** Follows the audit and ticks off what it has. @returns whether anything new was there */
function auditor(portal: WatchedPortico, tally: Tally): () => Promise<boolean> {
  let after = 0
  return async () => {
    const rows = await portal.api<Row[]>('GET', `${LOGS}?plane=mcp&limit=1000&after=${after}`)
    for (const { phase, traceparent } of rows) tally.mark(traceOf(traceparent), phase === 'begun' ? 2 : 4)
    after = rows.at(-1)?.seq ?? after
    return rows.length > 0
  }
}

async function soak(stage: Stage): Promise<string[]> {
  const { portal, tokens, hostile } = stage
  const tally = new Tally()
  const follow = auditor(portal, tally)
  // Everything is opened once before it is counted: what stays open then is no leak.
  const warm: Load = { url: `${portal.url}/mcp`, tokens, hostile, tally, isGoing: () => performance.now() < started }
  let started = performance.now() + Math.min(20_000, minutes * 10_000)
  await runLoad(warm)
  const before = await settled(portal, null)
  started = performance.now()
  const ends = started + minutes * 60_000
  const load: Load = { ...warm, isGoing: () => performance.now() < ends }
  const running = runLoad(load)
  const restarting = repeat(load, RESTART_MS, () => stage.restart())
  const samples: Sample[] = []
  const sampling = repeat(load, Math.max(1000, minutes * 500), async () => {
    samples.push(await sample(portal, started))
  })
  const following = repeat(load, 200, async () => {
    while (await follow()) {}
  })
  await Promise.all([running, restarting, sampling, following])
  const after = await settled(portal, before)
  for (const deadline = Date.now() + 30_000; tally.owed().length > 0 && Date.now() < deadline; await pause(50))
    await follow()
  print(samples, before, after, tally)
  return violations({ samples, before, after, tally, portal })
}

async function repeat({ isGoing }: Load, everyMs: number, work: () => Promise<void>): Promise<void> {
  while (isGoing()) {
    await pause(everyMs)
    if (isGoing()) await work()
  }
}

/** Waits until nothing is under way: until what is open is no more than it was, or, before that is known, stands still. */
async function settled(portal: WatchedPortico, goal: Sample | null): Promise<Sample> {
  let last = await sample(portal, 0)
  for (const deadline = Date.now() + SETTLE_MS; Date.now() < deadline; ) {
    await pause(2000)
    const now = await sample(portal, 0)
    const isThere = goal === null ? Math.abs(now.descriptors - last.descriptors) <= 1 : isBack(now, goal)
    last = now
    if (isThere) break
  }
  return last
}

function isBack(now: Sample, goal: Sample): boolean {
  return (
    now.descriptors <= goal.descriptors + SPARE && now.children <= goal.children && now.sockets <= goal.sockets + SPARE
  )
}

interface Findings {
  samples: readonly Sample[]
  before: Sample
  after: Sample
  tally: Tally
  portal: WatchedPortico
}

function violations({ samples, before, after, tally, portal }: Findings): string[] {
  const found: string[] = []
  for (const what of ['descriptors', 'sockets', 'timers'] as const) {
    if (after[what] > before[what] + SPARE) found.push(`${what}: ${before[what]} before, ${after[what]} after`)
  }
  if (after.children > before.children) found.push(`children: ${before.children} before, ${after.children} after`)
  for (const what of ['rss', 'heap', 'threads'] as const) {
    const { overHalf } = trendOf(samples, (one) => one[what])
    if (overHalf > allowedGrowth(minutes)) found.push(`${what} grew by ${percent(overHalf)} over the second half`)
  }
  const owed = tally.owed()
  if (owed.length > 0) found.push(`${owed.length} answers are not in the audit, such as trace ${owed[0]}`)
  if (tally.failures.length > 0)
    found.push(`${tally.failures.length} calls of a healthy server failed: ${tally.failures[0]}`)
  if (portal.troubles() !== '') found.push(portal.troubles())
  const bugs = portal
    .output()
    .split('\n')
    .filter((line) => /a bug |outside every handler|unhandled/i.test(line))
  if (bugs.length > 0) found.push(`${bugs.length} bugs in the log, such as ${bugs[0]}`)
  return found
}

const percent = (part: number) => `${(part * 100).toFixed(1)} %`
const mib = (bytes: number) => (bytes / MIB).toFixed(1)

function print(samples: readonly Sample[], before: Sample, after: Sample, tally: Tally): void {
  const row = (cells: unknown[]) => console.log(cells.map((cell) => String(cell).padStart(12)).join(''))
  row(['minute', 'rss MiB', 'heap MiB', 'threads', 'ext MiB', 'descriptors', 'sockets', 'timers', 'children'])
  const cells = (name: string, one: Sample) => [
    name,
    mib(one.rss),
    mib(one.heap),
    mib(one.threads),
    mib(one.external),
    one.descriptors,
    one.sockets,
    one.timers,
    one.children,
  ]
  row(cells('before', before))
  const step = Math.max(1, Math.floor(samples.length / 12))
  for (const [at, one] of samples.entries()) if (at % step === 0) row(cells(one.at.toFixed(1), one))
  row(cells('after', after))
  for (const what of ['rss', 'heap', 'threads', 'descriptors'] as const) {
    const { per10Minutes, overHalf } = trendOf(samples, (one) => one[what])
    console.log(`${what}: ${percent(per10Minutes)} in 10 minutes (${percent(overHalf)} over the second half)`)
  }
  for (const [what, count] of [...tally.counts].sort()) console.log(`${String(count).padStart(9)} ${what}`)
  console.log(`${String(tally.traces).padStart(9)} calls with a trace, all answered ones looked for in the audit`)
}

const stage = await furnish()
const found = await soak(stage).finally(() => stage.close())
for (const one of found) console.error(`VIOLATION ${one}`)
console.log(found.length === 0 ? 'nothing leaked, nothing lost' : `${found.length} violations`)
process.exit(found.length === 0 ? 0 : 1)
