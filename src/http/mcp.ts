/**
 * THE DOOR for MCP. One order for every request: authenticate, find the place, read, classify the era once, decode,
 * serve, encode. What is refused before the caller is known says the same whether or not the portal exists.
 */
import type { PortalId } from '../base/ids.ts'
import type { Shown } from '../identity/authenticate.ts'
import { askedIn, modeOf } from '../portal/context/mode.ts'
import type { Directory } from '../portal/directory.ts'
import type { Place } from '../portal/spec.ts'
import { classify } from '../protocol/classify.ts'
import { ErrorCode, errorBody } from '../protocol/errors.ts'
import { parseInbound } from '../protocol/json-guard.ts'
import type { RpcError } from '../protocol/model.ts'
import { readBody } from './body.ts'
import { type DoorRooms, type Guest, originOf, refuseForbidden, refuseTooMuch } from './guest.ts'
import { recordNoPortal, refuseFailed, refuseUnknown } from './refuse-caller.ts'
import type { Arrival } from './server.ts'
import { isBot, shownIn } from './shown-credential.ts'
import { Answer } from './stream.ts'
import { receive2025 } from './traffic-2025.ts'
import { receive2026 } from './traffic-2026.ts'
import type { McpRoute } from './urls.ts'

export interface Door {
  receive(arrival: Arrival, where: McpRoute): Promise<void>
  /** Ends open streams, so that a listener can close; calls under way finish. */
  drain(): void
}

const DEFAULT_HOSTNAME = 'localhost'

export function openDoor(rooms: DoorRooms): Door {
  const waiting = new Set<Answer>()
  // What was shown in a header of the portal's choice cannot be read again from those that an answer keeps.
  const whole = new WeakMap<Answer, Shown>()
  // Nothing was shown that could be withdrawn; they end with the policy that let them in.
  const nameless = new WeakSet<Answer>()
  const standsBy = (answer: Answer): void => {
    if (nameless.has(answer)) return
    void retireRevoked(answer, whole.get(answer) ?? shownIn(answer.asked.headers, [], null), rooms)
  }
  let isDraining = false
  const shared = {
    waiting,
    standsBy(answer: Answer) {
      standsBy(answer)
      // What begins to wait when the listener closes already would wait for nobody.
      if (isDraining) answer.retire()
    },
    unread: rooms.unread,
  }
  // A stream may stay open for hours; it ends with the token that opened it.
  rooms.authenticator.onChange(() => {
    for (const answer of [...waiting]) standsBy(answer)
  })
  // A session may be ended on another replica, or make room for a new one; its stream ends with it.
  rooms.sessions.onEnded(() => {
    endStreams(rooms).catch((error: unknown) => rooms.log.warn({ err: error }, 'streams of ended sessions stay open'))
  })
  return {
    async receive(arrival, where) {
      let place = findPlace(where, arrival.hostname, rooms.directory)
      const shown = shownIn(arrival.headers, arrival.request.rawHeaders, place?.spec.serviceTokenHeader ?? null)
      const found = rooms.authenticator.authenticate(shown)
      // Nearly always known already: then nothing is waited for.
      const known = found instanceof Promise ? await found : found
      const who = known ?? (await unknownIn(place, shown, arrival, rooms))
      if (who === null) return refuseFailed(arrival, shown, where, rooms)
      // Policies may have changed meanwhile.
      if (found instanceof Promise || known === null) place = findPlace(where, arrival.hostname, rooms.directory)
      if (who.audience !== null && who.audience !== place?.spec.uid) return refuseUnknown(arrival, shown, rooms)
      const answer = new Answer(arrival, acceptsStream(arrival), who.principal, shared)
      if (who.principal.kind === 'anonymous') nameless.add(answer)
      if (shown.serviceToken !== undefined) whole.set(answer, shown)
      if (rooms.unread.isFull(who.principal)) return refuseTooMuch(answer, 'unread', null)
      const asked = askedIn(queryOf(arrival))
      // Before the place is looked at: it would tell a portal that is not there from one that is not theirs.
      if ('wrong' in asked)
        return answer.end(400, errorBody({ code: ErrorCode.InvalidRequest, message: asked.wrong }, null))
      if (place === undefined) {
        await recordNoPortal(arrival, who, where, rooms)
        return refuseForbidden(answer)
      }
      const guest: Guest = {
        arrival,
        who,
        place,
        mode: modeOf(asked, place.spec),
        asked,
        answer,
        shown: who.principal.kind === 'anonymous' ? null : shown,
      }
      if (!rooms.log.isLevelEnabled('debug')) return admit(guest, rooms)
      const started = rooms.clock.elapsed()
      await admit(guest, rooms)
      rooms.log.debug({ ms: rooms.clock.elapsed() - started, portal: place.spec.id, who: who.principal.id }, 'mcp')
    },
    drain() {
      isDraining = true
      for (const answer of [...waiting]) answer.retire()
      rooms.kept.retire()
    },
  }
}

