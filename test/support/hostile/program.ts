/**
 * The hostile MCP server. `node program.ts http` serves every mode over every HTTP transport, by path:
 * `/{transport}/{mode}/mcp` or `/sse`; it tells its parent the two ports. `node program.ts stdio MODE` is one child. It
 * is a process of its own, so that what a flood costs is not counted as the portal's.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { MODES } from './modes.ts'
import type { Behaviour, JsonObject, Memory, Transport, Wire } from './wire.ts'
import { ECHO, OK } from './wire.ts'

interface Message {
  id?: number
  method?: string
  params?: JsonObject
}

/** Everything but the frame: answers one request as its mode does. */
function answerRequest(wire: Wire, behaviour: Behaviour, memory: Memory): void {
  memory.asked[wire.method] = (memory.asked[wire.method] ?? 0) + 1
  if (behaviour.any?.(wire, memory)) return
  if (wire.method === 'tools/call' && behaviour.call !== undefined) {
    void behaviour.call(wire, memory)
    return
  }
  if (wire.method === 'subscriptions/listen') {
    const method = 'notifications/subscriptions/acknowledged'
    const _meta = { 'io.modelcontextprotocol/subscriptionId': wire.id }
    wire.send({ jsonrpc: '2.0', method, params: { notifications: { toolsListChanged: true }, _meta } })
    return
  }
  if (wire.method === 'tools/list') memory.listings++
  const result = honestResult(wire, behaviour, memory)
  if (result === null) wire.error(-32601, 'Method not found')
  else wire.result(result)
}

/** @returns null for a method that it does not have */
function honestResult(wire: Wire, behaviour: Behaviour, memory: Memory): JsonObject | null {
  const isNew = wire.transport === 'http-2026'
  const cached = isNew ? { ttlMs: 0, cacheScope: 'public' } : {}
  const capabilities = behaviour.capabilities ?? { tools: { listChanged: true } }
  switch (wire.method) {
    case 'server/discover':
      return isNew ? { supportedVersions: ['2026-07-28'], capabilities, ...cached, ...behaviour.hello } : null
    case 'initialize': {
      const serverInfo = { name: 'hostile', version: '1' }
      return { protocolVersion: '2025-11-25', capabilities, serverInfo, ...behaviour.hello }
    }
    case 'tools/list':
      return { tools: [ECHO], ...cached, ...behaviour.list?.(wire, memory) }
    case 'tools/call':
      return OK
    default: {
      const other = behaviour.others?.[wire.method]
      return other === undefined ? null : { ...other, ...cached }
    }
  }
}

type Sink = Pick<Wire, 'raw' | 'write' | 'die' | 'response' | 'headers'>

function wireOf(transport: Transport, message: Message, sink: Sink, elsewhere: string): Wire {
  const { id = -1, method = '', params = {} } = message
  const meta = params._meta as JsonObject | undefined
  const complete = transport === 'http-2026' ? { resultType: 'complete' } : {}
  return {
    transport,
    id,
    method,
    params,
    progressToken: meta?.progressToken,
    elsewhere,
    ...sink,
    send: (sent) => sendOn(transport, sink, sent),
    result: (value) => sink.raw(JSON.stringify({ jsonrpc: '2.0', id, result: { ...complete, ...value } })),
    error: (code, text, data) => sink.raw(JSON.stringify({ jsonrpc: '2.0', id, error: { code, message: text, data } })),
  }
}

function sendOn(transport: Transport, sink: Sink, message: JsonObject): void {
  const text = JSON.stringify(message)
  void sink.write(transport === 'stdio' ? `${text}\n` : `data: ${text}\n\n`)
}

function writer(stream: NodeJS.WritableStream & { destroyed?: boolean }) {
  // Some modes do not wait, and each write that is not taken waits by itself.
  stream.setMaxListeners(0)
  return (bytes: string | Buffer): Promise<boolean> => {
    if (stream.destroyed) return Promise.resolve(false)
    if (stream.write(bytes)) return Promise.resolve(true)
    return new Promise((resolve) => {
      const drained = () => settle(true)
      const closed = () => settle(false)
      const settle = (open: boolean) => {
        stream.off('drain', drained)
        stream.off('close', closed)
        resolve(open)
      }
      stream.once('drain', drained)
      stream.once('close', closed)
    })
  }
}

/** The answer to one POST: JSON, or events once something was sent before it. */
function postSink(request: IncomingMessage, response: ServerResponse, extra: Record<string, string>): Sink {
  const write = writer(response)
  const open = () => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'text/event-stream', ...extra })
  }
  return {
    response,
    headers: request.headers,
    raw(body) {
      if (response.headersSent)
        return void response.end(Buffer.concat([Buffer.from('data: '), Buffer.from(body), Buffer.from('\n\n')]))
      response.writeHead(200, { 'content-type': 'application/json', ...extra })
      response.end(body)
    },
    write(bytes) {
      open()
      return write(bytes)
    },
    die: () => response.destroy(),
  }
}

function streamSink(request: IncomingMessage, stream: ServerResponse): Sink {
  const write = writer(stream)
  return {
    response: stream,
    headers: request.headers,
    raw: (body) => void write(Buffer.concat([Buffer.from('data: '), Buffer.from(body), Buffer.from('\n\n')])),
    write,
    die: () => stream.destroy(),
  }
}

