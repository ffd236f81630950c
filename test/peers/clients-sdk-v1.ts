/** The official SDK of the 2025 era as a client, over Streamable HTTP, HTTP+SSE or stdio. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js'
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js'
import type { McpClient, Target, ToolResult } from './clients.ts'
import type { StdioPeer } from './servers.ts'

export async function sdkV1Client(name: string, target: Target | StdioPeer): Promise<McpClient> {
  const client = new Client({ name: 'journey-v1', version: '1.0.0' })
  const transport = transportTo(target)
  // The SDK's own transports do not satisfy its own interface under exactOptionalPropertyTypes.
  await client.connect(transport as Transport)
  return {
    name,
    has: new Set(['completion', 'progress', 'cancellation']),
    version: transport instanceof StreamableHTTPClientTransport ? transport.protocolVersion : undefined,
    listTools: () =>
      allPages(async (cursor) => {
        const page = await client.listTools(cursor)
        return { names: page.tools.map((tool) => tool.name), next: page.nextCursor }
      }),
    callTool: async (tool, args, options) =>
      (await client.callTool({ name: tool, arguments: args }, undefined, { ...options })) as ToolResult,
    listPrompts: () =>
      allPages(async (cursor) => {
        const page = await client.listPrompts(cursor)
        return { names: page.prompts.map((prompt) => prompt.name), next: page.nextCursor }
      }),
    getPrompt: (prompt, args) => client.getPrompt({ name: prompt, ...(args ? { arguments: args } : {}) }),
    listResources: () =>
      allPages(async (cursor) => {
        const page = await client.listResources(cursor)
        return { names: page.resources.map((resource) => resource.uri), next: page.nextCursor }
      }),
    readResource: (uri) => client.readResource({ uri }),
    listTemplates: () =>
      allPages(async (cursor) => {
        const page = await client.listResourceTemplates(cursor)
        return { names: page.resourceTemplates.map((template) => template.uriTemplate), next: page.nextCursor }
      }),
    complete: async (request) => (await client.complete(request)).completion.values,
    close: async () => {
      // A 2025 client that leaves says so; a server that does not offer DELETE answers 405, which the SDK accepts.
      if (transport instanceof StreamableHTTPClientTransport) await transport.terminateSession()
      await client.close()
    },
  }
}

function transportTo(target: Target | StdioPeer) {
  if ('command' in target) return new StdioClientTransport({ ...target, stderr: 'ignore' })
  const headers = target.token === undefined ? {} : { Authorization: `Bearer ${target.token}` }
  const url = new URL(target.url)
  return url.pathname.endsWith('/sse')
    ? new SSEClientTransport(url, { requestInit: { headers } })
    : new StreamableHTTPClientTransport(url, { requestInit: { headers } })
}

interface Page {
  names: string[]
  next: string | undefined
}

async function allPages(readPage: (params: { cursor?: string }) => Promise<Page>): Promise<string[]> {
  const names: string[] = []
  let page = await readPage({})
  names.push(...page.names)
  // An empty string is a valid cursor (pagination): only its absence ends the walk.
  while (page.next !== undefined) {
    page = await readPage({ cursor: page.next })
    names.push(...page.names)
  }
  return names
}
