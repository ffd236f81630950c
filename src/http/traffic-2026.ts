/** Requests of the stateless era: everything is in the request, and closing the stream is how a client cancels. */
import { Cancellation } from '../base/cancel.ts'
import type { ListKind } from '../portal/changes.ts'
import { ResourceWatch } from '../portal/resource-watch.ts'
import { LIVE_MS } from '../portal/session-subscriptions.ts'
import { watchedIn } from '../portal/subscribe.ts'
import type { Subscription } from '../portal/subscription-store.ts'
import { watchTasks } from '../portal/task-watch.ts'
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
import type { Json, JsonObject, Notification, Request } from '../protocol/model.ts'
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
  UPDATED,
} from './guest.ts'
import { lingerer } from './linger.ts'
import type { Answer } from './stream.ts'

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
  const { shown } = guest
  const stands = async () => shown === null || rooms.authenticator.stands(shown)
  const served = await serveRequest(visit, { request, headers, cancel, report, inquire: null, linger, stands }, rooms)

  if (served.kind === 'forbidden') return refuseForbidden(answer)
  if (served.kind === 'unavailable') return answer.end(503, errorBody(UNAVAILABLE, request.id))
  const { reply } = served
  if (request.method === 'subscriptions/listen' && reply.kind === 'result')
    return listen(guest, visit, admitted(request, reply.result), rooms)
  const { id, method } = request
  const encoded = encode2026({ reply, id, method, identity: rooms.identity, ttlMs: visit.isExpecting ? 0 : TTL_MS })
  answer.end(encoded.status, encoded.body)
}

const ASKED: readonly (readonly [string, ListKind])[] = [
  ['toolsListChanged', 'tool'],
  ['promptsListChanged', 'prompt'],
  ['resourcesListChanged', 'resource'],
]

interface Admitted {
  request: Request
  /** What the caller hears of, as far as the servers tell. */
  watched: readonly Subscription[]
  /** The tasks that are the caller's, by handle. */
  tasks: readonly string[]
}

function admitted(request: Request, { watched, tasks }: JsonObject): Admitted {
  return { request, watched: watchedIn(watched), tasks: Array.isArray(tasks) ? tasks.map(String) : [] }
}

/** Follows first and acknowledges then, so that nothing that happens after the acknowledgement is missed. */
async function listen(
  guest: Guest,
  visit: Visit,
  { request, watched, tasks }: Admitted,
  rooms: DoorRooms,
): Promise<void> {
  const { answer, place, asked } = guest
  const { id } = request
  const wanted = (request.params.notifications ?? {}) as JsonObject
  const kinds = ASKED.filter(([name]) => wanted[name] === true)
  const frames = openFrames(answer)
  const caller = { place, principal: visit.principal, owner: visit.owner, origin: visit.origin }
  const tell = (notification: Notification) => frames.send(encodeListenEvent(notification, id))
  const updated = (uri: string) => tell({ method: UPDATED, params: { uri } })
  const watch = new ResourceWatch(rooms, { ...caller, session: null, client: visit.client, updated })
  const end = () => answer.end(200, encodeListenEnd(id, rooms.identity))
  const ends: (() => void)[] = [() => watch.close()]
  const close = () => {
    for (const one of ends.splice(0)) one()
  }
  answer.onClose(close)
  const feed = await rooms.changes.follow({
    ...caller,
    kinds: kinds.map(([, kind]) => kind),
    asked,
    changed: (kind) => tell({ method: LIST_CHANGED[kind], params: {} }),
    seen: (standing) => watch.see(standing),
    ended: end,
  })
  ends.push(() => feed.close())
  if (answer.closed) close()
  answer.standBy(end)
  const honoured: Record<string, Json> = Object.fromEntries(kinds.map(([name]) => [name, true]))
  if (Array.isArray(wanted.resourceSubscriptions)) {
    await watch.want(watched)
    const live = await watch.live(LIVE_MS)
    // Of the others nothing comes, also where their servers wake up later: a client hears of what it was told that it would.
    await watch.want(live)
    honoured.resourceSubscriptions = live.map(({ uri }) => uri)
  }
  if (Array.isArray(wanted.taskIds)) {
    const watching = await watchTasks(tasks, { visit, request, rooms }, { tell, ended: end })
    ends.push(() => watching.close())
    if (answer.closed) close()
    honoured.taskIds = watching.honoured
  }
  // Who listens gets a stream, whatever else the request says it takes: nothing but a stream could answer it.
  answer.open()
  answer.send(encodeAcknowledged(honoured, id))
  frames.release()
}

/** What happens before the acknowledgement is said after it, each thing once. */
function openFrames(answer: Answer) {
  let held: Map<string, Buffer> | null = new Map()
  return {
    send(frame: Buffer): void {
      if (held === null) answer.send(frame)
      else held.set(frame.toString(), frame)
    },
    release(): void {
      const frames = held ?? new Map()
      held = null
      for (const frame of frames.values()) answer.send(frame)
    },
  }
}
