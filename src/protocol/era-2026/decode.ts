/**
 * A 2026 request as the house understands it. The standard headers are held against the body here, before any name is
 * looked up, and the body is what counts afterwards. Nothing here may look at a tool's definition: that would tell a
 * forbidden tool from an unknown one.
 */
import type { ClassifyError, HeaderMap, WireRequest } from '../classify.ts'
import { ErrorCode, methodNotFound } from '../errors.ts'
import { type MethodRow, methodIn } from '../methods.ts'
import type { ClientFacts, Request } from '../model.ts'
import { clientOf, envelopeOf, metaOf } from './envelope.ts'
import { decodeHeaderValue, trimOws } from './header-value.ts'

export type Decoded2026 = { kind: 'decoded'; request: Request; client: ClientFacts } | ClassifyError

/**
 * @param message a request that `classify` found to be of this era, so its envelope is whole
 * @param version the revision that the envelope names
 * @returns the request, or the error with its HTTP status: 400/-32020 for headers, 404/-32601 for the method
 */
export function decode2026(message: WireRequest, version: string, headers: HeaderMap): Decoded2026 {
  const { id, method } = message
  const row = methodIn('2026', method)
  const problem = headerProblem(message, headers, row)
  if (problem !== null) {
    const error = { code: ErrorCode.HeaderMismatch, message: `Header mismatch: ${problem}` }
    return { kind: 'error', status: 400, error, id }
  }
  if (row === undefined) return { kind: 'error', status: 404, error: methodNotFound(method), id }

  const envelope = envelopeOf(message.params) ?? {}
  const { _meta, ...params } = message.params
  return {
    kind: 'decoded',
    request: { id, method, params, meta: metaOf(envelope) },
    client: clientOf(envelope, version),
  }
}

/** Presence, in the order in which the specification names the headers; agreement of the first two is known by now. */
function headerProblem(message: WireRequest, headers: HeaderMap, row: MethodRow | undefined): string | null {
  if (headers['mcp-protocol-version'] === undefined) return 'MCP-Protocol-Version is missing'
  const method = headers['mcp-method']
  if (method === undefined) return 'Mcp-Method is missing'
  if (trimOws(method) !== message.method) return 'Mcp-Method and the body name different methods'
  if (row === undefined || row.nameParam === null) return null

  const inBody = message.params[row.nameParam]
  const header = headers['mcp-name']
  if (header === undefined) return typeof inBody === 'string' ? 'Mcp-Name is missing' : null
  const decoded = decodeHeaderValue(header)
  if (decoded === undefined) return 'Mcp-Name is not valid base64'
  // A body without the name is the method's own error, told once the method is looked at.
  if (typeof inBody === 'string' && decoded !== inBody) return 'Mcp-Name and the body name different things'
  return null
}
