/**
 * A client of 2025 comes back for the rest of a call's stream (`Last-Event-ID`). It gets what it has not read and then the answer, and
 * nothing that was said anywhere else. That it may still be in this portal is decided again; what it called was decided before.
 *
 * | where the stream is | what the client gets |
 * |---|---|
 * | here | the rest of it |
 * | read to its end | 405: SDKs come back after an answer that is an error, and with 405 they stop |
 * | perhaps in another process | an event stream that only says when to ask again: a balancer may lead there the next time |
 * | nowhere | an answer to its request that says so. An HTTP error would leave it waiting for its own time limit |
 */
import { Fault } from '../base/fault.ts'
import type { Session } from '../portal/sessions.ts'
import { ownerOf } from '../portal/visit.ts'
import { encode2025 } from '../protocol/era-2025/encode.ts'
import { ErrorCode, errorBody, replyOfFault } from '../protocol/errors.ts'
import { RETRY_MS } from './call-stream.ts'
import { type EventPlace, eventId } from './event-id.ts'
import { type DoorRooms, type Guest, originOf, refuseForbidden } from './guest.ts'
import type { Answer } from './stream.ts'

const LOST =
  'The connection broke, and what this call came to is not kept any more. See whether it took effect, then call anew.'

export async function takeUp(guest: Guest, session: Session, place: EventPlace, rooms: DoorRooms): Promise<void> {
  const { answer, who } = guest
  const { after } = place
  if (after === 'end') {
    answer.setHeader('allow', 'POST, DELETE')
    const message = 'This stream is over: its answer has been given.'
    return answer.end(405, errorBody({ code: ErrorCode.ServerError, message }, null))
  }
  const owner = ownerOf(who.principal, session)
  const caller = { principal: who.principal, owner, origin: originOf(guest.arrival) }
  const { access } = await rooms.visitors.standing(guest.place, caller)
  if (!access.enter.allow) return refuseForbidden(answer)
  if (answer.closed) return
  const stream = rooms.kept.take(place)
  if (stream === 'elsewhere') sendOn(answer, eventId(place.seal, after, place.tries + 1))
  else if (stream === 'lost') tellLost(answer, place, session)
  else stream.takeUp(answer, after)
}

function sendOn(answer: Answer, id: string): void {
  // A balancer leads each connection somewhere: on this one it would come here again.
  answer.setHeader('connection', 'close')
  answer.prime(id, RETRY_MS)
  answer.finish()
}

function tellLost(answer: Answer, { seal, request: id, method }: EventPlace, { client }: Session): void {
  const reply = replyOfFault(new Fault('upstream-lost', LOST), method)
  answer.open()
  answer.end(200, encode2025({ reply, id, method, version: client.version }), eventId(seal, 'end'))
}
