/** The portal as a client of the handshake revisions: what it sends to a server, over HTTP or a pipe. */
import { type BuiltRequest, isFirstHop, type OutgoingRequest, requestBody, travellingMeta } from '../era-2026/client.ts'
import { LATEST_LEGACY_VERSION } from '../methods.ts'
import type { JsonObject, JsonRpcId, RpcError } from '../model.ts'
import { HOP_KEY } from '../portal-chain.ts'

/** The first revision whose HTTP requests name it. */
const FIRST_WITH_HEADER = '2025-06-18'

/** @param version as the handshake negotiated it; the session's own header is the transport's to add */
export function buildRequest2025(out: OutgoingRequest, version: string): BuiltRequest {
  return { body: requestBody(out, metaText(out)), headers: headersFor(version) }
}

const FIRST_HOP = JSON.stringify({ [HOP_KEY]: 1 })

/** The portal's own requests have no hop, and these revisions no envelope: there is nothing to say of them. */
function metaText(out: OutgoingRequest): string | null {
  if (!isFirstHop(out)) return JSON.stringify(travellingMeta(out))
  return out.hop === undefined ? null : FIRST_HOP
}

/** The handshake, which asks for our newest revision of this era. */
export function buildInitialize(
  id: JsonRpcId,
  portal: { clientInfo: JsonObject; capabilities: JsonObject },
): BuiltRequest {
  const params = { protocolVersion: LATEST_LEGACY_VERSION, ...portal }
  return { body: text({ id, method: 'initialize', params }), headers: headersFor(null) }
}

export function buildNotification2025(method: string, params: JsonObject, version: string): BuiltRequest {
  return { body: text({ method, params }), headers: headersFor(version) }
}

/** The answer to a request that the server made. */
export function buildAnswer2025(
  id: JsonRpcId,
  answer: { result: JsonObject } | { error: RpcError },
  version: string,
): BuiltRequest {
  return { body: text({ id, ...answer }), headers: headersFor(version) }
}

function text(message: object): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))
}

function headersFor(version: string | null): Record<string, string> {
  const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
  return version === null || version < FIRST_WITH_HEADER ? headers : { ...headers, 'mcp-protocol-version': version }
}
