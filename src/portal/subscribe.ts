/**
 * Saying which resources one wants to hear of: `resources/subscribe` and `resources/unsubscribe` (2025), and the same as part of
 * `subscriptions/listen` (2026). Each URI is a deed of its own, decided like a read of it: what may not be read, or is not there, is
 * unknown in the same bytes, or in the same silence.
 */
import type { DeedId, ServerUid } from '../base/ids.ts'
import { LIMITS } from '../config/limits.ts'
import { ErrorCode } from '../protocol/errors.ts'
import type { Json } from '../protocol/model.ts'
import type { Entry } from './catalog.ts'
import { type Outcome, type Performed, passCheckpoint } from './checkpoint.ts'
import type { Errand } from './errand.ts'
import { mayHear, tellsOfChanges } from './may-hear.ts'
import { badInput, isObject } from './read-params.ts'
import type { Rooms } from './rooms.ts'
import type { Scene } from './scene.ts'
import type { Subscription } from './subscription-store.ts'
import { findTarget, ownUri, PORTAL } from './target.ts'
import { admitTasks } from './task-watch.ts'
import { declaresTasks, needsTasks } from './tasks.ts'
import type { Visit } from './visit.ts'

const NO_URI = '"uri" must be the URI of a resource.'
const MOST = LIMITS.resource_subscriptions.value

export function subscribe(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { uri } = params
  if (typeof uri !== 'string') return badInput(visit, errand, rooms, NO_URI)
  const target = findTarget(visit, 'resource', uri)
  const input = { uri: ownUri(target, uri) }
  return passCheckpoint({ method, target, input }, { visit, errand, rooms }, async (scene) => {
    const { session } = visit
    if (session === null) throw new Error('subscribed to without a session')
    const wanted = wantedIn(scene, uri)
    if (wanted === null) return refuse(NOT_TOLD)
    return (await rooms.subscriptions.add(session, wanted)) ? DONE : refuse(TOO_MANY)
  })
}

/** What one does not want any more one need not be allowed: it ends, whatever the answer says of the name. */
export async function unsubscribe(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { uri } = params
  if (typeof uri !== 'string') return badInput(visit, errand, rooms, NO_URI)
  const target = findTarget(visit, 'resource', uri)
  const drop = async () => {
    if (visit.session !== null) await rooms.subscriptions.drop(visit.session, uri)
    return DONE
  }
  const input = { uri: ownUri(target, uri) }
  const outcome = await passCheckpoint({ method, target, input }, { visit, errand, rooms }, drop)
  if (outcome.kind === 'refused') await drop()
  return outcome
}

/** Admits the listener and records it; the door opens the stream, and takes from the reply what resources it is for. */
export function listen(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const filter = params.notifications
  const asked = isObject(filter) ? filter.resourceSubscriptions : undefined
  if (isObject(filter) && filter.taskIds !== undefined && !declaresTasks(visit)) return needsTasks(visit, errand, rooms)
  return passCheckpoint({ method, target: PORTAL }, { visit, errand, rooms }, async ({ deed }) => {
    const uris = urisIn(asked)
    const asking = { visit, errand, rooms }
    const admitted = await Promise.all(uris.map((uri) => admit(uri, asking, deed)))
    const watched = admitted.filter((one) => one !== null).map((one) => ({ ...one }))
    const tasks = await admitTasks(isObject(filter) ? filter.taskIds : undefined, asking, deed)
    return { ...DONE, reply: { kind: 'result', result: { watched, tasks } } }
  })
}

/** What `listen` admitted, of its reply. */
export function watchedIn(watched: Json | undefined): readonly Subscription[] {
  if (!Array.isArray(watched)) return []
  return watched.filter(isObject).map(({ uri, serverUid, hasMetTerms }) => ({
    uri: String(uri),
    serverUid: String(serverUid) as ServerUid,
    hasMetTerms: hasMetTerms === true,
  }))
}

/** As many as may be; those behind them are not honoured. */
function urisIn(asked: Json | undefined): readonly string[] {
  if (!Array.isArray(asked)) return []
  return [...new Set(asked.filter((uri) => typeof uri === 'string'))].slice(0, MOST)
}

/** @returns null where it is not honoured, for whatever reason */
async function admit(
  uri: string,
  asking: Pick<Scene, 'visit' | 'errand' | 'rooms'>,
  parent: DeedId,
): Promise<Subscription | null> {
  const target = findTarget(asking.visit, 'resource', uri)
  let wanted: Subscription | null = null
  const input = { uri: ownUri(target, uri) }
  await passCheckpoint({ method: 'resources/subscribe', target, input, parent }, asking, (scene) => {
    wanted = wantedIn(scene, uri)
    return wanted === null ? refuse(NOT_TOLD) : DONE
  })
  return wanted
}

/** @returns null where the server does not tell of changes */
function wantedIn({ visit, target, rooms }: Scene, uri: string): Subscription | null {
  const { server, serverIndex } = entryOf(target)
  if (!tellsOfChanges(visit, serverIndex, rooms.upstreams)) return null
  return { uri, serverUid: server.uid, hasMetTerms: mayHear(visit, uri)?.hasTerms === true }
}

function entryOf(target: Scene['target']): Entry {
  if (target.kind !== 'capability') throw new Error(`the checkpoint let through a target of kind ${target.kind}`)
  return target.entry
}

const DONE: Performed = { reply: { kind: 'result', result: {} }, credential: null, upstreamMs: 0 }

const NOT_TOLD = 'The server of this resource does not tell when it changes. Read it again instead.'
const TOO_MANY = `This session has subscribed to ${MOST} resources, which is as many as it may. Unsubscribe from one.`

function refuse(message: string): Performed {
  return { ...DONE, reply: { kind: 'error', error: { code: ErrorCode.InvalidParams, message } } }
}
