/** A web site of a test's making, on loopback: it answers as it is told, and remembers what reached it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SiteAnswer {
  status?: number
  headers?: Record<string, string>
  /** An object is sent as JSON. */
  body?: unknown
}

export interface SiteRequest {
  method: string
  path: string
  url: URL
  headers: IncomingMessage['headers']
  body: string
}

/** Nothing is answered for `hang`. */
export type SiteHandler = (request: SiteRequest) => SiteAnswer | 'hang' | undefined

export interface HostileSite {
  /** By the address 127.0.0.1. */
  origin: string
  /** By the name `localhost`: another host, as far as hosts are names. */
  named: string
  place: string
  seen: SiteRequest[]
  answer: SiteHandler
  close(): Promise<void>
}

export async function startHostileSite(answer: SiteHandler = () => undefined): Promise<HostileSite> {
  const server = createServer((request, response) => void serve(site, request, response))
  const site: HostileSite = {
    ...{ origin: '', named: '', place: '', seen: [], answer },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  site.place = `127.0.0.1:${port}`
  site.origin = `http://${site.place}`
  site.named = `http://localhost:${port}`
  return site
}

async function serve(site: HostileSite, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const url = new URL(request.url ?? '/', site.origin)
  const body = Buffer.concat(chunks).toString()
  const seen = { method: request.method ?? '', path: url.pathname, url, headers: request.headers, body }
  site.seen.push(seen)
  const said = site.answer(seen)
  if (said === 'hang') return
  const { status = said === undefined ? 404 : 200, headers = {}, body: answered } = said ?? {}
  const isText = typeof answered === 'string'
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers })
  response.end(answered === undefined ? '' : isText ? answered : JSON.stringify(answered))
}
