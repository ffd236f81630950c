/**
 * A server of 2025 whose calls ask in the midst, question by question as a test writes it, and which records what it was told.
 */
import type { ServerResponse } from 'node:http'
import type { JsonObject, JsonRpcId } from '../src/protocol/model.ts'
import { legacy, result, type Script, type ScriptedServer, type Seen, startScripted } from './scripted-server.ts'

export const FORM: JsonObject = { message: 'Which one?', requestedSchema: { type: 'object', properties: {} } }

/** One call on its way: its stream is open until it is answered. */
export interface Call {
  readonly seen: Seen
  /** Says something on the call's own stream. */
  say(message: JsonObject): void
  /** Answers it with a text, and ends the stream. @param behind what is still said there after the answer */
  answer(text: string, behind?: JsonObject): void
  /** Answers it with an error, and ends the stream. */
  fail(error: JsonObject): void
  /** Ends its stream in the midst, as a server does that dies. */
  breakOff(): void
}

export interface AskingServer {
  readonly http: ScriptedServer
  readonly url: string
  /** What the handshakes declared. */
  readonly declared: (JsonObject | undefined)[]
  /** The answers that arrived, in order: `id` and `result` or `error`. */
  readonly told: JsonObject[]
  /** Says something on the GET stream of the session that a call came in, as soon as there is one. */
  sayAside(call: Call, message: JsonObject): Promise<void>
  /** Resolves with the answer to one of its requests. */
  toldOf(id: JsonRpcId): Promise<JsonObject>
  /** Resolves when this holds, looked at with each message that arrives. */
  until(holds: () => boolean): Promise<void>
}

/** @param onCall gets each `tools/call` */
export async function startAsking(onCall: (call: Call, server: AskingServer) => void): Promise<AskingServer> {
  const told: JsonObject[] = []
  const declared: (JsonObject | undefined)[] = []
  const asides = new Map<string, ServerResponse>()
  const waiting = new Set<() => void>()
  const calls: Script = (seen, response) => {
    if (seen.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      asides.set(sessionOf(seen), response)
    } else if (seen.body.method === 'tools/call') onCall(callOf(seen, response), at)
    else {
      if (seen.method === 'POST' && seen.body.method === undefined) told.push(JSON.parse(seen.text))
      response.writeHead(202).end()
    }
  }
  const http = await startScripted((seen, response, request) => {
    if (seen.body.method === 'initialize') declared.push(seen.body.params?.capabilities as JsonObject)
    // Each handshake makes a session, as servers do that ask.
    legacy(calls, { 'mcp-session-id': `session-${declared.length}` })(seen, response, request)
    for (const look of waiting) look()
  })
  const at: AskingServer = {
    http,
    url: `${http.origin}/mcp`,
    declared,
    told,
    async sayAside({ seen }, message) {
      await at.until(() => asides.has(sessionOf(seen)))
      const aside = asides.get(sessionOf(seen))
      if (aside !== undefined) event(aside, message)
    },
    async toldOf(id) {
      await at.until(() => told.some((one) => one.id === id))
      return told.find((one) => one.id === id) as JsonObject
    },
    until: (holds) =>
      new Promise((resolve) => {
        const look = () => {
          if (!holds()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
  return at
}

/** A request of the server's own. */
export function asks(id: JsonRpcId, method = 'elicitation/create', params: JsonObject = FORM): JsonObject {
  return { jsonrpc: '2.0', id, method, params }
}

function callOf(seen: Seen, response: ServerResponse): Call {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  return {
    seen,
    say: (message) => event(response, message),
    answer(text, behind) {
      event(response, result(seen, { content: [{ type: 'text', text }] }))
      if (behind !== undefined) event(response, behind)
      response.end()
    },
    fail(error) {
      event(response, { jsonrpc: '2.0', id: seen.body.id ?? null, error })
      response.end()
    },
    breakOff: () => void response.destroy(),
  }
}

function sessionOf({ headers }: Seen): string {
  return headers['mcp-session-id'] ?? ''
}

function event(response: ServerResponse, message: JsonObject): void {
  response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`)
}
