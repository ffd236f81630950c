/** Questions to clients of the handshake revisions: requests of the portal's own on the stream of a call, and the error that names a page. */
import { ErrorCode } from '../errors.ts'
import type { JsonObject, Notification, RpcError } from '../model.ts'

/** @param id the portal's own, unique: the client answers with it */
export function encodeInquiry(id: string, method: string, params: JsonObject): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
}

/** The portal waits no longer for an answer. */
export function encodeInquiryOver(id: string, reason: string): Buffer {
  const params = { requestId: id, reason }
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params }))
}

/** 2025-11-25: what a person opened a page for is done there. @param id as `elicitation/create` gave it */
export function elicitationComplete(id: string): Notification {
  return { method: 'notifications/elicitation/complete', params: { elicitationId: id } }
}

/**
 * -32042, 2025-11-25: the request can be carried out once the person was at a page.
 *
 * @param elicitations params of `elicitation/create` in mode `url`, the only one that this error may carry
 */
export function urlRequired(...elicitations: JsonObject[]): RpcError {
  const message = 'The person has to open a page first. Show it to them, then send the request again.'
  return { code: ErrorCode.UrlElicitationRequired, message, data: { elicitations } }
}
