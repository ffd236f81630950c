/** Who floods the door without being anybody: counted, not written one by one, and seen by the admin all the same. */
import { request } from 'node:http'
import { afterEach, expect, test } from 'vitest'
import { startLedger } from '../peers/ledger.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer } from '../raw-mcp.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const LOGS = '/access/ai-controls/mcp/logs'
const MANY = 500

interface Row {
  plane: string
  phase: string
  outcome: string
  error: string
  client_ip: string
  actor: { kind: string; label: string }
  refusals: { count: number; first_at: string; last_at: string }
}

/** The status of a GET with a path and headers that `fetch` would not send. */
function statusOf(base: string, path: string, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(base)
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, headers }, (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.on('error', reject).end()
  })
}

/** Rows of before the flood are left out. */
async function flooded(portal: PorticoProcess): Promise<Row[]> {
  // What is counted is written once a minute, and when the portal stops.
  expect(await portal.end('SIGTERM')).toBe(0)
  await portal.start()
  return portal.api<Row[]>('GET', `${LOGS}?plane=door&limit=1000`)
}

// [AUDIT-4]
test('a flood of bad tokens, hosts, origins and targets is a handful of rows that count it, and nothing reaches a server', async () => {
  const ledger = await startLedger()
  cleanups.push(() => ledger.stop())
  const portal = await startPorticoProcess({ LOG_LEVEL: 'info' })
  cleanups.push(() => portal.remove())
  cleanups.push(() => portal.end('SIGKILL'))
  await portal.api('POST', '/access/ai-controls/mcp/servers', {
    ...{ id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'unauthenticated' },
  })
  await portal.api('PUT', '/access/ai-controls/mcp/portals/default', { servers: [{ server_id: 'ledger' }] })
  for (let n = 0; n < MANY; n += 50) {
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const params = { name: 'ledger_post', arguments: { entry: 'x' } }
        const answer = await ask2026(`${portal.url}/mcp`, bearer(`ptat_bad${n + i}`), 'tools/call', params)
        expect(answer.status).toBe(401)
      }),
    )
  }
  for (let n = 0; n < 20; n++) {
    const logs = `/client/v4/accounts/default${LOGS}`
    expect(await statusOf(portal.url, logs, { authorization: `Bearer x${n}` })).toBe(401)
    expect(await statusOf(portal.url, '/mcp', { host: `evil-${n}.test` })).toBe(403)
    expect(await statusOf(portal.url, '/mcp', { origin: `https://evil-${n}.test` })).toBe(403)
    expect(await statusOf(portal.url, `/%2e%2e/${n}`, {})).toBe(400)
  }
  const rows = await flooded(portal)
  expect(rows.length).toBeLessThanOrEqual(20)
  const ended = rows.filter(({ phase }) => phase === 'ended')
  expect(ended.every(({ outcome, actor }) => outcome === 'refused' && actor.kind === 'unknown')).toBe(true)
  expect(ended.every(({ client_ip }) => client_ip === '127.0.0.0/24')).toBe(true)
  const counts = new Map<string, number>()
  for (const { error, refusals } of ended) counts.set(error, (counts.get(error) ?? 0) + refusals.count)
  expect(Object.fromEntries(counts)).toEqual({
    'bad-token': MANY,
    'bad-api-token': 20,
    'unknown-host': 20,
    'bad-origin': 20,
    'bad-request': 20,
  })
  expect(ledger.posted).toEqual([])
  // The log has one line a minute, not one a request.
  const lines = portal
    .output()
    .split('\n')
    .filter((line) => line.includes('refused at the door'))
  expect(lines.length).toBeGreaterThan(0)
  expect(lines.length).toBeLessThan(10)
})

test('a caller who is known and guesses portals has some refusals written and the others counted', async () => {
  const portal = await startPorticoProcess({ LOG_LEVEL: 'info' })
  cleanups.push(() => portal.remove())
  cleanups.push(() => portal.end('SIGKILL'))
  const robot = await portal.api<{ client_id: string; client_secret: string }>('POST', '/access/service_tokens', {
    name: 'robot',
  })
  const caller = {
    credentials: { 'cf-access-client-id': robot.client_id, 'cf-access-client-secret': robot.client_secret },
  }
  for (let n = 0; n < 300; n += 50)
    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        expect((await ask2026(`${portal.url}/p/guess-${n + i}/mcp`, caller, 'tools/list')).status).toBe(403)
      }),
    )
  const counted = (await flooded(portal)).filter(({ phase }) => phase === 'ended')
  const own = await portal.api<Row[]>('GET', `${LOGS}?plane=mcp&outcome=refused&limit=1000`)
  expect(own.length).toBeGreaterThanOrEqual(60)
  expect(own.length).toBeLessThanOrEqual(180)
  expect(own.length + counted.reduce((sum, { refusals }) => sum + refusals.count, 0)).toBe(300)
  expect(counted.every(({ error, actor }) => error === 'not-offered' && actor.label === 'robot')).toBe(true)
})
