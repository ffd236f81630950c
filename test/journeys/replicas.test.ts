/** Two processes on one PostgreSQL are one portal: either serves any request, and what one changes the other follows. */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, open2025, send } from '../raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'
/** A replica looks twice a second. */
const PATIENCE_MS = 60_000

let database: FreshPostgres
let ledger: Ledger
let first: PorticoProcess
let second: PorticoProcess
let access: { id: string; token: string }

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  ledger = await startLedger()
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  first = await startPorticoProcess(settings)
  second = await startPorticoProcess(settings)
  await first.api('POST', `${MCP}/servers`, {
    id: 'ledger',
    name: 'Ledger',
    hostname: ledger.url,
    auth_type: 'unauthenticated',
  })
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'ledger' }] })
  access = await first.api('POST', '/tokens/access', { email: 'ada@acme.test', portal: 'default' })
})
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await ledger?.stop()
  await database?.drop()
})

/** Asks again until the other replica has followed. */
async function eventually(condition: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the other replica did not follow')
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const list = async (replica: PorticoProcess) =>
  (await ask2026(`${replica.url}/mcp`, bearer(access.token), 'tools/list')).text

// [REPLICA-1]
test('a server that was added at one is listed and called at the other', async () => {
  await eventually(async () => (await list(second)).includes('ledger_post'))
  const params = { name: 'ledger_post', arguments: { entry: 'by the second' } }
  const answer = await ask2026(`${second.url}/mcp`, bearer(access.token), 'tools/call', params)
  expect(messageOf(answer).result).toMatchObject({ content: [{ text: 'posted by the second' }] })
})

test('a session that began at one goes on at the other, with its switches, and ends for both', async () => {
  const session = await open2025(`${first.url}/mcp`, bearer(access.token))
  const atSecond = (method: string, params = {}) =>
    send(`${second.url}/mcp`, { jsonrpc: '2.0', id: 1, method, params }, session.headers)
  expect((await atSecond('tools/list')).text).toContain('ledger_post')
  const off = { server_id: 'ledger', action: 'untoggle' }
  await session.ask('tools/call', { name: 'portal_toggle_single_server', arguments: off })
  await eventually(async () => !(await atSecond('tools/list')).text.includes('ledger_post'))
  await fetch(`${second.url}/mcp`, { method: 'DELETE', headers: session.headers })
  await eventually(async () => (await session.ask('tools/list')).status === 404)
})

test('both write into one audit, in one order', async () => {
  const rows = await first.api<{ seq: number }[]>('GET', `${MCP}/logs?method=tools/call&phase=ended&limit=100`)
  expect(rows.length).toBeGreaterThanOrEqual(2)
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map(({ seq }) => seq).sort((a, b) => b - a))
})

/** A live log of one replica. `heard` grows; `ended` resolves with the last event. */
async function listen(replica: PorticoProcess, after: number) {
  const token = (await readFile(join(first.data, 'admin-token'), 'utf8')).trim()
  const url = `${replica.url}/client/v4/accounts/default${MCP}/logs/stream?method=tools/call&phase=ended`
  const headers = { authorization: `Bearer ${token}`, 'last-event-id': String(after) }
  const response = await fetch(url, { headers })
  const heard: { seq: number; capability: string }[] = []
  const read = async () => {
    let rest = ''
    let last = ''
    for await (const piece of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + piece).split('\n\n')
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        last = block
        if (block.startsWith('event: row')) heard.push(JSON.parse(block.slice(block.indexOf('data: ') + 6)))
      }
    }
    return last
  }
  return { heard, ended: read() }
}

// [REPLICA-1]
test('a live log of one has the calls of both, in order and once; when that one stops it says so, and the other goes on from there', async () => {
  const [last] = await first.api<{ seq: number }[]>('GET', `${MCP}/logs?limit=1`)
  const after = last?.seq ?? 0
  const atSecond = await listen(second, after)
  const atFirst = await listen(first, after)
  const call = (replica: PorticoProcess, count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        ask2026(`${replica.url}/mcp`, bearer(access.token), 'tools/call', { name: 'ledger_count', arguments: {} }),
      ),
    )
  await Promise.all([call(first, 30), call(second, 30)])
  await eventually(async () => atSecond.heard.length >= 60 && atFirst.heard.length >= 60)
  const seqs = atSecond.heard.map(({ seq }) => seq)
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b))
  expect(atFirst.heard).toEqual(atSecond.heard)

  expect(await second.end('SIGTERM')).toBe(0)
  expect(await atSecond.ended).toContain('"why":"closing"')
  await call(first, 5)
  const again = await listen(first, seqs.at(-1) ?? 0)
  await eventually(async () => again.heard.length >= 5 && atFirst.heard.length >= 65)
  expect([...atSecond.heard, ...again.heard]).toEqual(atFirst.heard)
  await second.start()
})

test('a token that was revoked at one is refused at the other', async () => {
  expect((await ask2026(`${second.url}/mcp`, bearer(access.token), 'tools/list')).status).toBe(200)
  await first.api('DELETE', `/tokens/access/${access.id}`)
  await eventually(async () => (await ask2026(`${second.url}/mcp`, bearer(access.token), 'tools/list')).status === 401)
})

test('with another key than the first replica’s, none starts', async () => {
  const other = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  await expect(startPorticoProcess(other)).rejects.toThrow('not the one that this data was written with')
})
