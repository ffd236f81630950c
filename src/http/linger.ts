/**
 * A call that waits while its person is at a page of ours. It ends with its client, its session, its token and the process,
 * and counts among the streams of its caller for as long as it lasts: who waits holds something open.
 */
import type { Cancellation } from '../base/cancel.ts'
import type { Linger } from '../portal/errand.ts'
import type { Session } from '../portal/sessions.ts'
import type { DoorRooms, Guest } from './guest.ts'
import type { Outlet } from './stream.ts'

type Over = 'gone' | 'closing'

/** Whose request it is, and where it says what it has to say. */
export type Asker = Pick<Guest, 'who'> & { answer: Outlet }

/** @param session of a 2025-era client: the waiting ends with it */
export function lingerer(asker: Asker, cancel: Cancellation, rooms: DoorRooms, session?: Session): Linger {
  const { answer, who } = asker
  let stop: ((why: Over) => void) | null = null
  let isFollowed = false
  return () => {
    const giveBack = rooms.streams.take(who.principal)
    if (typeof giveBack === 'string') return null
    const { promise: over, resolve } = Promise.withResolvers<Over>()
    stop = resolve
    const leave = session === undefined ? () => undefined : rooms.inquiries.stayWith(session, () => resolve('gone'))
    cancel.listen(() => resolve('gone'))
    // Once for all waits of one call, or each would leave a listener behind.
    if (!isFollowed) answer.onAbandoned(() => stop?.('gone'))
    isFollowed = true
    if (answer.closed) resolve('gone')
    answer.standBy(() => resolve('closing'))
    return {
      over,
      end() {
        giveBack()
        leave()
      },
    }
  }
}
