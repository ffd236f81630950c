/**
 * The listener. Guards first, then one table of URLs; MCP runs on raw node:http, everything else through one fetch
 * handler. No product rule lives here.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { Audit } from '../audit/event.ts'
import type { Refused } from '../audit/refusals.ts'
import type { Log } from '../base/log.ts'
import { LIMITS, type LimitValues } from '../config/limits.ts'
import type { HeaderMap } from '../protocol/classify.ts'
import { type ClientAddresses, isForwarded, isLoopbackAddress } from './client-address.ts'
import { limitConnections, makeQueue } from './connections.ts'
import type { Guards } from './guards.ts'
import { type HeaderReader, makeHeaderReader } from './headers.ts'
import type { Door } from './mcp.ts'
import { type Exposition, type Scraper, scraperOf } from './scraper.ts'
import { type Route, route } from './urls.ts'

/** What a fetch handler may know beyond the request itself. */
export interface RestInfo {
  clientIp: string
  /** Straight from this machine, through no proxy. */
  loopback: boolean
  what: RestRoute['what']
  /** The guarded Host without port, and the origin that it makes. */
  hostname: string
  origin: string
}

type RestRoute = Extract<Route, { kind: 'rest' }>

export interface Readiness {
  ready: boolean
  checks: Readonly<Record<string, boolean>>
}

export interface ServerRooms {
  guards: Guards
  addresses: ClientAddresses
  door: Door
  /** Counts what is refused before anybody is known. */
  audit: Pick<Audit, 'refused'>
  readiness(): Promise<Readiness>
  /** @returns null for who may not read them */
  metrics(scraper: Scraper): Promise<Exposition | null>
  rest(request: Request, info: RestInfo): Promise<Response>
  log: Log
  limits: LimitValues
  times?: RequestTimes
}

/** How long a request may take to arrive, in milliseconds; for tests, else as the table of limits says. */
export interface RequestTimes {
  header: number
  request: number
  /** How often held requests are looked for: a limit is late by no more than this. */
  look: number
  /** How long a reader may take nothing. */
  reader: number
}

export interface Listening {
  /** The port in use, also where 0 was asked for. */
  port: number
  /** Stops accepting, lets calls finish for a while, ends streams, closes. */
  close(): Promise<void>
}

const TIMES: RequestTimes = {
  header: LIMITS.header_time.value,
  request: LIMITS.request_time.value,
  look: 2000,
  reader: LIMITS.reader_silence.value,
}
const IDLE_MS = 65_000
const DRAIN_MS = 30_000
const SWEEP_MS = 50

/** One request on its way through the listener. */
export interface Arrival {
  request: IncomingMessage
  response: ServerResponse
  headers: HeaderMap
  /** The guarded Host without port. */
  hostname: string
  clientIp: string
  /** Headers that the answer must carry, names and values by turns. */
  cors: readonly string[]
}

