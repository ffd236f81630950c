/**
 * A tiny HTTP server whose answers a test writes line by line, for what no real server does: hostile answers, odd
 * statuses, broken streams. Records what it was sent.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { JsonObject } from '../src/protocol/model.ts'

export interface Seen {
  method: string
  path: string
  headers: Record<string, string>
  raw: readonly string[]
  /** The body to the byte. */
  text: string
  body: { id?: number; method?: string; params?: JsonObject; result?: unknown; error?: { code: number } }
}

export type Script = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void

export interface ScriptedServer {
  origin: string
  port: number
  seen: Seen[]
  /** The messages with this JSON-RPC method. */
  asked(method: string): Seen[]
  script: Script
  close(): Promise<void>
}

export async function startScripted(script: Script, port = 0): Promise<ScriptedServer> {
  const seen: Seen[] = []
  const sockets = new Set<Socket>()
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const one: Seen = {
      method: request.method ?? '',
      path: request.url ?? '',
      headers: request.headers as Record<string, string>,
      raw: request.rawHeaders,
      text,
      body: text === '' ? {} : JSON.parse(text),
    }
    seen.push(one)
    at.script(one, response, request)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  const bound = (server.address() as AddressInfo).port
  const at: ScriptedServer = {
    origin: `http://127.0.0.1:${bound}`,
    port: bound,
    seen,
    asked: (method) => seen.filter((one) => one.body.method === method),
    script,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await closed
      // Clients live in this process too: two turns of the loop, and they have read the end of their sockets.
      for (let turn = 0; turn < 2; turn++) await new Promise((resolve) => setImmediate(resolve))
    },
  }
  return at
}

export function json(
  response: ServerResponse,
  body: unknown,
  status = 200,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

export function result(seen: Seen, value: JsonObject): JsonObject {
  return { jsonrpc: '2.0', id: seen.body.id ?? null, result: value }
}

const TOOLS = [{ name: 'echo', inputSchema: { type: 'object' } }]

/** A server of 2026: discovers, lists one tool, and leaves the rest to `calls`. */
export function modern(calls: Script, capabilities: JsonObject = { tools: {} }): Script {
  return (seen, response, request) => {
    switch (seen.body.method) {
      case 'server/discover':
        return json(
          response,
          result(seen, {
            resultType: 'complete',
            supportedVersions: ['2026-07-28'],
            capabilities,
            ttlMs: 0,
            cacheScope: 'public',
          }),
        )
      case 'tools/list':
        return json(response, result(seen, { resultType: 'complete', tools: TOOLS, ttlMs: 0, cacheScope: 'public' }))
      default:
        return calls(seen, response, request)
    }
  }
}

/** A server of 2025 without sessions: answers the handshake, lists one tool, and leaves the rest to `calls`. */
export function legacy(calls: Script, headers: Record<string, string> = {}): Script {
  return (seen, response, request) => {
    if (seen.method !== 'POST') return calls(seen, response, request)
    switch (seen.body.method) {
      case 'server/discover':
        return json(response, { jsonrpc: '2.0', id: null, error: { code: -32000, message: 'no session' } }, 400)
      case 'initialize': {
        const value = {
          protocolVersion: '2025-11-25',
          capabilities: { tools: {} },
          serverInfo: { name: 's', version: '1' },
        }
        return json(response, result(seen, value), 200, headers)
      }
      case 'notifications/initialized':
        return void response.writeHead(202).end()
      case 'tools/list':
        return json(response, result(seen, { tools: TOOLS }))
      default:
        return calls(seen, response, request)
    }
  }
}
