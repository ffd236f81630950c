/**
 * Tasks of servers of 2026 through the portal: a handle in the place of the server's id, good for one caller alone; and what is
 * declared by one side reaches the other, and nothing else does.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Fixture, startFixture } from '../conformance/fixture/http.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer, type RawCaller } from '../raw-mcp.ts'
import { asking, CREATED, DETAILED, startTaskServer, TASKS, type TaskServer, THEIR_ID, UI } from '../task-server.ts'

const MCP = '/access/ai-controls/mcp'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const METHODS = ['tasks/get', 'tasks/update', 'tasks/cancel'] as const
type Method = (typeof METHODS)[number]
const NOT_THEIRS = { status: 200, text: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown task"}}' }
const NAME = { type: 'object', properties: { name: { type: 'string' } } }

let portal: TestPortal
let fixture: Fixture
let scripted: TaskServer
let ann: RawCaller
let before: string[]

beforeAll(async () => {
  portal = await startTestPortal()
  fixture = await startFixture('modern')
  scripted = await startTaskServer()
  await portal.furnish([
    { id: 'fixture', url: fixture.url },
    { id: 'scripted', url: `${scripted.origin}/mcp` },
  ])
  ann = bearer(await portal.userToken('ann@acme.test'))
  const { policies } = await must<{ policies: (string | { id: string })[] }>('GET', `${MCP}/portals/default`)
  before = policies.map((one) => (typeof one === 'string' ? one : one.id))
})
beforeEach(() => {
  scripted.seen.length = 0
  scripted.says.created = {}
  scripted.says.detailed = {}
  scripted.says.error = null
})
afterAll(async () => {
  await portal?.close()
  await Promise.all([fixture?.close(), scripted?.close()])
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

interface How {
  who?: RawCaller
  /** Below the portal's URL. */
  at?: string
  capabilities?: Record<string, unknown>
}

const KNOWS = { elicitation: { form: {} }, extensions: { [TASKS]: {} } }

function ask(method: string, params: Record<string, unknown>, how: How = {}): Promise<RawAnswer> {
  const { who = ann, at = '/mcp', capabilities = KNOWS } = how
  return ask2026(`${portal.url}${at}`, who, method, { ...params, _meta: { [CAPABILITIES]: capabilities } })
}

async function resultOf(answer: Promise<RawAnswer>): Promise<Record<string, unknown>> {
  const { result, error } = messageOf(await answer)
  if (result === undefined) throw new Error(JSON.stringify(error))
  return result
}

async function begin(name: string, args: Record<string, unknown> = {}, how: How = {}): Promise<string> {
  const { taskId, resultType } = await resultOf(ask('tools/call', { name, arguments: args }, how))
  expect(resultType).toBe('task')
  return String(taskId)
}

