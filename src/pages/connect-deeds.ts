/** What people do with connections, as the audit has it: recorded first, so that what cannot be recorded is not done. */
import type { ActorSnapshot, DeedEnd, DeedStart, Entry } from '../audit/event.ts'
import { Fault } from '../base/fault.ts'
import { type DeedId, newId } from '../base/ids.ts'
import type { ConnectionRecord } from '../upstream/connections/model.ts'
import type { PageCall } from './deps.ts'

export type ConnectMethod = 'connect' | 'connect callback' | 'connect confirm' | 'connect decline' | 'disconnect'

/** @param linkedBy who made the link, where a link is all that is known of who does it */
export interface Doing {
  method: ConnectMethod
  server: string
  portal?: string
  linkedBy?: string | null
}

/**
 * Does it between its two rows.
 *
 * @param work says how it ended; what it throws is recorded, and thrown on
 * @throws Fault `audit-unavailable`
 */
export async function recorded<T>(
  call: PageCall,
  doing: Doing,
  work: () => Promise<{ end: DeedEnd; value: T }>,
): Promise<T> {
  const entry = await call.deps.audit.begin(startOf(call, doing))
  const { end, value } = await work().catch((error: unknown) => failed(entry, error))
  await entry.finish(end)
  return value
}

async function failed(entry: Entry, error: unknown): Promise<never> {
  await entry.finish({ outcome: 'failed', error: error instanceof Fault ? error.code : 'bug' })
  throw error
}

/** Somebody stood where they may not, or came too late: a deed of its own for who is known, within bounds, else counted. */
export async function recordRefused(call: PageCall, doing: Omit<Doing, 'server'> & { server?: string }, error: string) {
  const { audit } = call.deps
  const { session } = call.browser
  const { clientIp } = call.caller
  if (session === null) return audit.refused('bad-connect', clientIp)
  if (!audit.mayWriteRefusal(session.userId)) return audit.refused('bad-connect', clientIp, actorOf(call, null))
  const entry = await audit.begin(startOf(call, doing))
  await entry.finish(refusedEnd(error))
}

export function refusedEnd(error: string): DeedEnd {
  return { outcome: 'refused', decision: 'deny', error }
}

export function doneEnd(connection?: Pick<ConnectionRecord, 'id'>, fields: readonly string[] = []): DeedEnd {
  const done = { outcome: 'answered', decision: 'allow' } as const
  return connection === undefined ? done : { ...done, change: { object: 'connection', id: connection.id, fields } }
}

function startOf(
  call: PageCall,
  { method, server, portal, linkedBy }: Omit<Doing, 'server'> & { server?: string },
): DeedStart {
  return {
    ...{ deed: newId<DeedId>(call.deps.clock.now()), plane: 'sign-in', method, actor: actorOf(call, linkedBy ?? null) },
    ...(server === undefined ? {} : { server }),
    ...(portal === undefined ? {} : { portal }),
    clientIp: call.caller.clientIp,
  }
}

/** Who has nothing but a link is named by who made it. */
function actorOf({ browser }: PageCall, linkedBy: string | null): ActorSnapshot {
  const { session } = browser
  if (session !== null) return { kind: 'user', id: session.userId, label: session.label }
  return { kind: 'unknown', id: 'connect-link', label: linkedBy === null ? 'a link' : `a link made by ${linkedBy}` }
}