function queryOf({ request: { url = '' } }: Arrival): string {
  const mark = url.indexOf('?')
  return mark === -1 ? '' : url.slice(mark + 1)
}

/** A wrong credential is wrong at any portal: only who shows none at all can be nobody. */
function unknownIn(place: Place | undefined, shown: Shown, arrival: Arrival, { anonymous }: DoorRooms) {
  if (place === undefined || shown.authorization !== undefined || isBot(shown)) return null
  return anonymous.admit(place.spec, originOf(arrival))
}

async function endStreams({ sessions, inFlight, inquiries }: DoorRooms): Promise<void> {
  const open = [...inFlight.streaming(), ...inquiries.asking()]
  if (open.length === 0) return
  for (const session of await sessions.over(open)) {
    inFlight.endStream(session)
    inquiries.endSession(session)
  }
}

/** A token that has only expired is no reason: its client holds a newer one and reads on. */
async function retireRevoked(answer: Answer, shown: Shown, { authenticator, log }: DoorRooms): Promise<void> {
  const stands = await authenticator.stands(shown).catch((error: unknown) => {
    log.warn({ err: error }, 'a stream ends, because it is not known whether its token still stands')
    return false
  })
  if (!stands) answer.retire()
}

async function admit(guest: Guest, rooms: DoorRooms): Promise<void> {
  const { arrival, answer } = guest
  const { method = '' } = arrival.request
  const { headers } = arrival
  let body: unknown
  if (method === 'POST') {
    const read = await readJson(arrival)
    if (read.kind === 'gone') return
    if (read.kind === 'error') return answer.end(read.status, errorBody(read.error, null))
    body = read.value
  }
  const classified = classify({ method, headers }, body)
  if (classified.kind === 'error') return answer.end(classified.status, errorBody(classified.error, classified.id))
  if (classified.era === '2026') return receive2026(guest, classified, rooms)
  return receive2025(guest, classified, rooms)
}

/** The portal of the path; else of the hostname; else the default one. A server that is none of it mounts nothing. */
function findPlace(where: McpRoute, hostname: string, directory: Directory): Place | undefined {
  const spec =
    where.portal === null
      ? (directory.byHostname(hostname) ?? directory.byHostname(DEFAULT_HOSTNAME))
      : directory.byId(where.portal as PortalId)
  if (!spec) return undefined
  if (where.server === null) return { spec, mount: null }
  return { spec, mount: spec.servers.findIndex((server) => server.id === where.server) }
}

function acceptsStream({ headers }: Arrival): boolean {
  const { accept } = headers
  return accept === undefined || accept.includes('text/event-stream') || accept.includes('*/*')
}

type ReadJson = { kind: 'json'; value: unknown } | { kind: 'error'; status: number; error: RpcError }

async function readJson({ request, headers }: Arrival): Promise<ReadJson | { kind: 'gone' }> {
  const type = headers['content-type'] ?? ''
  if (type !== 'application/json' && !JSON_TYPE.test(type))
    return unreadable(415, 'Send the message as application/json.')
  const coding = headers['content-encoding']
  if (coding !== undefined && coding !== 'identity') return unreadable(415, 'Send the body without a content coding.')
  const bytes = await readBody(request)
  if (bytes === 'gone') return { kind: 'gone' }
  return bytes === 'too-long' ? unreadable(413, 'The message is larger than 4 MiB.') : parseInbound(bytes)
}

const JSON_TYPE = /^application\/json(?:\s*;|$)/i

function unreadable(status: number, message: string): ReadJson {
  return { kind: 'error', status, error: { code: ErrorCode.InvalidRequest, message } }
}
