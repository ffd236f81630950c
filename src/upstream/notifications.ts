/**
 * What a server says beside its answers, and whether a caller may hear it.
 */
import { principalKey } from '../base/principal.ts'
import { relatedTask } from '../protocol/era-2025/task.ts'
import { LOG_LEVELS, type LogLevel, type Notification } from '../protocol/model.ts'
import type { Exchange, Outgoing } from './exchange.ts'

export const LIST_CHANGES: readonly string[] = [
  'notifications/tools/list_changed',
  'notifications/prompts/list_changed',
  'notifications/resources/list_changed',
]

/** Progress goes only to a caller that asked for it. The token was checked by whoever found the call. */
export function isProgressOf(notification: Notification, out: Outgoing): boolean {
  return out.progress && typeof notification.params.progress === 'number'
}

/** The token was ours; the caller's codec puts the caller's own back. */
export function withoutToken(notification: Notification): Notification {
  const { progressToken: _ours, ...params } = notification.params
  return { method: notification.method, params }
}

/**
 * Which call waits for the result of the task that a notification is about (2025-11-25): its status, and its progress, by the token of a
 * call that was answered long ago. Of several that wait one is told, since each notification is for one stream.
 *
 * @returns null for any other notification, and where nobody waits
 */
export function waiterFor({ method, params }: Notification, exchanges: Iterable<Exchange>): Exchange | null {
  const isStatus = method === 'notifications/tasks/status'
  if (!isStatus && method !== 'notifications/progress') return null
  const id = isStatus ? params.taskId : relatedTask(params)
  return typeof id === 'string' ? waiterOf(id, exchanges) : null
}

/** The call that waits for the result of a task, by the server's id; null where none does. */
export function waiterOf(taskId: string, exchanges: Iterable<Exchange>): Exchange | null {
  for (const exchange of exchanges) {
    const { out } = exchange
    if (out.method === 'tasks/result' && out.params.taskId === taskId) return exchange
  }
  return null
}

/**
 * A shared upstream session has the level of its most talkative caller, so each message is held against the level of the
 * call it belongs to. A 2026 caller that named no level hears nothing; a 2025 caller that never set one hears from `info` on.
 */
export function passesLogLevel(notification: Notification, out: Outgoing): boolean {
  const wanted = out.logLevel ?? (out.client?.era === '2025' ? 'info' : undefined)
  if (wanted === undefined) return false
  return severity(notification.params.level) >= severity(wanted)
}

/** @returns the place in the list from `debug` up; what is no level counts as `debug` */
export function severity(level: unknown): number {
  return Math.max(0, LOG_LEVELS.indexOf(level as LogLevel))
}

/**
 * Whose a message is that names no call: the last call in flight where all of them are one principal's.
 *
 * @returns null where two principals are in flight, or none: then nobody may have it
 */
export function soleCall(exchanges: Iterable<Exchange>): Exchange | null {
  let last: Exchange | null = null
  let key: string | null = null
  for (const exchange of exchanges) {
    const { principal } = exchange.out
    if (principal === null) return null
    const own = principalKey(principal)
    if (key !== null && key !== own) return null
    key = own
    last = exchange
  }
  return last
}
