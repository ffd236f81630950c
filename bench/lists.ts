/**
 * `node bench/lists.ts`: what `tools/list` costs the portal with 200 servers and 10,000 tools: warm, after a change of
 * the catalog, and with a dead server among them. The cost is CPU of the portal's process, so this client's own does
 * not count; ticks of /proc are 10 ms, so each figure is taken over many lists. Beside it stands what a server needs that
 * only sends as many bytes in as many answers: how much of the figure is the portal's own work.
 */
import { parseArgs } from 'node:util'
import { registerServers } from './many-servers.ts'
import { startPortal } from './portal.ts'
import { startProgram, usage } from './processes.ts'

const { values: options } = parseArgs({
  options: {
    servers: { type: 'string', default: '200' },
    tools: { type: 'string', default: '50' },
    lists: { type: 'string', default: '200' },
  },
})
const servers = Number(options.servers)
const lists = Number(options.lists)
const PORTAL = '/access/ai-controls/mcp/portals/default'

const upstream = await startProgram('./upstream.ts', [options.tools])
const doomed = await startProgram('./upstream.ts', [options.tools])
const bare = await startProgram('./bytes.ts')
const portal = await startPortal('process')
try {
  await registerServers(portal, servers, (index) => (index === 0 ? doomed : upstream))
  const token = await portal.userToken()
  const whole = await listAll(token)
  console.log(
    `${servers} servers, ${whole.tools} tools, ${whole.sizes.length} pages, ${(sum(whole.sizes) / 1e6).toFixed(1)} MB`,
  )
  // Until what the engine does to new code is done.
  await repeat(lists, () => listAll(token))
  await repeat(lists, () => sendBare(whole.sizes))

  const warm = await cpuPer(lists, () => listAll(token))
  print('whole list, warm', warm, 3)
  print('one page of it, up to 1,000 tools', warm / whole.sizes.length, null)
  const least = await cpuPer(lists, () => sendBare(whole.sizes), bare.pid)
  print('as many bytes from a server that only sends', least, null)

  const change = async (round: number) => {
    await portal.api('PUT', PORTAL, { description: `change ${round}` })
  }
  const changed = await cpuPer(lists / 4, change)
  const changedAndListed = await cpuPer(lists / 4, async (round) => {
    await change(round)
    await listAll(token)
  })
  print('whole list, after a change of the portal', changedAndListed - changed, 8)

  await doomed.stop()
  const withDead = await cpuPer(lists, () => listAll(token))
  const after = await listAll(token)
  print('whole list, warm, one server dead', withDead, 3)
  if (after.tools !== whole.tools) console.log(`  BUT a dead server changed the list: ${after.tools} tools`)
} finally {
  await portal.stop()
  await bare.stop()
  await doomed.stop()
  await upstream.stop()
}

/** Every page, as a client of 2026 asks for them. */
async function listAll(token: string): Promise<{ tools: number; sizes: number[] }> {
  const seen = { tools: 0, sizes: [] as number[] }
  let cursor: string | undefined
  do {
    const text = await listPage(token, cursor)
    const { result } = JSON.parse(text) as { result: { tools: unknown[]; nextCursor?: string } }
    seen.tools += result.tools.length
    seen.sizes.push(Buffer.byteLength(text))
    cursor = result.nextCursor
  } while (cursor !== undefined)
  return seen
}

async function listPage(token: string, cursor: string | undefined): Promise<string> {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientCapabilities': {},
  }
  const params = { ...(cursor === undefined ? {} : { cursor }), _meta }
  const response = await fetch(`http://127.0.0.1:${portal.port}/p/default/mcp`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/list',
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list', params }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`tools/list answered ${response.status}: ${text.slice(0, 500)}`)
  return text
}

/** One answer of each of these lengths. */
async function sendBare(sizes: readonly number[]): Promise<void> {
  for (const size of sizes) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    const text = await (await fetch(`http://127.0.0.1:${bare.port}/${size}`, { method: 'POST', body })).text()
    if (text.length !== size) throw new Error(`${text.length} bytes came instead of ${size}`)
  }
}

function sum(all: readonly number[]): number {
  return all.reduce((total, one) => total + one, 0)
}

/** Milliseconds of CPU for one `deed`. @param pid of the process that counts; the portal's unless given */
async function cpuPer(times: number, deed: (round: number) => Promise<unknown>, pid = portal.pid): Promise<number> {
  const before = usage(pid).cpuMs
  await repeat(times, deed)
  return (usage(pid).cpuMs - before) / times
}

async function repeat(times: number, deed: (round: number) => Promise<unknown>): Promise<void> {
  for (let round = 0; round < times; round++) await deed(round)
}

function print(what: string, ms: number, bound: number | null): void {
  const against = bound === null ? '' : ` (at most ${bound} ms: ${ms <= bound ? 'kept' : 'EXCEEDED'})`
  console.log(`  ${what.padEnd(44)} ${ms.toFixed(2)} ms of CPU${against}`)
}
