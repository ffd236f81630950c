/**
 * Requests of the handshake era: `initialize` makes a session, everything after it names one. A plain disconnect is not
 * a cancellation here; `notifications/cancelled` is, and only for the caller's own session.
 */
import type { Feed, Listener, ListKind } from '../portal/changes.ts'
import { ResourceWatch, type Watcher } from '../portal/resource-watch.ts'
import type { Session } from '../portal/sessions.ts'
import { ownerOf } from '../portal/visit.ts'
import type { BatchMember, Classified, WireRequest } from '../protocol/classify.ts'
import { decode2025, decodeInitialize } from '../protocol/era-2025/decode.ts'
import { encode2025, encodeNotification2025 } from '../protocol/era-2025/encode.ts'
import { ErrorCode, errorBody } from '../protocol/errors.ts'
import type { Body, Notification, Request } from '../protocol/model.ts'
import { serveRequest } from './call.ts'
import { CallStream, RESUMABLE } from './call-stream.ts'
import {
  accept,
  type DoorRooms,
  enter,
  type Guest,
  LIST_CHANGED,
  originOf,
  refuseForbidden,
  refuseTooMuch,
  UNAVAILABLE,
  UPDATED,
} from './guest.ts'
import { inquirer, takeResponse } from './inquire-2025.ts'
import { lingerer } from './linger.ts'
import type { Outlet } from './stream.ts'
import { takeUp } from './take-up.ts'

const LIST_KINDS: readonly ListKind[] = ['tool', 'prompt', 'resource']

export type Classified2025 = Exclude<Classified, { kind: 'error' }>

export async function receive2025(guest: Guest, classified: Classified2025, rooms: DoorRooms): Promise<void> {
  if (classified.kind === 'initialize') return initialize(guest, classified.message, rooms)
  const session = await findSession(guest, classified.version, rooms)
  if (session === undefined) return
  switch (classified.kind) {
    case 'request':
      return answerAlone(guest, session, classified.message, rooms)
    case 'notification':
      rooms.inFlight.heed(session, classified.message)
      return accept(guest)
    case 'response':
      await takeResponse(session, classified.message, rooms)
      return accept(guest)
    case 'batch':
      return answerBatch(guest, session, classified.members, rooms)
    case 'session':
      return classified.operation === 'DELETE' ? endSession(guest, session, rooms) : openStream(guest, session, rooms)
  }
}

async function initialize(guest: Guest, message: WireRequest, rooms: DoorRooms): Promise<void> {
  const { answer, who, place } = guest
  const decoded = decodeInitialize(message)
  if (decoded.kind === 'error') return answer.end(decoded.status, errorBody(decoded.error, decoded.id))
  const { session, sealed } = rooms.sessions.start(who.principal, place.spec.uid, decoded.client)
  const answered = await run(guest, session, decoded.request, { rooms, outlet: answer, alone: false })
  if (answered.kind === 'body' && answered.status === 200) answer.setHeader('mcp-session-id', sealed)
  deliver(answer, answered)
}

/** Answers by itself where there is none: 400 for a missing id, 404 for one that is not (or no longer) the caller's. */
async function findSession(guest: Guest, version: string | null, rooms: DoorRooms): Promise<Session | undefined> {
  const { answer, arrival, who, place } = guest
  const sealed = arrival.headers['mcp-session-id']
  if (sealed === undefined) {
    const message = 'Bad Request: an Mcp-Session-Id header is required. Send initialize first.'
    answer.end(400, errorBody({ code: ErrorCode.ServerError, message }, null))
    return undefined
  }
  const session = await rooms.sessions.find(sealed, who.principal, place.spec.uid)
  if (session === undefined) {
    answer.end(404, errorBody({ code: ErrorCode.SessionNotFound, message: 'Session not found' }, null))
    return undefined
  }
  if (version !== null && version !== session.client.version) {
    const message = 'Bad Request: this session negotiated another protocol version.'
    answer.end(400, errorBody({ code: ErrorCode.ServerError, message }, null))
    return undefined
  }
  return session
}

/** What a batch member or a single request came to. */
type Answered = { kind: 'body'; status: number; body: Body } | { kind: 'forbidden' }

function deliver(outlet: Outlet, answered: Answered): void {
  if (answered.kind === 'forbidden') refuseForbidden(outlet)
  else outlet.end(answered.status, answered.body)
}

/** A request with a stream of its own, should it need one. */
async function answerAlone(guest: Guest, session: Session, message: WireRequest, rooms: DoorRooms): Promise<void> {
  const { id, method } = message
  const isResumable = session.client.version === RESUMABLE
  const outlet = isResumable ? new CallStream(guest.answer, { session, id, method }, rooms.kept) : guest.answer
  deliver(outlet, await answerRequest(guest, session, message, { rooms, outlet, alone: true }))
}

interface Run {
  rooms: DoorRooms
  /** Where it says what it has to say. */
  outlet: Outlet
  /** The request has the answer's stream to itself, so questions may be put there. */
  alone: boolean
}

async function answerRequest(guest: Guest, session: Session, message: WireRequest, how: Run): Promise<Answered> {
  const decoded = decode2025(message)
  if (decoded.kind === 'decoded') return run(guest, session, decoded.request, how)
  return { kind: 'body', status: decoded.status, body: errorBody(decoded.error, decoded.id) }
}

