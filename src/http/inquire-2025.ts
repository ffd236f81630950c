/**
 * A question to a 2025-era client, on the stream of the very call that asks. The answer is posted to the session: here, or
 * to another replica, which hands it over. The question ends with the call, the session's client, the token and the process.
 */
import type { Cancellation } from '../base/cancel.ts'
import type { Inquire, InquiryEnd, Until } from '../portal/errand.ts'
import type { Session } from '../portal/sessions.ts'
import type { WireResponse } from '../protocol/classify.ts'
import { encodeInquiry, encodeInquiryOver } from '../protocol/era-2025/question.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { DoorRooms } from './guest.ts'
import type { Inquiry } from './inquiries.ts'
import type { Asker } from './linger.ts'

/** A batch and a client that takes no stream have none that could carry a question: then this is not to be asked for. */
export function inquirer(guest: Asker, session: Session, cancel: Cancellation, rooms: DoorRooms): Inquire | null {
  const { answer } = guest
  if (!answer.takesStream) return null
  const open = new Set<Inquiry>()
  let isFollowed = false
  /** Once for all questions of one call, or each would leave a listener behind. */
  const follow = () => {
    if (isFollowed) return
    isFollowed = true
    // The client can read no answer any more, so nothing may come of a question either.
    answer.onAbandoned(() => settleAll(open, 'gone'))
  }
  return (method, params, until) => {
    // A call that waits for a person holds a stream open, and counts as one.
    const giveBack = rooms.streams.take(guest.who.principal)
    if (typeof giveBack === 'string') return null
    const inquiry = rooms.inquiries.open(session, until?.waitMs)
    open.add(inquiry)
    follow()
    cancel.listen(() => settleAll(open, 'gone'))
    answer.standBy(() => settleAll(open, 'closing'))
    return carryOut({ inquiry, guest, session }, { method, params, until }, rooms).finally(() => {
      open.delete(inquiry)
      giveBack()
    })
  }
}

function settleAll(open: ReadonlySet<Inquiry>, why: 'gone' | 'closing'): void {
  for (const inquiry of [...open]) inquiry.settle({ kind: 'over', why })
}

interface Open {
  inquiry: Inquiry
  guest: Asker
  session: Session
}

async function carryOut(
  { inquiry, guest, session }: Open,
  asked: { method: string; params: JsonObject; until: Until | undefined },
  rooms: DoorRooms,
): Promise<InquiryEnd> {
  const { answer } = guest
  const { id } = inquiry
  const { questions } = rooms
  const gone = () => inquiry.settle({ kind: 'over', why: 'gone' })
  asked.until?.signal.addEventListener('abort', gone, { once: true })
  if (answer.closed) gone()
  const stop = questions.onHanded(async () => {
    const end = (await questions.handed([id])).get(id)
    if (end !== undefined) inquiry.settle(end)
  })
  try {
    const addressee = { principal: session.principal, owner: ownerOfSession(session), portalUid: session.portalUid }
    // Before it is put: an answer may come back at once, to another replica.
    await questions.expect(id, addressee, asked.until?.waitMs)
    answer.send(encodeInquiry(id, asked.method, asked.params))
    const end = await inquiry.end
    if (end.kind === 'over') answer.send(encodeInquiryOver(id, 'nobody waits for the answer any more'))
    return end
  } finally {
    stop()
    inquiry.settle({ kind: 'over', why: 'gone' })
    await questions.settle(id)
  }
}

/** An answer that was posted to the session: to a question that waits here, or at another replica, or to none. */
export async function takeResponse(session: Session, message: WireResponse, rooms: DoorRooms): Promise<void> {
  if (rooms.inquiries.answer(session, message) || typeof message.id !== 'string') return
  await rooms.questions.hand(message.id, ownerOfSession(session), { kind: message.outcome, body: message.body })
}

function ownerOfSession({ id }: Session): string {
  return `session:${id}`
}
