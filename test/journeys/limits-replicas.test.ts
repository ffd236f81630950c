/** Two replicas behind one address count together: limits on calls, calls at one time, and what a grant has done with data. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type Balancer, startBalancer } from '../balancer.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer, type RawCaller, send } from '../raw-mcp.ts'
import { json, modern, result, type ScriptedServer, startScripted } from '../scripted-server.ts'
import { startWitness, type Witness } from '../support/witness.ts'

const MCP = '/access/ai-controls/mcp'
const LABELS: Readonly<Record<string, string>> = { alpha: 'reads_private', beta: 'reads_untrusted', gamma: 'sends_out' }
/** A replica looks twice a second. */
const PATIENCE = { timeout: 60_000 }

let database: FreshPostgres
let witnesses: Witness[]
let slow: ScriptedServer
let replicas: PorticoProcess[] = []
let balancer: Balancer
const waiting: (() => void)[] = []

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  balancer = await startBalancer()
  witnesses = await Promise.all(Object.keys(LABELS).map(startWitness))
  slow = await startScripted(
    modern((seen, response) => {
      waiting.push(() => json(response, result(seen, { resultType: 'complete', content: [] })))
    }),
  )
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  // One after the other: the first makes the owner's token.
  replicas = [await startPorticoProcess(settings)]
  replicas.push(await startPorticoProcess(settings))
  balancer.targets = replicas.map(({ url }) => url)
  const servers = [...witnesses.map(({ id, url }) => ({ id, url })), { id: 'slow', url: `${slow.origin}/mcp` }]
  for (const { id, url } of servers) {
    const more = LABELS[id] === undefined ? {} : { labels: [LABELS[id]] }
    await api('POST', `${MCP}/servers`, { id, name: id, hostname: url, auth_type: 'unauthenticated', ...more })
    await api('POST', `${MCP}/servers/${id}/sync`)
  }
  await api('PUT', `${MCP}/servers/alpha`, { limits: [{ per: 'principal', calls: 50, window: '1h' }] })
  await api('PUT', `${MCP}/servers/slow`, { limits: [{ per: 'principal', concurrency: 2 }] })
  const { policies } = await api<{ policies: (string | { id: string })[] }>('GET', `${MCP}/portals/default`)
  const flow = {
    name: 'No leaks',
    decision: 'deny',
    include: [{ everyone: {} }],
    capabilities: [{ flow: { window: '1h' } }],
  }
  const { id } = await api<{ id: string }>('POST', '/access/policies', flow)
  await api('PUT', `${MCP}/portals/default`, {
    servers: servers.map((server) => ({ server_id: server.id })),
    policies: [id, ...policies.map((one) => (typeof one === 'string' ? one : one.id))],
  })
  // Until the other replica has followed. Each time somebody else: of one who came too early something was counted already.
  let tries = 0
  await vi.waitFor(async () => {
    const somebody = await tokenOf(`early-${tries++}@acme.test`)
    for (const server of ['beta', 'alpha']) await callAt(1, somebody, `${server}_list`)
    expect(textOf(await callAt(1, somebody, 'gamma_list'))).toContain('untrusted text')
  }, PATIENCE)
  taken()
})
afterAll(async () => {
  for (const go of waiting.splice(0)) go()
  for (const replica of replicas) {
    await replica.end('SIGTERM')
    await replica.remove()
  }
  await balancer?.close()
  await Promise.all([...(witnesses ?? []).map((one) => one.stop()), slow?.close()])
  await database?.drop()
})

async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
  const [first] = replicas
  if (first === undefined) throw new Error('no portal runs')
  return first.api<T>(method, path, body)
}

async function tokenOf(email: string): Promise<RawCaller> {
  return bearer((await api<{ token: string }>('POST', '/tokens/access', { email, portal: 'default' })).token)
}

const callAt = (replica: number, caller: RawCaller, name: string) =>
  ask2026(`${replicas[replica]?.url}/mcp`, caller, 'tools/call', { name, arguments: {} })
const textOf = (answer: RawAnswer): string => JSON.stringify(messageOf(answer).result ?? messageOf(answer).error)
const taken = (): string[] => witnesses.flatMap(({ id, reached }) => reached.splice(0).map((one) => `${id}: ${one}`))

// [CALLS-4]
test('fifty calls an hour are fifty over two replicas, from three clients of one person, in batches and by any name', async () => {
  const email = 'ada@acme.test'
  const clients = [await tokenOf(email), await tokenOf(email), await tokenOf(email)]
  const at = `${balancer.url}/mcp`
  const mount = `${balancer.url}/p/default/s/alpha/mcp`
  const sessions = await Promise.all(clients.map((client) => open2025(at, client, '2025-03-26')))
  const member = (id: number) => {
    const params = { name: id % 2 ? 'alpha_list' : 'list', arguments: {} }
    return { jsonrpc: '2.0', id, method: 'tools/call', params }
  }
  const batch = Array.from({ length: 10 }, (_, id) => member(id))
  const ask = (caller: RawCaller, turn: number): Promise<RawAnswer> => {
    const [url, name] = [at, at, mount].map((one, way) => [one, ['alpha_list', 'list', 'read'][way]])[turn % 3] ?? []
    return ask2026(String(url), caller, 'tools/call', { name, arguments: {} })
  }
  const single = clients.flatMap((client) => Array.from({ length: 60 }, (_, turn) => ask(client, turn)))
  const batches = sessions.flatMap(({ headers }) => Array.from({ length: 6 }, () => send(at, batch, headers)))
  const answers = await Promise.all([...single, ...batches])
  // Both had their share of 360 calls.
  for (const { url } of replicas) expect(balancer.served.get(url)).toBeGreaterThan(80)
  for (const { status } of answers) expect(status).toBe(200)
  const reached = taken().length
  expect(reached).toBeLessThanOrEqual(50)
  // A slice is three: each replica may sit on two when there is nothing more.
  expect(reached).toBeGreaterThanOrEqual(46)
  expect(
    textOf(await ask2026(at, clients[0] as RawCaller, 'tools/call', { name: 'alpha_list', arguments: {} })),
  ).toContain('limit of')
})

// [CALLS-4]
test('two calls at a time are two over two replicas, and one that ends makes room at the other', async () => {
  const caller = await tokenOf('eve@acme.test')
  const ask = (replica: number) => callAt(replica, caller, 'slow_echo')
  const passing = [ask(0), ask(1)]
  await expect.poll(() => waiting.length, PATIENCE).toBe(2)
  for (const refused of await Promise.all([ask(0), ask(1), ask(0)]))
    expect(textOf(refused)).toContain('2 calls at a time')
  expect(waiting).toHaveLength(2)
  for (const go of waiting.splice(0)) go()
  await Promise.all(passing)
  // Whichever replica had them, the other one has room.
  for (const replica of [0, 1, 0, 1]) {
    const next = ask(replica)
    await expect.poll(() => waiting.length, PATIENCE).toBe(1)
    waiting.shift()?.()
    expect(textOf(await next)).not.toContain('at a time')
  }
})

// [FLOW-1]
test('of three calls at two replicas at the same moment at most two pass', async () => {
  for (let round = 0; round < 10; round++) {
    const caller = await tokenOf(`person-${round}@acme.test`)
    taken()
    const names = Object.keys(LABELS).map((server) => `${server}_list`)
    const answers = await Promise.all(names.map((name, index) => callAt((index + round) % 2, caller, name)))
    expect(answers.filter((answer) => textOf(answer).includes('untrusted text'))).toHaveLength(1)
    expect(taken()).toHaveLength(2)
  }
})
