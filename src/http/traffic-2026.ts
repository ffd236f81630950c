/** Requests of the stateless era: everything is in the request, and closing the stream is how a client cancels. */
import { Cancellation } from '../base/cancel.ts'
import type { Feed, ListKind } from '../portal/changes.ts'
import type { Visit } from '../portal/visit.ts'
import type { Classified } from '../protocol/classify.ts'
import { decode2026 } from '../protocol/era-2026/decode.ts'
import { encode2026 } from '../protocol/era-2026/encode.ts'
import {
  encodeAcknowledged,
  encodeListenEnd,
  encodeListenEvent,
  encodeNotification2026,
} from '../protocol/era-2026/frames.ts'
import { errorBody } from '../protocol/errors.ts'
import type { JsonObject, Notification, Request } from '../protocol/model.ts'
import { serveRequest } from './call.ts'
import {
  accept,
  type DoorRooms,
  enter,
  type Guest,
  LIST_CHANGED,
  refuseForbidden,
  refuseTooMuch,
  UNAVAILABLE,
} from './guest.ts'
import { lingerer } from './linger.ts'

export type Classified2026 = Extract<Classified, { kind: 'request' | 'notification' }>

/** How long a client may keep a list, in milliseconds; `subscriptions/listen` tells it sooner. */
const TTL_MS = 60_000

export async function receive2026(guest: Guest, classified: Classified2026, rooms: DoorRooms): Promise<void> {
  const { answer, arrival } = guest
  // The era knows one notification from clients, `cancelled`, and that on stdio only: here the stream is closed instead.
  if (classified.kind === 'notification') return accept(guest)
  const decoded = decode2026(classified.message, classified.version ?? '', arrival.headers)
  if (decoded.kind === 'error') return answer.end(decoded.status, errorBody(decoded.error, decoded.id))
  const { request, client } = decoded
  const held = request.method === 'subscriptions/listen' ? rooms.streams.take(guest.who.principal) : null
  if (typeof held === 'string') return refuseTooMuch(answer, held, request.id)
  if (held !== null) answer.onClose(held)
  const visit = await enter(guest, { client, session: null, request }, rooms)

  const cancel = new Cancellation()
  answer.onAbandoned(() => cancel.cancel('the client closed the stream'))
  const token = request.meta.progressToken ?? null
  const report = (notification: Notification) => {
    const message = encodeNotification2026(notification, token)
    if (message) answer.send(message)
  }
  const { headers } = arrival
  const linger = lingerer(guest, cancel, rooms)
  const served = await serveRequest(visit, { request, headers, cancel, report, inquire: null, linger }, rooms)

  if (served.kind === 'forbidden') return refuseForbidden(answer)
  if (served.kind === 'unavailable') return answer.end(503, errorBody(UNAVAILABLE, request.id))
  const { reply } = served
  if (request.method === 'subscriptions/listen' && reply.kind === 'result') return listen(guest, visit, request, rooms)
  const { id, method } = request
  const encoded = encode2026({ reply, id, method, identity: rooms.identity, ttlMs: visit.isExpecting ? 0 : TTL_MS })
  answer.end(encoded.status, encoded.body)
}

const ASKED: readonly (readonly [string, ListKind])[] = [
  ['toolsListChanged', 'tool'],
  ['promptsListChanged', 'prompt'],
  ['resourcesListChanged', 'resource'],
]

/** Follows first and acknowledges then, so that nothing that happens after the acknowledgement is missed. */
async function listen(guest: Guest, visit: Visit, request: Request, rooms: DoorRooms): Promise<void> {
  const { answer } = guest
  const { id } = request
  const wanted = (request.params.notifications ?? {}) as JsonObject
  const kinds = ASKED.filter(([name]) => wanted[name] === true)
  let feed: Feed | null = null
  const end = () => answer.end(200, encodeListenEnd(id, rooms.identity))
  answer.onClose(() => feed?.close())
  feed = await rooms.changes.follow({
    place: guest.place,
    principal: visit.principal,
    owner: visit.owner,
    origin: visit.origin,
    kinds: kinds.map(([, kind]) => kind),
    changed: (kind) => answer.send(encodeListenEvent({ method: LIST_CHANGED[kind], params: {} }, id)),
    ended: end,
  })
  if (answer.closed) feed.close()
  answer.standBy(end)
  const honoured = Object.fromEntries(kinds.map(([name]) => [name, true]))
  // Who listens gets a stream, whatever else the request says it takes: nothing but a stream could answer it.
  answer.open()
  answer.send(encodeAcknowledged(honoured, id))
}
