/**
 * The era of an HTTP request, decided once at the door and handed on as a value (specification 2026-07-28, versioning).
 *
 * The order is the precedence:
 * 1. not POST: a session operation of the 2025 era
 * 2. an array: a batch of the 2025 era, unless it holds anything of 2026
 * 3. `initialize` without a valid 2026 envelope: the handshake, unless the header names a 2026 revision
 * 4. an envelope: 2026, and it must be whole; then header against body; then whether we speak that revision
 * 5. no envelope but a 2026 header: an error that names what is missing
 * 6. anything else: the 2025 era
 *
 * The body decides. A header can contradict it, which is an error, and never overrules it.
 */
import { LIMITS } from '../config/limits.ts'
import { envelopeOf, envelopeProblem, hasEnvelope, isValidEnvelope, PROTOCOL_VERSION_KEY } from './era-2026/envelope.ts'
import { trimOws } from './era-2026/header-value.ts'
import { ErrorCode } from './errors.ts'
import { isModernVersion, LEGACY_VERSIONS, SUPPORTED_VERSIONS } from './methods.ts'
import type { Era, Json, JsonObject, JsonRpcId, RpcError } from './model.ts'

/** Header names in lower case, one value each: who fills this has refused duplicates. */
export type HeaderMap = Readonly<Record<string, string | undefined>>

export interface HttpFacts {
  method: string
  headers: HeaderMap
}

export interface WireRequest {
  id: JsonRpcId
  method: string
  params: JsonObject
}

export interface WireNotification {
  method: string
  params: JsonObject
}

/** A client's answer to a question of the portal; 2025 era only. */
export interface WireResponse {
  id: JsonRpcId
  outcome: 'result' | 'error'
  body: JsonObject
}

export type BatchMember =
  | { kind: 'request'; message: WireRequest }
  | { kind: 'notification'; message: WireNotification }
  | { kind: 'response'; message: WireResponse }

export type Classified =
  /** 2026: `version` is one we speak. 2025: what the header named, or null. */
  | { kind: 'request'; era: Era; version: string | null; message: WireRequest }
  | { kind: 'notification'; era: Era; version: string | null; message: WireNotification }
  | { kind: 'response'; era: '2025'; version: string | null; message: WireResponse }
  /** Good only in a session that negotiated 2025-03-26, which the caller of this function must check. */
  | { kind: 'batch'; era: '2025'; version: string | null; members: readonly BatchMember[] }
  | { kind: 'initialize'; era: '2025'; message: WireRequest }
  | { kind: 'session'; era: '2025'; version: string | null; operation: 'GET' | 'DELETE' }
  | ClassifyError

export interface ClassifyError {
  kind: 'error'
  status: number
  error: RpcError
  id: JsonRpcId | null
}

/** Members that one batch may have. */
export const MAX_BATCH = LIMITS.batch.value

/** The only revision that had batches over Streamable HTTP. */
const BATCH_VERSION = '2025-03-26'

/**
 * @param body the parsed body; what it is for other methods than POST does not matter
 */
export function classify(http: HttpFacts, body: unknown): Classified {
  const version = headerOf(http, 'mcp-protocol-version')
  if (http.method !== 'POST') return classifySession(http.method, version)
  if (Array.isArray(body)) return classifyBatch(body, version)

  const message = readMessage(body)
  if (message === null) {
    return invalidRequest('the body is not a valid JSON-RPC message', idOf(body))
  }
  switch (message.kind) {
    case 'request':
      return classifyRequest(http, message.message, version)
    case 'notification':
      return classifyNotification(http, message.message, version)
    case 'response':
      return legacy(version, { kind: 'response', era: '2025', version, message: message.message }, null)
  }
}

function classifySession(method: string, version: string | null): Classified {
  if (method !== 'GET' && method !== 'DELETE') {
    return {
      kind: 'error',
      status: 405,
      error: { code: ErrorCode.InvalidRequest, message: 'Method not allowed' },
      id: null,
    }
  }
  return legacy(version, { kind: 'session', era: '2025', version, operation: method }, null)
}

function classifyRequest(http: HttpFacts, message: WireRequest, version: string | null): Classified {
  const { id, method, params } = message
  const headerIsModern = version !== null && isModernVersion(version)
  if (method === 'initialize' && !isValidEnvelope(params)) {
    if (headerIsModern)
      return mismatch('an initialize request was sent with a 2026-era MCP-Protocol-Version header', id)
    return { kind: 'initialize', era: '2025', message }
  }
  if (hasEnvelope(params)) return classifyEnvelope(http, { kind: 'request', message }, version)
  if (headerIsModern) {
    return invalidParams(`the request lacks the required _meta envelope (${missingKeys(params)})`, id)
  }
  return legacy(version, { kind: 'request', era: '2025', version, message }, id)
}

function classifyNotification(http: HttpFacts, message: WireNotification, version: string | null): Classified {
  if (hasEnvelope(message.params)) return classifyEnvelope(http, { kind: 'notification', message }, version)
  if (version === null || !isModernVersion(version)) {
    return legacy(version, { kind: 'notification', era: '2025', version, message }, null)
  }
  return modern(http, { kind: 'notification', message }, version)
}

type Claimant = { kind: 'request'; message: WireRequest } | { kind: 'notification'; message: WireNotification }

