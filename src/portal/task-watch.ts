/**
 * Tasks that a client of 2026 listens for (SEP-2663, `notifications/tasks`). What a server says of one is taken for a sign that something
 * changed, and no more: the portal then asks after the task as its caller would, so that each frame is decided, guarded, written with the
 * handle and recorded like the answer to `tasks/get`. What is not its caller's, or not there, is not acknowledged.
 */
import { Cancellation } from '../base/cancel.ts'
import type { DeedId, ServerUid } from '../base/ids.ts'
import { LIMITS } from '../config/limits.ts'
import { TASKS } from '../protocol/extensions.ts'
import { parse } from '../protocol/json-bytes.ts'
import type { Json, JsonObject, Notification, Reply, Request } from '../protocol/model.ts'
import type { TaskFollowing } from '../upstream/model.ts'
import type { Held } from './about-task.ts'
import { type Performed, passCheckpoint } from './checkpoint.ts'
import type { Errand } from './errand.ts'
import { isObject } from './read-params.ts'
import type { Rooms } from './rooms.ts'
import type { Scene } from './scene.ts'
import { findTask, goOnWithTask, NOTHING } from './tasks.ts'
import type { Visit } from './visit.ts'

const MOST = LIMITS.listened_tasks.value

/** Each is a deed of its own, part of the one that listens. @returns the handles that are this caller's, as things stand */
export async function admitTasks(
  asked: Json | undefined,
  asker: Pick<Scene, 'visit' | 'errand' | 'rooms'>,
  parent: DeedId,
): Promise<readonly string[]> {
  if (!Array.isArray(asked)) return []
  const handles = [...new Set(asked.filter((one) => typeof one === 'string'))].slice(0, MOST)
  const admitted: string[] = []
  for (const handle of handles) {
    const held = findTask(handle, asker)
    const target =
      held === null ? NOTHING : { kind: 'capability' as const, name: held.entry.publicName, entry: held.entry }
    const outcome = await passCheckpoint(
      { method: 'subscriptions/listen', target, parent, goesOn: true },
      asker,
      () => DONE,
    )
    if (outcome.kind === 'answered') admitted.push(handle)
  }
  return admitted
}

const DONE: Performed = { reply: { kind: 'result', result: {} }, credential: null, upstreamMs: 0 }

export interface TaskWatch {
  /** What the servers said that they tell of. */
  readonly honoured: readonly string[]
  close(): void
}

export interface Listening {
  visit: Visit
  /** The one that listens. */
  request: Request
  rooms: Rooms
}

/**
 * @param handles that `admitTasks` let through
 * @param on `tell` gets each frame without the mark of its subscription; `ended`: a server tells nothing any more
 */
export async function watchTasks(
  handles: readonly string[],
  listening: Listening,
  on: { tell(notification: Notification): void; ended(): void },
): Promise<TaskWatch> {
  const cancel = new Cancellation()
  const lookers = new Map<string, Looker>()
  const followings: { following: TaskFollowing; held: readonly Held[] }[] = []
  for (const held of byServer(handles, listening).values()) {
    const byId = new Map(held.map((one) => [one.note.id, one.handle]))
    for (const { handle } of held)
      lookers.set(handle, new Looker(() => look(handle, { ...listening, cancel }), on.tell))
    const told = (id: string) => lookers.get(byId.get(id) ?? '')?.look()
    followings.push({ following: follow(held, listening, { told, ended: on.ended }), held })
  }
  const live = await Promise.all(
    followings.map(async ({ following, held }) => {
      const ids = await following.honoured
      return held.filter(({ note }) => ids.includes(note.id)).map(({ handle }) => handle)
    }),
  )
  const honoured = new Set(live.flat())
  return {
    honoured: handles.filter((handle) => honoured.has(handle)),
    close() {
      cancel.cancel('nobody listens any more')
      for (const looker of lookers.values()) looker.close()
      for (const { following } of followings) following.close()
    },
  }
}

/** Only servers of 2026 tell; a task of 2025-11-25 is asked after. */
function byServer(handles: readonly string[], listening: Listening): Map<ServerUid, Held[]> {
  const all = handles.map((handle) => findTask(handle, listening)).filter((held) => held?.note.era === '2026')
  return Map.groupBy(all as Held[], ({ entry }) => entry.server.uid)
}

function follow(
  held: readonly Held[],
  { visit, rooms }: Listening,
  on: { told(id: string): void; ended(): void },
): TaskFollowing {
  const [{ entry } = noServer()] = held
  const { principal } = visit
  return rooms.upstreams.followTasks({
    ...{ serverUid: entry.server.uid, principal, session: null, onBehalf: entry.server.onBehalf },
    withoutCredential: principal.kind === 'anonymous' && !entry.server.bypassCredential,
    extensions: { [TASKS]: {} },
    ids: held.map(({ note }) => note.id),
    ...on,
  })
}

function noServer(): never {
  throw new Error('tasks of no server are followed')
}

/** @returns what is told of a task now; null where that is nothing to its caller any more */
async function look(
  handle: string,
  { visit, request, rooms, cancel }: Listening & { cancel: Cancellation },
): Promise<JsonObject | null> {
  const { progressToken: _none, ...meta } = request.meta
  const errand: Errand = {
    request: { id: request.id, method: 'tasks/get', params: { taskId: handle }, meta },
    ...{ headers: null, cancel, report: () => {}, inquire: null, linger: () => null },
  }
  const outcome = await goOnWithTask(await visit.anew(), errand, rooms)
  return outcome.kind === 'answered' ? taskIn(outcome.reply) : null
}

function taskIn(reply: Reply): JsonObject | null {
  const result =
    reply.kind === 'raw' && reply.outcome === 'result'
      ? parse(reply.bytes, reply.body)
      : reply.kind === 'result'
        ? reply.result
        : null
  if (!isObject(result ?? null)) return null
  const { resultType: _type, _meta, ...task } = result as JsonObject
  return task
}

/** However often a server says that something changed, it is asked once at a time, and once more for what was said meanwhile. */
class Looker {
  readonly #see: () => Promise<JsonObject | null>
  readonly #tell: (notification: Notification) => void
  #isLooking = false
  #isWanted = false
  #isClosed = false
  /** As JSON: what was told is not told again. */
  #last = ''

  constructor(see: () => Promise<JsonObject | null>, tell: (notification: Notification) => void) {
    this.#see = see
    this.#tell = tell
  }

  look(): void {
    this.#isWanted = true
    if (!this.#isLooking) void this.#lookWhileWanted()
  }

  close(): void {
    this.#isClosed = true
  }

  async #lookWhileWanted(): Promise<void> {
    this.#isLooking = true
    while (this.#isWanted && !this.#isClosed) {
      this.#isWanted = false
      // What cannot be recorded or decided now is not told; the client asks by itself.
      const task = await this.#see().catch(() => null)
      const text = JSON.stringify(task)
      if (task === null || this.#isClosed || text === this.#last) continue
      this.#last = text
      this.#tell({ method: 'notifications/tasks', params: task })
    }
    this.#isLooking = false
  }
}
