/**
 * Tasks of 2025-11-25 with a real server of it, server-everything, whose research can be called as a task and in no other way: natively
 * for clients that know such tasks, and for all others as if it were a tool like any other.
 */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import { CallToolResultSchema, CreateTaskResultSchema, ElicitRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { everythingStdio, type HttpPeer, startEverythingHttp } from '../peers/servers.ts'
import { startTestPortal, type TestPortal } from '../portal.ts'
import { ask2026, bearer, messageOf, open2025 } from '../raw-mcp.ts'
import { agrees, openRelayClient, type WasAsked as WasAskedOf } from '../relay-clients.ts'
import { TASKS } from '../task-server.ts'

const RELATED = 'io.modelcontextprotocol/related-task'
const RESEARCH = 'simulate-research-query'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

let portal: TestPortal
let peer: HttpPeer
let token: string

beforeAll(async () => {
  portal = await startTestPortal()
  peer = await startEverythingHttp()
  await portal.furnish([
    { id: 'http', url: peer.url },
    { id: 'stdio', stdio: everythingStdio() },
  ])
  token = await portal.userToken('ann@acme.test')
})
afterAll(async () => {
  await portal?.close()
  await peer?.stop()
})

interface WasAsked {
  message: string
  related: unknown
}

/** The official client of 2025-11-25, whose person answers forms. */
async function openClient(): Promise<{ client: Client; asked: WasAsked[] }> {
  const asked: WasAsked[] = []
  const client = new Client({ name: 'tasks', version: '1' }, { capabilities: { elicitation: { form: {} } } })
  client.setRequestHandler(ElicitRequestSchema, ({ params }) => {
    asked.push({ message: params.message, related: params._meta?.[RELATED] })
    return { action: 'accept', content: { interpretation: 'snake' } }
  })
  const requestInit = { headers: { Authorization: `Bearer ${token}` } }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${portal.url}/mcp`), { requestInit }) as Transport)
  return { client, asked }
}

describe.concurrent.each(['http', 'stdio'])('a tool of a server over %s that insists on a task', (server) => {
  const name = `${server}_${RESEARCH}`

  // [TASK-9]
  test('is listed, begun, asked after, answered and read through the portal by the official client', async () => {
    const { client, asked } = await openClient()
    expect(client.getServerCapabilities()?.tasks).toEqual({ cancel: {}, requests: { tools: { call: {} } } })
    const { tools } = await client.listTools()
    expect(tools.find((tool) => tool.name === name)?.execution).toEqual({ taskSupport: 'required' })
    const call = { name, arguments: { topic: 'python', ambiguous: true } }
    const told: string[] = []
    let taskId = ''
    for await (const message of client.experimental.tasks.callToolStream(call, CallToolResultSchema, { task: {} })) {
      if (message.type === 'taskCreated') taskId = message.task.taskId
      if (message.type === 'taskStatus') told.push(message.task.taskId)
      if (message.type === 'error') throw message.error
      if (message.type !== 'result') continue
      expect(JSON.stringify(message.result.content)).toContain('python (snake)')
      expect(message.result._meta).toEqual({ [RELATED]: { taskId } })
    }
    expect(new Set(told)).toEqual(new Set([taskId]))
    expect(taskId).toMatch(/^v1\./)
    expect(asked).toEqual([{ message: expect.stringMatching(/^http asks|^stdio asks/), related: { taskId } }])
    await client.close()
  })

  // [TASK-9]
  test('is cancelled by its client', async () => {
    const { client } = await openClient()
    const call = { name, arguments: { topic: 'tea' } }
    const params = { method: 'tools/call' as const, params: { ...call, task: { ttl: 60_000 } } }
    const { task } = await client.request(params, CreateTaskResultSchema)
    expect(await client.experimental.tasks.cancelTask(task.taskId)).toMatchObject({ status: 'cancelled' })
    expect(await client.experimental.tasks.getTask(task.taskId)).toMatchObject({
      ...{ taskId: task.taskId, status: 'cancelled' },
    })
    const again = client.experimental.tasks.cancelTask(task.taskId)
    await expect(again).rejects.toThrow('Cannot cancel task in terminal status')
    await client.close()
  })

  // [TASK-10]
  test('answers a client of 2026 that knows no tasks like any other tool, questions and all', async () => {
    const says = (asked: WasAskedOf) => ({ ...agrees(asked), content: { interpretation: 'snake' } })
    const client = await openRelayClient('SDK v2 of 2026', { url: `${portal.url}/mcp`, token, says })
    const { isError, text } = await client.call(name, { topic: 'python', ambiguous: true })
    expect([isError, text]).toEqual([false, expect.stringContaining('python (snake)')])
    expect(client.asked.map(({ method }) => method)).toEqual(['elicitation/create'])
    await client.close()
  })

  // [TASK-10]
  test.each(['2025-06-18', '2025-11-25'])(
    'answers a client of %s that asks for no task like any other tool',
    async (version) => {
      const session = await open2025(`${portal.url}/mcp`, bearer(token), version)
      const { result } = messageOf(await session.ask('tools/call', { name, arguments: { topic: 'tea' } }))
      expect(JSON.stringify(result?.content)).toContain('Research Report: tea')
      expect(JSON.stringify(result)).not.toContain(RELATED)
    },
  )

  // [TASK-11]
  test('is a task of the extension for a client of 2026 that declares it', async () => {
    const caller = bearer(token)
    const ask = async (method: string, params: Record<string, unknown>) => {
      const _meta = { [CAPABILITIES]: { extensions: { [TASKS]: {} } } }
      const { result, error } = messageOf(await ask2026(`${portal.url}/mcp`, caller, method, { ...params, _meta }))
      if (result === undefined) throw new Error(JSON.stringify(error))
      return result
    }
    const made = await ask('tools/call', { name, arguments: { topic: 'tea' } })
    expect(made).toMatchObject({ resultType: 'task', status: 'working', ttlMs: 300_000, pollIntervalMs: 1000 })
    const { taskId } = made
    let task = await ask('tasks/get', { taskId })
    while (task.status === 'working') {
      await new Promise((resolve) => setTimeout(resolve, 200))
      task = await ask('tasks/get', { taskId })
    }
    expect(task).toMatchObject({ resultType: 'complete', taskId, status: 'completed', ttlMs: 300_000 })
    expect(task.result).toMatchObject({ resultType: 'complete', content: [{ type: 'text' }] })
    expect(JSON.stringify(task)).not.toContain(RELATED)
    const other = await ask('tools/call', { name, arguments: { topic: 'tea' } })
    for (let times = 0; times < 2; times++)
      expect(await ask('tasks/cancel', { taskId: other.taskId })).toMatchObject({ resultType: 'complete' })
    expect(await ask('tasks/get', { taskId: other.taskId })).toMatchObject({ status: 'cancelled' })
  })
})
