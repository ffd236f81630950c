/**
 * Messages that go to a 2026 client beside its answer: progress and log lines on the stream of a call, and everything on
 * a `subscriptions/listen` stream, where each frame names the subscription.
 */
import type { JsonObject, JsonRpcId, Notification } from '../model.ts'
import type { Identity } from './encode.ts'
import { SERVER_INFO_KEY, SUBSCRIPTION_ID_KEY } from './envelope.ts'

/**
 * A notification on the stream of one call.
 *
 * @param progressToken the caller's own, put back; null when it asked for no progress
 * @returns null for progress that nobody asked for
 */
export function encodeNotification2026(notification: Notification, progressToken: JsonRpcId | null): Buffer | null {
  const { method, params } = notification
  if (method !== 'notifications/progress') return message(method, params)
  return progressToken === null ? null : message(method, { ...params, progressToken })
}

/**
 * A notification on a listen stream.
 *
 * @param listenId the id of the listen request, in the type it came in
 */
export function encodeListenEvent(notification: Notification, listenId: JsonRpcId): Buffer {
  const meta = { ...(notification.params._meta as JsonObject | undefined), [SUBSCRIPTION_ID_KEY]: listenId }
  return message(notification.method, { ...notification.params, _meta: meta })
}

/** @param honoured the part of what was asked for that will be delivered; must be the first frame of the stream */
export function encodeAcknowledged(honoured: JsonObject, listenId: JsonRpcId): Buffer {
  return encodeListenEvent(
    { method: 'notifications/subscriptions/acknowledged', params: { notifications: honoured } },
    listenId,
  )
}

/** The result with which the portal ends a listen stream of its own accord. */
export function encodeListenEnd(listenId: JsonRpcId, identity: Identity): Buffer {
  const meta = { [SUBSCRIPTION_ID_KEY]: listenId, [SERVER_INFO_KEY]: identity.info }
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: listenId, result: { resultType: 'complete', _meta: meta } }))
}

function message(method: string, params: JsonObject): Buffer {
  return Buffer.from(JSON.stringify({ jsonrpc: '2.0', method, params }))
}
