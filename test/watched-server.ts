/**
 * A real server of the SDK, in either era, whose resources change when a test says so, and which knows who listens: by open streams of
 * `subscriptions/listen` (2026), or by sessions that subscribed (2025).
 */
import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import {
  createMcpHandler,
  McpServer,
  type RegisteredResource,
  ResourceTemplate,
  WebStandardStreamableHTTPServerTransport,
} from '@modelcontextprotocol/server'

export type WatchedEra = 'modern' | 'legacy'

/** Every one of these it has; below `watched://book/` whatever is asked for. */
export const BOOKS = [
  'watched://book/one',
  'watched://book/two',
  'watched://book/one/page/7',
  'watched://shelf/',
] as const

export interface WatchedServer {
  url: string
  port: number
  /** What is listened to now, in alphabetical order; once for each stream or session. */
  listened(): string[]
  /** Subscriptions that it was asked for in all: requests of either era. */
  asked(): number
  /** It changed: told to whoever listens to it; with `to`, as part of what was subscribed to; in sessions, with `account` to that alone. */
  change(uri: string, to?: string, account?: string): void
  /** Lists it with other words from now on; nobody is told. */
  redescribe(uri: string): void
  /** Subscriptions get no answer from now on. */
  fallSilent(): void
  stop(): Promise<void>
}

interface Session extends Made {
  transport: WebStandardStreamableHTTPServerTransport
  subscribed: Set<string>
  /** The token that it began with. */
  account: string
}

export async function startWatchedServer(era: WatchedEra, port = 0, isSubscribable = true): Promise<WatchedServer> {
  const sessions = new Map<string, Session>()
  const lines = new Map<ServerResponse, string[]>()
  const state = { asked: 0, isSilent: false }
  const described = new Map<string, string>()
  const make = () => makeServer(isSubscribable, described)
  const modern = createMcpHandler(() => make().server, { legacy: 'reject' })

  async function begin(account: string): Promise<Session> {
    const { server, books } = make()
    const subscribed = new Set<string>()
    server.server.setRequestHandler('resources/subscribe', async ({ params }) => {
      state.asked++
      if (state.isSilent) await new Promise(() => {})
      subscribed.add(params.uri)
      return {}
    })
    server.server.setRequestHandler('resources/unsubscribe', ({ params }) => {
      subscribed.delete(params.uri)
      return {}
    })
    const transport = new WebStandardStreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, session),
      onsessionclosed: (id) => void sessions.delete(id),
    })
    const session: Session = { server, books, transport, subscribed, account }
    await server.connect(transport)
    return session
  }

  const listener = getRequestListener(
    async (request) => {
      if (era === 'modern') return modern.fetch(request)
      const id = request.headers.get('mcp-session-id')
      const account = (request.headers.get('authorization') ?? '').replace('Bearer ', '')
      const known = id === null ? await begin(account) : sessions.get(id)
      return known === undefined ? new Response(null, { status: 404 }) : known.transport.handleRequest(request)
    },
    { overrideGlobalObjects: false },
  )

  const http = createServer(async (request, response) => {
    const uris = era === 'modern' ? await urisOf(request) : null
    if (uris !== null) {
      state.asked++
      if (state.isSilent) return
      lines.set(response, uris)
      response.on('close', () => lines.delete(response))
    }
    void listener(request, response)
  })
  await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
  const at = (http.address() as AddressInfo).port

  return {
    url: `http://127.0.0.1:${at}/mcp`,
    port: at,
    listened: () =>
      [...lines.values(), ...[...sessions.values()].map(({ subscribed }) => [...subscribed])].flat().sort(),
    asked: () => state.asked,
    change(uri, to = uri, account) {
      modern.notify.resourceUpdated(uri)
      for (const { server, subscribed, account: own } of sessions.values())
        if (subscribed.has(to) && (account ?? own) === own)
          void server.server.sendResourceUpdated({ uri }).catch(() => {})
    },
    redescribe(uri) {
      described.set(uri, 'In other words.')
      for (const { books } of sessions.values())
        books.get(uri)?.update({ metadata: { description: 'In other words.' } })
    },
    fallSilent: () => {
      state.isSilent = true
    },
    async stop() {
      const closed = new Promise((resolve) => http.close(resolve))
      http.closeAllConnections()
      await closed
      await modern.close()
      await Promise.all([...sessions.values()].map(({ server }) => server.close()))
    },
  }
}

/** @returns what a listen is for; null where it is none, or for none */
async function urisOf(request: IncomingMessage): Promise<string[] | null> {
  if (request.headers['mcp-method'] !== 'subscriptions/listen') return null
  const chunks: Buffer[] = []
  // Read without taking: whoever serves it reads it again.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  // The adapter takes a body that was read before by this name.
  Object.assign(request, { rawBody: body })
  return JSON.parse(body.toString()).params.notifications.resourceSubscriptions ?? null
}

interface Made {
  server: McpServer
  books: Map<string, RegisteredResource>
}

function makeServer(isSubscribable: boolean, described: ReadonlyMap<string, string>): Made {
  const resources = { listChanged: true, ...(isSubscribable ? { subscribe: true } : {}) }
  const server = new McpServer({ name: 'watched', version: '1.0.0' }, { capabilities: { resources } })
  const read = (uri: URL) => ({ contents: [{ uri: uri.href, text: `the text of ${uri.href}` }] })
  const books = new Map(
    BOOKS.map((uri) => [
      uri,
      server.registerResource(uri, uri, { description: described.get(uri) ?? 'A book.' }, read),
    ]),
  )
  const template = new ResourceTemplate('watched://note/{name}', { list: undefined })
  server.registerResource('notes', template, {}, read)
  return { server, books }
}
