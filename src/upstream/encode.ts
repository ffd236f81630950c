/**
 * The portal as a client: its own messages to a server, in the era that the server speaks. The codecs are the protocol
 * room's; here is only which one speaks to whom, and what is declared.
 */
import { type Askable, capabilitiesFor, NOTHING_ASKABLE, type ServerAnswer } from '../protocol/asked.ts'
import {
  buildAnswer2025,
  buildInitialize,
  buildNotification2025,
  buildRequest2025,
} from '../protocol/era-2025/client.ts'
import {
  type BuiltRequest,
  buildRequest2026,
  type Outgoing2026,
  type Speaker2026,
  speaker2026,
} from '../protocol/era-2026/client.ts'
import type { JsonObject, JsonRpcId } from '../protocol/model.ts'
import type { Outgoing } from './exchange.ts'

/** How one server is spoken to, as its handshake left it. */
export type Peer = LegacyPeer | ModernPeer

/** What a server calls itself. It is the server's word, and for people to look at only. */
export interface ServerInfo {
  name: string
  version: string
}

interface LegacyPeer {
  era: '2025'
  version: string
  capabilities: JsonObject
  instructions?: string
  info?: ServerInfo
}

interface ModernPeer {
  era: '2026'
  version: string
  capabilities: JsonObject
  instructions?: string
  info?: ServerInfo
  speaker: Speaker2026
}

/** Who the portal says it is: `clientInfo`. */
export type PortalInfo = { readonly name: string; readonly version: string }

/** A message and the HTTP headers that must repeat parts of it; a pipe sends the body alone. */
export type Message = BuiltRequest

export function modernPeer(version: string, capabilities: JsonObject, portal: PortalInfo): ModernPeer {
  return { era: '2026', version, capabilities, speaker: speaker2026(version, portal, capabilitiesFor(NOTHING_ASKABLE)) }
}

/** The progress token is the id: both are ours, and unique on the connection. */
export function encodeRequest(peer: Peer, id: number, out: Outgoing): Message {
  const request: Outgoing2026 = { id, method: out.method, params: out.params }
  if (out.progress) request.progressToken = id
  if (out.traceparent !== undefined) request.traceparent = out.traceparent
  if (out.tracestate !== undefined) request.tracestate = out.tracestate
  if (out.hop !== undefined) request.hop = out.hop
  if (out.vendorMeta !== undefined) request.vendor = out.vendorMeta
  if (peer.era === '2025') return buildRequest2025(request, peer.version)
  if (out.logLevel !== undefined) request.logLevel = out.logLevel
  if (out.askable !== undefined && out.askable !== NOTHING_ASKABLE) request.askable = out.askable
  if (out.extensions !== undefined) request.extensions = out.extensions
  return buildRequest2026(request, peer.speaker)
}

/** @param askable what each of the callers of this connection can be asked */
export function encodeInitialize(id: number, portal: PortalInfo, askable: Askable): Message {
  return buildInitialize(id, { clientInfo: portal, capabilities: capabilitiesFor(askable) })
}

export function encodeInitialized(peer: Peer): Message {
  return buildNotification2025('notifications/initialized', {}, peer.version)
}

/** For a session or a pipe; over stateless HTTP, closing the stream is the cancellation. @param reason our own words */
export function encodeCancel(peer: Peer, id: number, reason: string): Message {
  return buildNotification2025('notifications/cancelled', { requestId: id, reason }, peer.version)
}

/** The answer to a server's own request. @param id the server's, of the type that it has there */
export function encodeAnswer(peer: Peer, id: JsonRpcId, answer: ServerAnswer): Message {
  return buildAnswer2025(id, answer, peer.version)
}
