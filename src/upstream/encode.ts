/**
 * The portal as a client: its own messages to a server, in the era that the server speaks. Nothing of the caller's
 * envelope is copied; what may travel arrives here field by field.
 */
import {
  CLIENT_CAPABILITIES_KEY,
  CLIENT_INFO_KEY,
  LOG_LEVEL_KEY,
  PROTOCOL_VERSION_KEY,
} from '../protocol/era-2026/envelope.ts'
import type { Era, JsonObject, JsonRpcId } from '../protocol/model.ts'
import type { Outgoing } from './exchange.ts'

/** How one server is spoken to, as its handshake left it. */
export interface Peer {
  era: Era
  version: string
  capabilities: JsonObject
  /** 2026: the constant part of `_meta`, as JSON members. */
  envelope: string
}

export interface PortalInfo {
  name: string
  version: string
}

/** 2026-07-28 and later are stateless and have an envelope in each request. */
export const MODERN_VERSIONS = ['2026-07-28'] as const
export const MODERN_VERSION = MODERN_VERSIONS[0]
export const LEGACY_VERSIONS = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'] as const
export const LEGACY_VERSION = LEGACY_VERSIONS[0]

/** No capability is declared that the portal cannot serve on the caller's behalf yet. */
const NO_CAPABILITIES = '{}'

export function modernPeer(version: string, capabilities: JsonObject, portal: PortalInfo): Peer {
  const info = JSON.stringify({ name: portal.name, version: portal.version })
  const envelope =
    `"${PROTOCOL_VERSION_KEY}":${JSON.stringify(version)},` +
    `"${CLIENT_CAPABILITIES_KEY}":${NO_CAPABILITIES},"${CLIENT_INFO_KEY}":${info}`
  return { era: '2026', version, capabilities, envelope }
}

export function legacyPeer(version: string, capabilities: JsonObject): Peer {
  return { era: '2025', version, capabilities, envelope: '' }
}

/** One request as JSON text. `out.params` holds no `_meta`: the codec at the door took it off. */
export function encodeRequest(peer: Peer, id: number, out: Outgoing): string {
  const meta = metaMembers(peer, id, out)
  const params = JSON.stringify(out.params)
  const withMeta =
    meta === '' ? params : params === '{}' ? `{"_meta":{${meta}}}` : `${params.slice(0, -1)},"_meta":{${meta}}}`
  return `{"jsonrpc":"2.0","id":${id},"method":${JSON.stringify(out.method)},"params":${withMeta}}`
}

function metaMembers(peer: Peer, id: number, out: Outgoing): string {
  let members = peer.envelope
  const add = (member: string) => {
    members = members === '' ? member : `${members},${member}`
  }
  if (out.progress) add(`"progressToken":${id}`)
  if (peer.era === '2026' && out.logLevel !== undefined) add(`"${LOG_LEVEL_KEY}":"${out.logLevel}"`)
  if (out.traceparent !== undefined) add(`"traceparent":${JSON.stringify(out.traceparent)}`)
  if (out.tracestate !== undefined) add(`"tracestate":${JSON.stringify(out.tracestate)}`)
  const vendor = out.vendorMeta === undefined ? '' : JSON.stringify(out.vendorMeta).slice(1, -1)
  if (vendor !== '') add(vendor)
  return members
}

export function encodeInitialize(id: number, portal: PortalInfo): string {
  const clientInfo = { name: portal.name, version: portal.version }
  const params = { protocolVersion: LEGACY_VERSION, capabilities: {}, clientInfo }
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'initialize', params })
}

export const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}'

/** @param reason our own words */
export function encodeCancel(id: number, reason: string): string {
  return JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id, reason } })
}

/** `ping` is alive; no other request of a server can be served, because no capability was declared. */
export function answerToServer(id: JsonRpcId, method: string): string {
  if (method === 'ping') return JSON.stringify({ jsonrpc: '2.0', id, result: {} })
  return JSON.stringify({ jsonrpc: '2.0', id, error: { code: -32601, message: 'Method not found' } })
}
