/** A question that one replica put is answered at another, in either era; and a portal that closes waits for nobody. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { openEventStream } from '../event-stream.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, type RawCaller, send } from '../raw-mcp.ts'

const CALL = { name: 'portal_toggle_servers', arguments: {} }
const ELICITATION = { form: {}, url: {} }

let database: FreshPostgres
let first: PorticoProcess
let second: PorticoProcess
let ada: RawCaller

beforeAll(async () => {
  database = await freshPostgres(process.env.PORTICO_TEST_TEMPLATE)
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  first = await startPorticoProcess(settings)
  second = await startPorticoProcess(settings)
  const { token } = await first.api<{ token: string }>('POST', '/tokens/access', {
    email: 'ada@acme.test',
    portal: 'default',
  })
  ada = bearer(token)
})
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await database?.drop()
})

// [REPLICA-1]
test('2026: what one replica asked, another takes the answer to, and only one of them', async () => {
  const meta = { 'io.modelcontextprotocol/clientCapabilities': { elicitation: ELICITATION } }
  const attempt = async (replica: PorticoProcess, more: object = {}) =>
    messageOf(await ask2026(`${replica.url}/mcp`, ada, 'tools/call', { ...CALL, ...more, _meta: meta }))
  const { requestState } = (await attempt(first)).result as { requestState: string }
  const again = { requestState, inputResponses: { servers: { action: 'accept' } } }
  const tries = await Promise.all([attempt(second, again), attempt(first, again), attempt(second, again)])
  expect(tries.filter(({ result }) => result?.resultType === 'complete')).toHaveLength(1)
  expect(tries.filter(({ error }) => error?.code === -32602)).toHaveLength(2)
})

async function ask2025(replica: PorticoProcess) {
  const version = '2025-11-25'
  const clientInfo = { name: 'raw', version: '1' }
  const params = { protocolVersion: version, capabilities: { elicitation: ELICITATION }, clientInfo }
  const began = await send(
    `${replica.url}/mcp`,
    { jsonrpc: '2.0', id: 0, method: 'initialize', params },
    ada.credentials,
  )
  const session = began.headers.get('mcp-session-id') ?? ''
  const headers = { ...ada.credentials, 'mcp-session-id': session, 'mcp-protocol-version': version }
  const stream = await openEventStream(`${replica.url}/mcp`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: CALL }),
  })
  await stream.until((messages) => messages.some(({ method }) => method === 'elicitation/create'))
  return { headers, stream, id: stream.messages[0]?.id }
}

// [REPLICA-1]
test('2025: an answer that is posted to another replica reaches the call that waits', async () => {
  const { headers, stream, id } = await ask2025(first)
  const answer = await send(`${second.url}/mcp`, { jsonrpc: '2.0', id, result: { action: 'accept' } }, headers)
  expect(answer.status).toBe(202)
  await stream.until((messages) => messages.some((message) => message.id === 1))
  expect(JSON.stringify(stream.messages.at(-1))).toContain('The user has the page')
})

test('a session that ends at another replica takes its question along', async () => {
  const { headers, stream } = await ask2025(first)
  await fetch(`${second.url}/mcp`, { method: 'DELETE', headers })
  await stream.ended
  expect(stream.messages.map(({ method }) => method)).toContain('notifications/cancelled')
})

test('a portal that closes ends what waits for a person, and says so', async () => {
  const { stream } = await ask2025(second)
  expect(await second.end('SIGTERM')).toBe(0)
  await stream.ended
  expect(stream.messages.map(({ method }) => method)).toContain('notifications/cancelled')
  expect(JSON.stringify(stream.messages.at(-1))).toContain('nothing was changed')
})