async function run(guest: Guest, session: Session, request: Request, how: Run): Promise<Answered> {
  const { rooms, outlet, alone } = how
  const visit = await enter(guest, { client: session.client, session, request }, rooms)
  const cancel = rooms.inFlight.add(session, request.id)
  const token = request.meta.progressToken ?? null
  const report = (notification: Notification) => {
    const message = encodeNotification2025(notification, token)
    if (message) outlet.note(message)
  }
  const asker = { who: guest.who, answer: outlet }
  const inquire = alone ? inquirer(asker, session, cancel, rooms) : null
  const linger = inquire === null ? () => null : lingerer(asker, cancel, rooms, session)
  const { shown } = guest
  const stands = async () => shown === null || rooms.authenticator.stands(shown)
  const errand = { request, headers: null, cancel, report, inquire, linger, stands }
  const served = await serveRequest(visit, errand, rooms)
  rooms.inFlight.remove(session, request.id)
  if (served.kind === 'forbidden') return served
  if (served.kind === 'unavailable') return { kind: 'body', status: 503, body: errorBody(UNAVAILABLE, request.id) }
  const { version } = session.client
  const body = encode2025({ reply: served.reply, id: request.id, method: request.method, version })
  return { kind: 'body', status: 200, body }
}

/** Members one after the other, each a deed of its own with decision and rows. */
async function answerBatch(
  guest: Guest,
  session: Session,
  members: readonly BatchMember[],
  rooms: DoorRooms,
): Promise<void> {
  if (session.client.version !== '2025-03-26') {
    const message = 'Invalid request: the protocol version of this session has no batches.'
    return guest.answer.end(400, errorBody({ code: ErrorCode.InvalidRequest, message }, null))
  }
  const bodies: Buffer[] = []
  for (const member of members) {
    if (member.kind === 'notification') rooms.inFlight.heed(session, member.message)
    if (member.kind !== 'request') continue
    const how = { rooms, outlet: guest.answer, alone: false }
    const answered = await answerRequest(guest, session, member.message, how)
    if (answered.kind === 'forbidden') return refuseForbidden(guest.answer)
    bodies.push(Buffer.isBuffer(answered.body) ? answered.body : Buffer.concat(answered.body))
  }
  if (bodies.length === 0) return accept(guest)
  guest.answer.end(200, Buffer.from(`[${bodies.map((body) => body.toString()).join()}]`))
}

async function endSession(guest: Guest, session: Session, rooms: DoorRooms): Promise<void> {
  await rooms.sessions.end(session)
  rooms.inFlight.endStream(session)
  rooms.inquiries.endSession(session)
  guest.answer.end(200, Buffer.from('{}'))
}

/** The stream for unsolicited messages, which here means that a list changed, or a resource that the session subscribed to. */
async function openStream(guest: Guest, session: Session, rooms: DoorRooms): Promise<void> {
  const { answer, asked, place, who } = guest
  // What a client sends back tells what it knew then: nothing has to be kept for it, and any replica can say what changed since.
  const since = guest.arrival.headers['last-event-id']
  const rest = since === undefined ? null : rooms.kept.placeOf(session, since)
  if (rest !== null) return takeUp(guest, session, rest, rooms)
  const giveBack = rooms.inFlight.takeStream(session, () => answer.finish())
  if (giveBack === null) {
    const message = 'Conflict: this session already has an open stream.'
    return answer.end(409, errorBody({ code: ErrorCode.ServerError, message }, null))
  }
  const giveUp = rooms.streams.take(who.principal)
  if (typeof giveUp === 'string') {
    giveBack()
    return refuseTooMuch(answer, giveUp, null)
  }
  let feed: Feed | null = null
  const tell = (notification: Notification, mark = feed?.mark()) => {
    const message = encodeNotification2025(notification, null)
    if (message) answer.send(message, mark)
  }
  // One object for both who tell it something: ten thousand of these are to fit.
  const listener: Listener & Watcher = {
    ...{ place, principal: who.principal, session: session.id, client: session.client, kinds: LIST_KINDS, asked },
    ...{ owner: ownerOf(who.principal, session), origin: originOf(guest.arrival) },
    ...(since === undefined ? {} : { since }),
    changed: (kind, mark) => tell({ method: LIST_CHANGED[kind], params: {} }, mark),
    seen: (standing) => watch.see(standing),
    updated: (uri) => tell({ method: UPDATED, params: { uri } }),
    ended: () => answer.finish(),
  }
  const watch = new ResourceWatch(rooms, listener)
  let unfollow: (() => void) | null = null
  let isClosed = false
  const close = () => {
    // Once: what was given back may be somebody else's by the next time.
    if (!isClosed) {
      giveBack()
      giveUp()
    }
    isClosed = true
    watch.close()
    feed?.close()
    unfollow?.()
  }
  answer.onClose(close)
  answer.open()
  feed = await rooms.changes.follow(listener)
  unfollow = await rooms.subscriptions.follow(session, watch)
  if (since !== undefined) watch.missed()
  if (answer.closed) close()
  answer.standBy(() => answer.finish())
  // It may have ended between being found and having a stream that could be ended.
  if ((await rooms.sessions.over([session])).length > 0) answer.finish()
}
