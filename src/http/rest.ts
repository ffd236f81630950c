/** The way from the raw request to the one fetch handler of everything that is not MCP. */
import { getRequestListener } from '@hono/node-server'
import { isForwarded } from './client-address.ts'
import type { Arrival, ServerRooms } from './server.ts'
import type { Route } from './urls.ts'

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

export type RestRoute = Extract<Route, { kind: 'rest' }>

export type RestListener = (arrival: Arrival, where: RestRoute) => Promise<void>

/** @param rooms `rest` is the handler @param readerMs how long a reader may take nothing of what waits for it */
export function restListener(
  rooms: Pick<ServerRooms, 'rest' | 'addresses' | 'originOf'>,
  readerMs: number,
): RestListener {
  return ({ request, response, headers, hostname, clientIp }, { what }) => {
    // A proxy may be told to drop its own mark (`Connection: x-forwarded-for`), so where it may stand nobody is near.
    const loopback =
      !isForwarded(request.headers) && rooms.addresses.isDirectlyLocal(request.socket.remoteAddress ?? '')
    const info = { clientIp, loopback, what, hostname, origin: rooms.originOf(headers.host ?? '', hostname) }
    const handle = async (asked: Request) => {
      // What was routed is what is served: nobody behind this line may come to see another path.
      if (!isAskedFor(request.url ?? '', asked.url)) return new Response(null, { status: 400 })
      const answer = await rooms.rest(asked, info)
      // From here on bytes leave. Node counts a partial write as a sign of life, and cuts the connection where there is none; once the
      // answer is out, the patience with idle connections takes its place. The live log says something more often than that.
      request.socket.setTimeout(readerMs)
      // A request that was sent ahead on the same connection may take longer than that until it says anything.
      response.once('close', () => {
        if (request.socket.timeout === readerMs) request.socket.setTimeout(0)
      })
      return answer
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
