/** Nothing of a task is kept in a portal: whichever replica is asked knows it, and after a restart too. */
import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshPostgres, freshPostgres } from '../databases.ts'
import { type PorticoProcess, startPorticoProcess } from '../portico-process.ts'
import { ask2026, bearer, messageOf, type RawCaller } from '../raw-mcp.ts'
import { startTaskServer, TASKS, type TaskServer, THEIR_ID } from '../task-server.ts'

const MCP = '/access/ai-controls/mcp'

let database: FreshPostgres
let first: PorticoProcess
let second: PorticoProcess
let server: TaskServer
let ada: RawCaller

beforeAll(async () => {
  database = await freshPostgres()
  server = await startTaskServer()
  const settings = { DATABASE_URL: database.url, PORTICO_ENCRYPTION_KEY: randomBytes(32).toString('base64') }
  first = await startPorticoProcess(settings)
  second = await startPorticoProcess(settings)
  const made = { id: 'jobs', name: 'jobs', auth_type: 'unauthenticated', hostname: `${server.origin}/mcp` }
  await first.api('POST', `${MCP}/servers`, made)
  await first.api('POST', `${MCP}/servers/jobs/sync`)
  await first.api('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'jobs' }] })
  const person = { email: 'ada@acme.test', portal: 'default' }
  ada = bearer((await first.api<{ token: string }>('POST', '/tokens/access', person)).token)
})
afterAll(async () => {
  for (const replica of [first, second]) {
    await replica?.end('SIGTERM')
    await replica?.remove()
  }
  await server?.close()
  await database?.drop()
})

const ask = (replica: PorticoProcess, method: string, params: Record<string, unknown>) =>
  ask2026(`${replica.url}/mcp`, ada, method, {
    ...params,
    _meta: { 'io.modelcontextprotocol/clientCapabilities': { extensions: { [TASKS]: {} } } },
  })

// [TASK-8]
test('a task that one replica began, another knows, and the first one after it was started again', async () => {
  const call = await ask(first, 'tools/call', { name: 'jobs_echo', arguments: {} })
  const taskId = String(messageOf(call).result?.taskId)
  const seenBy = async (replica: PorticoProcess) => {
    // What another replica was told reaches this one soon; until then it does not know the server.
    await expect
      .poll(async () => (await ask(replica, 'tasks/get', { taskId })).text, { timeout: 20_000 })
      .toContain('"status":"completed"')
    await ask(replica, 'tasks/cancel', { taskId })
  }
  await seenBy(second)
  await first.end('SIGKILL')
  await first.start()
  await seenBy(first)
  expect(server.asked('tasks/cancel').map(({ body }) => body.params?.taskId)).toEqual([THEIR_ID, THEIR_ID])
})
