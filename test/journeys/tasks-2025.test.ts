/**
 * Tasks of 2025-11-25 through the portal: a handle wherever the server says its id, good for one caller alone, decided anew with each
 * request; and for who asked for no task, a call like any other.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openEventStream } from '../event-stream.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025, type RawAnswer, type RawCaller } from '../raw-mcp.ts'
import type { Seen } from '../scripted-server.ts'
import { startTaskServer, TASKS } from '../task-server.ts'
import {
  CREATED,
  type OldTaskServer,
  RELATED,
  RESULT,
  STATE,
  startOldTaskServer,
  streaming,
  THEIR_ID,
} from '../task-server-2025.ts'

const MCP = '/access/ai-controls/mcp'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const METHODS = ['tasks/get', 'tasks/result', 'tasks/cancel'] as const
const UNKNOWN = { status: 200, text: '{"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"Unknown task"}}' }
const QUOTED_ID = /"task of the old server, \\u00fc"/g

type Session = Awaited<ReturnType<typeof open2025>>

let portal: TestPortal
let old: OldTaskServer
let silent: OldTaskServer
let modern: Awaited<ReturnType<typeof startTaskServer>>
let ann: RawCaller
let session: Session
let before: string[]

beforeAll(async () => {
  portal = await startTestPortal()
  old = await startOldTaskServer()
  silent = await startOldTaskServer(false)
  modern = await startTaskServer()
  await portal.furnish([
    { id: 'old', url: `${old.origin}/mcp` },
    { id: 'silent', url: `${silent.origin}/mcp` },
    { id: 'modern', url: `${modern.origin}/mcp` },
  ])
  ann = bearer(await portal.userToken('ann@acme.test'))
  session = await open(ann)
  const { policies } = await must<{ policies: (string | { id: string })[] }>('GET', `${MCP}/portals/default`)
  before = policies.map((one) => (typeof one === 'string' ? one : one.id))
})
beforeEach(() => {
  old.seen.length = 0
  old.says.clear()
})
afterAll(async () => {
  await portal?.close()
  await Promise.all([old?.close(), silent?.close(), modern?.close()])
})

async function must<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await portal.api<T>(method, path, body)
  if (!answer.body.success) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body.result
}

const open = (who: RawCaller, at = '/mcp', version = '2025-11-25') => open2025(`${portal.url}${at}`, who, version)
const bytesOf = ({ status, text }: RawAnswer) => ({ status, text })
const call = (name: string, more: object = {}, at = session) => at.ask('tools/call', { name, arguments: {}, ...more })

async function begin(at = session): Promise<string> {
  return handleOf(await call('old_must', { task: { ttl: 60_000 } }, at))
}

function handleOf(answer: RawAnswer): string {
  const { result, error } = messageOf(answer)
  if (result === undefined) throw new Error(JSON.stringify(error))
  return String((result.task as { taskId: string }).taskId)
}

function askExtension(method: string, params: Record<string, unknown>, extensions: object = { [TASKS]: {} }) {
  const _meta = { [CAPABILITIES]: { extensions } }
  return ask2026(`${portal.url}/mcp`, ann, method, { ...params, _meta })
}

/** By which the server tells how a call goes. */
function tokenOf(seen: Seen | undefined): number {
  const meta = seen?.body.params?._meta as { progressToken?: number } | undefined
  return meta?.progressToken ?? -1
}

