/**
 * What goes back to a client of the handshake revisions. A server's result stays bytes with the caller's id; members
 * that only 2026 has may stay in it, since these revisions allow extra members.
 */
import { ErrorCode, errorBody, isReservedCode } from '../errors.ts'
import type { Body, JsonRpcId, Notification, RawReply, Reply, RpcError } from '../model.ts'
import { readRawError, unreadableReply } from '../raw-error.ts'
import { scanReply } from '../scan.ts'
import { replaceId } from '../splice.ts'
import { withWrapped } from './structured.ts'

export interface Answer2025 {
  reply: Reply
  /** The caller's own. */
  id: JsonRpcId
  method: string
  /** As the session negotiated it. */
  version: string
}

const CLOSE = Buffer.from('}')

/** The response, for HTTP status 200 or as a frame of a stream. */
export function encode2025(answer: Answer2025): Body {
  const { reply, id } = answer
  switch (reply.kind) {
    case 'raw':
      return encodeRaw(reply, answer)
    case 'result':
      return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result: reply.result }))
    case 'bytes':
      return [Buffer.from(`{"jsonrpc":"2.0","id":${JSON.stringify(id)},"result":`), reply.bytes, CLOSE]
    case 'error':
      return errorBody(fitError(reply.error, answer), id)
  }
}

function encodeRaw(raw: RawReply, answer: Answer2025): Buffer {
  if (raw.outcome === 'error') return errorBody(fitError(readRawError(raw), answer), answer.id)
  // These revisions have no such result: it must have been turned into a question or an answer before.
  const { resultType } = raw.has
  if (resultType !== null && resultType !== 'complete') return errorBody(unreadableReply(), answer.id)
  const { structured } = raw.has
  const isFit = structured === null || (raw.isWrapped !== true && raw.bytes[structured.from] === 0x7b)
  if (isFit || answer.method !== 'tools/call') return replaceId(raw, answer.id)
  const wrapped = scanReply(withWrapped(raw))
  return wrapped === null ? errorBody(unreadableReply(), answer.id) : replaceId(wrapped, answer.id)
}

const RESOURCES: ReadonlySet<string> = new Set(['resources/read', 'resources/subscribe', 'resources/unsubscribe'])

/**
 * 1. A missing resource has a code of its own here. 2. -32042 exists in 2025-11-25 only. 3. What 2026 reserved means
 * nothing to these clients.
 */
function fitError(error: RpcError, { method, version }: Answer2025): RpcError {
  const { code, data } = error
  const namesUri = typeof data === 'object' && data !== null && Object.hasOwn(data, 'uri')
  if (code === ErrorCode.InvalidParams && RESOURCES.has(method) && namesUri) {
    return { ...error, code: ErrorCode.ResourceNotFound }
  }
  if (code === ErrorCode.UrlElicitationRequired && version === '2025-11-25') return error
  return isReservedCode(code) ? { ...error, code: ErrorCode.InternalError } : error
}

/**
 * A notification on a stream of the session.
 *
 * @param progressToken the caller's own, put back where none is there; null when it asked for no progress
 * @returns null for progress that nobody asked for
 */
export function encodeNotification2025(notification: Notification, progressToken: JsonRpcId | null): Buffer | null {
  const { method, params } = notification
  if (method !== 'notifications/progress') return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }))
  // Progress of a task goes by the token of the call that began it, on the stream of another request.
  if (progressToken === null && params.progressToken === undefined) return null
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params: { progressToken, ...params } }))
}
