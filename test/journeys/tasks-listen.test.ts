/**
 * `notifications/tasks` (SEP-2663) on `subscriptions/listen`: whoever listens for tasks of its own hears of them under its own handles, as
 * they are decided at that moment, and of others' tasks it is told nothing.
 */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type EventStream, openEventStream } from '../event-stream.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, type RawCaller, request2026 } from '../raw-mcp.ts'
import { asking, startTaskServer, TASKS, type TaskServer, THEIR_ID } from '../task-server.ts'
import { startOldTaskServer } from '../task-server-2025.ts'

const MCP = '/access/ai-controls/mcp'
const META = {
  'io.modelcontextprotocol/clientCapabilities': { elicitation: { form: {} }, extensions: { [TASKS]: {} } },
}
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'
const FIELDS = { createdAt: '2026-07-28T00:00:00Z', lastUpdatedAt: '2026-07-28T00:00:00Z', ttlMs: null, x: 1 }

let portal: TestPortal
let server: TaskServer
let old: Awaited<ReturnType<typeof startOldTaskServer>>
let ann: RawCaller
let before: string[]
const streams: EventStream[] = []

beforeAll(async () => {
  portal = await startTestPortal()
  server = await startTaskServer()
  old = await startOldTaskServer()
  await portal.furnish([
    { id: 'jobs', url: `${server.origin}/mcp` },
    { id: 'old', url: `${old.origin}/mcp` },
  ])
  ann = bearer(await portal.userToken('ann@acme.test'))
  const { policies } = await must<{ policies: (string | { id: string })[] }>('GET', `${MCP}/portals/default`)
  before = policies.map((one) => (typeof one === 'string' ? one : one.id))
})
afterEach(() => {
  for (const stream of streams.splice(0)) stream.close()
  server.says.detailed = {}
  server.honours = (ids) => ids
  server.seen.length = 0
})
afterAll(async () => {
  await portal?.close()
  await Promise.all([server?.close(), old?.close()])
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

async function begin(name = 'jobs_echo'): Promise<string> {
  const { result } = messageOf(
    await ask2026(`${portal.url}/mcp`, ann, 'tools/call', { name, arguments: {}, _meta: META }),
  )
  return String(result?.taskId)
}

/** A stream that was acknowledged. */
async function listen(taskIds: readonly string[], who = ann): Promise<EventStream> {
  const stream = await openEventStream(`${portal.url}/mcp`, {
    method: 'POST',
    headers: {
      ...who.credentials,
      ...{ 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      ...{ 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'subscriptions/listen' },
    },
    body: JSON.stringify(request2026('subscriptions/listen', { notifications: { taskIds }, _meta: META }, 'mine')),
  })
  streams.push(stream)
  await stream.until(({ length }) => length > 0)
  return stream
}

const honoured = (stream: EventStream) => stream.messages[0]?.params?.notifications
const told = (stream: EventStream) => stream.messages.filter(({ method }) => method === 'notifications/tasks')

// [TASK-12]
test('a task that is listened for is told of by its handle, as the answer to `tasks/get` would be', async () => {
  server.honours = (ids) => ids
  const taskId = await begin()
  const stream = await listen([taskId, 'nobody made this'])
  expect(honoured(stream)).toEqual({ taskIds: [taskId] })
  const asked = server.asked('subscriptions/listen')[0]?.body.params
  expect(asked?.notifications).toEqual({ taskIds: [THEIR_ID] })
  expect(server.declaredWith('subscriptions/listen')).toEqual({ extensions: { [TASKS]: {} } })
  server.tell({ taskId: 'of somebody else', status: 'completed' })
  server.tell({ taskId: THEIR_ID, status: 'working', secret: 'not looked at' })
  await stream.until((messages) => messages.length > 1)
  expect(told(stream)).toEqual([
    {
      jsonrpc: '2.0',
      method: 'notifications/tasks',
      params: {
        ...{ taskId, status: 'completed', ...FIELDS, result: { content: [{ type: 'text', text: 'done' }] } },
        _meta: { [SUBSCRIPTION]: 'mine' },
      },
    },
  ])
})

// [TASK-12] [TASK-7]
test('what a task asks passes the guard of questions on its way to whoever listens', async () => {
  const taskId = await begin()
  const stream = await listen([taskId])
  const params = { message: 'Who?', requestedSchema: { type: 'object', properties: { name: { type: 'string' } } } }
  server.says.detailed = asking({ who: { method: 'elicitation/create', params } })
  server.tell({ taskId: THEIR_ID, status: 'input_required', inputRequests: { who: { method: 'x', params: {} } } })
  await stream.until((messages) => messages.length > 1)
  expect(told(stream)[0]?.params).toMatchObject({
    ...{ taskId, status: 'input_required' },
    inputRequests: { who: { params: { message: 'jobs asks: Who?' } } },
  })
})

// [TASK-12] [TASK-3]
test('a task of somebody else is acknowledged no more than one that nobody made, and no server hears of it', async () => {
  const taskId = await begin()
  const bob = bearer(await portal.userToken('bob@acme.test'))
  const own = (stream: EventStream) => JSON.stringify(stream.messages)
  expect(own(await listen([taskId], bob))).toBe(own(await listen(['x'], bob)))
  expect(honoured(await listen([THEIR_ID, taskId], bob))).toEqual({ taskIds: [] })
  expect(server.asked('subscriptions/listen')).toEqual([])
})

// [TASK-12]
test('what a server does not tell of is not acknowledged, nor is a task of 2025-11-25', async () => {
  const [one, two, third] = [await begin(), await begin(), await begin('old_must')]
  server.honours = () => []
  expect(honoured(await listen([one, two, third]))).toEqual({ taskIds: [] })
  server.honours = null
  expect(honoured(await listen([one]))).toEqual({ taskIds: [] })
})

// [TASK-12] [TASK-6]
test('a task whose tool is denied meanwhile is told of no more, and is cancelled at its server', async () => {
  const taskId = await begin()
  const stream = await listen([taskId])
  const deny = await must<{ id: string }>('POST', '/access/policies', {
    ...{ name: 'Not this one', decision: 'deny', include: [{ everyone: {} }] },
    capabilities: [{ servers: ['jobs'], kinds: ['tool'], names: ['echo'] }],
  })
  await must('PUT', `${MCP}/portals/default`, { policies: [deny.id, ...before] })
  try {
    server.tell({ taskId: THEIR_ID, status: 'completed' })
    await expect.poll(() => server.asked('tasks/cancel').length).toBe(1)
    expect(honoured(await listen([taskId]))).toEqual({ taskIds: [] })
    expect(told(stream)).toEqual([])
  } finally {
    await must('PUT', `${MCP}/portals/default`, { policies: before })
  }
})

// [TASK-12]
test('where the server ends its stream the listener is told, and listens anew', async () => {
  const stream = await listen([await begin()])
  server.endListening()
  await stream.ended
  expect(stream.messages.at(-1)).toMatchObject({ id: 'mine', result: { resultType: 'complete' } })
})

// [TASK-12]
test('whoever goes away ends the stream at the server', async () => {
  const stream = await listen([await begin()])
  const gone = new Promise<void>((resolve) => {
    server.onListenersGone = resolve
  })
  stream.close()
  await gone
})

// [TASK-12]
test('so many tasks are listened for at once, and no more', async () => {
  const handles = await Promise.all(Array.from({ length: 33 }, () => begin()))
  expect((honoured(await listen(handles)) as { taskIds: string[] }).taskIds).toEqual(handles.slice(0, 32))
})