describe('a task of 2025-11-25', () => {
  // [TASK-9] [TASK-2]
  test("has a handle wherever the server's id stood, and is otherwise as it came, to the letter", async () => {
    const made = await call('old_must', { task: { ttl: 60_000 } })
    const taskId = handleOf(made)
    const own = (text: string) => `{"jsonrpc":"2.0","id":1,"result":${text.replaceAll(QUOTED_ID, `"${taskId}"`)}}`
    expect(made.text).toBe(own(CREATED))
    expect((await session.ask('tasks/get', { taskId })).text).toBe(own(STATE))
    expect((await session.ask('tasks/result', { taskId })).text).toBe(own(RESULT))
    expect((await session.ask('tasks/cancel', { taskId })).text).toBe(own(STATE.replace('working', 'cancelled')))
    expect(taskId).toMatch(/^[\w.-]{100,1024}$/)
    for (const method of METHODS) expect(old.asked(method).at(-1)?.body.params?.taskId).toBe(THEIR_ID)
    expect(old.asked('tools/call')[0]?.body.params).toMatchObject({ name: 'must', task: { ttl: 60_000 } })
  })

  // [TASK-9]
  test('asks on the stream of its result, and says there how it goes, each time by its handle', async () => {
    const { promise: answered, resolve } = Promise.withResolvers<string>()
    const related = { _meta: { [RELATED]: { taskId: THEIR_ID } } }
    const requestedSchema = { type: 'object', properties: { name: { type: 'string' } } }
    old.says.set(
      'tasks/result',
      streaming(
        [
          { method: 'notifications/tasks/status', params: { taskId: THEIR_ID, status: 'working' } },
          { method: 'notifications/tasks/status', params: { taskId: 'of somebody else', status: 'working' } },
          { id: 'q', method: 'elicitation/create', params: { message: 'Who?', requestedSchema, ...related } },
        ],
        answered,
      ),
    )
    const asking = await openAsking()
    const handle = await begin(asking)
    const stream = await openEventStream(`${portal.url}/mcp`, {
      method: 'POST',
      headers: { ...asking.headers, 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tasks/result', params: { taskId: handle } }),
    })
    await stream.until((messages) => messages.some(({ method }) => method === 'elicitation/create'))
    const meta = { [RELATED]: { taskId: handle } }
    expect(stream.messages.map(({ method, params }) => [method, params])).toEqual([
      ['notifications/tasks/status', { taskId: handle, status: 'working' }],
      ['elicitation/create', expect.objectContaining({ message: 'old asks: Who?', _meta: meta })],
    ])
    const question = stream.messages.at(-1)
    const said = { action: 'accept', content: { name: 'Ann' } }
    await asking.answer(question?.id, said)
    await expect.poll(() => old.seen.filter(({ body }) => body.result !== undefined).length).toBe(1)
    expect(old.seen.find(({ body }) => body.result !== undefined)?.body.result).toEqual({ ...said, ...related })
    resolve(RESULT)
    await stream.ended
    expect(stream.messages.at(-1)).toMatchObject({ id: 7, result: { _meta: meta } })
  })

  // [TASK-9]
  test('makes progress by the token of the call that began it', async () => {
    const made = await call('old_must', { task: {}, _meta: { progressToken: 'mine' } })
    const taskId = handleOf(made)
    const token = tokenOf(old.asked('tools/call')[0])
    const related = { _meta: { [RELATED]: { taskId: THEIR_ID } } }
    const progress = { method: 'notifications/progress', params: { progressToken: token, progress: 1, ...related } }
    old.says.set('tasks/result', streaming([progress], Promise.resolve(RESULT)))
    const { text } = await session.ask('tasks/result', { taskId })
    // The stream begins with an event that says nothing.
    const [first = ''] = text.split('\n').filter((line) => /^data: ?\S/.test(line))
    expect(JSON.parse(first.slice(5))).toEqual({
      ...{ jsonrpc: '2.0', method: 'notifications/progress' },
      params: { progressToken: 'mine', progress: 1, _meta: { [RELATED]: { taskId } } },
    })
    old.says.set('tasks/result', streaming([progress], Promise.resolve(RESULT)))
    expect((await session.ask('tasks/result', { taskId: await begin() })).text).not.toContain('progress')
  })

  // [TASK-9]
  test.each([
    ['no id', '{"task":{"status":"working"}}'],
    ['two ids', '{"task":{"taskId":"a","taskId":"b","status":"working"}}'],
    ['an id that is no text', '{"task":{"taskId":7,"status":"working"}}'],
    ['an id that is too long to be carried', `{"task":{"taskId":"${'x'.repeat(1000)}","status":"working"}}`],
    ['another id in its marks', `{"task":{"taskId":"a"},"_meta":{"${RELATED}":{"taskId":"b"}}}`],
    ['a task that is none', '{"task":"a"}'],
  ])('with %s is an error of its server', async (_what, made) => {
    old.says.set('tools/call', made)
    expect(messageOf(await call('old_must', { task: {} })).error?.code).toBe(-32603)
  })

  // [TASK-9]
  test('of another id than was asked for is an error of its server', async () => {
    const taskId = await begin()
    old.says.set('tasks/get', '{"taskId":"another","status":"working"}')
    old.says.set('tasks/result', `{"content":[],"_meta":{"${RELATED}":{"taskId":"another"}}}`)
    for (const method of ['tasks/get', 'tasks/result'])
      expect(messageOf(await session.ask(method, { taskId })).error?.code).toBe(-32603)
  })

  // [TASK-9]
  test('that has ended cannot be cancelled, as its server says, and a failed one has the error of its server', async () => {
    const taskId = await begin()
    old.says.set('tasks/cancel', { code: -32602, message: `Cannot cancel ${THEIR_ID}: it is completed` })
    expect(messageOf(await session.ask('tasks/cancel', { taskId })).error).toEqual({
      ...{ code: -32602, message: `Cannot cancel ${taskId}: it is completed` },
    })
    old.says.set('tasks/result', { code: -32000, message: 'It broke' })
    expect(messageOf(await session.ask('tasks/result', { taskId })).error).toEqual({
      code: -32000,
      message: 'It broke',
    })
  })
})

/** A session whose client can be asked. */
async function openAsking() {
  const params = {
    ...{ protocolVersion: '2025-11-25', capabilities: { elicitation: { form: {} } } },
    clientInfo: { name: 'asking', version: '1' },
  }
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  const post = (body: object, more: Record<string, string>) =>
    fetch(`${portal.url}/mcp`, {
      ...{ method: 'POST', headers: { ...headers, ...ann.credentials, ...more } },
      body: JSON.stringify({ jsonrpc: '2.0', ...body }),
    })
  const opened = await post({ id: 0, method: 'initialize', params }, {})
  await opened.text()
  const own = { 'mcp-session-id': opened.headers.get('mcp-session-id') ?? '', 'mcp-protocol-version': '2025-11-25' }
  return {
    headers: { ...ann.credentials, ...own },
    answer: (id: unknown, result: object) => post({ id, result }, own),
    async ask(method: string, asked: Record<string, unknown>) {
      const response = await post({ id: 1, method, params: asked }, own)
      return { status: response.status, headers: response.headers, text: await response.text() }
    },
  } as unknown as Session & { answer(id: unknown, result: object): Promise<Response> }
}

describe('nobody else', () => {
  const others: [string, () => Promise<Session>][] = [
    ['another person', async () => open(bearer(await portal.userToken('bob@acme.test')))],
    ['another session of the same person', async () => open(ann)],
    ['the same person at the mount of the server', async () => open(ann, '/p/default/s/old/mcp')],
  ]
  // [TASK-3] [GATE-1]
  test.each(others)(
    '%s has the task of another: it is unknown, in the same bytes, and no server is reached',
    async (_who, opens) => {
      const taskId = await begin()
      const other = await opens()
      old.seen.length = 0
      for (const method of METHODS)
        for (const guess of [
          taskId,
          `${taskId.slice(0, -2)}${taskId.at(-2) === 'A' ? 'B' : 'A'}${taskId.at(-1)}`,
          THEIR_ID,
        ])
          expect(bytesOf(await other.ask(method, { taskId: guess }))).toEqual(UNKNOWN)
      expect(old.seen).toEqual([])
    },
  )

  // [TASK-3]
  test('has a task that its server has forgotten either: it is as if it never was', async () => {
    const taskId = await begin()
    for (const method of METHODS) old.says.set(method, { code: -32602, message: `Task not found: ${THEIR_ID}` })
    for (const method of METHODS) expect(bytesOf(await session.ask(method, { taskId }))).toEqual(UNKNOWN)
  })

  // [TASK-3]
  test('has a list of tasks: there is none', async () => {
    expect(messageOf(await session.ask('tasks/list')).error?.code).toBe(-32601)
    expect(messageOf(session.opened).result?.capabilities).toMatchObject({
      tasks: { cancel: {}, requests: { tools: { call: {} } } },
    })
  })
})

describe('while a task of 2025-11-25 runs', () => {
  async function denied(work: () => Promise<void>): Promise<void> {
    const deny = await must<{ id: string }>('POST', '/access/policies', {
      ...{ name: 'Not this one', decision: 'deny', include: [{ everyone: {} }] },
      capabilities: [{ servers: ['old'], kinds: ['tool'], names: ['must'] }],
    })
    await must('PUT', `${MCP}/portals/default`, { policies: [deny.id, ...before] })
    try {
      await work()
    } finally {
      await must('PUT', `${MCP}/portals/default`, { policies: before })
    }
  }

  // [TASK-6] [GATE-1]
  test.each(METHODS)(
    'its tool is denied: %s says that it is unknown, and it is cancelled at the server',
    async (method) => {
      const taskId = await begin()
      await denied(async () => {
        expect(bytesOf(await session.ask(method, { taskId }))).toEqual(UNKNOWN)
        await expect.poll(() => old.asked('tasks/cancel').length).toBe(1)
        expect(old.asked('tasks/get').length + old.asked('tasks/result').length).toBe(0)
      })
    },
  )

  // [TASK-6]
  test('its tool is denied while its result is waited for: nobody gets it, and it is cancelled at the server', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    old.says.set('tasks/result', streaming([], promise))
    const taskId = await begin()
    const waiting = session.ask('tasks/result', { taskId })
    await expect.poll(() => old.asked('tasks/result').length).toBe(1)
    await denied(async () => {
      resolve(RESULT)
      expect(bytesOf(await waiting)).toEqual(UNKNOWN)
      await expect.poll(() => old.asked('tasks/cancel').length).toBe(1)
    })
  })
})

