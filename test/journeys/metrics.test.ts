/** `/metrics`: how much there is for this machine, which servers for an API token, and nothing for anybody else. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { METRICS } from '../../src/metrics/figures.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { rawRequest } from '../raw-http.ts'
import { ask2026, bearer } from '../raw-mcp.ts'

let portal: TestPortal
let ledger: Ledger
let token: string

beforeAll(async () => {
  portal = await startTestPortal()
  ledger = await startLedger()
  await portal.furnish([{ id: 'ledger', url: ledger.url }])
  token = await portal.userToken('ada@acme.test')
})
afterAll(async () => {
  await portal?.close()
  await ledger?.stop()
})

const scrape = (headers: Record<string, string> = {}, url = portal.url) => rawRequest(`${url}/metrics`, headers)
const apiToken = async (role: string, scopes: string[]) =>
  (await portal.api<{ token: string }>('POST', '/tokens/api', { name: `${role} ${scopes}`, role, scopes })).body.result
    .token
const authorization = (secret: string) => ({ authorization: `Bearer ${secret}` })

/** The value of one sample, or undefined. */
function sample(text: string, series: string): number | undefined {
  const line = text.split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

const REFUSED = { status: 401, body: '{"error":"Show an API token that may read servers."}' }

describe('nobody else is told anything', () => {
  const strangers: [string, Record<string, string>][] = [
    ['what a proxy forwarded', { 'x-forwarded-for': '192.0.2.7' }],
    ['what a proxy marked in another way', { via: '1.1 proxy' }],
    ['a page whose name was rebound to this machine', { host: 'evil.example' }],
    ['a page of this machine', { origin: 'http://127.0.0.1:3000' }],
    ['a token that is none', { authorization: 'Bearer ptapi_nothing' }],
    ['a token in another form', { authorization: 'Basic YTpi' }],
  ]
  // [METRICS-1]
  test.each(strangers)('%s: 401, and not a word', async (_who, headers) => {
    expect(await scrape(headers)).toMatchObject(REFUSED)
  })

  test('what comes from a trusted proxy, even without a mark of it', async () => {
    const behind = await startTestPortal({ config: { trustedProxies: ['127.0.0.1/32'] } })
    expect(await scrape({}, behind.url)).toMatchObject(REFUSED)
    expect(await scrape(authorization(behind.adminToken), behind.url)).toMatchObject({ status: 200 })
    await behind.close()
  })

  test('a token that may not read servers, and one of an MCP client', async () => {
    expect(await scrape(authorization(await apiToken('admin', ['policies:read'])))).toMatchObject(REFUSED)
    expect(await scrape(authorization(token))).toMatchObject(REFUSED)
  })
})

// [METRICS-1]
test('this machine reads how much there is, and a token reads it for each server', async () => {
  const call = (name: string) => ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', { name, arguments: {} })
  const before = await scrape()
  await call('ledger_count')
  await call('ledger_nothing')
  await ask2026(`${portal.url}/mcp`, bearer('ptat_nothing'), 'tools/list')
  const after = await scrape()
  expect(after).toMatchObject({ status: 200, headers: { 'content-type': expect.stringContaining('text/plain') } })
  const grew = (outcome: string) => {
    const series = `portico_requests_total{outcome="${outcome}"}`
    return (sample(after.body, series) ?? 0) - (sample(before.body, series) ?? 0)
  }
  expect([grew('answered'), grew('refused'), grew('unauthenticated'), grew('failed')]).toEqual([1, 1, 1, 0])
  expect(sample(after.body, 'portico_servers{circuit="closed"}')).toBe(1)
  expect(sample(after.body, 'portico_audit_writable')).toBe(1)
  expect(sample(after.body, 'portico_upstream_connections')).toBe(1)
  expect(sample(after.body, 'portico_requests_in_flight')).toBe(0)
  expect(sample(after.body, 'process_resident_memory_bytes')).toBeGreaterThan(1e6)
  expect(after.body).not.toContain('ledger')

  const shown = (await scrape(authorization(await apiToken('auditor', [])))).body
  expect(sample(shown, 'portico_server_answers_total{server="ledger"}')).toBe(1)
  expect(sample(shown, 'portico_server_circuit_open{server="ledger"}')).toBe(0)
  // No label says who, what or where.
  const names = [...shown.matchAll(/[{,](\w+)="/g)].map(([, label]) => label)
  const ours = new Set(['outcome', 'circuit', 'result', 'server', 'fault'])
  const runtime = new Set(['type', 'kind', 'space', 'le', 'version', 'major', 'minor', 'patch'])
  expect(names.filter((label = '') => !ours.has(label) && !runtime.has(label))).toEqual([])
  for (const told of ['ada@acme.test', 'ledger_count', '127.0.0.1']) expect(shown).not.toContain(told)
  for (const { name } of METRICS) expect(shown).toContain(`# TYPE ${name} `)
})

test('what became of deliveries to webhooks is counted, and of whom nothing is said', async () => {
  const { body } = await scrape()
  for (const result of ['delivered', 'failed', 'given_up', 'crowded'])
    expect(sample(body, `portico_webhook_deliveries_total{result="${result}"}`)).toBe(0)
  expect(sample(body, 'portico_webhooks_waiting')).toBe(0)
})

test('health says the same words whatever servers there are', async () => {
  const words = async () => [
    (await rawRequest(`${portal.url}/healthz`, { host: 'evil.example' })).body,
    (await rawRequest(`${portal.url}/readyz`, { host: 'evil.example' })).body,
  ]
  const before = await words()
  await portal.furnish([{ id: 'another', url: ledger.url }])
  expect(await words()).toEqual(before)
  expect(before[0]).toBe('{"status":"ok"}')
  expect(before[1]).toBe('{"status":"ready","checks":{"store":true,"migrations":true,"keys":true,"audit":true}}')
})

test('a scraper with a token may use any host name, from anywhere', async () => {
  const headers = { ...authorization(portal.adminToken), host: '10.1.2.3:8787', 'x-forwarded-for': '192.0.2.7' }
  expect(await scrape(headers)).toMatchObject({ status: 200 })
})

test('a dead server is counted by its fault and seen as open', async () => {
  await portal.furnish([{ id: 'ledger2', url: ledger.url }])
  await ledger.stop()
  await ask2026(`${portal.url}/mcp`, bearer(token), 'tools/call', { name: 'ledger2_count', arguments: {} })
  const read = async () => (await scrape(authorization(portal.adminToken))).body
  while (sample(await read(), 'portico_server_circuit_open{server="ledger2"}') !== 1) {
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  expect(sample(await read(), 'portico_server_failures_total{server="ledger2",fault="upstream-unreachable"}')).toBe(1)
})
