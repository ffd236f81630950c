/**
 * A small real MCP server on the official SDK that remembers what was done to it: the witness of the journeys that ask
 * whether a call reached its server. It also shows every header that reached it.
 */
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { z } from 'zod'

export interface Ledger {
  url: string
  /** Entries of `post`, in the order in which they arrived. */
  readonly posted: readonly string[]
  /** HTTP requests of any kind so far. */
  readonly requests: number
  /** The headers of the last request. */
  readonly headers: IncomingHttpHeaders
  stop(): Promise<void>
}

/** @param instructions what it would have a model do */
export async function startLedger(instructions = 'Post entries, then count them.'): Promise<Ledger> {
  const posted: string[] = []
  let requests = 0
  let headers: IncomingHttpHeaders = {}
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'ledger', version: '1.0.0' }, { instructions })
    const entry = z.object({ entry: z.string() })
    server.registerTool('post', { description: 'Adds an entry.', inputSchema: entry }, ({ entry }) => {
      posted.push(entry)
      return { content: [{ type: 'text', text: `posted ${entry}` }] }
    })
    server.registerTool('count', { description: 'Counts entries.', annotations: { readOnlyHint: true } }, () => ({
      content: [{ type: 'text', text: String(posted.length) }],
    }))
    server.registerPrompt('audit', { description: 'Asks for an audit.' }, () => ({
      messages: [{ role: 'user', content: { type: 'text', text: 'Audit the ledger.' } }],
    }))
    server.registerResource('journal', 'ledger://journal', { mimeType: 'text/plain' }, (uri) => ({
      contents: [{ uri: uri.href, text: posted.join('\n') || 'empty' }],
    }))
    return server
  })
  const listener = getRequestListener((request) => handler.fetch(request), { overrideGlobalObjects: false })
  const http = createServer((request, response) => {
    requests++
    headers = request.headers
    void listener(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    posted,
    get requests() {
      return requests
    },
    get headers() {
      return headers
    },
    async stop() {
      const closed = new Promise((resolve) => http.close(resolve))
      http.closeAllConnections()
      await closed
      await handler.close()
    },
  }
}
