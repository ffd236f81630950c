/** What is remembered of the questions that one call has put for want of a connection, and how many there may be. */
import { ConnectionNeeded, type ConnectionRecord } from '../upstream/connections/model.ts'
import { credentialOf, tooLate, unavailing } from './connect-words.ts'
import type { Links } from './rooms.ts'

/** The official client gives up after ten rounds of all kinds. */
const MOST_QUESTIONS = 8
/** Of one sort: to connect, or to give more rights. */
const MOST_OF_A_SORT = 2

/** In 2026 it travels in the sealed state, so it is what this program wrote. */
export interface Turn {
  /** Questions put so far; the last one's kind is made of it. */
  questions: number
  connects: number
  stepUps: number
  /** Where the person does it; null until there is one. */
  page: string | null
  need: ConnectionNeeded['need']
  scope: string | null
  /** The connection that did not do; null where there was none. */
  connection: string | null
  /** It was good in itself: only another one will do. */
  wasReady: boolean
  /** As the audit names it. */
  credential: string
}

/** Whether what is needed now is what was asked for last, and is not done yet. */
export function isSame(
  needed: Pick<ConnectionNeeded, 'need' | 'scope'>,
  { need, scope, connection: before }: Turn,
  connection: Pick<ConnectionRecord, 'id'> | null,
): boolean {
  const isStepUp = needed.need === 'more-scope'
  if (isStepUp !== (need === 'more-scope') || (connection?.id ?? null) !== before) return false
  return !isStepUp || needed.scope === scope
}

/** Whether what is in place now may do. */
export function mayDo({ wasReady, connection: before }: Turn, connection: ConnectionRecord | null): boolean {
  if (connection?.status !== 'ready') return false
  return !wasReady || connection.id !== before
}

/** @throws Fault where it is not asked any more */
export function nextTurn(
  needed: ConnectionNeeded,
  {
    before,
    isAgain,
    connection,
    links,
  }: { before: Turn | null; isAgain: boolean; connection: ConnectionRecord | null; links: Links },
): Turn {
  const questions = (before?.questions ?? 0) + 1
  if (questions > MOST_QUESTIONS) throw tooLate(needed, links)
  const { need, scope } = needed
  const [connects, stepUps] = [before?.connects ?? 0, before?.stepUps ?? 0]
  // One that came between the call and this question is not the one that did not do.
  const failed = need === 'connect' ? null : connection
  const kept = {
    ...{ questions, need, scope, credential: credentialOf(needed) },
    ...{ connection: failed?.id ?? null, wasReady: failed?.status === 'ready' },
  }
  if (isAgain) return { ...kept, connects, stepUps, page: before?.page ?? null }
  const isStepUp = need === 'more-scope'
  if ((isStepUp ? stepUps : connects) === MOST_OF_A_SORT) throw unavailing(needed)
  return { ...kept, connects: connects + (isStepUp ? 0 : 1), stepUps: stepUps + (isStepUp ? 1 : 0), page: null }
}

/** What was asked for last, as when it was found missing. */
export function neededOf({ need, scope, credential }: Turn, server: ConnectionNeeded['server']): ConnectionNeeded {
  const needed = new ConnectionNeeded(need, server, scope)
  needed.credential = credential
  return needed
}