/** Asks after a task until it says so. */
async function until(taskId: string, status: string): Promise<Record<string, unknown>> {
  for (;;) {
    const task = await resultOf(ask('tasks/get', { taskId }))
    if (task.status === status) return task
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

const paramsOf = (method: Method, taskId: string) =>
  method === 'tasks/update' ? { taskId, inputResponses: { name: { action: 'decline' } } } : { taskId }
const bytesOf = ({ status, text }: RawAnswer) => ({ status, text })

async function lastOf(method: string): Promise<{ outcome: string; error: string | null; server: string | null }> {
  const rows = await must<{ outcome: string; error: string | null; server: string | null }[]>(
    'GET',
    `${MCP}/logs?phase=ended&limit=1&method=${method}`,
  )
  return rows[0] as (typeof rows)[number]
}

describe('a task', () => {
  // [TASK-1]
  test('is begun, asked after, answered and ends, at a real server', async () => {
    const taskId = await begin('fixture_confirm_delete', { filename: 'a.txt' })
    const waiting = await until(taskId, 'input_required')
    expect(waiting).toMatchObject({
      taskId,
      inputRequests: { confirm: { method: 'elicitation/create', params: { message: 'fixture asks: Delete a.txt?' } } },
    })
    const inputResponses = { confirm: { action: 'accept', content: { confirm: true }, _meta: { mine: 1 } } }
    expect(await resultOf(ask('tasks/update', { taskId, inputResponses }))).toMatchObject({ resultType: 'complete' })
    const { result } = await until(taskId, 'completed')
    expect(JSON.stringify(result)).toContain('Deleted a.txt')
  })

  // [TASK-1]
  test('that is cancelled is cancelled at the server', async () => {
    const taskId = await begin('fixture_slow_compute', { seconds: 600 })
    await resultOf(ask('tasks/cancel', { taskId }))
    expect(await until(taskId, 'cancelled')).toMatchObject({ taskId })
  })

  // [TASK-2]
  test("has a handle in the place of the server's id, and is otherwise as it came, to the letter", async () => {
    const call = await ask('tools/call', { name: 'scripted_echo', arguments: {} })
    const taskId = String(messageOf(call).result?.taskId)
    expect(call.text).toBe(`{"jsonrpc":"2.0","id":1,"result":${CREATED.replace(/"task of [^"]*"/, `"${taskId}"`)}}`)
    const got = await ask('tasks/get', { taskId })
    expect(got.text).toBe(`{"jsonrpc":"2.0","id":1,"result":${DETAILED.replace(/"task of [^"]*"/, `"${taskId}"`)}}`)
    expect(taskId).toMatch(/^[\w.-]{100,1024}$/)
  })

  // [TASK-1]
  test('is named to its server as the server named it, in body and header', async () => {
    const taskId = await begin('scripted_echo')
    for (const method of METHODS) {
      await ask(method, paramsOf(method, taskId))
      const { body, headers } = scripted.asked(method).at(-1) ?? {}
      expect(body?.params?.taskId).toBe(THEIR_ID)
      expect(headers?.['mcp-name']).toBe(`=?base64?${Buffer.from(THEIR_ID).toString('base64')}?=`)
    }
  })

  test('of whoever did not declare tasks is an error of its server', async () => {
    const answer = await ask('tools/call', { name: 'scripted_echo', arguments: {} }, { capabilities: {} })
    expect(messageOf(answer).error?.code).toBe(-32603)
    expect(answer.text).not.toContain('task of the server')
  })

  test.each([
    ['no id', { resultType: 'task', status: 'working' }],
    ['an id that is no text', { resultType: 'task', taskId: 7, status: 'working' }],
    ['an id that is too long to be carried', { resultType: 'task', taskId: 'x'.repeat(1000), status: 'working' }],
    ['questions that nobody looked at', { ...asking({ name: {} }), resultType: 'task' }],
  ])('with %s is an error of its server', async (_what, created) => {
    scripted.says.created = created
    const answer = await ask('tools/call', { name: 'scripted_echo', arguments: {} })
    expect(messageOf(answer).error?.code).toBe(-32603)
  })

  test('of another id than was asked for is an error of its server', async () => {
    const taskId = await begin('scripted_echo')
    scripted.says.detailed = { resultType: 'complete', taskId: 'another', status: 'completed' }
    expect(messageOf(await ask('tasks/get', { taskId })).error?.code).toBe(-32603)
  })
})

describe('nobody else', () => {
  let taskId: string
  const others = new Map<string, () => Promise<{ taskId: string } & How>>([
    ['another person', async () => ({ taskId, who: bearer(await portal.userToken('bob@acme.test')) })],
    [
      'the same person by another grant',
      async () => ({ taskId, who: bearer(await portal.userToken('ann@acme.test')) }),
    ],
    ['the same grant at the mount of the server', async () => ({ taskId, at: '/p/default/s/scripted/mcp' })],
    ['the same grant at the mount of another server', async () => ({ taskId, at: '/p/default/s/fixture/mcp' })],
    [
      'another portal',
      async () => {
        const made = { id: 'other', hostname: 'other.example.com', name: 'Other', servers: [{ server_id: 'scripted' }] }
        await portal.api('POST', `${MCP}/portals`, { ...made, policies: before })
        return { taskId, at: '/p/other/mcp', who: bearer(await portal.userToken('ann@acme.test', 'other')) }
      },
    ],
    [
      'whoever changes a letter of it',
      async () => ({ taskId: `${taskId.slice(0, -2)}${taskId.at(-2) === 'A' ? 'B' : 'A'}${taskId.at(-1)}` }),
    ],
    ['whoever guesses', async () => ({ taskId: 'v1.00000000.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA' })],
    ["whoever knows the server's id", async () => ({ taskId: THEIR_ID })],
    ['whoever sends more than a handle can be', async () => ({ taskId: 'x'.repeat(4000) })],
  ])

  beforeAll(async () => {
    taskId = await begin('scripted_echo')
  })

  describe.each([...others.keys()])('%s', (who) => {
    // [TASK-3] [GATE-1]
    test.each(METHODS)(
      'has the task of another for %s: it is unknown, in the same bytes, and no server is reached',
      async (method) => {
        const { taskId: handle, ...how } = (await others.get(who)?.()) ?? { taskId: '' }
        const answer = await ask(method, paramsOf(method, handle), how)
        expect(bytesOf(answer)).toEqual(NOT_THEIRS)
        expect(scripted.asked(method)).toEqual([])
        expect(await lastOf(method)).toMatchObject({ outcome: 'refused', error: 'not-offered' })
      },
    )
  })

  // [TASK-3]
  test('has a task that its server has forgotten either: it is as if it never was', async () => {
    scripted.says.error = { code: -32602, message: `Task not found: ${THEIR_ID}` }
    for (const method of METHODS) expect(bytesOf(await ask(method, paramsOf(method, taskId)))).toEqual(NOT_THEIRS)
    scripted.says.error = { code: -32602, message: 'Invalid params: these are no answers' }
    expect((await ask('tasks/update', paramsOf('tasks/update', taskId))).text).toContain('these are no answers')
  })
})

describe('what is not declared', () => {
  // [TASK-4]
  test.each(METHODS)('%s is 400 and -32021, whatever task it names', async (method) => {
    for (const capabilities of [{}, { extensions: { 'com.example/x': {} } }]) {
      const answer = await ask(method, paramsOf(method, 'x'), { capabilities })
      expect(answer.status).toBe(400)
      expect(messageOf(answer).error).toMatchObject({
        code: -32021,
        data: { requiredCapabilities: { extensions: { [TASKS]: {} } } },
      })
    }
  })

  // [TASK-4]
  test('is not listened to: 400 and -32021', async () => {
    const notifications = { taskIds: ['x'] }
    const answer = await ask('subscriptions/listen', { notifications }, { capabilities: {} })
    expect([answer.status, messageOf(answer).error?.code]).toEqual([400, -32021])
  })

  test.each(['tasks/list', 'tasks/result'])('%s is not there for clients of 2026', async (method) => {
    const answer = await ask(method, { taskId: 'x' })
    expect([answer.status, messageOf(answer).error?.code]).toEqual([404, -32601])
  })

  test('the tasks of a server of 2026 are not there for clients of 2025, who are never declared to know them', async () => {
    const session = await open2025(`${portal.url}/mcp`, ann, '2025-11-25')
    const { taskId } = await resultOf(ask('tools/call', { name: 'scripted_echo', arguments: {} }))
    for (const method of ['tasks/get', 'tasks/cancel'])
      expect(bytesOf(await session.ask(method, { taskId }))).toEqual(NOT_THEIRS)
    expect(messageOf(await session.ask('tasks/update', paramsOf('tasks/update', 'x'))).error?.code).toBe(-32601)
    expect([...scripted.asked('tasks/get'), ...scripted.asked('tasks/cancel')]).toEqual([])
    expect(messageOf(session.opened).result?.capabilities).not.toHaveProperty('tasks')
    const called = await session.ask('tools/call', { name: 'scripted_echo', arguments: {} })
    expect(scripted.declaredWith('tools/call')).toEqual({})
    expect(messageOf(called).error?.code).toBe(-32603)
  })

  // [TASK-5] [RELAY-2]
  test.each([
    ['nothing', {}, {}],
    ['what the portal does not relay', { extensions: { 'com.example/x': {} }, experimental: { y: {} } }, {}],
    [
      'settings, as they are',
      { extensions: { [TASKS]: { a: [1] }, [UI]: { mimeTypes: ['text/html;profile=mcp-app'] }, 'com.example/x': {} } },
      { extensions: { [TASKS]: { a: [1] }, [UI]: { mimeTypes: ['text/html;profile=mcp-app'] } } },
    ],
    ['settings that are too long', { extensions: { [UI]: { long: 'x'.repeat(5000) } } }, {}],
  ])('is not declared to a server; this caller declares %s', async (_what, capabilities, declared) => {
    await ask('tools/call', { name: 'scripted_echo', arguments: {} }, { capabilities })
    expect(scripted.declaredWith('tools/call')).toEqual(declared)
  })

  // [TASK-5]
  test('by servers is not named by the portal, and what one of them declares is', async () => {
    const discovered = await resultOf(ask('server/discover', {}))
    expect(discovered.capabilities).toMatchObject({ extensions: { [TASKS]: {} } })
    const { opened } = await open2025(`${portal.url}/mcp`, ann)
    // In 2025 there are no tasks of the extension; skills of its servers there are.
    expect(messageOf(opened).result?.capabilities).toMatchObject({
      extensions: { 'io.modelcontextprotocol/skills': { directoryRead: true } },
    })
    expect(opened.text).not.toContain(TASKS)
  })
})

describe('while a task runs', () => {
  // [TASK-6] [GATE-1]
  test.each(METHODS)(
    'its tool is denied: %s says that it is unknown, and it is cancelled at the server',
    async (method) => {
      const taskId = await begin('scripted_echo')
      const deny = await must<{ id: string }>('POST', '/access/policies', {
        ...{ name: 'Not this one', decision: 'deny', include: [{ everyone: {} }] },
        capabilities: [{ servers: ['scripted'], kinds: ['tool'], names: ['echo'] }],
      })
      await must('PUT', `${MCP}/portals/default`, { policies: [deny.id, ...before] })
      try {
        expect(bytesOf(await ask(method, paramsOf(method, taskId)))).toEqual(NOT_THEIRS)
        await expect.poll(() => scripted.asked('tasks/cancel').length).toBe(1)
        expect(scripted.asked('tasks/get').length + scripted.asked('tasks/update').length).toBe(0)
        expect(await lastOf(method)).toMatchObject({ outcome: 'refused', error: 'not-allowed' })
      } finally {
        await must('PUT', `${MCP}/portals/default`, { policies: before })
      }
      expect((await ask('tasks/get', { taskId })).text).toContain('"status":"completed"')
    },
  )

  // [TASK-6]
  test('its tool is switched off or its server leaves: it is unknown until they are back', async () => {
    const taskId = await begin('scripted_echo')
    const off = { server_id: 'scripted', updated_tools: [{ name: 'echo', enabled: false }] }
    for (const servers of [[off], [{ server_id: 'fixture' }]]) {
      await must('PUT', `${MCP}/portals/default`, { servers })
      expect(bytesOf(await ask('tasks/get', { taskId }))).toEqual(NOT_THEIRS)
    }
    await must('PUT', `${MCP}/portals/default`, { servers: [{ server_id: 'fixture' }, { server_id: 'scripted' }] })
    expect(scripted.asked('tasks/get')).toEqual([])
    expect((await ask('tasks/get', { taskId })).text).toContain('"status":"completed"')
  })

  // [TASK-7]
  test('what it asks is named after its server, and nothing else of it changes', async () => {
    const taskId = await begin('scripted_echo')
    const question = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: NAME } }
    scripted.says.detailed = { ...asking({ who: question }), pollIntervalMs: 5, other: { deep: true } }
    expect(await resultOf(ask('tasks/get', { taskId }))).toEqual({
      ...{ resultType: 'complete', taskId, status: 'input_required', pollIntervalMs: 5, other: { deep: true } },
      inputRequests: {
        who: {
          method: 'elicitation/create',
          params: { mode: 'form', message: 'scripted asks: Who?', requestedSchema: NAME },
        },
      },
    })
    const inputResponses = { who: { action: 'accept', content: { name: 'Ann' }, _meta: { 'com.example/x': 1 } } }
    await ask('tasks/update', { taskId, inputResponses, requestState: 'mine' })
    const { _meta, ...sent } = scripted.asked('tasks/update').at(-1)?.body.params ?? {}
    expect(sent).toEqual({
      taskId: THEIR_ID,
      inputResponses: { who: { action: 'accept', content: { name: 'Ann' } } },
    })
  })

  const secret = { type: 'object', properties: { password: { type: 'string' } } }
  const one = { method: 'elicitation/create', params: { message: 'Who?', requestedSchema: NAME } }
  // [TASK-7]
  test.each([
    ['a secret', { a: { method: 'elicitation/create', params: { message: 'Say', requestedSchema: secret } } }],
    ['what the client did not declare', { a: { method: 'roots/list', params: {} } }],
    ['what is no question', { a: { method: 'tools/call', params: {} } }],
    ['more than three things', { a: one, b: one, c: one, d: one }],
    ['in a form that cannot be read', ['a']],
  ])('it asks for %s: nobody is asked, and the task ends with words', async (_what, inputRequests) => {
    const taskId = await begin('scripted_echo')
    scripted.says.detailed = asking(inputRequests as never)
    const task = await resultOf(ask('tasks/get', { taskId }))
    expect(task).toMatchObject({ taskId, status: 'failed', error: { code: -32603 } })
    expect(String((task.error as { message: string }).message)).toMatch(/^scripted asked .*The task was cancelled/)
    expect(task).not.toHaveProperty('inputRequests')
    expect(scripted.asked('tasks/cancel')).toHaveLength(1)
  })
})
