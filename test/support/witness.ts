/**
 * A small real MCP server on the official SDK with a capability of each kind, for journeys about what may be reached. It writes
 * down every request that could have done something, as it came over the wire, and nothing that only lists.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { completable, createMcpHandler, McpServer, ResourceTemplate } from '@modelcontextprotocol/server'
import { z } from 'zod'
import type { JsonObject } from '../../src/protocol/model.ts'

export interface Witness {
  id: string
  url: string
  /** What reached it: `method what-it-names arguments`, in the order of arrival. */
  readonly reached: string[]
  stop(): Promise<void>
}

/** The same at every witness, so that bare names and one URI have several bearers. */
export const TOOLS = [
  { name: 'list', annotations: { readOnlyHint: true } },
  { name: 'read', annotations: { readOnlyHint: true, openWorldHint: false } },
  { name: 'write', annotations: { readOnlyHint: false, destructiveHint: false } },
  { name: 'wipe' },
] as const
export const PROMPTS = ['brief', 'report'] as const
/** Every witness has it; the portal's first one owns it. */
export const SHARED_URI = 'shared://note'
export const resourcesOf = (id: string) => [`${id}://open/one`, `${id}://closed/one`, SHARED_URI]
export const templatesOf = (id: string) => [`${id}://open/{name}`, `${id}://closed/{name}`]

const DOES = new Set(['tools/call', 'prompts/get', 'resources/read', 'completion/complete'])

export async function startWitness(id: string): Promise<Witness> {
  const reached: string[] = []
  const handler = createMcpHandler(() => makeServer(id))
  const listener = getRequestListener(
    async (request) => {
      if (request.method === 'POST') note(reached, (await request.clone().json()) as JsonObject)
      return handler.fetch(request)
    },
    { overrideGlobalObjects: false },
  )
  const http = createServer((request, response) => void listener(request, response))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    id,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    reached,
    async stop() {
      const closed = new Promise((resolve) => http.close(resolve))
      http.closeAllConnections()
      await closed
      await handler.close()
    },
  }
}

function note(reached: string[], { method, params }: JsonObject): void {
  if (typeof method === 'string' && DOES.has(method)) reached.push(deed(method, params as JsonObject))
}

/** @param params as the server is sent them */
export function deed(method: string, params: JsonObject): string {
  const ref = (params.ref ?? params) as JsonObject
  return `${method} ${String(ref.name ?? ref.uri)} ${JSON.stringify(params.arguments ?? params.argument ?? null)}`
}

function makeServer(id: string): McpServer {
  const capabilities = { resources: { subscribe: true } }
  const server = new McpServer({ name: id, version: '1.0.0' }, { capabilities })
  const path = z.object({ path: z.string().optional() })
  for (const { name, ...more } of TOOLS) {
    server.registerTool(name, { description: `${name} of ${id}`, inputSchema: path, ...more }, () => ({
      content: [{ type: 'text', text: `${id} did ${name}` }],
    }))
  }
  const about = z.object({ about: completable(z.string().optional(), () => [`${id}-a`, `${id}-b`]) })
  for (const name of PROMPTS) {
    server.registerPrompt(name, { description: `${name} of ${id}`, argsSchema: about }, () => ({
      messages: [{ role: 'user', content: { type: 'text', text: `${name} of ${id}` } }],
    }))
  }
  for (const uri of resourcesOf(id)) {
    server.registerResource(uri, uri, {}, (url) => ({ contents: [{ uri: url.href, text: `${uri} of ${id}` }] }))
  }
  for (const uri of templatesOf(id)) {
    const template = new ResourceTemplate(uri, { list: undefined, complete: { name: () => [`${id}-one`] } })
    server.registerResource(uri, template, {}, (url) => ({ contents: [{ uri: url.href, text: `${uri} of ${id}` }] }))
  }
  return server
}
