/**
 * The portal as a client: its own messages to a server, in the era that the server speaks. The codecs are the protocol
 * room's; here is only which one speaks to whom, and what is declared.
 */
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

interface LegacyPeer {
  era: '2025'
  version: string
  capabilities: JsonObject
  instructions?: string
}

interface ModernPeer {
  era: '2026'
  version: string
  capabilities: JsonObject
  instructions?: string
  speaker: Speaker2026
}

/** Who the portal says it is: `clientInfo`. */
export type PortalInfo = { readonly name: string; readonly version: string }

/** A message and the HTTP headers that must repeat parts of it; a pipe sends the body alone. */
export type Message = BuiltRequest

/** No capability is declared that the portal cannot serve on the caller's behalf yet. */
const NO_CAPABILITIES: JsonObject = {}

export function modernPeer(version: string, capabilities: JsonObject, portal: PortalInfo): ModernPeer {
  return { era: '2026', version, capabilities, speaker: speaker2026(version, portal, NO_CAPABILITIES) }
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
  return buildRequest2026(request, peer.speaker)
}

export function encodeInitialize(id: number, portal: PortalInfo): Message {
  return buildInitialize(id, { clientInfo: portal, capabilities: NO_CAPABILITIES })
}

export function encodeInitialized(peer: Peer): Message {
  return buildNotification2025('notifications/initialized', {}, peer.version)
}

/** For a session or a pipe; over stateless HTTP, closing the stream is the cancellation. @param reason our own words */
export function encodeCancel(peer: Peer, id: number, reason: string): Message {
  return buildNotification2025('notifications/cancelled', { requestId: id, reason }, peer.version)
}

/** `ping` is alive; no other request of a server can be served, because no capability was declared. */
export function answerToServer(peer: Peer, id: JsonRpcId, method: string): Message {
  const answer = method === 'ping' ? { result: {} } : { error: { code: -32601, message: 'Method not found' } }
  return buildAnswer2025(id, answer, peer.version)
}