/** @throws Error when the address cannot be bound */
export async function openServer(at: { host: string; port: number }, rooms: ServerRooms): Promise<Listening> {
  const ways: Ways = {
    rest: restListener(rooms),
    readHeaders: makeHeaderReader(),
    mayWait: makeQueue(LIMITS.pipelined.value),
  }
  const times = rooms.times ?? TIMES
  const options = {
    maxHeaderSize: LIMITS.header_bytes.value,
    headersTimeout: times.header,
    requestTimeout: times.request,
    connectionsCheckingInterval: times.look,
    keepAliveTimeout: IDLE_MS,
  }
  let draining = false
  const server = createServer(options, (request, response) => {
    if (response.socket === null && !ways.mayWait(request, response)) return
    // A busy keep-alive connection would otherwise hold the listener open for as long as its client likes.
    if (draining) response.setHeader('connection', 'close')
    receive(request, response, rooms, ways).catch((error: unknown) => {
      rooms.log.error({ err: error }, 'a request failed outside every handler')
      refuse(response, 500, 'Something went wrong in the portal. The log has the details.')
    })
  })
  // Node keeps 1,000 headers and drops the others in silence, a second `authorization` among them.
  server.maxHeadersCount = 0
  limitConnections(server, rooms.limits, (address) => rooms.addresses.isNear(address))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(at.port, at.host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  return {
    port: (server.address() as AddressInfo).port,
    close: () => {
      draining = true
      return drain(server, rooms.door)
    },
  }
}

type RestListener = (arrival: Arrival, where: RestRoute) => Promise<void>

/** What one listener keeps between its requests. */
interface Ways {
  rest: RestListener
  readHeaders: HeaderReader
  mayWait: ReturnType<typeof makeQueue>
}

async function receive(request: IncomingMessage, response: ServerResponse, rooms: ServerRooms, ways: Ways) {
  const where = route(request.url ?? '')
  if (where.kind === 'health' || where.kind === 'ready') return answerHealth(where, response, rooms)
  if (where.kind === 'bad') return turnAway({ request, response, rooms }, BAD_TARGET)

  const { headers, repeated } = ways.readHeaders(request.rawHeaders)
  if (repeated !== null)
    return turnAway(
      { request, response, rooms },
      { ...REPEATED, message: `The header "${repeated}" may stand only once.` },
    )
  // Before the guard of hosts: a scraper knows a machine, not its public name.
  if (where.kind === 'metrics') return answerMetrics({ request, response, rooms })
  const hostname = rooms.guards.host(headers.host)
  if (hostname === null) return turnAway({ request, response, rooms }, UNKNOWN_HOST, headers)
  const { origin } = headers
  const standing = rooms.guards.origin(origin, headers.host ?? '')
  // A page whose origin is listed is of another site, and may.
  const isForeign = standing !== 'listed' && rooms.guards.isCrossSiteChange(request.method, headers['sec-fetch-site'])
  if (standing === 'refused' || isForeign) return turnAway({ request, response, rooms }, BAD_ORIGIN, headers)

  const clientIp = rooms.addresses.of(request.socket.remoteAddress ?? '', headers['x-forwarded-for'])
  const cors = standing === 'listed' && origin !== undefined && where.kind === 'mcp' ? corsFor(origin) : []
  const arrival: Arrival = { request, response, headers, hostname, clientIp, cors }
  if (where.kind === 'rest') return ways.rest(arrival, where)
  if (request.method === 'OPTIONS' && standing === 'listed') return preflight(response, cors)
  return rooms.door.receive(arrival, where)
}

interface Refusing {
  request: IncomingMessage
  response: ServerResponse
  rooms: ServerRooms
}

interface Turning {
  why: Refused
  status: number
  message: string
}

const BAD_TARGET: Turning = { why: 'bad-request', status: 400, message: 'The request target is not in its plain form.' }
const REPEATED: Turning = { why: 'bad-request', status: 400, message: 'A header stands twice.' }
const UNKNOWN_HOST: Turning = { why: 'unknown-host', status: 403, message: 'This host name is not served here.' }
const BAD_ORIGIN: Turning = {
  why: 'bad-origin',
  status: 403,
  message: 'Requests from this origin are not allowed here.',
}

/** Before anybody is known: counted, because a row for each would let anybody fill the audit. */
function turnAway({ request, response, rooms }: Refusing, { why, status, message }: Turning, headers?: HeaderMap) {
  rooms.audit.refused(why, rooms.addresses.of(request.socket.remoteAddress ?? '', headers?.['x-forwarded-for']))
  refuse(response, status, message)
}

const NO_METRICS: Turning = {
  why: 'bad-api-token',
  status: 401,
  message: 'Show an API token that may read servers.',
}

async function answerMetrics(refusing: Refusing): Promise<void> {
  const { request, response, rooms } = refusing
  const shown = await rooms.metrics(scraperOf(request, rooms.addresses))
  if (shown === null) return turnAway(refusing, NO_METRICS)
  const bytes = Buffer.from(shown.text)
  const headers = [
    'content-type',
    shown.contentType,
    'content-length',
    String(bytes.length),
    'cache-control',
    'no-store',
  ]
  response.writeHead(200, headers)
  response.end(bytes)
}

async function answerHealth(where: Route, response: ServerResponse, rooms: ServerRooms): Promise<void> {
  if (where.kind === 'health') return say(response, 200, { status: 'ok' })
  const { ready, checks } = await rooms.readiness()
  say(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks })
}

function restListener(rooms: ServerRooms): RestListener {
  return ({ request, response, headers, hostname, clientIp }, { what }) => {
    const loopback = !isForwarded(request.headers) && isLoopbackAddress(clientIp)
    const info = { clientIp, loopback, what, hostname, origin: `http://${headers.host}` }
    const handle = (asked: Request) => {
      // What was routed is what is served: nobody behind this line may come to see another path.
      if (!isAskedFor(request.url ?? '', asked.url)) return new Response(null, { status: 400 })
      return rooms.rest(asked, info)
    }
    return getRequestListener(handle, { overrideGlobalObjects: false })(request, response)
  }
}

/** Whether an absolute URL has the very path of a raw target. */
function isAskedFor(target: string, url: string): boolean {
  const path = target.split('?', 1)[0] ?? ''
  const from = url.indexOf('/', url.indexOf('//') + 2)
  const rest = url.slice(from)
  return rest === path || rest.startsWith(`${path}?`)
}

const CORS_METHODS = ['access-control-allow-methods', 'GET, POST, DELETE', 'access-control-max-age', '7200']
const CORS_HEADERS =
  'authorization, content-type, accept, mcp-protocol-version, mcp-session-id, mcp-method, mcp-name, last-event-id, cf-access-client-id, cf-access-client-secret'

function corsFor(origin: string): string[] {
  return ['access-control-allow-origin', origin, 'vary', 'origin', 'access-control-expose-headers', 'mcp-session-id']
}

function preflight(response: ServerResponse, cors: readonly string[]): void {
  response.writeHead(204, [...cors, ...CORS_METHODS, 'access-control-allow-headers', CORS_HEADERS])
  response.end()
}

/** For requests that never reach a room with an error form of its own. */
export function refuse(response: ServerResponse, status: number, message: string, more: readonly string[] = []): void {
  say(response, status, { error: message }, ['connection', 'close', ...more])
}

function say(response: ServerResponse, status: number, body: unknown, more: readonly string[] = []): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, [
    ...['content-type', 'application/json', 'content-length', String(bytes.length), 'cache-control', 'no-store'],
    ...more,
  ])
  response.end(bytes)
}

async function drain(server: Server, door: Door): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()))
  door.drain()
  // A connection whose answer was under way falls idle a moment later, and its client may keep it for a minute.
  const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
  const late = setTimeout(() => server.closeAllConnections(), DRAIN_MS)
  await closed
  clearInterval(sweep)
  clearTimeout(late)
}
