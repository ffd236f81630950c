/**
 * Tasks of 2025-11-25 as bytes: where the id of a task stands in a server's result, and the same result with an id of the portal's. All
 * other members stay as they came, to the letter.
 */
import { parse } from '../json-bytes.ts'
import type { Json, JsonObject, RawReply, Span } from '../model.ts'
import { scanReply, spansIn } from '../scan.ts'
import { replaceInBody } from '../splice.ts'

/** The one revision that has them. */
export const TASKS_VERSION = '2025-11-25'
/** In `_meta`, of what belongs to a task: `{ taskId }`. */
export const RELATED_TASK = 'io.modelcontextprotocol/related-task'

/** Where the id stands, beside `_meta`: in the answer to a call, in that about a task itself, or nowhere in a task's own result. */
export type TaskPlace = 'created' | 'itself' | 'result'

export interface FoundTask {
  /** The server's own; null where the result names none. */
  id: string | null
  /** Each value that is this id. */
  spans: readonly Span[]
}

/** @returns null for a result that can be read in two ways, or names what is no id, or two */
export function findTask(raw: RawReply, place: TaskPlace): FoundTask | null {
  const spans: Span[] = []
  const whole = place === 'created' ? within(raw, raw.body, 'task') : raw.body
  if (whole === null) return null
  if (place !== 'result' && whole !== undefined && !collect(raw, whole, spans)) return null
  if (place === 'itself' && spans.length === 0) return null
  const meta = within(raw, raw.body, '_meta')
  const related = meta ? within(raw, meta, RELATED_TASK) : meta
  if (related === null || (related !== undefined && !collect(raw, related, spans))) return null
  const [id = null, ...others] = spans.map((span) => parse(raw.bytes, span))
  if (id !== null && (typeof id !== 'string' || id === '' || others.some((other) => other !== id))) return null
  return place === 'created' && whole === undefined ? { id: null, spans } : { id, spans }
}

/** @returns false where the object has no `taskId`, or two */
function collect(raw: RawReply, object: Span, spans: Span[]): boolean {
  const span = within(raw, object, 'taskId')
  if (span) spans.push(span)
  return span !== null && span !== undefined
}

/** @returns undefined where there is no such member, null where there is no telling */
function within({ bytes }: RawReply, object: Span, name: string): Span | null | undefined {
  if (bytes[object.from] !== 0x7b) return null
  const spans = spansIn({ bytes, body: object }, [name])
  return spans === null ? null : spans[name]
}

/** The result with the portal's id. @param found of this very result */
export function withHandle(raw: RawReply, { spans }: FoundTask, handle: string): RawReply {
  const text = JSON.stringify(handle)
  return rescanned(
    replaceInBody(
      raw,
      spans.map((span) => ({ ...span, text })),
    ),
  )
}

/** The result of a task as if it were that of a call: nothing of it says that there was a task. */
export function withoutTask(raw: RawReply): RawReply {
  const meta = within(raw, raw.body, '_meta')
  const own = meta ? parse(raw.bytes, meta) : undefined
  if (!meta || !isObject(own) || !Object.hasOwn(own, RELATED_TASK)) return raw
  const { [RELATED_TASK]: _related, ...rest } = own
  return rescanned(replaceInBody(raw, [{ ...meta, text: JSON.stringify(rest) }]))
}

function rescanned(bytes: Buffer): RawReply {
  const raw = scanReply(bytes)
  if (raw === null) throw new Error('a result with an id of our own is no answer')
  return raw
}

/** What `_meta` says of which task something belongs to. */
export function relatedTask(params: JsonObject): string | null {
  const { _meta: meta } = params
  const related = isObject(meta) ? meta[RELATED_TASK] : undefined
  return isObject(related) && typeof related.taskId === 'string' ? related.taskId : null
}

/** The same, said of another id. */
export function relatedTo<Told extends JsonObject>(told: Told, taskId: string): Told {
  const meta = isObject(told._meta) ? told._meta : {}
  return { ...told, _meta: { ...meta, [RELATED_TASK]: { taskId } } }
}

const STATUSES: readonly Json[] = ['working', 'input_required', 'completed', 'failed', 'cancelled']

/**
 * The state of a task as the extension of 2026 has it (SEP-2663): flat, with times by other names.
 *
 * @param task as a server of 2025-11-25 says it
 * @returns null for what is no state of a task
 */
export function asTask2026(task: Json | undefined, taskId: string): JsonObject | null {
  if (!isObject(task) || !STATUSES.includes(task.status ?? null)) return null
  const { _meta, ttl = null, pollInterval, resultType: _type, ...rest } = task
  const poll = isWhole(pollInterval) ? { pollIntervalMs: pollInterval } : {}
  return { ...rest, taskId, ttlMs: isWhole(ttl) ? ttl : null, ...poll }
}

function isWhole(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
