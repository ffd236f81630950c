/** A server of 2026 whose tasks a test drives: what it says of them, and everything that it was asked. */
import type { JsonObject } from '../src/protocol/model.ts'
import { json, modern, result, type ScriptedServer, startScripted } from './scripted-server.ts'

export const TASKS = 'io.modelcontextprotocol/tasks'
export const UI = 'io.modelcontextprotocol/ui'
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities'

/** The id that it gives to every task. */
export const THEIR_ID = 'task of the server, ü'

export interface TaskServer extends ScriptedServer {
  /** What a call comes to, and what `tasks/get` says. */
  says: { created: JsonObject; detailed: JsonObject; error: JsonObject | null }
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
  const rest = modern(
    (seen, response) => {
      const { method } = seen.body
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
  const server = await startScripted((seen, response, request) => {
    if (seen.body.method !== 'tools/list') return rest(seen, response, request)
    json(response, result(seen, { resultType: 'complete', tools: TOOLS, ttlMs: 0, cacheScope: 'public' }))
  })
  return Object.assign(server, {
    says,
    declaredWith(method: string) {
      const meta = server.asked(method).at(-1)?.body.params?._meta as JsonObject | undefined
      return meta?.[CAPABILITIES] as JsonObject | undefined
    },
  })
}

/** A task that wants something to be answered. */
export function asking(inputRequests: JsonObject): JsonObject {
  return { resultType: 'complete', taskId: THEIR_ID, status: 'input_required', inputRequests }
}
