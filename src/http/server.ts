/**
 * The listener. Guards first, then one table of URLs; MCP runs on raw node:http, everything else through one fetch
 * handler. No product rule lives here.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Audit } from '../audit/event.ts'
import type { Log } from '../base/log.ts'
import { LIMITS, type LimitValues } from '../config/limits.ts'
import type { Origin } from '../policy/model.ts'
import type { HeaderMap } from '../protocol/classify.ts'
import type { ClientAddresses } from './client-address.ts'
import type { ClientCertificates } from './client-certificate.ts'
import { limitConnections, makeQueue } from './connections.ts'
import { corsFor, preflight } from './cors.ts'
import type { Guards } from './guards.ts'
import { type HeaderReader, makeHeaderReader } from './headers.ts'
import type { Door } from './mcp.ts'
import {
  BAD_ORIGIN,
  BAD_TARGET,
  NO_METRICS,
  type Refusing,
  refuse,
  repeatedHeader,
  say,
  turnAway,
  UNKNOWN_HOST,
} from './refuse.ts'
import { type RestInfo, type RestListener, restListener } from './rest.ts'
import { type Exposition, type Scraper, scraperOf } from './scraper.ts'
import { type Route, route } from './urls.ts'

export interface Readiness {
  ready: boolean
  checks: Readonly<Record<string, boolean>>
}

export interface ServerRooms {
  guards: Guards
  addresses: ClientAddresses
  certificates: ClientCertificates
  door: Door
  /** Counts what is refused before anybody is known. */
  audit: Pick<Audit, 'refused'>
  readiness(): Promise<Readiness>
  /** @returns null for who may not read them */
  metrics(scraper: Scraper): Promise<Exposition | null>
  rest(request: Request, info: RestInfo): Promise<Response>
  /** The origin that a guarded Host header makes. */
  originOf(host: string, hostname: string): string
  /** Whether pages of any origin may ask for this: what answers everybody alike and reads no cookie. */
  isOpenToOrigins(path: string): boolean
  /** Everything below `/oauth/`. */
  oauth(request: IncomingMessage, response: ServerResponse, clientIp: string): Promise<void>
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
  /** What a trusted proxy said of the client's certificate. */
  certificate: Origin['certificate']
  /** Headers that the answer must carry, names and values by turns. */
  cors: readonly string[]
}

/** @throws Error when the address cannot be bound */
export async function openServer(at: { host: string; port: number }, rooms: ServerRooms): Promise<Listening> {
  const times = rooms.times ?? TIMES
  const ways: Ways = {
    rest: restListener(rooms, times.reader),
    readHeaders: makeHeaderReader(),
    mayWait: makeQueue(LIMITS.pipelined.value),
    look: oneAtATime(() => rooms.readiness()),
  }
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

/** What one listener keeps between its requests. */
interface Ways {
  rest: RestListener
  readHeaders: HeaderReader
  mayWait: ReturnType<typeof makeQueue>
  look(): Promise<Readiness>
}

/** Anybody may ask, and each look asks the database: those who ask during one share it. */
function oneAtATime(look: () => Promise<Readiness>): () => Promise<Readiness> {
  let looking: Promise<Readiness> | null = null
  return () => {
    looking ??= look().finally(() => {
      looking = null
    })
    return looking
  }
}

async function receive(request: IncomingMessage, response: ServerResponse, rooms: ServerRooms, ways: Ways) {
  const refusing: RefusingHere = { request, response, rooms }
  const where = route(request.url ?? '')
  if (where.kind === 'health' || where.kind === 'ready') return answerHealth(where, response, ways)
  if (where.kind === 'bad') return turnAway(refusing, BAD_TARGET)

  const { headers, repeated } = ways.readHeaders(request.rawHeaders)
  if (repeated !== null) return turnAway(refusing, repeatedHeader(repeated))
  // Before the guard of hosts: a scraper knows a machine, not its public name.
  if (where.kind === 'metrics') return answerMetrics(refusing)
  const hostname = rooms.guards.host(headers.host)
  if (hostname === null) return turnAway(refusing, UNKNOWN_HOST, headers)
  const { origin } = headers
  const standing = rooms.guards.origin(origin, headers.host ?? '')
  // A page whose origin is listed is of another site, and may.
  const isForeign = standing !== 'listed' && rooms.guards.isCrossSiteChange(request.method, headers['sec-fetch-site'])
  const isOpen = (where.kind === 'oauth' || where.kind === 'rest') && rooms.isOpenToOrigins(pathOf(request))
  if ((standing === 'refused' || isForeign) && !isOpen) return turnAway(refusing, BAD_ORIGIN, headers)

  const clientIp = rooms.addresses.of(request.socket.remoteAddress ?? '', headers['x-forwarded-for'])
  const cors = standing === 'listed' && origin !== undefined && where.kind === 'mcp' ? corsFor(origin) : []
  const certificate = rooms.certificates.of(request.socket.remoteAddress ?? '', request.rawHeaders)
  const arrival: Arrival = { request, response, headers, hostname, clientIp, certificate, cors }
  if (where.kind === 'rest') return ways.rest(arrival, where)
  if (where.kind === 'oauth') return rooms.oauth(request, response, clientIp)
  if (request.method === 'OPTIONS' && standing === 'listed') return preflight(response, cors)
  return rooms.door.receive(arrival, where)
}

function pathOf({ url = '' }: IncomingMessage): string {
  return url.split('?', 1)[0] ?? ''
}

interface RefusingHere extends Refusing {
  rooms: ServerRooms
}

async function answerMetrics(refusing: RefusingHere): Promise<void> {
  const { request, response, rooms } = refusing
  const shown = await rooms.metrics(scraperOf(request, rooms.addresses))
  if (shown === null) return turnAway(refusing, NO_METRICS)
  const bytes = Buffer.from(shown.text)
  response.writeHead(200, [
    ...['content-type', shown.contentType, 'content-length', String(bytes.length), 'cache-control', 'no-store'],
  ])
  response.end(bytes)
}

async function answerHealth(where: Route, response: ServerResponse, ways: Ways): Promise<void> {
  if (where.kind === 'health') return say(response, 200, { status: 'ok' })
  const { ready, checks } = await ways.look()
  say(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', checks })
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