interface Site {
  behaviour: Behaviour
  memory: Memory
  streams: Map<string, ServerResponse>
  /** Sessions that it knows. */
  sessions: Set<string>
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

function serveHttp(): void {
  const sites = new Map<string, Site>()
  let strangers = 0
  let elsewhere = ''
  const siteOf = (transport: string, mode: string): Site => {
    const key = `${transport}/${mode}`
    const behaviour = MODES.find(({ name }) => name === mode)?.serve ?? {}
    const site = sites.get(key) ?? {
      behaviour,
      memory: { asked: {}, listings: 0 },
      streams: new Map(),
      sessions: new Set(),
    }
    sites.set(key, site)
    return site
  }

  const canary = createServer((_request, response) => {
    strangers++
    response.writeHead(200).end('{}')
  })
  const server = createServer(async (request, response) => {
    const [, transport = '', mode = '', last = ''] = (request.url ?? '').split('/')
    const body = await readBody(request).catch(() => null)
    if (body === null) return
    response.on('error', () => {})
    if (transport === 'seen') return void response.end(JSON.stringify({ strangers, ...siteOf(mode, last).memory }))
    const site = siteOf(transport, mode)
    const asked = { method: request.method ?? '', path: last, body, headers: request.headers }
    if (site.behaviour.http?.(asked, response, site.memory, elsewhere)) return
    if (transport === 'sse-2024') return serveSse(request, response, { site, last, body, elsewhere })
    servePost(request, response, { transport: transport as Transport, site, body, elsewhere })
  })
  server.maxRequestsPerSocket = 0
  canary.listen(0, '127.0.0.1', () => {
    elsewhere = `http://127.0.0.1:${(canary.address() as AddressInfo).port}/stolen`
    server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
  })
  process.on('disconnect', () => process.exit(0))
}

interface Ask {
  site: Site
  body: string
  elsewhere: string
}

function serveSse(request: IncomingMessage, response: ServerResponse, at: Ask & { last: string }): void {
  const { site, last, body, elsewhere } = at
  if (request.method === 'GET' && last === 'sse') {
    const id = String(Math.random()).slice(2)
    site.streams.set(id, response)
    response.on('close', () => site.streams.delete(id))
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const honest = `post-${id}`
    response.write(`event: endpoint\ndata: ${site.behaviour.endpoint?.(honest, elsewhere) ?? honest}\n\n`)
    return
  }
  const stream = site.streams.get(last.replace('post-', ''))
  if (request.method !== 'POST' || stream === undefined) return void response.writeHead(404).end()
  response.writeHead(202).end()
  take('sse-2024', body, streamSink(request, stream), { site, elsewhere })
}

function servePost(request: IncomingMessage, response: ServerResponse, at: Ask & { transport: Transport }): void {
  const { transport, site, body, elsewhere } = at
  if (request.method !== 'POST') return void response.writeHead(405).end()
  const message = JSON.parse(body) as Message
  const withSession = transport === 'http-2025-session'
  if (transport !== 'http-2026' && message.method === 'server/discover')
    return void response.writeHead(400).end('no session')
  const extra: Record<string, string> = {}
  if (withSession && message.method === 'initialize') {
    const id = `session-${Math.random()}`
    site.sessions.add(id)
    extra['mcp-session-id'] = id
  } else if (withSession && !site.sessions.has(String(request.headers['mcp-session-id']))) {
    return void response.writeHead(404).end()
  }
  if (message.id === undefined || message.method === undefined) response.writeHead(202).end()
  take(transport, body, postSink(request, response, extra), { site, elsewhere })
}

function take(
  transport: Transport,
  body: string,
  sink: Sink,
  { site, elsewhere }: { site: Site; elsewhere: string },
): void {
  const message = JSON.parse(body) as Message
  if (message.id !== undefined && message.method !== undefined) {
    answerRequest(wireOf(transport, message, sink, elsewhere), site.behaviour, site.memory)
    return
  }
  const { asked } = site.memory
  const what = message.method ?? 'answers'
  asked[what] = (asked[what] ?? 0) + 1
  site.behaviour.told?.(message as JsonObject, site.memory, (sent) => sendOn(transport, sink, sent))
}

function serveStdio(mode: string): void {
  const behaviour = MODES.find(({ name }) => name === mode)?.serve ?? {}
  const site: Site = { behaviour, memory: { asked: {}, listings: 0 }, streams: new Map(), sessions: new Set() }
  const write = writer(process.stdout)
  const sink: Sink = {
    response: null,
    headers: {},
    raw: (body) => void write(Buffer.concat([Buffer.from(body), Buffer.from('\n')])),
    write,
    die: () => process.exit(1),
  }
  process.stdout.on('error', () => {})
  behaviour.start?.()
  const lines = createInterface({ input: process.stdin })
  lines.on('line', (line) => take('stdio', line, sink, { site, elsewhere: '' }))
}

const [, , kind, mode = ''] = process.argv
if (kind === 'http') serveHttp()
if (kind === 'stdio') serveStdio(mode)
