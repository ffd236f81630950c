/**
 * Error codes by name, and how a Refusal or a Fault of the house becomes what a client sees. What a caller may not have,
 * what it switched off and what never existed give the same bytes: nothing here may look at which of them it was.
 */
import type { Fault } from '../base/fault.ts'
import type { JsonObject, JsonRpcId, Reply, RpcError } from './model.ts'
import { fromPortal } from './portal-mark.ts'

/** JSON-RPC 2.0, and what the MCP revisions added. */
export const ErrorCode = {
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
  /** The first of the range that JSON-RPC 2.0 (section 5.1) leaves to servers. */
  ServerError: -32000,
  /** 2025 revisions only, as the SDKs say it; a client of 2026 has no session. */
  SessionNotFound: -32001,
  /** 2025 revisions only: a client of 2026 gets `InvalidParams` with `data.uri`. */
  ResourceNotFound: -32002,
  HeaderMismatch: -32020,
  MissingClientCapability: -32021,
  UnsupportedVersion: -32022,
  /** 2025-11-25 only. */
  UrlElicitationRequired: -32042,
} as const

/** When a client gets each, in the words of the reference. */
export const CODE_MEANINGS: Readonly<Record<keyof typeof ErrorCode, string>> = {
  ParseError: 'the body is not valid JSON',
  InvalidRequest: 'the body is not a request, or could be read in two ways',
  MethodNotFound: 'the portal, or this era, has no such method',
  InvalidParams: 'a name that is not there for this caller, bad parameters, a bad cursor',
  InternalError: 'the server or the portal failed; the message is one of the sentences below',
  ServerError:
    'the caller holds too much open or unread (429, 503). Clients of 2025 also: the session header is missing, names another version, or the session has a stream already',
  SessionNotFound: 'clients of 2025: no such session; send `initialize` again',
  ResourceNotFound: 'clients of 2025: no such resource',
  HeaderMismatch: 'clients of 2026: a header does not match the body',
  MissingClientCapability: 'clients of 2026: the client lacks a capability that the server needs',
  UnsupportedVersion: 'a protocol version that the portal does not speak; `data` names those that it does',
  UrlElicitationRequired:
    'clients of 2025-11-25: the person has to open a page first, one of the portal or, passed on, one of the server',
}

/** The range that the specification keeps for itself; no other code in it may leave the portal. */
export function isReservedCode(code: number): boolean {
  return code <= -32020 && code >= -32099
}

/** What a refused name was meant to be. `resource` also stands for a URI that no template owns. */
export type SoughtKind = 'tool' | 'prompt' | 'resource' | 'task'

/** The one answer to a name that this caller cannot reach, for whatever reason. */
export function notFound(kind: SoughtKind, name: string): RpcError {
  if (kind === 'resource')
    return { code: ErrorCode.InvalidParams, message: `Resource not found: ${name}`, data: { uri: name } }
  // A handle is long, and says nothing to anybody.
  if (kind === 'task') return { code: ErrorCode.InvalidParams, message: 'Unknown task' }
  return { code: ErrorCode.InvalidParams, message: `Unknown ${kind}: ${name}` }
}

/**
 * A refusal as the caller sees it. Why it was refused is not even a parameter.
 *
 * @param sought what was asked for, or null where the method names nothing
 */
export function replyOfRefusal(sought: { kind: SoughtKind; name: string } | null): Reply {
  if (sought === null) return errorReply(ErrorCode.InvalidParams, 'Invalid params')
  return { kind: 'error', error: notFound(sought.kind, sought.name) }
}

/** A refusal of a call to what the caller sees in its own lists. @param told a public sentence */
export function replyOfTold(told: string, method: string): Reply {
  return failure(method, told)
}

/**
 * -32021 (2026-07-28, basic): the call needs what its client could have declared.
 *
 * @param required of `ClientCapabilities`
 */
export function missingCapability(message: string, required: JsonObject): RpcError {
  return { code: ErrorCode.MissingClientCapability, message, data: { requiredCapabilities: required } }
}

/** A fault as the caller sees it: its public sentence. A model can act on a tool result, so a tool call gets one. */
export function replyOfFault(fault: Fault, method: string): Reply {
  return failure(method, fault.message)
}

/** A bug as the caller sees it: nothing but that it happened. The log has the rest. */
export function replyOfBug(): Reply {
  return errorReply(ErrorCode.InternalError, 'Internal error')
}

/** In 2026 a 404 on the wire, which the codec sees to. */
export function methodNotFound(method: string): RpcError {
  return { code: ErrorCode.MethodNotFound, message: `Method not found: ${method.slice(0, 128)}` }
}

function failure(method: string, sentence: string): Reply {
  if (method !== 'tools/call') return errorReply(ErrorCode.InternalError, sentence)
  return toolError(sentence)
}

/** What the portal tells a model in the place of a tool's answer. */
export function toolError(text: string): Reply {
  return { kind: 'result', result: fromPortal({ content: [{ type: 'text', text }], isError: true }) }
}

function errorReply(code: number, message: string): Reply {
  return { kind: 'error', error: { code, message } }
}

/** An error response as bytes. Without an id where none could be read: `null` is no id since 2025-11-25. */
export function errorBody(error: RpcError, id: JsonRpcId | null): Buffer {
  return Buffer.from(JSON.stringify(id === null ? { jsonrpc: '2.0', error } : { jsonrpc: '2.0', id, error }))
}

/** The HTTP status of an error that the portal itself found; errors of servers stay on 200. */
export function statusOfOwnError(code: number): number {
  switch (code) {
    case ErrorCode.MethodNotFound:
      return 404
    case ErrorCode.ParseError:
    case ErrorCode.InvalidRequest:
    case ErrorCode.HeaderMismatch:
    case ErrorCode.MissingClientCapability:
    case ErrorCode.UnsupportedVersion:
      return 400
    default:
      return 200
  }
}
