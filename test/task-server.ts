/** A server of 2026 whose tasks a test drives: what it says of them, and everything that it was asked. */
import type { ServerResponse } from 'node:http'
import type { JsonObject } from '../src/protocol/model.ts'
import { json, modern, result, type ScriptedServer, type Seen, startScripted } from './scripted-server.ts'

export const TASKS = 'io.modelcontextprotocol/tasks'
export const UI = 'io.modelcontextprotocol/ui'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId'

/** The id that it gives to every task. */
export const THEIR_ID = 'task of the server, ü'

export interface TaskServer extends ScriptedServer {
  /** What a call comes to, and what `tasks/get` says. */
  says: { created: JsonObject; detailed: JsonObject; error: JsonObject | null }
  /** Which of the tasks that are listened for it says that it tells of; null: it has no such method. */
  honours: ((ids: readonly string[]) => readonly string[]) | null
  /** Says something of a task to whoever listens. */
  tell(task: JsonObject): void
  /** Called when the last of those who listen has gone. */
  onListenersGone: (() => void) | null
  /** Ends the streams of those who listen. */
  endListening(): void
  /** What was declared with the last request of this method. */
  declaredWith(method: string): JsonObject | undefined
}

/** Members that no schema knows, and numbers that no parser gives back as they were. */
const FIELDS = '"createdAt":"2026-07-28T00:00:00Z","lastUpdatedAt":"2026-07-28T00:00:00Z","ttlMs":null,"x":1.00'
export const CREATED = `{"resultType":"task","taskId":"task of the server, \\u00fc","status":"working",${FIELDS}}`
export const DETAILED = `{"resultType":"complete","status":"completed",${FIELDS},"result":{"content":[{"type":"text","text":"done"}]},"taskId":"task of the server, ü"}`

const TOOLS = [{ name: 'echo', inputSchema: { type: 'object', properties: { path: { type: 'string' } } } }]

/** @param extensions that it declares */
export async function startTaskServer(extensions: JsonObject = { [TASKS]: {} }): Promise<TaskServer> {
  const says: TaskServer['says'] = { created: {}, detailed: {}, error: null }
  const listening = new Set<ServerResponse>()
  const say = (response: ServerResponse, method: string, params: JsonObject) =>
    response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', method, params })}\n\n`)
  const listen = (seen: Seen, response: ServerResponse, honours: (ids: readonly string[]) => readonly string[]) => {
    const { taskIds = [] } = (seen.body.params?.notifications ?? {}) as { taskIds?: string[] }
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const notifications = { taskIds: honours(taskIds) }
    say(response, 'notifications/subscriptions/acknowledged', {
      notifications,
      _meta: { [SUBSCRIPTION]: seen.body.id ?? null },
    })
    listening.add(response)
    response.on('close', () => {
      listening.delete(response)
      if (listening.size === 0) server.onListenersGone?.()
    })
  }
  const rest = modern(
    (seen, response) => {
      const { method } = seen.body
      if (method === 'subscriptions/listen' && server.honours !== null) return listen(seen, response, server.honours)
      const answer = (made: JsonObject, text: string) =>
        Object.keys(made).length === 0
          ? json(response, `{"jsonrpc":"2.0","id":${JSON.stringify(seen.body.id)},"result":${text}}`)
          : json(response, result(seen, made))
      if (says.error !== null) return json(response, { jsonrpc: '2.0', id: seen.body.id, error: says.error })
      if (method === 'tools/call') return answer(says.created, CREATED)
      if (method === 'tasks/get') return answer(says.detailed, DETAILED)
      if (method === 'tasks/update' || method === 'tasks/cancel')
        return json(response, result(seen, { resultType: 'complete' }))
      const error = { code: -32601, message: 'no such method' }
      json(response, { jsonrpc: '2.0', id: seen.body.id, error }, 404)
    },
    { tools: {}, extensions },
  )
  const scripted = await startScripted((seen, response, request) => {
    if (seen.body.method !== 'tools/list') return rest(seen, response, request)
    json(response, result(seen, { resultType: 'complete', tools: TOOLS, ttlMs: 0, cacheScope: 'public' }))
  })
  const server: TaskServer = Object.assign(scripted, {
    says,
    honours: null,
    onListenersGone: null,
    tell(task: JsonObject) {
      for (const response of listening) say(response, 'notifications/tasks', task)
    },
    endListening() {
      for (const response of listening) response.end()
    },
    declaredWith(method: string) {
      const meta = scripted.asked(method).at(-1)?.body.params?._meta as JsonObject | undefined
      return meta?.[CAPABILITIES] as JsonObject | undefined
    },
  })
  return server
}

/** A task that wants something to be answered. */
export function asking(inputRequests: JsonObject): JsonObject {
  return { resultType: 'complete', taskId: THEIR_ID, status: 'input_required', inputRequests }
}
