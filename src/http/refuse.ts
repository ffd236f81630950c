/**
 * What the listener says before a room with an error form of its own is reached: one JSON sentence, and why. It repeats
 * nothing of the request but the name of a header that we know.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Audit } from '../audit/event.ts'
import type { Refused } from '../audit/refusals.ts'
import type { HeaderMap } from '../protocol/classify.ts'
import type { ClientAddresses } from './client-address.ts'
import { NOT_KEPT } from './stream.ts'

export interface Refusing {
  request: IncomingMessage
  response: ServerResponse
  rooms: {
    /** Counts what is refused before anybody is known. */
    audit: Pick<Audit, 'refused'>
    addresses: ClientAddresses
  }
}

export interface Turning {
  why: Refused
  status: number
  message: string
}

export const BAD_TARGET: Turning = {
  why: 'bad-request',
  status: 400,
  message: 'The request target is not in its plain form.',
}
export const repeatedHeader = (name: string): Turning => ({
  why: 'bad-request',
  status: 400,
  message: `The header "${name}" may stand only once.`,
})
export const UNKNOWN_HOST: Turning = { why: 'unknown-host', status: 403, message: 'This host name is not served here.' }
export const BAD_ORIGIN: Turning = {
  why: 'bad-origin',
  status: 403,
  message: 'Requests from this origin are not allowed here.',
}

export const NO_METRICS: Turning = {
  why: 'bad-api-token',
  status: 401,
  message: 'Show an API token that may read servers.',
}

/** Before anybody is known: counted, because a row for each would let anybody fill the audit. */
export function turnAway(
  { request, response, rooms }: Refusing,
  { why, status, message }: Turning,
  headers?: HeaderMap,
) {
  rooms.audit.refused(why, rooms.addresses.of(request.socket.remoteAddress ?? '', headers?.['x-forwarded-for']))
  refuse(response, status, message)
}

/** For requests that never reach a room with an error form of its own. */
export function refuse(response: ServerResponse, status: number, message: string, more: readonly string[] = []): void {
  say(response, status, { error: message }, ['connection', 'close', ...more])
}

export function say(response: ServerResponse, status: number, body: unknown, more: readonly string[] = []): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const bytes = Buffer.from(JSON.stringify(body))
  response.writeHead(status, [
    ...['content-type', 'application/json', 'content-length', String(bytes.length), 'cache-control', NOT_KEPT],
    ...more,
  ])
  response.end(bytes)
}
