/**
 * A tool that a server of 2025-11-25 runs as a task and in no other way, for a client of 2026 that declared the extension: the server's
 * task is shown as one of the extension (SEP-2663). Its state is asked for with each request; when it has ended, so is its result.
 *
 * The server is told of nobody who could be asked: between two requests there is no way to the client. One that asks all the same ends
 * the task, in words.
 */
import { asTask2026, findTask, RELATED_TASK } from '../protocol/era-2025/task.ts'
import { ErrorCode } from '../protocol/errors.ts'
import { parse } from '../protocol/json-bytes.ts'
import type { Json, JsonObject, RawReply, RpcError } from '../protocol/model.ts'
import { readRawError } from '../protocol/raw-error.ts'
import { bare, giveUp, type Held, sendAbout } from './about-task.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import { orLink, reachOwner } from './connect.ts'
import { isObject } from './read-params.ts'
import { errorWithout, ODD, TASK_TTL } from './run-as-task.ts'
import type { Scene } from './scene.ts'
import { sendToOwner } from './send-to-owner.ts'
import type { TaskNote } from './task-handles.ts'
import { isKnown } from './tasks-2025.ts'
import { unknownTask } from './unknown-task.ts'

/** @param params of the call, with the server's names */
export async function beginBetween(entry: Entry, params: JsonObject, scene: Scene): Promise<Performed> {
  const done = await reachOwner(entry, { ...params, task: { ttl: TASK_TTL } }, scene, (at, sent, now) =>
    sendToOwner(at, sent, { ...now, visit: bare(now.visit) }),
  )
  const { reply } = done
  if (reply.kind !== 'raw' || reply.outcome === 'error') return done
  const found = findTask(reply, 'created')
  if (found === null) return { ...done, reply: ODD }
  if (found.id === null) return done
  const note: TaskNote = {
    ...{ server: entry.server.uid, tool: entry.original, hash: entry.hash, id: found.id },
    ...{ era: '2025', progress: null },
  }
  const handle = scene.rooms.tasks.seal(note, scene)
  const task = handle === null ? null : asTask2026(bodyOf(reply).task, handle)
  if (task !== null) return { ...done, reply: { kind: 'result', result: { ...task, resultType: 'task' } } }
  await giveUp({ note, entry }, scene)
  return { ...done, reply: ODD }
}

/** `tasks/get`, `tasks/update` and `tasks/cancel` of the extension, about a task of 2025-11-25. */
export function goOnBetween(held: Held, scene: Scene): Promise<Performed> {
  return orLink(scene, scene.errand.request.method === 'tasks/cancel' ? cancel(held, scene) : look(held, scene))
}

/** To be cancelled twice, or too late, is no error here. */
async function cancel(held: Held, scene: Scene): Promise<Performed> {
  const done = await sendAbout(held, 'tasks/cancel', scene)
  const { reply } = done
  if (reply.kind !== 'raw') return done
  if (reply.outcome === 'result') return { ...done, reply: { kind: 'result', result: {} } }
  if (readRawError(reply).code !== ErrorCode.InvalidParams)
    return { ...done, reply: errorWithout(held.note.id, reply, held.handle) }
  return (await isKnown(held, scene)) ? { ...done, reply: { kind: 'result', result: {} } } : unknownTask(done)
}

async function look(held: Held, scene: Scene): Promise<Performed> {
  const { note, handle } = held
  const done = await sendAbout(held, 'tasks/get', scene)
  const { reply } = done
  if (reply.kind !== 'raw') return done
  if (reply.outcome === 'error') {
    const isGone = readRawError(reply).code === ErrorCode.InvalidParams
    return isGone ? unknownTask(done) : { ...done, reply: errorWithout(note.id, reply, handle) }
  }
  const task = findTask(reply, 'itself')?.id === note.id ? asTask2026(bodyOf(reply), handle) : null
  if (task === null) return { ...done, reply: ODD }
  // Nothing of it can be asked, so there is nothing that an answer could be to.
  if (scene.errand.request.method === 'tasks/update') return { ...done, reply: { kind: 'result', result: {} } }
  if (task.status === 'input_required') {
    await giveUp(held, scene)
    return show(done, { ...task, ...failedWith(asksInVain(held)) }, 'not-answered')
  }
  const isOver = task.status === 'completed' || task.status === 'failed'
  return isOver ? show(done, { ...task, ...(await endOf(held, scene)) }) : show(done, task)
}

/** A tool that failed has a result that says so, and its task was completed; to fail is not to have answered at all (SEP-2663). */
async function endOf(held: Held, scene: Scene): Promise<JsonObject> {
  const { note, handle } = held
  const { reply } = await sendAbout(held, 'tasks/result', scene)
  if (reply.kind !== 'raw') return failedWith(NO_RESULT)
  if (reply.outcome === 'error') {
    const hidden = errorWithout(note.id, reply, handle)
    return failedWith(hidden.kind === 'error' ? hidden.error : NO_RESULT)
  }
  const { _meta: meta, ...result } = bodyOf(reply)
  const { [RELATED_TASK]: _related, ...marks } = isObject(meta) ? meta : {}
  const own = Object.keys(marks).length > 0 ? { _meta: marks } : {}
  return { status: 'completed', result: { resultType: 'complete', ...result, ...own } }
}

function failedWith({ code, message }: RpcError): JsonObject {
  return { status: 'failed', error: { code, message } }
}

const NO_RESULT: RpcError = { code: ErrorCode.InternalError, message: 'The server gave no result of its task.' }

function asksInVain({ entry }: Held): RpcError {
  const why = 'asked for something in its task, and there is no way to ask a client of 2026 for it'
  return { code: ErrorCode.InternalError, message: `${entry.server.name} ${why}. The task was cancelled.` }
}

function show(done: Performed, result: JsonObject, error?: string): Performed {
  return { ...done, reply: { kind: 'result', result }, ...(error === undefined ? {} : { note: { error } }) }
}

function bodyOf(raw: RawReply): JsonObject {
  const body: Json | undefined = parse(raw.bytes, raw.body)
  return isObject(body) ? body : {}
}