describe('how a tool is run', () => {
  // [TASK-9]
  test('is shown to clients of 2025-11-25 alone, and only where its server declared tasks', async () => {
    const shown = async (answer: Promise<RawAnswer>) => {
      const tools = (messageOf(await answer).result?.tools ?? []) as { name: string; execution?: unknown }[]
      return Object.fromEntries(tools.map(({ name, execution }) => [name, execution]))
    }
    expect(await shown(session.ask('tools/list'))).toMatchObject({
      ...{ old_must: { taskSupport: 'required', other: 1 }, old_may: { taskSupport: 'optional' } },
      silent_must: { other: 1 },
    })
    const none = { old_must: { other: 1 }, old_may: undefined, silent_must: { other: 1 } }
    expect(await shown((await open(ann, '/mcp', '2025-06-18')).ask('tools/list'))).toMatchObject(none)
    expect(await shown(ask2026(`${portal.url}/mcp`, ann, 'tools/list'))).toMatchObject(none)
  })

  // [TASK-9]
  test.each(['silent_must', 'old_never', 'modern_echo', 'portal_list_servers'])(
    '%s as a task is refused where it has none, and no server hears of it',
    async (name) => {
      expect(messageOf(await call(name, { task: {} })).error?.code).toBe(-32601)
      expect([...silent.asked('tools/call'), ...old.asked('tools/call'), ...modern.asked('tools/call')]).toEqual([])
    },
  )

  // [TASK-9]
  test('is not there before 2025-11-25: no task, and none of its methods', async () => {
    const older = await open(ann, '/mcp', '2025-06-18')
    for (const method of METHODS) expect(messageOf(await older.ask(method, { taskId: 'x' })).error?.code).toBe(-32601)
    expect(messageOf(older.opened).result?.capabilities).not.toHaveProperty('tasks')
    expect(messageOf(await call('old_may', { task: {} }, older)).result).toHaveProperty('task')
    expect(old.asked('tools/call')[0]?.body.params).not.toHaveProperty('task')
  })

  // [TASK-10]
  test.each(['2025-06-18', '2025-11-25', '2026-07-28'])(
    'is nothing to a client of %s that asks for no task: it gets the result, and the server is asked to keep it for an hour',
    async (version) => {
      const params = { name: 'old_must', arguments: { a: 1 } }
      const answer =
        version === '2026-07-28'
          ? await ask2026(`${portal.url}/mcp`, ann, 'tools/call', params)
          : await (await open(ann, '/mcp', version)).ask('tools/call', params)
      expect(answer.text).toContain('"content":[{"type":"text","text":"done"}],"y":1.00')
      expect(answer.text).not.toContain('related-task')
      const [made] = old.asked('tools/call')
      expect(made?.body.params).toMatchObject({ name: 'must', arguments: { a: 1 }, task: { ttl: 3_600_000 } })
      expect(old.asked('tasks/result')).toHaveLength(1)
    },
  )

  // [TASK-10]
  test('ends with its caller: a call that is given up is cancelled at the server as a task', async () => {
    old.says.set('tasks/result', streaming([], new Promise<string>(() => {})))
    const abort = new AbortController()
    const params = { name: 'old_must', arguments: {} }
    const waiting = ask2026(`${portal.url}/mcp`, ann, 'tools/call', params, 1, abort.signal).catch(() => 'gone')
    await expect.poll(() => old.asked('tasks/result').length).toBe(1)
    abort.abort()
    expect(await waiting).toBe('gone')
    await expect.poll(() => old.asked('tasks/cancel').map(({ body }) => body.params?.taskId)).toEqual([THEIR_ID])
  })

  // [TASK-10]
  test('may be silent for longer than a call, as long as the whole does not take too long', async () => {
    await must('PUT', `${MCP}/servers/old`, { deadlines: { idle_seconds: 1, total_seconds: 3 } })
    const { promise, resolve } = Promise.withResolvers<string>()
    old.says.set('tasks/result', streaming([], promise))
    const waiting = call('old_must')
    setTimeout(() => resolve(RESULT), 2200)
    expect(messageOf(await waiting).result).toMatchObject({ content: [{ text: 'done' }] })
    old.says.set('tasks/result', streaming([], new Promise<string>(() => {})))
    expect(messageOf(await call('old_must')).result).toMatchObject({ isError: true })
    await expect.poll(() => old.asked('tasks/cancel').length).toBe(1)
    await must('PUT', `${MCP}/servers/old`, { deadlines: {} })
  })
})

