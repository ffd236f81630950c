/** An answer of a server some of whose URIs the portal shows under others: it speaks of them as the portal does. */
import type { Json, RawReply } from '../protocol/model.ts'
import { withUris } from '../protocol/uri-places.ts'
import type { ServerUris } from './server-uris.ts'

export interface Told {
  method: string
  /** What the server was asked for, in its own word, and what the caller asked for. */
  own: Json | undefined
  asked: Json | undefined
}

/** What was read is called as the caller called it; all else as it is listed, so that whoever follows it comes to the same server. */
export function withShownUris(raw: RawReply, { method, own, asked }: Told, uris: ServerUris): RawReply {
  const isRead = typeof own === 'string' && typeof asked === 'string'
  return withUris(raw, method, (uri) => (isRead && uri === own ? asked : uris.outward(uri)))
}
