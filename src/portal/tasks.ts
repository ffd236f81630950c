/**
 * Tasks of servers: a call that its server makes a task of, and what its caller asks of that task later. Those of the extension (SEP-2663)
 * are here; of 2025-11-25, see `tasks-2025.ts`, and for a client of the extension `tasks-between.ts`. The server's id never leaves; what
 * takes its place is good for this caller alone.
 *
 * Each request about a task is a deed, decided like a call of its tool by the policies and the definition of now. Forged, forgotten,
 * denied and somebody else's look alike. What is not allowed any more is cancelled at its server.
 */
import { readInputRequired } from '../protocol/era-2026/question.ts'
import { isTask, readTaskResult, withOwnTask } from '../protocol/era-2026/task.ts'
import { ErrorCode, methodNotFound } from '../protocol/errors.ts'
import { relayedExtensions, TASKS } from '../protocol/extensions.ts'
import { parse } from '../protocol/json-bytes.ts'
import type { Json, JsonObject, RawReply } from '../protocol/model.ts'
import { readRawError, unreadableReply } from '../protocol/raw-error.ts'
import { giveUp, type Held } from './about-task.ts'
import type { Entry } from './catalog.ts'
import { type Outcome, type Performed, passCheckpoint } from './checkpoint.ts'
import { reachOwner, reachUnasked } from './connect.ts'
import type { Errand } from './errand.ts'
import { badInput, isObject } from './read-params.ts'
import { askableAt } from './relay-askable.ts'
import type { Relayed } from './relay-put.ts'
import { MOST_OPEN, putAll, withoutMarks } from './relay-round.ts'
import type { Rooms } from './rooms.ts'
import type { Scene } from './scene.ts'
import { PORTAL, type Target } from './target.ts'
import type { TaskNote } from './task-handles.ts'
import { knowsTasks2025 } from './task-support.ts'
import { begin2025, goOn2025 } from './tasks-2025.ts'
import { beginBetween, goOnBetween } from './tasks-between.ts'
import { unknownTask } from './unknown-task.ts'
import type { Visit } from './visit.ts'

/** Whether this very request says that its client knows tasks. */
export function declaresTasks({ client }: Pick<Visit, 'client'>): boolean {
  return client.era === '2026' && relayedExtensions(client.capabilities, client.era)?.[TASKS] !== undefined
}

/** -32021 (SEP-2663), recorded as what was asked for. */
export function needsTasks(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  return passCheckpoint({ method: errand.request.method, target: PORTAL }, { visit, errand, rooms }, () => ({
    reply: { kind: 'error', error: UNDECLARED },
    credential: null,
    upstreamMs: 0,
  }))
}

const UNDECLARED = {
  code: ErrorCode.MissingClientCapability,
  message: `This request needs what its client did not declare: ${TASKS}.`,
  data: { requiredCapabilities: { extensions: { [TASKS]: {} } } },
}

/** Whether the client wants the call to be a task, in the words of 2025-11-25. */
export function asksForTask({ visit, errand }: Pick<Scene, 'visit' | 'errand'>): boolean {
  return isObject(errand.request.params.task) && knowsTasks2025(visit)
}

/** The call of a tool that may be run as a task of 2025-11-25, or whose caller wants it to be. Nearly no call comes here. */
export function callAsTask(entry: Entry, params: JsonObject, scene: Scene): Promise<Performed> {
  if (asksForTask(scene)) return begin2025(entry, params, scene)
  return entry.tasks === 'required' && declaresTasks(scene.visit)
    ? beginBetween(entry, params, scene)
    : reachOwner(entry, params, scene)
}

/** The call of a tool, of which its server made a task: the caller gets a handle. Any other result is left alone. */
export async function takeTask(done: Performed, entry: Entry, scene: Scene): Promise<Performed> {
  const { reply } = done
  if (!isTask(reply)) return done
  const { visit, rooms } = scene
  const read = declaresTasks(visit) && !isOlder(entry, scene) ? readTaskResult(reply) : null
  if (read === null || read.taskId === null) return odd(done)
  const note: TaskNote = {
    server: entry.server.uid,
    tool: entry.original,
    hash: entry.hash,
    id: read.taskId,
    ...OF_2026,
  }
  const handle = rooms.tasks.seal(note, scene)
  // A question may not come by a way on which it is not looked at.
  if (handle !== null && !read.asks) return { ...done, reply: withOwnTask(reply, { taskId: handle }) }
  await giveUp({ note, entry }, scene)
  return odd(done)
}

const OF_2026 = { era: '2026', progress: null } as const

/** `tasks/get`, `tasks/update`, `tasks/cancel`, and of 2025-11-25 `tasks/result`. */
export async function goOnWithTask(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  if (visit.client.era === '2025' ? !knowsTasks2025(visit) : !declaresTasks(visit))
    return visit.client.era === '2025' ? notThere(method) : needsTasks(visit, errand, rooms)
  const { taskId: handle, inputResponses } = params
  if (typeof handle !== 'string') return badInput(visit, errand, rooms, '"taskId" must be the id of a task.')
  if (method === 'tasks/update' && !isObject(inputResponses))
    return badInput(visit, errand, rooms, '"inputResponses" must be an object.')
  const asker = { visit, errand, rooms }
  const held = findTask(handle, asker)
  if (held === null) return passCheckpoint({ method, target: NOTHING }, asker, () => unknownTask(null))
  const { entry } = held
  const target: Target = { kind: 'capability', name: entry.publicName, entry }
  const outcome = await passCheckpoint({ method, target, goesOn: true }, asker, (scene) => goOn(held, scene))
  if (outcome.kind === 'refused' && outcome.reason === 'not-allowed') void giveUp(held, asker)
  return outcome
}

