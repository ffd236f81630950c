/** Two replicas, and whatever stands before them leads each connection to another: a stream that broke is found where it is, or its end is told. */
import { randomBytes } from 'node:crypto'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { LoggingMessageNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type AskingServer, type Call, startAsking } from '../asking-server.ts'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { type RoundRobin, startRoundRobin } from '../round-robin.ts'

const MCP = '/access/ai-controls/mcp'
const PATIENCE = { timeout: 60_000 }

let database: FreshPostgres
let desk: AskingServer
let first: PorticoProcess
let second: PorticoProcess
let token: string
let calls: Call[] = []
const closing: (() => unknown)[] = []

beforeAll(async () => {
  desk = await startAsking((call) => void calls.push(call))
  database = await freshPostgres()
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  first = await startPorticoProcess(settings)
  await first.api('POST', `${MCP}/servers`, {
    ...{ id: 'desk', name: 'Desk', hostname: desk.url, auth_type: 'unauthenticated' },
  })
  await first.api('POST', `${MCP}/servers/desk/sync`)
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'desk' }] })
  const made = await first.api<{ token: string }>('POST', '/tokens/access', {
    ...{ email: 'ada@acme.test', portal: 'default' },
  })
  token = made.token
  second = await startPorticoProcess(settings)
}, 240_000)
beforeEach(() => {
  calls = []
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await desk?.http.close()
  await database?.drop()
})

/** A client in the midst of a call, of which it has heard the beginning. */
async function begin(network: RoundRobin) {
  const heard: unknown[] = []
  const client = new Client({ name: 'journey', version: '1' })
  client.setNotificationHandler(LoggingMessageNotificationSchema, ({ params }) => void heard.push(params.data))
  const transport = new StreamableHTTPClientTransport(new URL(`${network.url}/mcp`), {
    requestInit: { headers: { authorization: `Bearer ${token}` } },
  })
  await client.connect(transport as Transport)
  closing.push(
    () => client.close(),
    () => network.close(),
  )
  const answer = client.callTool({ name: 'desk_echo', arguments: {} })
  await expect.poll(() => calls.length, PATIENCE).toBe(1)
  const [call] = calls as [Call]
  call.say({ jsonrpc: '2.0', method: 'notifications/message', params: { level: 'info', data: 'begun' } })
  await expect.poll(() => heard, PATIENCE).toEqual(['begun'])
  return { answer, call }
}

// [STREAM-2]
test('a client that comes to the wrong replica is sent on until it comes to the right one, and gets its answer', async () => {
  const network = await startRoundRobin([first.url, second.url])
  const { answer, call } = await begin(network)
  network.cut()
  call.answer('found')
  expect((await answer).content).toMatchObject([{ text: 'found' }])
  expect(calls).toHaveLength(1)
}, 120_000)

// [STREAM-2]
test('a client whose replica has ended is told that the end of its call is not known', async () => {
  const network = await startRoundRobin([first.url])
  const { answer } = await begin(network)
  await first.end('SIGKILL')
  network.lead([second.url])
  network.cut()
  const { content, isError } = await answer
  expect(isError).toBe(true)
  expect(content).toMatchObject([{ text: expect.stringMatching(/not kept any more\. See whether it took effect/) }])
  expect(calls).toHaveLength(1)
}, 120_000)
