/** What goes on with a task is decided again as in a list: what its call was judged by, asked for and counted as, it is not judged by anew. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { AuditRow } from '../../src/audit/event.ts'
import { openEventStream } from '../event-stream.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, type RawCaller, request2026 } from '../raw-mcp.ts'
import { asking, startTaskServer, TASKS, type TaskServer } from '../task-server.ts'

const MCP = '/access/ai-controls/mcp'
const KNOWS = { elicitation: { form: {} }, extensions: { [TASKS]: {} } }
const META = { 'io.modelcontextprotocol/clientCapabilities': KNOWS }
const EVERYONE = { decision: 'allow', include: [{ everyone: {} }] }

let portal: TestPortal
let server: TaskServer
let ann: RawCaller
let before: string[]

beforeAll(async () => {
  portal = await startTestPortal()
  server = await startTaskServer()
  await portal.furnish([{ id: 'jobs', url: `${server.origin}/mcp` }])
  ann = bearer(await portal.userToken('ann@acme.test'))
  const { policies } = await must<{ policies: (string | { id: string })[] }>('GET', `${MCP}/portals/default`)
  before = policies.map((one) => (typeof one === 'string' ? one : one.id))
})
afterEach(async () => {
  await must('PUT', `${MCP}/portals/default`, { policies: before })
  await must('PUT', `${MCP}/servers/jobs`, { limits: [] })
  server.says.detailed = {}
  server.seen.length = 0
})
afterAll(async () => {
  await portal?.close()
  await server?.close()
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

async function govern(policy: object): Promise<void> {
  const { id } = await must<{ id: string }>('POST', '/access/policies', { name: 'a rule', ...policy })
  await must('PUT', `${MCP}/portals/default`, { policies: [id] })
}

const ask = (method: string, params: Record<string, unknown>) =>
  ask2026(`${portal.url}/mcp`, ann, method, { ...params, _meta: META })
const call = (more: object = {}) => ask('tools/call', { name: 'jobs_echo', arguments: { path: '/safe/a' }, ...more })
const statusOf = async (taskId: string) => messageOf(await ask('tasks/get', { taskId })).result?.status

// [TASK-6]
test('where a rule looks at arguments, a task goes on without them', async () => {
  const capabilities = [{ kinds: ['tool'], names: ['echo'], arguments: [{ pointer: '/path', under: '/safe' }] }]
  await govern({ ...EVERYONE, capabilities })
  expect(messageOf(await call({ arguments: { path: '/etc' } })).result).toMatchObject({ isError: true })
  const taskId = String(messageOf(await call()).result?.taskId)
  expect(await statusOf(taskId)).toBe('completed')
  await govern({ ...EVERYONE, capabilities: [{ kinds: ['tool'], names: ['another'] }] })
  expect(await statusOf(taskId)).toBeUndefined()
  await expect.poll(() => server.asked('tasks/cancel').length).toBe(1)
})

// [TASK-6]
test('what a policy wants to know first is asked at the call, and not with each look at the task', async () => {
  await govern({ ...EVERYONE, purpose_justification_required: true })
  const { requestState, inputRequests = {} } = messageOf(await call()).result ?? {}
  const [kind = ''] = Object.keys(inputRequests as object)
  const inputResponses = { [kind]: { action: 'accept', content: { purpose: 'the audit' } } }
  const { taskId, resultType } = messageOf(await call({ requestState, inputResponses })).result ?? {}
  expect(resultType).toBe('task')
  expect(await statusOf(String(taskId))).toBe('completed')
})

// [TASK-6]
test('a look at a task is no call that a limit counts', async () => {
  await must('PUT', `${MCP}/servers/jobs`, { limits: [{ per: 'principal', calls: 1, window: '1h' }] })
  const taskId = String(messageOf(await call()).result?.taskId)
  for (let look = 0; look < 3; look++) expect(await statusOf(taskId)).toBe('completed')
  expect(JSON.stringify(messageOf(await call()).result)).toContain('limit of')
})

// [TASK-7] [RELAY-6]
test('the audit has each request about a task by its tool, what was asked in it, and nothing of what was said', async () => {
  const taskId = String(messageOf(await call()).result?.taskId)
  const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } }
  const params = { message: 'The secret word?', requestedSchema }
  server.says.detailed = asking({ who: { method: 'elicitation/create', params } })
  await ask('tasks/get', { taskId })
  await ask('tasks/update', { taskId, inputResponses: { who: { action: 'accept', content: { name: 'swordfish' } } } })
  const rows = await must<AuditRow[]>('GET', `${MCP}/logs?phase=ended&limit=4`)
  const brief = rows.map(({ method, capability, server: at, outcome }) => [method, capability, at, outcome])
  expect(brief).toEqual([
    ['tasks/update', 'jobs_echo', 'jobs', 'answered'],
    ['tasks/get', 'jobs_echo', 'jobs', 'answered'],
    ['elicitation/create', 'jobs_echo', 'jobs', 'answered'],
    ['tools/call', 'jobs_echo', 'jobs', 'answered'],
  ])
  expect(rows[2]?.parent).toBe(rows[1]?.deed)
  for (const word of ['secret word', 'swordfish', taskId]) expect(JSON.stringify(rows)).not.toContain(word)
})

// [TASK-12] [ERA-6]
test('who listens for a task of a server that tells nothing is told that it will not hear of it', async () => {
  const taskId = String(messageOf(await call()).result?.taskId)
  const notifications = { toolsListChanged: true, taskIds: [taskId, 'another'] }
  const stream = await openEventStream(`${portal.url}/mcp`, {
    method: 'POST',
    headers: {
      ...ann.credentials,
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
    },
    body: JSON.stringify(request2026('subscriptions/listen', { notifications, _meta: META })),
  })
  await stream.until(({ length }) => length > 0)
  expect(stream.messages[0]?.params?.notifications).toEqual({ toolsListChanged: true, taskIds: [] })
  stream.close()
})
