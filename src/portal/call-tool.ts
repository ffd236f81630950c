/** `tools/call`: one of the portal's own tools, or one of a server's; either way the checkpoint decides whether it runs. */

import { wrapsOutput } from '../protocol/era-2025/structured.ts'
import { checkParamHeaders } from '../protocol/era-2026/param-headers.ts'
import type { JsonObject } from '../protocol/model.ts'
import { BUILTINS } from './builtin.ts'
import type { Entry } from './catalog.ts'
import { type Outcome, type Performed, passCheckpoint } from './checkpoint.ts'
import { reachOwner } from './connect.ts'
import type { NestedCall } from './context/nested.ts'
import type { Errand } from './errand.ts'
import { badInput, isObject } from './read-params.ts'
import type { Rooms } from './rooms.ts'
import { NO_TASK } from './run-as-task.ts'
import type { Scene } from './scene.ts'
import { findTarget, type Target } from './target.ts'
import { asksForTask, callAsTask, takeTask } from './tasks.ts'
import type { Visit } from './visit.ts'

export function callTool(visit: Visit, errand: Errand, rooms: Rooms): Promise<Outcome> {
  const { method, params } = errand.request
  const { name, arguments: input = {} } = params
  if (typeof name !== 'string') return badInput(visit, errand, rooms, '"name" must be the name of a tool.')
  if (!isObject(input)) return badInput(visit, errand, rooms, '"arguments" must be an object.')
  const target = findTarget(visit, 'tool', name)
  const asks = target.kind !== 'builtin' || BUILTINS.get(target.name)?.passesOn !== true
  return passCheckpoint({ method, target, input, asks }, { visit, errand, rooms }, (scene) => perform(input, scene))
}

/** A tool of a server, as part of another call, whose id the deed has; the portal's own are no tools to this. */
export function callNested({ name, input, meant, errand }: NestedCall, visit: Visit, scene: Scene): Promise<Outcome> {
  const found = findTarget({ catalog: visit.catalog, mounted: true }, 'tool', name)
  const target: Target = meant === undefined || isSame(found, meant) ? found : { kind: 'nothing', name }
  const deed = { method: 'tools/call', target, input, asks: true, parent: scene.deed }
  return passCheckpoint(deed, { visit, errand, rooms: scene.rooms }, (own) => perform(input, own))
}

function isSame(found: Target, { server, original }: Entry): boolean {
  return found.kind === 'capability' && found.entry.server.uid === server.uid && found.entry.original === original
}

async function perform(input: JsonObject, scene: Scene): Promise<Performed> {
  const { errand, target } = scene
  if (target.kind === 'builtin') {
    if (asksForTask(scene)) return { reply: NO_TASK, credential: null, upstreamMs: 0 }
    const done = await BUILTINS.get(target.name)?.run(input, scene)
    if (done === undefined) throw new Error(`there is no built-in tool ${target.name}`)
    return { ...done, credential: null, upstreamMs: 0 }
  }
  if (target.kind !== 'capability') throw new Error(`the checkpoint let through a target of kind ${target.kind}`)
  const { entry } = target
  // Only now: before the decision, a header error would tell a forbidden tool from an unknown one.
  const isShown = scene.visit.mode === 'all'
  const wrong = errand.headers && checkParamHeaders(entry.listed, input, errand.headers, isShown)
  if (wrong) return { reply: { kind: 'error', error: wrong }, credential: null, upstreamMs: 0 }
  const params = { name: entry.original, arguments: input }
  if (entry.tasks !== null || errand.request.params.task !== undefined) return callAsTask(entry, params, scene)
  const reached = reachOwner(entry, params, scene)
  if (scene.visit.client.era === '2025' && wrapsOutput(entry.listed)) return reached.then(wrapped)
  // Only who declared an extension gets a task, so nearly every call is spared the look.
  const { extensions } = scene.visit.client.capabilities
  return extensions === undefined ? reached : reached.then((done) => takeTask(done, entry, scene))
}

/** Its client was shown the schema of an object, which this is to be as well. */
function wrapped(done: Performed): Performed {
  return done.reply.kind === 'raw' ? { ...done, reply: { ...done.reply, isWrapped: true } } : done
}
