/**
 * A tool that its server of 2025-11-25 runs as a task and in no other way, for a caller that did not ask for a task: the portal begins
 * it, waits for its result and answers with that, as if there had been none. What the server asks meanwhile goes to the caller like the
 * questions of any call. Where the caller gives up, or it takes too long, the task is cancelled.
 */
import { Cancellation } from '../base/cancel.ts'
import { LIMITS } from '../config/limits.ts'
import { findTask, withoutTask } from '../protocol/era-2025/task.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { JsonObject, Notification, RawReply, Reply } from '../protocol/model.ts'
import { readRawError, unreadableReply } from '../protocol/raw-error.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import type { Errand } from './errand.ts'
import { type Asking, sendToOwner, type ToOwner } from './send-to-owner.ts'

/** For how long a server is asked to keep what the portal runs: nobody comes for it once the call is over. */
export const TASK_TTL = LIMITS.task_kept.value

/** @param params as of a call, without a task @throws what a call throws */
export async function runAsTask(entry: Entry, params: JsonObject, to: ToOwner, asking?: Asking): Promise<Performed> {
  const begun = await sendToOwner(entry, { ...params, task: { ttl: TASK_TTL } }, to, asking)
  const { reply } = begun
  if (reply.kind !== 'raw' || reply.outcome === 'error') return begun
  const found = findTask(reply, 'created')
  if (found === null) return { ...begun, reply: ODD }
  // It was quick.
  if (found.id === null) return begun
  const done = await resultOf(found.id, entry, to, asking)
  return { ...done, upstreamMs: begun.upstreamMs + done.upstreamMs }
}

async function resultOf(id: string, entry: Entry, to: ToOwner, asking: Asking | undefined): Promise<Performed> {
  const report = (notification: Notification) => tell(notification, to.errand)
  const waiting = { ...to, errand: { ...asked(to.errand, 'tasks/result'), report } }
  try {
    const done = await sendToOwner(entry, { taskId: id }, waiting, asking)
    const { reply } = done
    if (reply.kind !== 'raw') return done
    if (reply.outcome === 'error') return { ...done, reply: errorWithout(id, reply, 'the task') }
    const found = findTask(reply, 'result')
    return found === null || (found.id !== null && found.id !== id)
      ? { ...done, reply: ODD }
      : { ...done, reply: withoutTask(reply) }
  } catch (error) {
    const { askable } = asking ?? {}
    const last = {
      ...to,
      errand: { ...asked(to.errand, 'tasks/cancel'), cancel: new Cancellation(), report: () => {} },
    }
    // Who cannot be told is not waited for.
    void sendToOwner(entry, { taskId: id }, last, askable === undefined ? {} : { askable }).catch(() => {})
    throw error
  }
}

/** Progress goes by the caller's own token; of the rest nothing means anything to who knows of no task. */
function tell({ method, params }: Notification, errand: Errand): void {
  if (method === 'notifications/tasks/status') return
  const { progressToken: _theirs, ...told } = params
  errand.report({ method, params: told })
}

function asked(errand: Errand, method: string): Errand {
  return { ...errand, request: { ...errand.request, method } }
}

/** The server's words, without its id: that is nobody's here. */
export function errorWithout(id: string, raw: RawReply, instead: string): Reply {
  const { code, message } = readRawError(raw)
  return { kind: 'error', error: { code, message: message.replaceAll(id, instead) } }
}

/** The server broke the rules of tasks. */
export const ODD: Reply = { kind: 'error', error: unreadableReply() }

/** What a caller hears that asks for a task of a tool which has none (2025-11-25, tasks: -32601). */
export const NO_TASK: Reply = {
  kind: 'error',
  error: { code: ErrorCode.MethodNotFound, message: 'This tool is not run as a task. Call it without "task".' },
}
