/**
 * A server of 2025-11-25 whose tasks a test drives: what it says of them, what it says on the stream of one that waits for its result, and
 * everything that it was asked. Its tools: `must` is run as a task alone, `may` as one too, and `never` as none.
 */
import type { ServerResponse } from 'node:http'
import type { JsonObject } from '../src/protocol/model.ts'
import { json, legacy, result, type ScriptedServer, type Seen, startScripted } from './scripted-server.ts'

export const RELATED = 'io.modelcontextprotocol/related-task'
/** The id that it gives to every task. */
export const THEIR_ID = 'task of the old server, ü'

const FIELDS = '"createdAt":"2025-11-25T00:00:00Z","lastUpdatedAt":"2025-11-25T00:00:00Z","ttl":null,"x":1.00'
const ID = '"task of the old server, \\u00fc"'
/** Members that no schema knows, and numbers that no parser gives back as they were. */
export const CREATED = `{"task":{"status":"working",${FIELDS},"taskId":${ID}},"_meta":{"a":1.0,"${RELATED}":{"taskId":${ID}}}}`
export const STATE = `{"taskId":${ID},"status":"working",${FIELDS}}`
export const RESULT = `{"content":[{"type":"text","text":"done"}],"y":1.00,"_meta":{"a":1.0,"${RELATED}":{"taskId":${ID}}}}`

const schema = { type: 'object' }
const TOOLS = [
  { name: 'must', inputSchema: schema, execution: { taskSupport: 'required', other: 1 } },
  { name: 'may', inputSchema: schema, execution: { taskSupport: 'optional' } },
  { name: 'never', inputSchema: schema },
]

type Say = (seen: Seen, response: ServerResponse) => void

export interface OldTaskServer extends ScriptedServer {
  /** By method; a text is a result as it is, a number the code of an error. */
  says: Map<string, string | { code: number; message: string } | Say>
}

/** @param declares false: its definitions speak of tasks, and it declares none */
export async function startOldTaskServer(declares = true): Promise<OldTaskServer> {
  const says: OldTaskServer['says'] = new Map()
  const tasks = { list: {}, cancel: {}, requests: { tools: { call: {} } } }
  const rest = legacy((seen, response) => {
    const { method = '', id } = seen.body
    if (seen.method !== 'POST') return void response.writeHead(405).end()
    if (id === undefined || seen.body.result !== undefined) return void response.writeHead(202).end()
    const said = says.get(method) ?? DEFAULTS[method] ?? { code: -32601, message: 'no such method' }
    if (typeof said === 'function') return said(seen, response)
    const body = typeof said === 'string' ? `"result":${said}` : `"error":${JSON.stringify(said)}`
    json(response, `{"jsonrpc":"2.0","id":${JSON.stringify(id)},${body}}`)
  })
  const server = await startScripted((seen, response, request) => {
    if (seen.body.method === 'tools/list') return json(response, result(seen, { tools: TOOLS }))
    if (seen.body.method !== 'initialize') return rest(seen, response, request)
    const capabilities: JsonObject = { tools: {}, ...(declares ? { tasks } : {}) }
    const serverInfo = { name: 'old', version: '1' }
    json(response, result(seen, { protocolVersion: '2025-11-25', capabilities, serverInfo }))
  })
  return Object.assign(server, { says })
}

const DEFAULTS: Readonly<Record<string, string>> = {
  'tools/call': CREATED,
  'tasks/get': STATE,
  'tasks/cancel': STATE.replace('working', 'cancelled'),
  'tasks/result': RESULT,
}

/** Answers with a stream: these messages, and then what the test says. @returns what ends it, with its result */
export function streaming(messages: readonly JsonObject[], ended: Promise<string>): Say {
  return (seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    for (const message of messages) response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`)
    void ended.then((text) => response.end(`data: {"jsonrpc":"2.0","id":${seen.body.id},"result":${text}}\n\n`))
  }
}
