/**
 * Which transport and which era an HTTP server speaks. What was found is remembered by whoever opened the connection and
 * tried first the next time; it is never trusted beyond a day, because a server that was upgraded would stay "old" for ever.
 */
import type { Era } from '../protocol/model.ts'
import type { Connection } from './connection.ts'
import { Exchange } from './exchange.ts'
import { ownRequest } from './handshake.ts'
import { openHttp2025 } from './http-2025.ts'
import { discoverHttp, Http2026, type ParamHeaders } from './http-2026.ts'
import { atUrl, type HttpTarget } from './http-target.ts'
import { openSse2024 } from './sse-2024.ts'
import { Trouble, troubleOf } from './trouble.ts'

export interface Strategy {
  transport: 'http' | 'sse'
  url: URL
}

/** What a server turned out to be. */
export interface Verdict extends Strategy {
  era: Era
  /** Milliseconds since 1970. */
  at: number
}

export const VERDICT_MS = 24 * 3_600_000

/** Which transports are tried at which addresses, in this order. */
export function strategiesFor(url: URL): Strategy[] {
  if (url.pathname.endsWith('/mcp')) return [{ transport: 'http', url }]
  if (url.pathname.endsWith('/sse')) return [{ transport: 'sse', url }]
  return [
    { transport: 'http', url },
    { transport: 'sse', url },
    { transport: 'http', url: below(url, 'mcp') },
    { transport: 'sse', url: below(url, 'sse') },
  ]
}

function below(url: URL, name: string): URL {
  const next = new URL(url)
  next.pathname = `${url.pathname.replace(/\/$/, '')}/${name}`
  return next
}

export interface Found {
  connection: Connection
  verdict: Omit<Verdict, 'at'>
}

/**
 * Opens the first transport that answers. The next one is tried on 404, 405 and 406 only: any other failure says nothing
 * about the transport.
 *
 * @param target `path` is set by the strategy
 * @throws Trouble
 */
export async function detect(target: HttpTarget, url: URL, paramHeaders: ParamHeaders): Promise<Found> {
  let last = new Trouble('status', 'no transport', { status: 404 })
  for (const strategy of strategiesFor(url)) {
    try {
      return await openStrategy(atUrl(target, strategy.url), strategy, null, paramHeaders)
    } catch (error) {
      last = troubleOf(error)
      if (!last.isWrongTransport) throw last
    }
  }
  throw last
}

/**
 * @param era what is remembered, or null to find out
 * @throws Trouble
 */
export async function openStrategy(
  target: HttpTarget,
  strategy: Strategy,
  era: Era | null,
  paramHeaders: ParamHeaders,
): Promise<Found> {
  if (strategy.transport === 'sse') {
    return { connection: await openSse2024(target), verdict: { ...strategy, era: '2025' } }
  }
  if (era !== '2025') {
    const peer = await discoverHttp(target, () => {
      const exchange = new Exchange(ownRequest('server/discover'))
      target.watch.limit(exchange, target.limits.openingMs)
      return exchange
    })
    if (peer !== null) {
      return { connection: new Http2026(target, peer, paramHeaders), verdict: { ...strategy, era: '2026' } }
    }
  }
  return { connection: await openHttp2025(target), verdict: { ...strategy, era: '2025' } }
}
