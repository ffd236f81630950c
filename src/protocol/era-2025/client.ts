/** The portal as a client of the handshake revisions: what it sends to a server, over HTTP or a pipe. */
import { type BuiltRequest, type OutgoingRequest, travellingMeta } from '../era-2026/client.ts'
import { LATEST_LEGACY_VERSION } from '../methods.ts'
import type { JsonObject, JsonRpcId, RpcError } from '../model.ts'

/** The first revision whose HTTP requests name it. */
const FIRST_WITH_HEADER = '2025-06-18'

/** @param version as the handshake negotiated it; the session's own header is the transport's to add */
export function buildRequest2025(out: OutgoingRequest, version: string): BuiltRequest {
  const { id, method } = out
  const meta = travellingMeta(out)
  const params = Object.keys(meta).length === 0 ? out.params : { ...out.params, _meta: meta }
  return { body: text({ id, method, params }), headers: headersFor(version) }
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
