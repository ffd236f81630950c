/** Approvals over two replicas on PostgreSQL: asked for at one, given and used at the other, with a stop in between; in either era. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { APPROVAL, APPROVER, GUARDED, giveWord, linkIn, try2026 } from '../demand-room.ts'
import { openEventStream } from '../event-stream.ts'
import { type Ledger, startLedger } from '../peers/ledger.ts'
import { Person } from '../person.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { bearer, type RawCaller, send } from '../raw-mcp.ts'

const MCP = '/access/ai-controls/mcp'
const PASSWORD = 'correct horse battery staple'
const PATIENCE_MS = 60_000

let database: FreshPostgres
let ledger: Ledger
let settings: Record<string, string>
let replicas: PorticoProcess[] = []
let asker: RawCaller

beforeAll(async () => {
  ;[database, ledger] = await Promise.all([freshPostgres(process.env.PORTICO_TEST_TEMPLATE), startLedger()])
  settings = {
    DATABASE_URL: database.url,
    PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PORTICO_BOOTSTRAP_ADMIN_EMAIL: APPROVER,
    PORTICO_BOOTSTRAP_ADMIN_PASSWORD: PASSWORD,
  }
  const first = await start()
  const all = { include: [{ everyone: {} }], decision: 'allow' }
  const guard = await first.api<{ id: string }>('POST', '/access/policies', {
    ...{ ...all, name: 'Payments', capabilities: GUARDED },
    ...APPROVAL,
  })
  await first.api('POST', `${MCP}/servers`, {
    ...{ id: 'ledger', name: 'Ledger', hostname: ledger.url, auth_type: 'unauthenticated', policies: [guard.id] },
  })
  await first.api('POST', `${MCP}/servers/ledger/sync`)
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'ledger' }] })
  const made = await first.api<{ token: string }>('POST', '/tokens/access', {
    email: 'grace@acme.test',
    portal: 'default',
  })
  asker = bearer(made.token)
}, 120_000)
afterAll(async () => {
  for (const replica of replicas) {
    await replica.end('SIGTERM')
    await replica.remove()
  }
  await ledger?.stop()
  await database?.drop()
})

async function start(): Promise<PorticoProcess> {
  const replica = await startPorticoProcess(settings)
  replicas.push(replica)
  return replica
}

async function stop(replica: PorticoProcess): Promise<void> {
  expect(await replica.end('SIGTERM')).toBe(0)
  await replica.remove()
  replicas = replicas.filter((one) => one !== replica)
}

async function adaAt(replica: PorticoProcess): Promise<Person> {
  const ada = new Person(replica.url)
  await ada.submit(await ada.open(`${replica.url}/sign-in`), '/sign-in/local', { email: APPROVER, password: PASSWORD })
  return ada
}

/** The same page at another replica, which each here has a URL of its own. */
const at = (replica: PorticoProcess, link: string) => replica.url + new URL(link).pathname
const call = (entry: string) => ({ name: 'ledger_post', arguments: { entry } })
const posted = (entry: string) => ledger.posted.filter((one) => one === entry).length

/** Until a replica knows the server, which it looks for twice a second. */
async function ready(replica: PorticoProcess): Promise<PorticoProcess> {
  const deadline = Date.now() + PATIENCE_MS
  while ((await try2026(replica.url, asker, call('probe'), { elicitation: null })).error !== null) {
    if (Date.now() > deadline) throw new Error('the replica does not see the server')
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  return replica
}

// [APPROVE-9]
test('2026: what one replica asked goes on at another when the first is gone', async () => {
  const [first, second] = [await ready(await start()), await ready(await start())]
  const asked = await try2026(first.url, asker, call('over replicas'))
  await stop(first)
  await giveWord(await adaAt(second), at(second, asked.url ?? ''), 'approve')
  const back = { requestState: asked.state, inputResponses: { [asked.kind ?? '']: { action: 'accept' } } }
  expect(await try2026(second.url, asker, call('over replicas'), back)).toMatchObject({ isError: false, kind: null })
  expect(posted('over replicas')).toBe(1)
  await stop(second)
}, 120_000)

// [APPROVE-9]
test('2026: a call that waits at one replica goes on when somebody agrees at another', async () => {
  const [first, second] = [await ready(await start()), await ready(await start())]
  const asked = await try2026(first.url, asker, call('meanwhile'))
  const back = { requestState: asked.state, inputResponses: { [asked.kind ?? '']: { action: 'accept' } } }
  const waiting = try2026(first.url, asker, call('meanwhile'), back)
  await giveWord(await adaAt(second), at(second, asked.url ?? ''), 'approve')
  expect(await waiting).toMatchObject({ isError: false, kind: null })
  expect(posted('meanwhile')).toBe(1)
  await stop(first)
  await stop(second)
}, 120_000)

// [APPROVE-9]
test('2025: a portal that stops ends what waits with an error that can be tried again, and the next call passes elsewhere', async () => {
  const [first, second] = [await ready(await start()), await ready(await start())]
  const version = '2025-11-25'
  const clientInfo = { name: 'raw', version: '1' }
  const capabilities = { elicitation: { url: {} } }
  const params = { protocolVersion: version, capabilities, clientInfo }
  const hello = { jsonrpc: '2.0', id: 0, method: 'initialize', params }
  const began = await send(`${first.url}/mcp`, hello, asker.credentials)
  const session = began.headers.get('mcp-session-id') ?? ''
  const headers = { ...asker.credentials, 'mcp-session-id': session, 'mcp-protocol-version': version }
  const stream = await openEventStream(`${first.url}/mcp`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: call('restarted') }),
  })
  await stream.until((messages) => messages.some(({ method }) => method === 'elicitation/create'))
  const { id } = stream.messages[0] as { id: string }
  await send(`${first.url}/mcp`, { jsonrpc: '2.0', id, result: { action: 'accept' } }, headers)
  await stop(first)
  await stream.ended
  const told = JSON.stringify(stream.messages.at(-1))
  expect(told).toContain('call again with exactly the same arguments')
  expect(posted('restarted')).toBe(0)
  await giveWord(await adaAt(second), at(second, linkIn(told)), 'approve')
  expect(await try2026(second.url, asker, call('restarted'), { elicitation: null })).toMatchObject({ isError: false })
  expect(posted('restarted')).toBe(1)
  await stop(second)
}, 120_000)
