/**
 * Who asks for metrics. Anybody may reach this URL under any Host, so being "on this machine" is believed only of what no
 * proxy and no web page can look like: a page whose name was rebound to loopback sends that name as its Host.
 */
import type { IncomingMessage } from 'node:http'
import { type ClientAddresses, isForwarded } from './client-address.ts'

export interface Scraper {
  authorization: string | undefined
  isLocal: boolean
}

export interface Exposition {
  contentType: string
  text: string
}

const LOOPBACK_HOST = /^(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d{1,5})?$/

export function scraperOf({ socket, headers }: IncomingMessage, addresses: ClientAddresses): Scraper {
  const isLocal =
    addresses.isDirectlyLocal(socket.remoteAddress ?? '') &&
    !isForwarded(headers) &&
    headers.origin === undefined &&
    LOOPBACK_HOST.test(headers.host ?? '')
  return { authorization: headers.authorization, isLocal }
}
