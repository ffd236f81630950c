/** A request whose caller and place are known, and the answers that both eras share. */
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Authenticated, Authenticator, Shown } from '../identity/authenticate.ts'
import type { OrganizationKeeper } from '../identity/organization.ts'
import type { Origin } from '../policy/model.ts'
import type { Changes, ListKind } from '../portal/changes.ts'
import type { AskedMode, Mode } from '../portal/context/mode.ts'
import type { Directory } from '../portal/directory.ts'
import type { Rooms } from '../portal/rooms.ts'
import type { Session } from '../portal/sessions.ts'
import type { Place } from '../portal/spec.ts'
import type { Visit, Visitors } from '../portal/visit.ts'
import type { Identity } from '../protocol/era-2026/encode.ts'
import { ErrorCode, errorBody } from '../protocol/errors.ts'
import type { ClientFacts, JsonRpcId, Request } from '../protocol/model.ts'
import type { Anonymous } from './anonymous.ts'
import type { KeptStreams } from './kept-streams.ts'
import type { Arrival } from './server.ts'
import { type Answer, NOT_KEPT, type Outlet } from './stream.ts'
import type { Held, NoStream } from './streams.ts'

export interface DoorRooms extends Rooms, Held {
  authenticator: Authenticator
  /** Who needs no credential. */
  anonymous: Anonymous
  directory: Directory
  visitors: Visitors
  changes: Changes
  /** Streams of calls that can be taken up again. */
  kept: KeptStreams
  identity: Identity
  /** What the organisation has settled, as it is now. */
  organization: Pick<OrganizationKeeper, 'current'>
  /** The origin that a guarded Host header makes. */
  originOf(host: string, hostname: string): string
  clock: Clock
  log: Log
}

export interface Guest {
  arrival: Arrival
  who: Authenticated
  place: Place
  /** How much of the tools its model is shown. */
  mode: Mode
  /** What its URL said of that. */
  asked: AskedMode
  answer: Answer
  /** The credential, which may be withdrawn; null for who needs none. */
  shown: Shown | null
}

/** Makes the visit that a request is. @param session the 2025-era session, or null */
export function enter(
  guest: Guest,
  asked: { client: ClientFacts; session: Session | null; request: Request },
  rooms: DoorRooms,
): Promise<Visit> {
  return rooms.visitors.visit(guest.place, {
    principal: guest.who.principal,
    client: asked.client,
    session: asked.session,
    mode: guest.mode,
    clientIp: guest.arrival.clientIp,
    origin: originOf(guest.arrival),
    traceparent: asked.request.meta.traceparent ?? null,
  })
}

/** Where a request came from, for policies that look at that. */
export function originOf({ clientIp, certificate }: Arrival): Origin {
  return { ip: clientIp, certificate }
}

/** 202: a notification or an answer was taken. */
export function accept({ arrival }: Guest): void {
  arrival.response.writeHead(202, ['cache-control', NOT_KEPT, ...arrival.cors])
  arrival.response.end()
}

/** The caller is known and may not be here; nor does it learn whether there is anything here. */
export function refuseForbidden(answer: Pick<Outlet, 'end'>): void {
  const error = {
    error: 'access_denied',
    error_description: 'No policy lets you use this portal. Ask the admin of the portal for access.',
  }
  answer.end(403, Buffer.from(JSON.stringify(error)))
}

const TOO_MUCH: Readonly<Record<NoStream | 'unread', { status: number; message: string }>> = {
  caller: { status: 429, message: 'You have as many open streams as one caller may have. Close one, then try again.' },
  process: { status: 503, message: 'The portal has as many open streams as it may have. Try again later.' },
  unread: { status: 429, message: 'Too much of what you asked for is unread. Read it, then try again.' },
}
const RETRY_AFTER_SECONDS = '30'

/** The caller holds too much. Nothing was done; the id is the request's, or null where there is none. */
export function refuseTooMuch(answer: Answer, what: NoStream | 'unread', id: JsonRpcId | null): void {
  const { status, message } = TOO_MUCH[what]
  answer.setHeader('retry-after', RETRY_AFTER_SECONDS)
  answer.end(status, errorBody({ code: ErrorCode.ServerError, message }, id))
}

export const UNAVAILABLE = {
  code: ErrorCode.InternalError,
  message: 'The portal cannot record requests right now and so does not carry them out. Try again in a moment.',
}

/** What tells a client that one of its lists changed. */
export const LIST_CHANGED: Readonly<Record<ListKind, string>> = {
  tool: 'notifications/tools/list_changed',
  prompt: 'notifications/prompts/list_changed',
  resource: 'notifications/resources/list_changed',
}

/** What tells a client that a resource changed. */
export const UPDATED = 'notifications/resources/updated'
