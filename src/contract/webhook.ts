/** Webhooks: who is told of events by HTTP. The shapes that the REST API takes and shows, and the one list of events. */
import { z } from 'zod'
import { httpUrl } from './credentials.ts'
import { nameSchema } from './ids.ts'
import { allowPrivateSchema, stamps } from './server.ts'

/** What there is to tell, in the words of the guide. A new event is a new line here; receivers ignore types that they do not know. */
export const WEBHOOK_EVENTS = {
  'connection.expiring': 'a credential at a server will end, and nobody but a person can renew it',
  'connection.failing': 'renewing a credential at a server fails, and it will end if that goes on; it may mend itself',
  'connection.needs_reauth': 'a credential at a server is over: a person has to connect the server again',
  'connection.ready': 'a credential that was in trouble works again',
  'approval.requested': 'a call waits for people to agree to it; the page that the event names shows it to them',
  'webhook.test': 'somebody tried this webhook; nothing happened',
} as const satisfies Readonly<Record<string, string>>

export type WebhookEventType = keyof typeof WEBHOOK_EVENTS

const eventType = z.enum(Object.keys(WEBHOOK_EVENTS) as [WebhookEventType, ...WebhookEventType[]], {
  error: `choose from ${Object.keys(WEBHOOK_EVENTS).join(', ')}`,
})

const settings = {
  /** Empty or absent: all, those of later versions too. */
  events: z.array(eventType).max(100).optional(),
  enabled: z.boolean().optional(),
  /** `host:port` inside the portal's own network that `url` may be at, plain http there too. */
  allow_private: allowPrivateSchema.optional(),
}

export const webhookCreate = z.strictObject({ name: nameSchema, url: httpUrl, ...settings })
export type WebhookCreate = z.infer<typeof webhookCreate>

/** Every member optional: what is left out stays. A read may be sent back whole. */
export const webhookUpdate = z.strictObject({
  name: nameSchema.optional(),
  url: httpUrl.optional(),
  ...settings,
  id: z.unknown().optional(),
  secret_version: z.unknown().optional(),
  waiting: z.unknown().optional(),
  ...Object.fromEntries(Object.keys(stamps).map((name) => [name, z.unknown().optional()])),
})
export type WebhookUpdate = Partial<WebhookCreate>

export const webhookShown = z.object({
  id: z.string(),
  name: z.string(),
  url: z.string(),
  events: z.array(z.string()),
  enabled: z.boolean(),
  allow_private: z.array(z.string()),
  /** Grows with each new secret. */
  secret_version: z.int(),
  /** Deliveries that are still to be made. */
  waiting: z.int(),
  ...stamps,
})
export type WebhookShown = z.infer<typeof webhookShown>

/** The only answers that hold the secret: creation and rotation, once. */
export const webhookWithSecret = webhookShown.extend({ secret: z.string() })

export const webhookDeleted = z.object({ id: z.string() })

export const DELIVERY_STATES = ['waiting', 'delivered', 'given_up'] as const

/** Why the last try of a delivery failed, or why there is none any more. */
export const DELIVERY_ERRORS = {
  status: 'the answer was not 2xx; a redirect is not followed',
  unreachable: 'nobody answers there, or the portal may not go there',
  timeout: 'no whole answer within 10 seconds',
  'bad-answer': 'the answer was longer than 64 KiB, or coded',
  unsealed: 'the secret does not open with the keys at hand: rotate it',
  gone: 'the receiver answered 410, and the webhook was switched off',
  'switched-off': 'the webhook was switched off while it waited',
  crowded: 'more than 1,000 were waiting, and this was the oldest',
  restored: 'a backup was restored while it waited: it may have been delivered since',
} as const satisfies Readonly<Record<string, string>>
export type DeliveryError = keyof typeof DELIVERY_ERRORS

export const deliveryShown = z.object({
  /** As the receiver reads it in `webhook-id`, the same at every try. */
  id: z.string(),
  type: z.string(),
  state: z.enum(DELIVERY_STATES),
  tries: z.int(),
  created_at: z.string(),
  next_at: z.string().nullable(),
  delivered_at: z.string().nullable(),
  /** HTTP status of the last answer. */
  last_status: z.int().nullable(),
  last_error: z.string().nullable(),
})
export type DeliveryShown = z.infer<typeof deliveryShown>