/** To sessions of the revisions before. */
function notThere(method: string): Outcome {
  return { kind: 'answered', reply: { kind: 'error', error: methodNotFound(method) } }
}

/** The handle is no name that anybody should read in an audit. */
export const NOTHING: Target = { kind: 'nothing', name: 'task' }

/** @returns null also where the tool is not what it was when its task began */
export function findTask(handle: string, { visit, rooms }: Pick<Scene, 'visit' | 'rooms'>): Held | null {
  const note = rooms.tasks.open(handle, { visit })
  if (note === null) return null
  const entry = visit.catalog
    .entries('tool')
    .find(
      ({ server, original, hash }) =>
        server.uid === note.server && original === note.tool && hash.startsWith(note.hash),
    )
  return entry === undefined || isOlder(entry, { visit, rooms }) !== (note.era === '2025')
    ? null
    : { handle, note, entry }
}

/** A server that is of another revision by now has no tasks of the kind that it had. */
function isOlder({ server, serverIndex }: Entry, { visit, rooms }: Pick<Scene, 'visit' | 'rooms'>): boolean {
  return (visit.own.get(serverIndex) ?? rooms.upstreams.inventory(server.uid))?.era === '2025'
}

function goOn(held: Held, scene: Scene): Promise<Performed> {
  if (held.note.era === '2026') return goOn2026(held, scene)
  return scene.visit.client.era === '2025' ? goOn2025(held, scene) : goOnBetween(held, scene)
}

async function goOn2026({ handle, note, entry }: Held, scene: Scene): Promise<Performed> {
  const { visit, errand } = scene
  const { method, params } = errand.request
  const askable = askableAt(entry.server, { visit, errand, era: '2026' })
  const sent: JsonObject =
    method === 'tasks/update'
      ? { taskId: note.id, inputResponses: answersIn(params.inputResponses) }
      : { taskId: note.id }
  const done = await reachUnasked(entry, sent, scene, askable === null ? {} : { askable })
  const { reply } = done
  if (reply.kind !== 'raw') return done
  if (reply.outcome === 'error') return isUnknown(reply, note, method) ? unknownTask(done) : done
  const read = readTaskResult(reply)
  const isOf = read?.taskId === note.id || (read?.taskId === null && method !== 'tasks/get')
  if (read === null || !isOf || (reply.has.resultType ?? 'complete') !== 'complete') return odd(done)
  if (!read.asks) return { ...done, reply: withOwnTask(reply, { taskId: handle }) }
  const call: Relayed = { entry, params: sent, scene, askable, lacking: [] }
  return withQuestions({ done, reply }, { handle, note, entry }, call)
}

/** The caller's own words; no marks of the client's. Keys that the server did not ask by are the server's to ignore (SEP-2663). */
function answersIn(responses: Json | undefined): JsonObject {
  const own = Object.entries(isObject(responses) ? responses : {})
  return Object.fromEntries(own.map(([key, answer]) => [key, withoutMarks(answer)]))
}

/** What a server does not know any more nobody ever had. Its words may hold its own id, which is nobody's here. */
function isUnknown(reply: RawReply, { id }: TaskNote, method: string): boolean {
  const { code, message } = readRawError(reply)
  return code === ErrorCode.InvalidParams && (method !== 'tasks/update' || message.includes(id))
}

/** The task waits for answers: its questions are put as those of a call are, and one that may not be put is the end of it. */
async function withQuestions(
  { done, reply }: { done: Performed; reply: RawReply },
  held: Held,
  call: Relayed,
): Promise<Performed> {
  const required = readInputRequired(reply)
  if (required === null) return ended('asked for something that cannot be understood')
  if (required.questions.size > MOST_OPEN) return ended('asked more than three things at once')
  const put = await putAll(required.questions, call)
  if ('refused' in put) return ended(put.refused)
  return { ...done, reply: withOwnTask(reply, { taskId: held.handle, asked: put.asked }) }

  async function ended(why: string): Promise<Performed> {
    await giveUp(held, call.scene)
    const { inputRequests, ...task } = (parse(reply.bytes, reply.body) ?? {}) as JsonObject
    const message = `${held.entry.server.name} ${why}. The task was cancelled; what it did until then is not known.`
    const error = { code: ErrorCode.InternalError, message }
    const result: JsonObject = { ...task, taskId: held.handle, status: 'failed', error }
    return { ...done, reply: { kind: 'result', result }, note: { error: 'not-answered' } }
  }
}

/** The server broke the rules of tasks. */
function odd(done: Performed): Performed {
  return { ...done, reply: { kind: 'error', error: unreadableReply() } }
}
