/**
 * One try of one delivery. The address is somebody else's word: it is https, and public, unless `allow_private` names the place; each
 * dialling passes the guard anew, no redirect is followed, and the answer is read to have an end and then ignored. Nothing that could be
 * a secret stands in the address for the log to tell.
 */
import { parsePlace } from '../../base/destination.ts'
import type { Egress } from '../../base/egress.ts'
import { Fault } from '../../base/fault.ts'
import { openSafeFetch } from '../../base/safe-fetch.ts'
import type { Sealer } from '../../base/secret.ts'
import { placesIn } from '../../contract/server.ts'
import type { DeliveryError } from '../../contract/webhook.ts'
import type { Store } from '../../store/open.ts'
import type { Delivery } from './delivery-store.ts'
import { signatureHeaders } from './sign.ts'
import { readWebhookSecrets, type WebhookRecord } from './webhook-store.ts'

export interface SendRooms {
  store: Store
  /** For the purpose `store`. */
  sealer: Sealer
  egress: Egress
}

export type Sent =
  | { ok: true; status: number }
  | {
      ok: false
      status: number | null
      error: DeliveryError
      /** How long the receiver asked to be left alone. */
      restMs?: number
    }

const TOTAL_MS = 10_000
const ANSWER_BYTES = 64 * 1024
/** Whatever it asks for. */
const LONGEST_REST_MS = 24 * 3_600_000

/** @param signal gives the try up; what it threw is thrown then */
export async function send(
  { store, sealer, egress }: SendRooms,
  webhook: WebhookRecord,
  delivery: Pick<Delivery, 'id' | 'payload'>,
  signal: AbortSignal | null = null,
): Promise<Sent> {
  const now = store.clock.now()
  const secrets = await readWebhookSecrets(store.db, sealer, webhook.id, now)
  if (secrets.length === 0) return { ok: false, status: null, error: 'unsealed' }
  const { id, payload } = delivery
  const post = openSafeFetch(egress, limitsOf(webhook))
  try {
    const answer = await post(webhook.url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Portico-Webhooks',
        ...signatureHeaders({ id, at: now, payload }, secrets),
      },
      body: payload,
      signal,
    })
    const { status } = answer
    if (answer.ok) return { ok: true, status }
    const restMs = restOf(answer.headers.get('retry-after'), now)
    return { ok: false, status, error: status === 410 ? 'gone' : 'status', ...(restMs === null ? {} : { restMs }) }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof Fault) return { ok: false, status: null, error: errorOf(error) }
    throw error
  }
}

/** RFC 9110 section 10.2.3: seconds, or a date. @returns null where it says neither, or what has passed */
function restOf(retryAfter: string | null, now: number): number | null {
  if (retryAfter === null) return null
  const wanted = /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - now
  return wanted > 0 ? Math.min(wanted, LONGEST_REST_MS) : null
}

/** Whether plain http may be spoken there: only where the owner opened the very place. */
export function isOpened({ url, allowPrivate }: Pick<WebhookRecord, 'url' | 'allowPrivate'>): boolean {
  const named = allowPrivate.map(placeName)
  return placesIn(url).some((place) => named.includes(placeName(place)))
}

function placeName(text: string): string {
  return JSON.stringify(parsePlace(text))
}

function limitsOf(webhook: WebhookRecord) {
  return {
    allowHttp: isOpened(webhook),
    allowed: webhook.allowPrivate.map(parsePlace).filter((place) => place !== null),
    answerBytes: ANSWER_BYTES,
    totalMs: TOTAL_MS,
  }
}

function errorOf({ code }: Fault): DeliveryError {
  switch (code) {
    case 'upstream-timeout':
      return 'timeout'
    case 'upstream-bad-answer':
      return 'bad-answer'
    default:
      return 'unreachable'
  }
}
