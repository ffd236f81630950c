/**
 * How a delivery proves where it comes from: Standard Webhooks 1.0.0, symmetric. A secret is `whsec_` and the base64 of 32 random
 * bytes. What is signed is `id.timestamp.payload`, the time in whole seconds since 1970, by HMAC-SHA256 with those bytes. The header
 * `webhook-signature` has `v1,` and the base64 of that, once for each secret that is good now, with spaces between: the receiver
 * takes the delivery where any of them fits. Neither id nor time is anybody's to choose, nor has a dot in it.
 */
import { createHmac, randomBytes } from 'node:crypto'

const PREFIX = 'whsec_'

export function newWebhookSecret(): string {
  return PREFIX + randomBytes(32).toString('base64')
}

export interface Signed {
  id: string
  /** Of this try and not of the event, in milliseconds since 1970. */
  at: number
  /** The body, exactly as it is sent. */
  payload: string
}

/** @param secrets all that are good now, the newest first; @returns the three headers */
export function signatureHeaders({ id, at, payload }: Signed, secrets: readonly string[]): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000))
  const sign = (secret: string): string => {
    const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${payload}`).digest('base64')}`
  }
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map(sign).join(' '),
  }
}
