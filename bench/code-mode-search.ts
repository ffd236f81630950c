/**
 * Searches, runs and lists with 10,000 tools: how long each takes, what of it is CPU of the portal, and how long at most somebody else is
 * not answered meanwhile. That is seen from outside, by asking `/healthz` all the time; on a busy machine the quietest round says most.
 */
import { median } from './figures.ts'
import { type McpCaller, openCaller } from './mcp.ts'
import { type BenchPortal, startPortal } from './portal.ts'
import { ownCpuMs, startProgram } from './processes.ts'

const SERVERS = 20
const TOOLS = 500
const ROUNDS = 10
const PORTAL = '/access/ai-controls/mcp/portals/default'

export async function searchOfMany(): Promise<void> {
  const upstream = await startProgram('./upstream.ts', [String(TOOLS)])
  const portal = await startPortal('process')
  try {
    await register(portal, upstream.port)
    const at = { port: portal.port, token: await portal.userToken() }
    const coded = openCaller({ ...at, query: 'codemode=search_and_execute' })
    console.log(`search: ${SERVERS * TOOLS} tools`)
    console.log(
      `  ${''.padEnd(52)} ${['time', 'CPU', 'longest wait of others'].map((what) => what.padStart(9)).join(' ')}`,
    )
    await report(portal, 'nothing', () => new Promise((resolve) => setTimeout(resolve, 50)))
    await searches(portal, coded)
    for (const mode of [
      '',
      'optimize_context=minimize_tools',
      'optimize_context=search_and_execute',
      'codemode=search_and_execute',
    ])
      await lists(portal, mode, openCaller({ ...at, query: mode }))
  } finally {
    await portal.stop()
    await upstream.stop()
  }
}

async function searches(portal: BenchPortal, coded: McpCaller): Promise<void> {
  const search = (input: Record<string, unknown>) => () => coded.call('portal_codemode_search', input)
  const run = (code: string) => () => coded.call('portal_codemode_execute', { code })
  await run('async () => 1')()
  await report(portal, 'words, for the first time', search({ query: 'records' }), 1)
  await report(portal, 'one word, which all have', search({ query: 'records' }))
  await report(
    portal,
    'sixteen words',
    search({ query: 'looks something up in the records of this server and gives the best matches first with source' }),
  )
  await report(portal, 'a word that one has', search({ query: '4711' }))
  await report(portal, 'regular expression, found at once', search({ regex: 'lookup_4' }))
  await report(portal, 'regular expression, found nowhere', search({ regex: '(zebra|giraffe).*$' }))
  await report(portal, 'code, over all definitions', search({ code: 'async () => (await codemode.tools()).length' }))
  await report(portal, 'a run that calls nothing', run('async () => 1'))
}

/** The first page, after a change and as it is kept. */
async function lists(portal: BenchPortal, query: string, caller: McpCaller): Promise<void> {
  const what = query === '' ? 'all' : query
  const page = () => caller.ask('tools/list')
  await portal.api('PUT', PORTAL, { description: `for ${what}` })
  await report(portal, `first page, new, ${what}`, page, 1)
  await report(portal, `first page, kept, ${what}`, page)
}

async function register(portal: BenchPortal, port: number): Promise<void> {
  const ids = Array.from({ length: SERVERS }, (_, index) => `s${index}`)
  for (const id of ids) {
    const hostname = `http://127.0.0.1:${port}/${id}`
    await portal.api('POST', '/access/ai-controls/mcp/servers', {
      id,
      name: id,
      hostname,
      auth_type: 'unauthenticated',
    })
  }
  await portal.api('PUT', PORTAL, { servers: ids.map((id) => ({ server_id: id })) })
}

/** Time and CPU first, with nobody else there; then how long others wait. @param rounds 1 for what happens once */
async function report(portal: BenchPortal, what: string, deed: () => Promise<unknown>, rounds = ROUNDS): Promise<void> {
  const times: number[] = []
  const waits: number[] = []
  let cpu = 0
  if (rounds > 1) {
    await deed()
    const before = ownCpuMs(portal.pid)
    for (let i = 0; i < rounds; i++) times.push(await timed(deed()))
    cpu = (ownCpuMs(portal.pid) - before) / rounds
  }
  for (let i = 0; i < rounds; i++) {
    const isOnlyTime = rounds === 1
    const took = timed(deed())
    waits.push(await longestWait(portal.port, took))
    if (isOnlyTime) times.push(await took)
  }
  const columns = [median(times), rounds > 1 ? cpu : null, Math.min(...waits)]
  console.log(
    `  ${what.padEnd(52)} ${columns.map((ms) => (ms === null ? '' : `${ms.toFixed(1)} ms`).padStart(9)).join(' ')}`,
  )
}

/** @returns milliseconds */
async function timed(deed: Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await deed
  return performance.now() - begun
}

/** Asks for the health again and again until the deed is done. @returns milliseconds */
async function longestWait(port: number, deed: Promise<unknown>): Promise<number> {
  let isOver = false
  const done = deed.finally(() => {
    isOver = true
  })
  let longest = 0
  while (!isOver) {
    const asked = performance.now()
    await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()
    longest = Math.max(longest, performance.now() - asked)
  }
  await done
  return longest
}
