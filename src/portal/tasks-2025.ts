/**
 * Tasks of 2025-11-25 between a client and a server of that revision: the call that begins one, its state, its end, and its result, which
 * is waited for. The client has a handle in each place where the server says its id, and so has what the server asks and tells meanwhile.
 */
import { type FoundTask, findTask, relatedTo, withHandle } from '../protocol/era-2025/task.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Json, JsonObject, Notification, RawReply } from '../protocol/model.ts'
import { readRawError } from '../protocol/raw-error.ts'
import { giveUp, type Held, sendAbout } from './about-task.ts'
import type { Entry } from './catalog.ts'
import type { Performed } from './checkpoint.ts'
import { orLink, reachOwner } from './connect.ts'
import type { Errand } from './errand.ts'
import { isObject } from './read-params.ts'
import { relayed } from './relay.ts'
import { errorWithout, NO_TASK, ODD } from './run-as-task.ts'
import type { Scene } from './scene.ts'
import type { TaskNote } from './task-handles.ts'
import { unknownTask } from './unknown-task.ts'

/** @param params of the call, with the server's names */
export async function begin2025(entry: Entry, params: JsonObject, scene: Scene): Promise<Performed> {
  if (entry.tasks === null) return { reply: NO_TASK, credential: null, upstreamMs: 0 }
  const done = await reachOwner(entry, { ...params, task: ttlOf(scene.errand.request.params.task) }, scene)
  const { reply } = done
  if (reply.kind !== 'raw' || reply.outcome === 'error') return done
  const found = findTask(reply, 'created')
  if (found === null) return { ...done, reply: ODD }
  // A server that answers at once has made no task.
  if (found.id === null) return done
  const { meta } = scene.errand.request
  const progress = meta.progressToken ?? null
  const note: TaskNote = {
    ...{ server: entry.server.uid, tool: entry.original, hash: entry.hash, id: found.id },
    ...{ era: '2025', progress },
  }
  const handle = scene.rooms.tasks.seal(note, scene)
  if (handle !== null) return { ...done, reply: withHandle(reply, found, handle) }
  await giveUp({ note, entry }, scene)
  return { ...done, reply: ODD }
}

/** How long a task is kept is the server's to say; what is no time is not handed on. */
function ttlOf(wish: Json | undefined): JsonObject {
  const ttl = isObject(wish) ? wish.ttl : undefined
  return typeof ttl === 'number' && Number.isFinite(ttl) && ttl >= 0 ? { ttl } : {}
}

/** `tasks/get`, `tasks/cancel` and `tasks/result` of a client of 2025-11-25. */
export async function goOn2025(held: Held, scene: Scene): Promise<Performed> {
  const { method } = scene.errand.request
  if (method === 'tasks/result') return result2025(held, scene)
  const done = await orLink(scene, sendAbout(held, method, scene))
  const { reply } = done
  if (reply.kind !== 'raw') return done
  if (reply.outcome === 'error') return failed(done, reply, held, scene)
  return handed(done, reply, held, findTask(reply, 'itself'))
}

/** Waits until the task has ended. What its server asks meanwhile is asked here, and it is decided again before anybody sees the result. */
async function result2025(held: Held, scene: Scene): Promise<Performed> {
  const { note, entry } = held
  const errand = ofTask(scene.errand, held)
  const done = await orLink(scene, relayed(entry, { taskId: note.id }, { ...scene, errand }))
  await scene.decideAgain()
  const { reply } = done
  if (reply.kind !== 'raw') return done
  if (reply.outcome === 'error') return failed(done, reply, held, scene)
  return handed(done, reply, held, findTask(reply, 'result'))
}

function handed(done: Performed, reply: RawReply, { note, handle }: Held, found: FoundTask | null): Performed {
  const isOf = found !== null && (found.id === note.id || found.spans.length === 0)
  return { ...done, reply: isOf ? withHandle(reply, found, handle) : ODD }
}

/** What a server does not know any more nobody ever had; but one also says -32602 where there is nothing left to cancel. */
async function failed(done: Performed, reply: RawReply, held: Held, scene: Scene): Promise<Performed> {
  const { code } = readRawError(reply)
  const { method } = scene.errand.request
  if (code === ErrorCode.InvalidParams && (method === 'tasks/get' || !(await isKnown(held, scene))))
    return unknownTask(done)
  return { ...done, reply: errorWithout(held.note.id, reply, held.handle) }
}

/** Whether its server still has it. @throws what a call throws */
export async function isKnown(held: Held, scene: Scene): Promise<boolean> {
  const { reply } = await sendAbout(held, 'tasks/get', scene)
  return reply.kind === 'raw' && reply.outcome === 'result'
}

/** The request for a task's result, whose messages name the handle. */
function ofTask(errand: Errand, held: Held): Errand {
  const { inquire } = errand
  return {
    ...errand,
    report(notification) {
      const told = handOn(notification, held)
      if (told !== null) errand.report(told)
    },
    inquire:
      inquire === null ? null : (method, params, signal) => inquire(method, relatedTo(params, held.handle), signal),
  }
}

/**
 * What comes on the stream of a task's result is of the task. Progress of it bears the token of our own call that began it; progress of
 * this request bears none any more.
 *
 * @returns null for progress that nobody asked for
 */
function handOn({ method, params }: Notification, { note, handle }: Held): Notification | null {
  if (method === 'notifications/tasks/status') return { method, params: { ...params, taskId: handle } }
  if (method !== 'notifications/progress') return { method, params: relatedTo(params, handle) }
  if (params.progressToken === undefined) return { method, params }
  if (note.progress === null) return null
  return { method, params: relatedTo({ ...params, progressToken: note.progress }, handle) }
}
