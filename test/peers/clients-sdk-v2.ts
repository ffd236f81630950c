/** The official SDK of both eras as a client: left to find out (`auto`), or pinned to one revision. */
import {
  Client,
  SSEClientTransport,
  StreamableHTTPClientTransport,
  type VersionNegotiationMode,
} from '@modelcontextprotocol/client'
import type { McpClient, Target, ToolResult } from './clients.ts'

export async function sdkV2Client(name: string, target: Target, mode: VersionNegotiationMode): Promise<McpClient> {
  const client = new Client({ name: 'journey-v2', version: '1.0.0' }, { versionNegotiation: { mode } })
  const headers = target.token === undefined ? {} : { Authorization: `Bearer ${target.token}` }
  const url = new URL(target.url)
  const transport = url.pathname.endsWith('/sse')
    ? new SSEClientTransport(url, { requestInit: { headers } })
    : new StreamableHTTPClientTransport(url, { requestInit: { headers } })
  await client.connect(transport)
  return {
    name,
    has: new Set(['completion', 'progress', 'cancellation']),
    version: client.getNegotiatedProtocolVersion(),
    listTools: async () => (await client.listTools()).tools.map((tool) => tool.name),
    callTool: async (tool, args, options) =>
      (await client.callTool({ name: tool, arguments: args }, { ...options })) as ToolResult,
    listPrompts: async () => (await client.listPrompts()).prompts.map((prompt) => prompt.name),
    getPrompt: (prompt, args) => client.getPrompt({ name: prompt, ...(args ? { arguments: args } : {}) }),
    listResources: async () => (await client.listResources()).resources.map((resource) => resource.uri),
    readResource: (uri) => client.readResource({ uri }),
    listTemplates: async () =>
      (await client.listResourceTemplates()).resourceTemplates.map((template) => template.uriTemplate),
    complete: async (request) => (await client.complete(request)).completion.values,
    close: () => client.close(),
  }
}
