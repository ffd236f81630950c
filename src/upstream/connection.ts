/**
 * The one shape of a way to a server, whatever the transport and era: four bodies implement it, and nothing outside
 * this room sees it. A connection belongs to one server, one credential and one isolation key, for all its life.
 */
import type { Era, JsonObject, Notification, RawReply } from '../protocol/model.ts'
import type { ServerInfo } from './encode.ts'
import type { Exchange } from './exchange.ts'

export interface Connection {
  readonly era: Era
  /** What the server declared for this connection. */
  readonly capabilities: JsonObject
  /** What the server would have models read, as it came. */
  readonly instructions: string | null
  /** What the server calls itself, where it does. */
  readonly info: ServerInfo | null
  /** Of the child, where there is one. */
  readonly pid?: number | undefined
  /** Requests without an answer yet. */
  readonly inFlight: number
  /** Requests that were answered: tells a child that works from one that dies at every call. */
  readonly answered: number
  /** False once nothing can be sent any more; the pool opens another in its place. */
  readonly isOpen: boolean
  /** @throws Trouble */
  request(exchange: Exchange): Promise<RawReply>
  /** Listens for what the server says outside of any call, for as long as the connection lives. A second call changes nothing. */
  listen(onNotification: (notification: Notification) => void): void
  /** Ends sockets, streams and children; what is in flight fails as lost. */
  close(): Promise<void>
}
