/**
 * A real server of the SDK, in either era, with the resources that a test gives it: each read says who answered, and all that names a
 * resource names it by the server's own URI. It knows what it was asked for.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import {
  completable,
  createMcpHandler,
  McpServer,
  ResourceNotFoundError,
  ResourceTemplate,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'
import { z } from 'zod'

export interface Has {
  /** Who answers. */
  name: string
  resources?: readonly string[]
  templates?: readonly string[]
  /** Which of them a tool, a prompt and an error speak of. */
  speaksOf?: string
}

export interface AskedFor {
  method: string
  uri: unknown
}

export interface UriServer {
  url: string
  /** Requests about resources, in order, without lists. */
  asked(): AskedFor[]
  forget(): void
  stop(): Promise<void>
}

export const APP_TYPE = 'text/html;profile=mcp-app'
/** What no server has, though its template covers it. */
export const MISSING = 'missing'

export async function startUriServer(era: 'modern' | 'legacy', has: Has): Promise<UriServer> {
  const asked: AskedFor[] = []
  const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>()
  const servers: McpServer[] = []
  const modern = createMcpHandler(() => makeServer(has), { legacy: 'reject' })

  async function begin(): Promise<WebStandardStreamableHTTPServerTransport> {
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    })
    const server = makeServer(has)
    servers.push(server)
    await server.connect(transport)
    return transport
  }

  const listener = getRequestListener(
    async (request) => {
      if (era === 'modern') return modern.fetch(request)
      const id = request.headers.get('mcp-session-id')
      const known = id === null ? await begin() : sessions.get(id)
      return known === undefined ? new Response(null, { status: 404 }) : known.handleRequest(request)
    },
    { overrideGlobalObjects: false },
  )
  const http = createServer(async (request, response) => {
    if (request.method === 'POST') note(await bodyOf(request), asked)
    void listener(request, response)
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    asked: () => [...asked],
    forget: () => void asked.splice(0),
    async stop() {
      const closed = new Promise((resolve) => http.close(resolve))
      http.closeAllConnections()
      await closed
      await modern.close()
      await Promise.all(servers.map((server) => server.close()))
    },
  }
}

/** Read without taking: whoever serves it reads it again. */
async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  // The adapter takes a body that was read before by this name.
  Object.assign(request, { rawBody: body })
  return body.toString()
}

function note(body: string, asked: AskedFor[]): void {
  const { method, params } = JSON.parse(body)
  if (method === 'completion/complete') asked.push({ method, uri: params.ref.uri })
  else if (/^resources\/(read|subscribe|unsubscribe)$/.test(method)) asked.push({ method, uri: params.uri })
}

function makeServer({ name, resources = [], templates = [], speaksOf }: Has): McpServer {
  const server = new McpServer({ name, version: '1.0.0' })
  const read = (uri: string) => {
    if (uri.includes(MISSING)) throw new ResourceNotFoundError(uri)
    return { contents: [{ uri, mimeType: typeOf(uri), text: `${name} has ${uri}` }] }
  }
  for (const uri of resources) server.registerResource(uri, uri, { mimeType: typeOf(uri) }, () => read(uri))
  for (const text of templates) {
    const complete = {
      town: (value: string) => [`${value}-of-${name}`],
      path: (value: string) => [`${value}-of-${name}`],
    }
    const template = new ResourceTemplate(text, { list: undefined, complete })
    server.registerResource(text, template, {}, (uri) => read(uri.href))
  }
  if (speaksOf !== undefined) speakOf(server, speaksOf)
  return server
}

function typeOf(uri: string): string {
  return uri.startsWith('ui:') ? APP_TYPE : 'text/plain'
}

function speakOf(server: McpServer, uri: string): void {
  const link = { type: 'resource_link' as const, uri, name: 'linked', description: `see ${uri}` }
  const embedded = { type: 'resource' as const, resource: { uri, text: `about ${uri}` } }
  const _meta = { ui: { resourceUri: uri }, 'ui/resourceUri': uri }
  server.registerTool('speak', { inputSchema: z.object({}), _meta }, () => ({
    content: [{ type: 'text', text: uri }, link, embedded],
    structuredContent: { uri },
  }))
  const argsSchema = z.object({ who: completable(z.string().optional(), () => ['me']) })
  server.registerPrompt('speak', { argsSchema }, () => ({
    messages: [link, embedded].map((content) => ({ role: 'user' as const, content })),
  }))
}