describe('for a client of the extension', () => {
  const done = STATE.replace('working', 'completed')
  const beginHere = async () => String(messageOf(await askExtension('tools/call', { name: 'old_must' })).result?.taskId)

  // [TASK-11]
  test('the extension is declared, and a task has its form: begun, looked at, and with its result when it has ended', async () => {
    const { capabilities } = messageOf(await askExtension('server/discover', {})).result ?? {}
    expect(capabilities).toMatchObject({ extensions: { [TASKS]: {} } })
    const made = messageOf(await askExtension('tools/call', { name: 'old_must' })).result ?? {}
    const fields = { createdAt: '2025-11-25T00:00:00Z', lastUpdatedAt: '2025-11-25T00:00:00Z', ttlMs: null, x: 1 }
    const { taskId } = made
    expect(made).toMatchObject({ resultType: 'task', status: 'working', ...fields })
    expect(messageOf(await askExtension('tasks/get', { taskId })).result).toMatchObject({
      ...{ resultType: 'complete', taskId, status: 'working', ...fields },
    })
    expect(old.asked('tasks/result')).toEqual([])
    old.says.set('tasks/get', done)
    const { result } = messageOf(await askExtension('tasks/get', { taskId }))
    expect(result).toMatchObject({
      ...{ taskId, status: 'completed' },
      result: { resultType: 'complete', content: [{ type: 'text', text: 'done' }], y: 1, _meta: { a: 1 } },
    })
    expect(JSON.stringify(result)).not.toContain('old server')
  })

  // [TASK-11]
  test('what failed at the server has failed, and what its tool says of a failure is a result', async () => {
    const taskId = await beginHere()
    old.says.set('tasks/get', STATE.replace('working', 'failed'))
    old.says.set('tasks/result', { code: -32000, message: `${THEIR_ID} broke` })
    expect(messageOf(await askExtension('tasks/get', { taskId })).result).toMatchObject({
      ...{ status: 'failed', error: { code: -32000, message: `${taskId} broke` } },
    })
    old.says.set('tasks/result', '{"content":[],"isError":true}')
    expect(messageOf(await askExtension('tasks/get', { taskId })).result).toMatchObject({
      ...{ status: 'completed', result: { isError: true } },
    })
  })

  // [TASK-11]
  test('it is cancelled, twice and too late too; answers that nobody asked for are taken', async () => {
    const taskId = await beginHere()
    expect(messageOf(await askExtension('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' })
    old.says.set('tasks/cancel', { code: -32602, message: 'Cannot cancel a completed task' })
    expect(messageOf(await askExtension('tasks/cancel', { taskId })).result).toMatchObject({ resultType: 'complete' })
    const update = { taskId, inputResponses: { a: { action: 'accept' } } }
    expect(messageOf(await askExtension('tasks/update', update)).result).toMatchObject({ resultType: 'complete' })
    expect(old.asked('tasks/update')).toEqual([])
    for (const method of ['tasks/get', 'tasks/cancel'])
      old.says.set(method, { code: -32602, message: `Unknown: ${THEIR_ID}` })
    for (const method of ['tasks/get', 'tasks/update', 'tasks/cancel'])
      expect(bytesOf(await askExtension(method, update))).toEqual(UNKNOWN)
  })

  // [TASK-11]
  test('a server that asks for something all the same ends its task, in words', async () => {
    const taskId = await beginHere()
    old.says.set('tasks/get', STATE.replace('working', 'input_required'))
    const { result } = messageOf(await askExtension('tasks/get', { taskId }))
    expect(result).toMatchObject({ taskId, status: 'failed', error: { code: -32603 } })
    expect(JSON.stringify(result)).toContain('The task was cancelled')
    expect(old.asked('tasks/cancel')).toHaveLength(1)
  })

  // [TASK-3] [TASK-11]
  test.each(['tasks/get', 'tasks/update', 'tasks/cancel'])(
    '%s of another: it is unknown, in the same bytes',
    async (method) => {
      const taskId = await beginHere()
      old.seen.length = 0
      const bob = bearer(await portal.userToken('bob@acme.test'))
      const _meta = { [CAPABILITIES]: { extensions: { [TASKS]: {} } } }
      const answer = await ask2026(`${portal.url}/mcp`, bob, method, { taskId, inputResponses: {}, _meta })
      expect(bytesOf(answer)).toEqual(UNKNOWN)
      expect(old.seen).toEqual([])
    },
  )

  // [TASK-11]
  test('a tool that may be run as a task is called like any other', async () => {
    old.says.set('tools/call', '{"content":[]}')
    expect(messageOf(await askExtension('tools/call', { name: 'old_may' })).result).toMatchObject({ content: [] })
    expect(old.asked('tools/call')[0]?.body.params).not.toHaveProperty('task')
  })
})
