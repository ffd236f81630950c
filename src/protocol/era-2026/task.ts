/**
 * Tasks (SEP-2663) as bytes: where the id of a task stands in a server's result, and the same result with an id of the portal's. All
 * other members stay as they came, to the letter.
 */
import { parse } from '../json-bytes.ts'
import type { JsonObject, RawReply } from '../model.ts'
import { scanReply, spansIn } from '../scan.ts'
import { type Edit, replaceInBody } from '../splice.ts'

const MEMBERS = ['taskId', 'inputRequests'] as const

/** The server did not answer the call, but makes a task of it. */
export function isTask(reply: { kind: string }): reply is RawReply {
  return reply.kind === 'raw' && (reply as RawReply).has.resultType === 'task'
}

/** What of a result about a task is not the client's to see as it is. */
export interface TaskResult {
  /** The server's own id; null where the result names none, as that of `tasks/cancel`. */
  taskId: string | null
  /** What the server wants to know, where there is such a member. */
  asks: boolean
}

/** @returns null for a result that can be read in two ways, or names what is no id */
export function readTaskResult(raw: RawReply): TaskResult | null {
  const spans = spansIn(raw, MEMBERS)
  if (spans === null) return null
  const taskId = spans.taskId === undefined ? null : (parse(raw.bytes, spans.taskId) ?? '')
  if (taskId !== null && (typeof taskId !== 'string' || taskId === '')) return null
  const requests = spans.inputRequests === undefined ? {} : parse(raw.bytes, spans.inputRequests)
  return { taskId, asks: JSON.stringify(requests) !== '{}' }
}

/**
 * The result with the portal's id, and with the questions as they may be put. What is not there is not put in.
 *
 * @param raw of which `readTaskResult` made sense
 */
export function withOwnTask(raw: RawReply, { taskId, asked }: { taskId: string; asked?: JsonObject }): RawReply {
  const spans = spansIn(raw, MEMBERS) ?? {}
  const edits: Edit[] = []
  if (spans.taskId !== undefined) edits.push({ ...spans.taskId, text: JSON.stringify(taskId) })
  if (spans.inputRequests !== undefined && asked !== undefined)
    edits.push({ ...spans.inputRequests, text: JSON.stringify(asked) })
  const rewritten = scanReply(replaceInBody(raw, edits))
  if (rewritten === null) throw new Error('a result with an id of our own is no answer')
  return { ...rewritten, isOwnTask: true }
}
