/**
 * Requests of the handshake revisions, 2024-11-05 to 2025-11-25. Who asks was said once, in `initialize`; each request
 * after it has only its `_meta`.
 */
import type { ClassifyError, WireRequest } from '../classify.ts'
import { envelopeOf, metaOf } from '../era-2026/envelope.ts'
import { ErrorCode, methodNotFound } from '../errors.ts'
import { LATEST_LEGACY_VERSION, LEGACY_VERSIONS, methodIn } from '../methods.ts'
import type { ClientFacts, Json, JsonObject, Request, RequestMeta } from '../model.ts'

/**
 * @returns the request, or -32601 with HTTP status 200: to these clients a missing method is an answer like any other
 */
export function decode2025(message: WireRequest): { kind: 'decoded'; request: Request } | ClassifyError {
  const { id, method } = message
  if (methodIn('2025', method) === undefined) return { kind: 'error', status: 200, error: methodNotFound(method), id }
  const { _meta, ...params } = message.params
  return { kind: 'decoded', request: { id, method, params, meta: metaIn(message.params) } }
}

function metaIn(params: JsonObject): RequestMeta {
  const meta = metaOf(envelopeOf(params) ?? {})
  // The level of these revisions is set once for a session; the envelope's key has no meaning here.
  delete meta.logLevel
  return meta
}

export type DecodedInitialize = { kind: 'initialize'; request: Request; client: ClientFacts } | ClassifyError

/**
 * Reads the handshake. A client that asks for a revision we do not have gets our newest of its era, as the specification
 * says; it may then hang up.
 */
export function decodeInitialize(message: WireRequest): DecodedInitialize {
  const { id, method, params } = message
  const { protocolVersion } = params
  if (typeof protocolVersion !== 'string') return badParams(message, 'protocolVersion must be a string')
  const capabilities = asObject(params.capabilities)
  if (capabilities === null) return badParams(message, 'capabilities must be an object')
  const info = asObject(params.clientInfo)
  const client: ClientFacts = {
    era: '2025',
    version: LEGACY_VERSIONS.includes(protocolVersion) ? protocolVersion : LATEST_LEGACY_VERSION,
    name: typeof info?.name === 'string' ? info.name : null,
    clientVersion: typeof info?.version === 'string' ? info.version : null,
    capabilities,
  }
  return { kind: 'initialize', request: { id, method, params, meta: metaIn(params) }, client }
}

function badParams({ id }: WireRequest, what: string): ClassifyError {
  return {
    kind: 'error',
    status: 200,
    error: { code: ErrorCode.InvalidParams, message: `Invalid params: ${what}` },
    id,
  }
}

function asObject(value: Json | undefined): JsonObject | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : null
}
