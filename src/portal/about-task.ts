/**
 * Requests about one task, to the server that has it. A server of 2025-11-25 may know a task only in the session that began it, and
 * callers that can be asked different things have sessions of their own: each request takes the connection that the call took.
 */
import { Cancellation } from '../base/cancel.ts'
import type { JsonObject } from '../protocol/model.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import { askableAt } from './relay-askable.ts'
import type { Scene } from './scene.ts'
import { type Asking, sendToOwner, type ToOwner } from './send-to-owner.ts'
import type { TaskNote } from './task-handles.ts'
import type { Visit } from './visit.ts'

/** One task that its own caller asks about. */
export interface Held {
  handle: string
  note: TaskNote
  entry: Entry
}

/** By the portal's own method, in the midst of the caller's. @throws what a call throws */
export function sendAbout(
  { note, entry }: Pick<Held, 'note' | 'entry'>,
  method: string,
  to: ToOwner,
  more: JsonObject = {},
): Promise<Performed> {
  const { errand } = to
  const own = { ...errand, request: { ...errand.request, method } }
  const visit = note.era === '2025' && to.visit.client.era === '2026' ? bare(to.visit) : to.visit
  return sendToOwner(entry, { taskId: note.id, ...more }, { ...to, visit, errand: own }, seatOf({ note, entry }, to))
}

/** What is declared with it, by which its connection is found. */
export function seatOf({ note, entry }: Pick<Held, 'note' | 'entry'>, { visit, errand }: ToOwner): Asking {
  if (note.era === '2026' || visit.client.era === '2026') return {}
  const askable = askableAt(entry.server, { visit, errand, era: '2025' })
  return askable === null ? {} : { askable }
}

/**
 * A client of 2026 says with each request anew what it can do, and a server of 2025 is told once for a session: a task that goes on over
 * many requests is begun in the session of those who can do nothing.
 */
export function bare(visit: Visit): Visit {
  return { ...visit, client: { ...visit.client, capabilities: {} } }
}

/** Cancels it at its server, for the portal's own reasons. Never rejects: who cannot be told is not waited for. */
export async function giveUp(
  held: Pick<Held, 'note' | 'entry'>,
  { visit, errand, rooms }: Pick<Scene, 'visit' | 'errand' | 'rooms'>,
): Promise<void> {
  const own = { ...errand, cancel: new Cancellation(), report: () => {} }
  const isBypassed = visit.principal.kind === 'anonymous'
  // The task may be over, and its server away: then there is nothing to cancel.
  await sendAbout(held, 'tasks/cancel', { visit, errand: own, rooms, isBypassed }).catch(() => {})
}