function classifyEnvelope(http: HttpFacts, claimant: Claimant, version: string | null): Classified {
  const id = claimant.kind === 'request' ? claimant.message.id : null
  const envelope = envelopeOf(claimant.message.params) ?? {}
  const claimed = envelope[PROTOCOL_VERSION_KEY]
  // A notification needs no capabilities; only the version that it claims must be one.
  const problem = claimant.kind === 'request' ? envelopeProblem(envelope) : null
  if (problem !== null) return invalidParams(problem, id)
  if (typeof claimed !== 'string') return invalidParams(`${PROTOCOL_VERSION_KEY} must be a string`, id)
  if (version !== null && version !== claimed) {
    return mismatch('the MCP-Protocol-Version header and the body name different versions', id)
  }
  return modern(http, claimant, claimed)
}

/** The last checks that both kinds of 2026 message share. */
function modern(http: HttpFacts, claimant: Claimant, claimed: string): Classified {
  const id = claimant.kind === 'request' ? claimant.message.id : null
  const named = headerOf(http, 'mcp-method')
  const checksMethod = claimant.kind === 'request' || isModernVersion(claimed)
  if (checksMethod && named !== null && named !== claimant.message.method) {
    return mismatch('the Mcp-Method header and the body name different methods', id)
  }
  if (!isModernVersion(claimed) || !SUPPORTED_VERSIONS.includes(claimed)) return unsupported(claimed, id)
  return claimant.kind === 'request'
    ? { kind: 'request', era: '2026', version: claimed, message: claimant.message }
    : { kind: 'notification', era: '2026', version: claimed, message: claimant.message }
}

function classifyBatch(body: readonly unknown[], version: string | null): Classified {
  if (body.length === 0) return invalidRequest('an empty batch', null)
  if (body.length > MAX_BATCH) return invalidRequest(`a batch of more than ${MAX_BATCH} messages`, null)
  if (version !== null && version !== BATCH_VERSION) return invalidRequest('this revision has no batches', null)
  const members: BatchMember[] = []
  for (const element of body) {
    const member = readMessage(element)
    if (member === null) return invalidRequest('a batch holds an invalid message', null)
    if (member.kind !== 'response' && (hasEnvelope(member.message.params) || member.message.method === 'initialize')) {
      return invalidRequest('a batch holds a message that must stand alone', null)
    }
    members.push(member)
  }
  return { kind: 'batch', era: '2025', version, members }
}

/** A header that names a revision nobody ever published is refused; none at all is 2025-03-26 or the session's. */
function legacy(version: string | null, classified: Classified, id: JsonRpcId | null): Classified {
  if (version === null || LEGACY_VERSIONS.includes(version) || isModernVersion(version)) return classified
  return invalidRequest(`unsupported protocol version (supported: ${SUPPORTED_VERSIONS.join(', ')})`, id)
}

function headerOf(http: HttpFacts, name: string): string | null {
  const value = http.headers[name]
  return value === undefined ? null : trimOws(value)
}

function readMessage(body: unknown): BatchMember | null {
  if (!isObject(body) || body.jsonrpc !== '2.0') return null
  const { id, method, params, result, error } = body
  if (method === undefined) return params === undefined ? readResponse(id, result, error) : null
  if (typeof method !== 'string' || result !== undefined || error !== undefined) return null
  if (params !== undefined && (!isObject(params) || !isMeta(params._meta))) return null
  if (id === undefined) return { kind: 'notification', message: { method, params: params ?? {} } }
  return isId(id) ? { kind: 'request', message: { id, method, params: params ?? {} } } : null
}

function readResponse(id: Json | undefined, result: Json | undefined, error: Json | undefined): BatchMember | null {
  if ((result === undefined) === (error === undefined)) return null
  const body = result ?? error
  if (!isId(id) || !isObject(body)) return null
  return { kind: 'response', message: { id, outcome: result === undefined ? 'error' : 'result', body } }
}

function isMeta(meta: Json | undefined): boolean {
  if (meta === undefined) return true
  return isObject(meta) && (meta.progressToken === undefined || isId(meta.progressToken))
}

function isId(value: Json | undefined): value is JsonRpcId {
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value))
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function idOf(body: unknown): JsonRpcId | null {
  return isObject(body) && isId(body.id) ? body.id : null
}

function missingKeys(params: JsonObject): string {
  const envelope = envelopeOf(params)
  return envelope === null ? '_meta' : (envelopeProblem(envelope) ?? PROTOCOL_VERSION_KEY)
}

function invalidRequest(what: string, id: JsonRpcId | null): ClassifyError {
  return {
    kind: 'error',
    status: 400,
    error: { code: ErrorCode.InvalidRequest, message: `Invalid request: ${what}` },
    id,
  }
}

function invalidParams(what: string, id: JsonRpcId | null): ClassifyError {
  return {
    kind: 'error',
    status: 400,
    error: { code: ErrorCode.InvalidParams, message: `Invalid params: ${what}` },
    id,
  }
}

function mismatch(what: string, id: JsonRpcId | null): ClassifyError {
  return {
    kind: 'error',
    status: 400,
    error: { code: ErrorCode.HeaderMismatch, message: `Header mismatch: ${what}` },
    id,
  }
}

function unsupported(requested: string, id: JsonRpcId | null): ClassifyError {
  const data = { supported: SUPPORTED_VERSIONS, requested }
  const error = { code: ErrorCode.UnsupportedVersion, message: 'Unsupported protocol version', data }
  return { kind: 'error', status: 400, error, id }
}
