/**
 * The portal as a 2026 client: one request to a server. The envelope is the portal's own; of the caller's only what is
 * handed over here field by field can travel.
 */
import { methodIn } from '../methods.ts'
import type { JsonObject, JsonRpcId, LogLevel } from '../model.ts'
import { CLIENT_CAPABILITIES_KEY, CLIENT_INFO_KEY, LOG_LEVEL_KEY, PROTOCOL_VERSION_KEY } from './envelope.ts'
import { encodeHeaderValue } from './header-value.ts'

/** What an upstream request has in either era. */
export interface OutgoingRequest {
  /** The portal's own, unique on the connection. */
  id: JsonRpcId
  method: string
  /** Without `_meta`, in the server's own names. */
  params: JsonObject
  /** The portal's own. */
  progressToken?: JsonRpcId
  traceparent?: string
  tracestate?: string
  /** Unreserved keys of other vendors. */
  vendor?: JsonObject
}

export interface Outgoing2026 extends OutgoingRequest {
  version: string
  clientInfo: JsonObject
  /** No more than the caller declared and the portal can relay. */
  capabilities: JsonObject
  logLevel?: LogLevel
}

export interface BuiltRequest {
  body: Buffer
  /** Names in lower case. `Mcp-Param-*` come from `buildParamHeaders`. */
  headers: Record<string, string>
}

/** A request with its envelope, and the headers that must repeat parts of it. */
export function buildRequest2026(out: Outgoing2026): BuiltRequest {
  const { id, method, params, version } = out
  // The envelope comes last, so that no key of the caller's can stand in its place.
  const meta = {
    ...travellingMeta(out),
    [PROTOCOL_VERSION_KEY]: version,
    [CLIENT_CAPABILITIES_KEY]: out.capabilities,
    [CLIENT_INFO_KEY]: out.clientInfo,
    [LOG_LEVEL_KEY]: out.logLevel,
  }
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
    'mcp-protocol-version': version,
    'mcp-method': method,
  }
  const nameParam = methodIn('2026', method)?.nameParam ?? null
  const name = nameParam === null ? undefined : params[nameParam]
  if (typeof name === 'string') headers['mcp-name'] = encodeHeaderValue(name)
  return {
    body: Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } })),
    headers,
  }
}

/** The part of `_meta` that both eras have. */
export function travellingMeta(out: OutgoingRequest): JsonObject {
  const { progressToken, traceparent, tracestate, vendor } = out
  return {
    ...vendor,
    ...(progressToken === undefined ? {} : { progressToken }),
    ...(traceparent === undefined ? {} : { traceparent }),
    ...(tracestate === undefined ? {} : { tracestate }),
  }
}
